#include "echo_filter.h"

#include <stdlib.h>
#include <string.h>

struct echo_filter {
    unsigned taps, parts; /* parts: transforms, one for each 64 taps after the first */
    const struct fft *fft;
    unsigned position, newest;
    word *response;                                  /* all taps */
    struct cword (*spectra)[BLOCK], (*heard)[BLOCK]; /* of the parts; of past blocks, a ring */
    word history[2 * BLOCK];                         /* what was sent: the block before, and this one */
    word ahead[BLOCK];                               /* what later taps add to this block */
    struct cword work[BLOCK];
};

struct echo_filter *echo_filter_create(unsigned taps, const struct fft *fft)
{
    struct echo_filter *filter = aligned_alloc(sizeof(word), sizeof *filter);
    if (!filter)
        return NULL;
    memset(filter, 0, sizeof *filter);
    filter->taps = taps;
    filter->parts = taps / BLOCK - 1;
    filter->fft = fft;
    size_t parts = (filter->parts ? filter->parts : 1) * sizeof *filter->spectra;
    filter->response = aligned_alloc(sizeof(word), taps * sizeof(word));
    filter->spectra = aligned_alloc(sizeof(word), parts);
    filter->heard = aligned_alloc(sizeof(word), parts);
    if (!filter->response || !filter->spectra || !filter->heard) {
        echo_filter_destroy(filter);
        return NULL;
    }
    memset(filter->response, 0, taps * sizeof(word));
    memset(filter->spectra, 0, parts);
    memset(filter->heard, 0, parts);
    return filter;
}

void echo_filter_destroy(struct echo_filter *filter)
{
    if (!filter)
        return;
    free(filter->response);
    free(filter->spectra);
    free(filter->heard);
    free(filter);
}

bool echo_filter_chunk(struct echo_filter *filter, const word sent[CHUNK], word echo[CHUNK])
{
    word *now = filter->history + BLOCK + filter->position, sum[CHUNK];
    for (int i = 0; i < CHUNK; i++) {
        now[i] = sent[i];
        sum[i] = filter->ahead[filter->position + (unsigned)i];
    }
    for (int tap = 0; tap < BLOCK; tap += CHUNK) {
        word past[2 * CHUNK - 1]; /* each is used by up to eight sums: kept in registers */
        for (int i = 0; i < 2 * CHUNK - 1; i++)
            past[i] = now[i - tap - CHUNK + 1];
#pragma GCC unroll 8
        for (int k = 0; k < CHUNK; k++)
#pragma GCC unroll 8
            for (int i = 0; i < CHUNK; i++)
                sum[i] += filter->response[tap + k] * past[i - k + CHUNK - 1];
    }
    memcpy(echo, sum, sizeof sum);
    filter->position = (filter->position + CHUNK) % BLOCK;
    return filter->position == 0;
}

void echo_filter_block(struct echo_filter *filter)
{
    if (filter->parts) {
        filter->newest = (filter->newest + filter->parts - 1) % filter->parts;
        fft_forward(filter->fft, filter->history, filter->heard[filter->newest]);
        struct cword *work = filter->work;
        memset(work, 0, sizeof filter->work);
        for (unsigned part = 0; part < filter->parts; part++) {
            const struct cword *x = filter->heard[(filter->newest + part) % filter->parts];
            const struct cword *h = filter->spectra[part];
            for (int k = 0; k < BLOCK; k++) {
                work[k].re += x[k].re * h[k].re - x[k].im * h[k].im;
                work[k].im += x[k].re * h[k].im + x[k].im * h[k].re;
            }
        }
        fft_inverse_last(filter->fft, work, filter->ahead);
    }
    memcpy(filter->history, filter->history + BLOCK, BLOCK * sizeof(word));
}

void echo_filter_load(struct echo_filter *filter, const word *taps, mask where)
{
    for (unsigned i = 0; i < filter->taps; i++)
        filter->response[i] = choose(where, taps[i], filter->response[i]);
    for (unsigned part = 0; part < filter->parts; part++)
        fft_forward_first(filter->fft, filter->response + (part + 1) * BLOCK, filter->spectra[part]);
}

void echo_filter_clear(struct echo_filter *filter, mask where)
{
    for (unsigned i = 0; i < filter->taps; i++)
        filter->response[i] = only(~where, filter->response[i]);
    for (unsigned part = 0; part < filter->parts; part++)
        for (int k = 0; k < BLOCK; k++) {
            filter->spectra[part][k].re = only(~where, filter->spectra[part][k].re);
            filter->spectra[part][k].im = only(~where, filter->spectra[part][k].im);
        }
}

const word *echo_filter_taps(const struct echo_filter *filter)
{
    return filter->response;
}
