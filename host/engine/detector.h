/* Detectors: what listens to a leg for line signals and tells the control thread (api.h: enum detector_kind). */
#ifndef OFFHOOK_DETECTOR_H
#define OFFHOOK_DETECTOR_H

#include "engine.h"
#include "fsk.h"
#include "leg.h"
#include "multitone.h"
#include "tonewatch.h"

struct detector {
    struct engine *engine;
    struct detector *next;
    struct leg *leg;
    enum detector_kind kind;
    int direction; /* DIRECTION_IN or DIRECTION_OUT */
    bool carrier;
    struct resampler resampler; /* to 8 kHz */
    union {
        struct fsk_receiver fsk;
        struct multitone multitone;
        struct tonewatch tones;
    };
};

/* Control thread; NULL when there is no memory or the kind or its tones make no sense. */
struct detector *detector_make(struct leg *leg, int kind, int direction, const struct detector_tone *tones, int count,
                               int block_ms, double purity);

/* Real-time thread. */
void detector_begin(struct detector *detector);
void detector_finish(struct detector *detector);

/* Every detector of a leg for that direction hears a block; samples NULL is silence. */
void detectors_feed(struct leg *leg, int direction, struct block block);

/* Whether anything listens in that direction. */
bool detectors_listen(const struct leg *leg, int direction);

#endif
