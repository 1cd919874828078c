/* Level: gains in fixed point, mean loudness, and watches on sound and silence. */
#ifndef OFFHOOK_LEVEL_H
#define OFFHOOK_LEVEL_H

#include "leg.h"

enum { UNITY = 4096 };

/* Gain of a level in dB, Q12. */
int level_gain(double db);

void level_apply(int16_t *samples, int n, int gain);

/* Dynamic range, Q12 (1.0 and more): what is quiet becomes `ratio` times as loud, what is loud is pressed together
 * below full scale. */
void level_compress(int16_t *samples, int n, int ratio);

/* out = a + b, saturated. out may be a. */
void level_add(int16_t *out, const int16_t *a, const int16_t *b, int n);

/* Feed 10 ms (samples NULL: silence). True when 20 ms are complete and loudness->mean is new. */
bool loudness_feed(struct loudness *loudness, const int16_t *samples, int n);

/* 20 ms more of that mean magnitude. */
void watch_feed(struct watch *watch, int mean);

#endif
