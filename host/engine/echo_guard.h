/* What is passed on is never louder than what came, for longer than a few milliseconds: where the canceller makes it
 * so, it is off its path, and what came is passed on as it is. */
#ifndef OFFHOOK_ECHO_GUARD_H
#define OFFHOOK_ECHO_GUARD_H

#include "echo_filter.h"

struct guard {
    word came, left; /* mean power of late */
    mask out;        /* the canceller is kept out */
};

/* A chunk: energies of what came and of what the canceller made of it. Lanes whose canceller may not be heard. */
mask guard_chunk(struct guard *guard, word came, word left);

void guard_reset(struct guard *guard, mask where);

#endif
