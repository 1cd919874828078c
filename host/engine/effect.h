/* Effects: what changes a leg's sound beyond its level. One a direction; a new one takes the place of the old. */
#ifndef OFFHOOK_EFFECT_H
#define OFFHOOK_EFFECT_H

#include "engine.h"
#include "leg.h"
#include "pitch.h"

struct effect {
    struct engine *engine;
    struct leg *leg;
    int direction; /* DIRECTION_IN or DIRECTION_OUT */
    int rate;
    struct resampler resampler; /* to its rate */
    void *preprocessor;         /* libspeexdsp's, or NULL */
    struct pitch *pitch;        /* or NULL */
    bool invert;                /* low is high, and high is low */
};

/* Control thread. agc: the wanted level (1 to 32768), 0 for none; pitch: 1 for none. NULL and a sentence in error when
 * libspeexdsp is missing or there is no memory. */
struct effect *effect_make(struct leg *leg, int direction, int rate, bool denoise, int agc, double pitch, bool invert,
                           char *error);
void effect_destroy(struct effect *effect);

/* Real-time thread. */
void effect_begin(struct effect *effect);
void effect_finish(struct effect *effect);

/* The block, changed; it may have another rate. */
struct block effect_run(struct effect *effect, struct block block);

#endif
