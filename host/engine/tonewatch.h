/* Tones that are listened for: single ones (fax, answer, supervision, test tones), pairs (dial tone, busy, the alerting
 * signal of a line) and any sound at all, each from when it has lasted long enough until it ends. */
#ifndef OFFHOOK_TONEWATCH_H
#define OFFHOOK_TONEWATCH_H

#include "goertzel.h"

enum { TONEWATCH_MOST = 8 };

struct tonewatch {
    struct goertzel bank;
    int count, block_ms;
    float purity, floor;
    struct {
        int8_t low, high; /* in the bank; -1: none */
        bool told;
        uint8_t misses;
        int least_ms, lasted_ms;
    } tones[TONEWATCH_MOST];
};

struct tonewatch_change {
    int8_t tone;
    bool begins;
    int ms; /* how long it has lasted (at the end: in all) */
};

/* At 8 kHz. Frequencies in Hz: high 0 for a single tone, both 0 for any sound. Filters are 1000 / block_ms Hz wide; a
 * tone must hold `purity` (0 to 1) of the energy; what is weaker than floor_dbm0 is silence. */
void tonewatch_init(struct tonewatch *watch, int block_ms, double purity, double floor_dbm0);

/* False when there are too many. */
bool tonewatch_add(struct tonewatch *watch, float low, float high, int least_ms);

/* Feed at most 10 ms: returns how many changes (at most TONEWATCH_MOST) there are. */
int tonewatch_feed(struct tonewatch *watch, const int16_t *samples, int n, struct tonewatch_change *changes);

#endif
