/* Packets of a leg that are no RTP (RFC 7983): STUN, DTLS and what a TURN server relays. Their protocols are the
 * control thread's; here they are told apart, handed over, sent, and what leaves is sealed and wrapped. */
#ifndef OFFHOOK_ASIDE_H
#define OFFHOOK_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct datagram;
struct engine;
struct engine_event;
struct rtp;
struct secure;
struct tunnel;

/* Most packets handed over from a leg in RTP_TIMER_TICKS; a flood of them must not stop the calls. */
enum { ASIDE_MOST = 40 };

/* A packet between the threads: a received one is of the slab, one to be sent of the control thread's heap. */
struct letter {
    union address peer;
    int count;
    bool control, relayed;
    uint8_t bytes[];
};

/* Where a leg sends to by way of a TURN server (RFC 8656 12). */
struct detour {
    union address server;
    uint16_t channel; /* 0: none */
};

/* What guards a leg's media. */
struct guard {
    struct secure *keys;
    struct secure *control_keys; /* of the RTCP port, where it has its own */
    bool required;               /* nothing passes in the clear, not even before there are keys */
    uint8_t aside;               /* of enum aside_kind: what is wanted; the rest is dropped */
    uint8_t left;                /* packets that may still be handed over before the leg's next timer */
    struct detour detour;
    struct tunnel *tunnel; /* to the TURN server, where it is reached by TCP */
};

/* A packet that begins with less than 128 came. */
void aside_receive(struct rtp *rtp, const struct datagram *packet);

/* The control thread has read a packet handed to it. */
void aside_return(struct engine *engine, struct letter *letter);

/* Send a packet of the control thread's. */
void aside_send(struct rtp *rtp, const struct letter *letter);

/* Media, or a report, in the clear: its length when it may be used, 0 when it is forged or has to be secure and is not.
 */
int guard_open(struct rtp *rtp, const struct datagram *packet, bool report);

/* All media and reports of a leg leave by this: sealed when it is guarded, by its detour when it has one. bytes must
 * stay until the wire is flushed. */
void guard_send(struct rtp *rtp, bool report, const uint8_t *bytes, int count);

#endif
