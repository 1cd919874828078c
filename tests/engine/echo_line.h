/* A line with a hybrid, for tests of the echo canceller: what is sent to it, what is heard from it, what is passed on.
 */
#ifndef OFFHOOK_TEST_ECHO_LINE_H
#define OFFHOOK_TEST_ECHO_LINE_H

#include "check.h"
#include "echo.h"
#include "g711.h"

enum { RATE = 8000, MOST = 20 * RATE };

static int16_t sent[MOST], heard[MOST], out[MOST];

/* Coloured noise in syllables of 160 ms and pauses of 80: far end and near end. */
static inline void make_speech(int16_t *to, int from, int count, double rms, int colour, int offset)
{
    double low = 0;
    for (int i = from; i < from + count; i++) {
        double white = ((int)random_number(20001) - 10000) / 5773.0;
        low += 0.25 * (white - low);
        double x = colour ? low * 2.2 + 0.3 * white : white;
        int at = (i + offset) % (RATE * 24 / 100);
        double swell = at < RATE * 16 / 100 ? sin(M_PI * at / (RATE * 16 / 100.0)) * 1.4 : 0;
        to[i] = (int16_t)lrint(fmax(-32768, fmin(32767, x * swell * rms)));
    }
}

struct hybrid {
    int delay;
    double gain, decay;
};

/* What comes back: echo of `sent`, added to what is in `heard`. */
static inline void add_echo(int from, int count, struct hybrid hybrid)
{
    for (int i = from; i < from + count; i++) {
        double sum = 0, gain = hybrid.gain;
        for (int k = 0; k < 60; k++, gain *= -hybrid.decay) {
            int at = i - hybrid.delay - k;
            sum += at < 0 ? 0 : gain * sent[at];
        }
        heard[i] = (int16_t)lrint(fmax(-32768, fmin(32767, heard[i] + sum)));
    }
}

static inline void clear(void)
{
    memset(sent, 0, sizeof sent);
    memset(heard, 0, sizeof heard);
    check_seed = 4711;
}

static inline void pass_companded(int count)
{
    for (int i = 0; i < count; i++) {
        sent[i] = g711_alaw_linear[g711_to_alaw(sent[i])];
        heard[i] = g711_alaw_linear[g711_to_alaw(heard[i])];
    }
}

static inline void run_from(struct echo *echo, int from, int count)
{
    for (int at = from; at + ECHO_SAMPLES <= from + count; at += ECHO_SAMPLES)
        echo_process(echo, (const int16_t(*)[ECHO_SAMPLES])(sent + at), (const int16_t(*)[ECHO_SAMPLES])(heard + at),
                     (int16_t(*)[ECHO_SAMPLES])(out + at));
}

static inline double erle(double from_s, double to_s)
{
    int from = (int)(from_s * RATE), n = (int)(to_s * RATE) - from;
    return 20 * log10((rms_of(heard + from, n) + 1e-3) / (rms_of(out + from, n) + 1e-3));
}

static inline struct echo *plain(unsigned tail)
{
    struct echo *echo = echo_create(1, tail);
    echo_nlp(echo, 0, false);
    return echo;
}

static const struct hybrid NEAR_ONE = {40, 0.30, 0.75}, OTHER = {90, -0.25, 0.6};

#endif
