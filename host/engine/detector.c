#include "detector.h"

#include <stdlib.h>

enum { RATE = 8000, N = RATE / 100, FLOOR_DBM0 = -43, OCTETS_AN_EVENT = 8 };

struct detector *detector_make(struct leg *leg, int kind, int direction, const struct detector_tone *tones, int count,
                               int block_ms, double purity)
{
    bool sensible = kind >= DETECT_FSK && kind <= DETECT_R2_BACKWARD && count >= 0 && count <= TONEWATCH_MOST &&
                    (direction == DIRECTION_IN || direction == DIRECTION_OUT);
    struct detector *detector = sensible ? calloc(1, sizeof(*detector)) : NULL;
    if (!detector)
        return NULL;
    detector->engine = leg->engine;
    detector->leg = leg;
    detector->kind = (enum detector_kind)kind;
    detector->direction = direction;
    switch (detector->kind) {
    case DETECT_FSK:
        fsk_receive_init(&detector->fsk);
        break;
    case DETECT_R1:
        multitone_init(&detector->multitone, MULTITONE_R1);
        break;
    case DETECT_R2_FORWARD:
        multitone_init(&detector->multitone, MULTITONE_R2_FORWARD);
        break;
    case DETECT_R2_BACKWARD:
        multitone_init(&detector->multitone, MULTITONE_R2_BACKWARD);
        break;
    case DETECT_TONES:
        tonewatch_init(&detector->tones, block_ms, purity, FLOOR_DBM0);
        for (int i = 0; i < count; i++)
            tonewatch_add(&detector->tones, tones[i].low, tones[i].high, tones[i].ms);
        break;
    }
    return detector;
}

void detector_begin(struct detector *detector)
{
    struct leg *leg = detector->leg;
    if (leg->closing) { /* it closed while the order was under way */
        detector->leg = NULL;
        engine_tell_simple(detector->engine, EVENT_DETECTOR_END, detector, 0, 0, 0);
        return;
    }
    detector->next = leg->detectors;
    leg->detectors = detector;
    leg->engine->plan_dirty = true;
}

void detector_finish(struct detector *detector)
{
    if (!detector->leg)
        return; /* its leg ended */
    struct detector **at = &detector->leg->detectors;
    while (*at && *at != detector)
        at = &(*at)->next;
    if (*at)
        *at = detector->next;
    detector->leg = NULL;
    resampler_end(&detector->resampler, &detector->engine->slab);
    detector->engine->plan_dirty = true;
    engine_tell_simple(detector->engine, EVENT_DETECTOR_END, detector, 0, 0, 0);
}

static void tell(struct detector *detector, int what, int64_t b, int64_t c)
{
    engine_tell_simple(detector->engine, EVENT_DETECTED, detector, what, b, c);
}

/* Octets travel in the event: the first in the lowest eight bits. */
static void hear_fsk(struct detector *detector, const int16_t *samples)
{
    uint8_t octets[OCTETS_AN_EVENT]; /* 10 ms have at most two */
    int count = fsk_receive(&detector->fsk, samples, N, octets, OCTETS_AN_EVENT);
    uint64_t packed = 0;
    for (int i = 0; i < count; i++)
        packed |= (uint64_t)octets[i] << (8 * i);
    bool carrier = detector->fsk.carrier;
    if (carrier && !detector->carrier)
        tell(detector, DETECTED_CARRIER, 1, 0);
    if (count)
        tell(detector, DETECTED_OCTETS, (int64_t)packed, count);
    if (!carrier && detector->carrier)
        tell(detector, DETECTED_CARRIER, 0, 0);
    detector->carrier = carrier;
}

static void hear_signal(struct detector *detector, const int16_t *samples)
{
    struct multitone_change change = multitone_feed(&detector->multitone, samples, N);
    if (change.signal)
        tell(detector, change.signal, change.begins, change.ms);
}

static void hear_tones(struct detector *detector, const int16_t *samples)
{
    struct tonewatch_change changes[TONEWATCH_MOST];
    int count = tonewatch_feed(&detector->tones, samples, N, changes);
    for (int i = 0; i < count; i++)
        tell(detector, changes[i].tone, changes[i].begins, changes[i].ms);
}

void detectors_feed(struct leg *leg, int direction, struct block block)
{
    static const int16_t silence[N];
    for (struct detector *detector = leg->detectors; detector; detector = detector->next) {
        if (detector->direction != direction)
            continue;
        struct block heard = leg_at_rate(leg->engine, &detector->resampler, block, RATE);
        const int16_t *samples = heard.samples ? heard.samples : silence;
        if (detector->kind == DETECT_FSK)
            hear_fsk(detector, samples);
        else if (detector->kind == DETECT_TONES)
            hear_tones(detector, samples);
        else
            hear_signal(detector, samples);
    }
}

bool detectors_listen(const struct leg *leg, int direction)
{
    for (const struct detector *detector = leg->detectors; detector; detector = detector->next)
        if (detector->direction == direction)
            return true;
    return false;
}
