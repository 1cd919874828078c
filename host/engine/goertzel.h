/* A bank of Goertzel filters over blocks of sound: how much of a block's energy lies at each frequency. */
#ifndef OFFHOOK_GOERTZEL_H
#define OFFHOOK_GOERTZEL_H

#include <stdbool.h>
#include <stdint.h>

enum { GOERTZEL_MOST = 16 };

struct goertzel {
    float coefficient[GOERTZEL_MOST];
    float past[GOERTZEL_MOST][2];
    float share[GOERTZEL_MOST]; /* of the last block, 0 to 1: a sine alone gives 1 at its own frequency */
    float mean;                 /* energy a sample of the last block */
    float energy;
    int count, block, filled;
};

/* `block` samples make a block: filters are rate / block Hz apart when they do not disturb each other. */
void goertzel_init(struct goertzel *bank, const float *frequencies, int count, int block, int rate);

/* Takes samples up to the end of a block and returns how many; true in *whole when share and mean are new. */
int goertzel_feed(struct goertzel *bank, const int16_t *samples, int n, bool *whole);

#endif
