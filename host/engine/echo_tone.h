/* Echo canceller tone disabler (G.168 clause 7, G.165): 2100 Hz with phase reversals every 450 ms, from either side, is
 * a modem or fax that cancels its own echo. The canceller then stands aside until the line falls silent. */
#ifndef OFFHOOK_ECHO_TONE_H
#define OFFHOOK_ECHO_TONE_H

#include "echo_filter.h"

enum { TONE_SLOTS = 4 }; /* of 4 ms, looked back */

/* One direction. */
struct tone_side {
    struct cword sum; /* of this slot */
    word energy;
    struct cword slot[TONE_SLOTS]; /* newest first */
    struct cword turn;             /* from a slot to the third after it, usually: the tone's offset in frequency */
    word present, since;           /* slots: of tone; after the last reversal */
    word missing;                  /* slots without tone */
    word reversals;
};

struct tone_watch {
    struct tone_side side[2];
    int chunk, phase;
    word silent; /* slots of silence on both sides */
    mask disabled;
};

void tone_watch_reset(struct tone_watch *watch, mask where);

/* A chunk of both directions. */
void tone_watch_chunk(struct tone_watch *watch, const word sent[CHUNK], const word heard[CHUNK]);

#endif
