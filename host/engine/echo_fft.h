/* Real transforms of 2n points at odd frequencies, for words of lanes.
 *
 * X[k] = sum over t of x[t] exp(-i pi t (2k + 1/2) / n), k = 0 .. n-1: with these n complex values of odd frequencies
 * everything about 2n real ones is said (the others are their conjugates), so the work is one complex transform of n
 * points and nothing to take apart after it. Products convolve with a change of sign where they wrap round. The order
 * of the values is that of the butterflies, not of frequency: nobody here needs to know which is which. */
#ifndef OFFHOOK_ECHO_FFT_H
#define OFFHOOK_ECHO_FFT_H

#include "echo_lanes.h"

struct fft;

/* points: a power of two from 16; NULL without memory. */
struct fft *fft_create(unsigned points);
void fft_destroy(struct fft *fft);

/* in: 2n reals. out: n values. */
void fft_forward(const struct fft *fft, const word *in, struct cword *out);

/* When one half of the 2n is silence: in is the other, n reals. */
void fft_forward_first(const struct fft *fft, const word *in, struct cword *out);
void fft_forward_last(const struct fft *fft, const word *in, struct cword *out);

/* The reverse; in is used up. out: 2n reals. */
void fft_inverse(const struct fft *fft, struct cword *in, word *out);

/* When one half is wanted: out is that, n reals. */
void fft_inverse_first(const struct fft *fft, struct cword *in, word *out);
void fft_inverse_last(const struct fft *fft, struct cword *in, word *out);

#endif
