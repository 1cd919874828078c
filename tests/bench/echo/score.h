/* What a canceller made of a case. Times in samples. */
#ifndef OFFHOOK_BENCH_SCORE_H
#define OFFHOOK_BENCH_SCORE_H

#include <stdint.h>

/* What came back over what was passed on, dB. */
double erle(const int16_t *heard, const int16_t *out, int from, int to);

/* Seconds from `from` to the first of four consecutive active windows of 25 ms with at least that ERLE; to - from when
 * there is none. Active: within 16 dB of the active level. */
double time_to(const int16_t *heard, const int16_t *out, int from, int to, double db);

/* Level and peak of a meter of 35 ms, dBm0. */
double level(const int16_t *samples, int from, int to);
double peak_level(const int16_t *samples, int from, int to);

/* Some figures of one kind, one a case. */
struct tally {
    double values[512];
    int count;
};

void tally_add(struct tally *tally, double value);
double tally_mean(const struct tally *tally);
double tally_median(const struct tally *tally);
double tally_most(const struct tally *tally);
double tally_least(const struct tally *tally);

#endif
