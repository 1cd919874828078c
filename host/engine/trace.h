/* Telling the control thread of every packet ("rtp set debug"). */
#ifndef OFFHOOK_TRACE_H
#define OFFHOOK_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct rtp;

/* What is told, by order of the control thread. */
struct trace {
    uint8_t kinds;      /* enum trace_kind */
    union address only; /* of this host, and of this port when it has one; no family: all */
};

/* A packet in the clear, with what of it is no header. */
void trace_packet(struct rtp *rtp, bool sent, bool report, const union address *peer, const uint8_t *bytes,
                  int payload);

#endif
