/* Concealment of lost sound: the last pitch period goes on and fades (after G.711 Appendix I, without its delay). */
#ifndef OFFHOOK_CONCEAL_H
#define OFFHOOK_CONCEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "slab.h"

struct conceal {
    int16_t *history; /* the last 30 ms that arrived, oldest first */
    int length, rate;
    int run;   /* samples made since the last that arrived */
    int pitch; /* samples, while run > 0 */
};

bool conceal_init(struct conceal *conceal, struct slab *slab, int rate);
void conceal_end(struct conceal *conceal, struct slab *slab);

/* 10 ms or less arrived: remember it; after a loss its beginning is blended with what was made. */
void conceal_heard(struct conceal *conceal, int16_t *samples, int n);

/* Make n samples in place of lost ones; silence after 60 ms. */
void conceal_make(struct conceal *conceal, int16_t *samples, int n);

#endif
