/* Non-linear processor: where what is left can only be echo, comfort noise takes its place, with the level and the
 * spectrum of the noise of the line (G.168 tests 2A, 9). */
#ifndef OFFHOOK_ECHO_NLP_H
#define OFFHOOK_ECHO_NLP_H

#include "echo_filter.h"

enum { NOISE_ORDER = 8 };

struct nlp {
    word left, echo;                   /* mean squares: of what is left, quick; of its echo, held */
    word least, lately;                /* of what is left or came, whichever is less: quick, and quicker */
    word share;                        /* of what is left, in what is heard: 1 all, 0 comfort noise alone */
    word noise, lowest, lowest_before; /* mean square of the line's noise; the search for it */
    word level;                        /* of what is left, smoothed for that search */
    int blocks;
    word energy, echoes, sum;       /* of this block */
    word past[BLOCK + NOISE_ORDER]; /* what is left: this block, and a little before */
    int position;
    word lag[NOISE_ORDER + 1]; /* autocorrelation of the noise */
    word predictor[NOISE_ORDER], gain, peak;
    mask flat;              /* that noise is one, and no tone */
    word made[NOISE_ORDER]; /* comfort noise of late, newest first */
    mask running;           /* it is wanted, or was a millisecond ago */
    bits seed;
};

void nlp_reset(struct nlp *nlp, mask where);

/* A chunk. left: in, and out with comfort noise. came: energy of what is heard. expected: mean square of the echo
 * before it is taken out. leak: what share of it usually is left. */
void nlp_chunk(struct nlp *nlp, word left[CHUNK], word came, word expected, word leak, mask where);

/* After each block. quiet: nothing was sent that could come back as echo. */
void nlp_block(struct nlp *nlp, mask quiet);

#endif
