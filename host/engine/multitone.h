/* Signals of two frequencies out of six: MF between exchanges (R1, Q.320) and R2 register signals (Q.441), both ways.
 */
#ifndef OFFHOOK_MULTITONE_H
#define OFFHOOK_MULTITONE_H

#include "goertzel.h"
#include "tone.h"

enum multitone_system { MULTITONE_R1, MULTITONE_R2_FORWARD, MULTITONE_R2_BACKWARD };

struct multitone {
    struct goertzel bank;
    enum multitone_system system;
    char last, signal; /* of the last block; being heard or 0 */
    uint8_t misses;
    int blocks;
};

struct multitone_change {
    char signal; /* 0: nothing changed */
    bool begins;
    int ms; /* at the end: how long it was */
};

/* Works on 8 kHz. */
void multitone_init(struct multitone *multitone, enum multitone_system system);

/* Feed at most 10 ms. At most one change comes of it. */
struct multitone_change multitone_feed(struct multitone *multitone, const int16_t *samples, int n);

/* The frequencies of a signal: R1 0-9, * (KP), # (ST), A B C (ST', ST'', ST'''); R2 1-9 0 B C D E F (signals 1 to 15).
 * False for anything else. */
bool multitone_of(enum multitone_system system, char signal, struct tone_part *part);

#endif
