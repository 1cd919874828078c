/* A slip: the driver lost or repeated whole milliseconds, and the echo comes back that much sooner or later than
 * before. The path is the same, so its response is moved, not learnt again. Seen by comparing what is heard with the
 * echo that was expected up to 8 ms before and after. */
#ifndef OFFHOOK_ECHO_SLIP_H
#define OFFHOOK_ECHO_SLIP_H

#include "echo_filter.h"

enum { SLIP_PAST = 256, SLIP_MOST = 64, SLIP_WINDOW = 128 }; /* samples */

struct slip {
    word expected[SLIP_PAST], heard[SLIP_PAST];
    unsigned position;
};

void slip_reset(struct slip *slip, mask where);

/* A chunk, of what the foreground expects and of what is heard. */
void slip_chunk(struct slip *slip, const word expected[CHUNK], const word heard[CHUNK]);

/* For the lanes of a mask: samples by which the echo is later (positive) or sooner now, 0 where there was no slip.
 * Milliseconds only. */
mask slip_found(const struct slip *slip, mask where);

/* A response moved by so many samples in each lane. */
void slip_move(word *to, const word *response, unsigned taps, mask later);

#endif
