/* Mixers: each member hears the sum of the others. */
#ifndef OFFHOOK_MIXER_H
#define OFFHOOK_MIXER_H

#include "engine.h"
#include "leg.h"

struct mixer {
    struct engine *engine;
    struct mixer *next;
    struct leg *members;
    int wanted_rate; /* 0: the best of the members' */
    int most_rate;   /* 0: any */
    int rate;        /* this tick */
    int32_t *sum;
    int16_t *whole; /* what all hear who say nothing; made when the first asks */
};

/* Real-time thread. */
void mixer_join(struct mixer *mixer, struct leg *leg, int flags);
void mixer_part(struct leg *leg);

/* Sum up what the members said this tick; after every leg was pulled. */
void mixer_tick(struct mixer *mixer);

/* What a member hears. */
struct block mixer_heard_by(const struct leg *leg);

#endif
