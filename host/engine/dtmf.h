/* DTMF receiver (Q.24): eight Goertzel filters over 12.75 ms, two agreeing blocks make a digit. */
#ifndef OFFHOOK_DTMF_H
#define OFFHOOK_DTMF_H

#include <stdbool.h>
#include <stdint.h>

struct dtmf {
    float coefficient[8]; /* four rows, four columns */
    float past[8][2];
    float energy;
    float halves[4];        /* energy of this and the last block, newest first */
    uint16_t block, filled; /* samples in an analysis block */
    uint16_t age;           /* blocks since the digit began */
    bool relaxed;
    char last, digit; /* hit of the last block; digit being heard or 0 */
    uint8_t misses;
};

enum dtmf_change { DTMF_NONE, DTMF_BEGIN, DTMF_END };

struct dtmf_result {
    enum dtmf_change change;
    char digit;
    int ms; /* at the end: how long the tone was */
};

/* relaxed accepts more twist and a weaker signal-to-noise ratio. */
void dtmf_init(struct dtmf *dtmf, int rate, bool relaxed);

/* Feed at most 10 ms. At most one change comes of it. */
struct dtmf_result dtmf_feed(struct dtmf *dtmf, const int16_t *samples, int n);

/* True while the sound fed last belongs to a tone and should not be passed on. */
bool dtmf_mutes(const struct dtmf *dtmf);

#endif
