/* A connection to a TURN server that everything between a leg and the server goes by (RFC 8656 12.5): STUN messages and
 * ChannelData, one behind the other. One descriptor a leg: the price of a network that lets no datagrams through. */
#ifndef OFFHOOK_TUNNEL_H
#define OFFHOOK_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "wire.h"

enum { TUNNEL_BACKLOG = 16384 /* bytes that wait for the network; what finds no room is dropped, packet by packet */ };

struct engine;
struct rtp;

struct tunnel {
    struct tunnel *next;
    struct rtp *rtp;
    union address server;
    int descriptor;
    bool over;
    int have, waiting; /* bytes received and not cut into packets yet; to be sent */
    uint8_t received[4 * WIRE_PACKET];
    uint8_t backlog[TUNNEL_BACKLOG];
};

/* Control thread. The descriptor, connected and non-blocking, is the tunnel's own; NULL when there is no memory. */
struct tunnel *tunnel_make(int descriptor, const union address *server);
void tunnel_destroy(struct tunnel *tunnel);

/* Real-time thread: the engine knows it, or does not any more. */
void tunnel_attach(struct tunnel *tunnel, struct rtp *rtp);
void tunnel_detach(struct tunnel *tunnel);

/* Whether what a leg sends there goes by its tunnel. */
bool tunnel_leads_to(const struct tunnel *tunnel, const union address *to);
void tunnel_send(struct tunnel *tunnel, const uint8_t *bytes, int count);

/* Begin and end of a tick, for every tunnel. */
void tunnels_receive(struct engine *engine);
void tunnels_flush(struct engine *engine);

#endif
