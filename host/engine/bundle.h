/* Streams that share one port, its ICE and its keys (BUNDLE, RFC 9143): the first carries the packets of the others.
 * Real-time thread. */
#ifndef OFFHOOK_BUNDLE_H
#define OFFHOOK_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

struct rtp;

struct bundle {
    struct rtp *carrier; /* by which this one sends; NULL when it has gone */
    bool carried;
    struct rtp *members, *next; /* of a carrier; among its members */
};

/* Let rtp be carried; by NULL: it has its own port again. */
void bundle_join(struct rtp *rtp, struct rtp *carrier);

/* rtp ends: it is carried no more, and carries none. */
void bundle_end(struct rtp *rtp);

/* Where the carrier sends to has changed: the others follow. */
void bundle_aimed(struct rtp *carrier);

/* Whose packet is it, of those that come to the carrier's port? (RFC 9143 9.2, without its MIDs: payload types are told
 * apart in our descriptions.) */
struct rtp *bundle_owner(struct rtp *carrier, int type, uint32_t ssrc);

#endif
