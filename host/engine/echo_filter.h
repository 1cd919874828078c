/* The foreground of the echo canceller: the response that is applied. It never adapts, it is only given new taps.
 *
 * No delay: the first 64 taps are summed sample by sample; what later taps add to a block of 64 is known before the
 * block begins, and comes from transforms of 128 (partitioned overlap-save). */
#ifndef OFFHOOK_ECHO_FILTER_H
#define OFFHOOK_ECHO_FILTER_H

#include "echo_fft.h"

struct echo_filter;

/* taps: a multiple of BLOCK. fft: of BLOCK points, kept by the caller. NULL without memory. */
struct echo_filter *echo_filter_create(unsigned taps, const struct fft *fft);
void echo_filter_destroy(struct echo_filter *filter);

/* The echo of a chunk. True when it was the last of a block: then echo_filter_block must be called before the next. */
bool echo_filter_chunk(struct echo_filter *filter, const word sent[CHUNK], word echo[CHUNK]);
void echo_filter_block(struct echo_filter *filter);

/* Take over taps in the lanes of a mask; between blocks. */
void echo_filter_load(struct echo_filter *filter, const word *taps, mask where);

/* No response at all. */
void echo_filter_clear(struct echo_filter *filter, mask where);

const word *echo_filter_taps(const struct echo_filter *filter);

#endif
