/* Rate conversion by a polyphase FIR, block by block of 10 ms: both rates are multiples of 100 Hz, so a block in is
 * always exactly a block out. The filters are shared tables, made when a pair of rates is first used. */
#ifndef OFFHOOK_RESAMPLE_H
#define OFFHOOK_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"

enum { RESAMPLE_MAX_BLOCK = 1920 /* 10 ms at 192 kHz */ };

struct resample_filter; /* one pair of rates */

struct resampler {
    const struct resample_filter *filter;
    int16_t *history; /* the last taps - 1 samples in */
};

/* Prepare for a pair of rates; false when they cannot be converted or there is no memory. */
bool resampler_init(struct resampler *resampler, struct slab *slab, int rate_in, int rate_out);
void resampler_end(struct resampler *resampler, struct slab *slab);

/* True when it converts that pair. */
bool resampler_is_for(const struct resampler *resampler, int rate_in, int rate_out);

/* rate_in / 100 samples in, rate_out / 100 samples out. in and out must not overlap. */
void resampler_run(struct resampler *resampler, const int16_t *in, int16_t *out);

/* The same for a part of a block whose length is a multiple of rate_in / gcd(rate_in, rate_out): returns samples out.
 */
int resampler_run_part(struct resampler *resampler, const int16_t *in, int samples, int16_t *out);

#endif
