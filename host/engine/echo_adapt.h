/* The background of the echo canceller: recursive least squares, solved by conjugate gradients in the frequency domain.
 *
 * It minimises, over everything heard so far, the sum of weight * forget^age * |heard - response * sent|^2, with the
 * full correlation of what was sent, not only its diagonal. So equations of the past go on counting, and speech,
 * which excites a few frequencies at a time, converges as fast as noise would. What makes that cheap: the matrix of the
 * normal equations is Toeplitz but for the edge "now", and both parts are applied by transforms:
 *
 *     R v = T(r) v - Z' Z v      r: autocorrelation of the weighted past; Z: the rows after now, where only samples up
 *                                to now are not zero
 *
 * A hop takes in 64 .. taps new samples: the gradient of their errors is added to the residual rho, and one or two
 * steps of preconditioned conjugate gradients (Polak-Ribiere, with the spectrum of what was sent as preconditioner)
 * move the response. rho always stays the residual of R (best - response), so nothing of what was learnt is lost when
 * steps are few. */
#ifndef OFFHOOK_ECHO_ADAPT_H
#define OFFHOOK_ECHO_ADAPT_H

#include "echo_fft.h"

struct adapt;

/* Scratch memory, shared by everything that adapts in turn. */
struct adapt_scratch;

struct adapt_scratch *adapt_scratch_create(unsigned taps);
void adapt_scratch_destroy(struct adapt_scratch *scratch);

/* fft: of `taps` points. The caller keeps both. NULL without memory. */
struct adapt *adapt_create(unsigned taps, const struct fft *fft, struct adapt_scratch *scratch);
void adapt_destroy(struct adapt *adapt);

/* What was sent, in all lanes, once and in order; at most `taps` samples at a time. */
void adapt_hear(struct adapt *adapt, const word *sent, unsigned count);

/* First half of a hop, in the lanes of a mask: the error of the present response for the newest samples. error: hop
 * words. parts: sums of its squares, block by block. */
struct adapt_hop {
    word error, echo; /* sums of squares */
    word likeness; /* of the spectrum of what is sent to that of the last quarter of a second, 0 .. 1: near 1 only for
                      tones */
};
struct adapt_hop adapt_error(struct adapt *adapt, mask lanes, const word *heard, unsigned hop, word *error,
                             word *parts);

/* Second half, always after the first and in the same lanes: learn from it. Only lanes of `stepping` take steps;
 * nothing changes in any other. */
void adapt_learn(struct adapt *adapt, mask lanes, const word *error, unsigned hop, mask stepping, unsigned steps,
                 word weight, word forget);

/* In the lanes of a mask: forget all but a share of what was learnt; take over other taps as the best so far;
 * begin anew. */
void adapt_doubt(struct adapt *adapt, mask where, word share);
void adapt_restore(struct adapt *adapt, mask where, const word *taps);
void adapt_reset(struct adapt *adapt, mask where);

const word *adapt_taps(const struct adapt *adapt);

#endif
