/* How packets get in and out: one interface, four ways (simulated, a socket pair a leg, a shared pool, steered).
 *
 * Ports are opened and closed by the control thread; everything else is the real-time thread's. */
#ifndef OFFHOOK_WIRE_H
#define OFFHOOK_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "address.h"

struct wire;
struct rtp;

enum {
    WIRE_BATCH = 64,
    WIRE_PACKET = 1600, /* bytes received of one packet */
    WIRE_ROOM = 256,    /* packets to send */
    WIRE_PRIORITIES = 8
};

/* How packets are marked: the octet of type of service (IPv6: traffic class), and the priority that queues and VLAN
 * tags on the way out go by (SO_PRIORITY). Part of a port from its opening on: no packet costs more for it. */
struct wire_marking {
    uint8_t traffic_class, priority;
};

/* The local end of an RTP leg: an even port for RTP and the next one for RTCP. */
struct wire_port {
    struct iax_port *iax; /* of a leg on a carrier of IAX2's voice (wire_iax.h); the rest is of RTP legs */
    union address local;  /* as asked for: may be a wildcard */
    union address source; /* what packets come from when a header is written by hand */
    struct wire_marking marking;
    int port;
    int sockets[2];
    struct pool_pair *pair;
    struct rtp *next_in_pair;
    _Atomic bool settled; /* its far end's address is known by its packets */
};

struct datagram {
    struct rtp *rtp;
    uint8_t *bytes; /* until the next receive; may be rewritten in place */
    int count;
    bool control; /* came to the RTCP port */
    union address from;
    int64_t arrival; /* monotonic ns */
};

struct wire_ops {
    int mode;
    /* Control thread. Reserve a pair of ports; false with a sentence. True with one: not all could be had. */
    bool (*open)(struct wire *wire, struct rtp *rtp, char *error);
    /* Control thread, when the engine has let go of it. */
    void (*close)(struct wire *wire, struct rtp *rtp);
    void (*attach)(struct wire *wire, struct rtp *rtp);
    void (*detach)(struct wire *wire, struct rtp *rtp);
    /* Where the leg sends to has changed. */
    void (*aimed)(struct wire *wire, struct rtp *rtp);
    int (*receive)(struct wire *wire, struct datagram *batch, int64_t now);
    /* bytes must stay until flush. */
    void (*send)(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                 int count);
    void (*flush)(struct wire *wire);
    int (*descriptors)(const struct wire *wire);
    void (*end)(struct wire *wire);
};

struct wire_settings {
    int port_low, port_high;
    bool checksums;
};

struct wire {
    const struct wire_ops *ops;
    struct wire_settings settings;
    uint8_t *ports; /* a bit for each pair in use; control thread */
    int next_pair;
    int64_t arrival_offset; /* realtime minus monotonic, ns, at this tick */
};

/* NULL with a sentence when that way is not permitted here. */
struct wire *wire_simulated(const struct wire_settings *settings, char *error);
struct wire *wire_legs(const struct wire_settings *settings, char *error);
struct wire *wire_pool(const struct wire_settings *settings, char *error);
struct wire *wire_steer(const struct wire_settings *settings, char *error);

/* Simulated: hand a packet in, take one out (0: none). */
bool wire_inject(struct wire *wire, int local_port, const union address *from, const uint8_t *bytes, int count);
int wire_take(struct wire *wire, int *local_port, union address *to, uint8_t *bytes, int room);

/* For the ways that use sockets. Pick a free pair of the range (0: none is left) and give it back. */
bool wire_init(struct wire *wire, const struct wire_ops *ops, const struct wire_settings *settings);
/* One of so many octets, the wire in front, that learns by epoll which socket has something. */
struct wire *wire_polled(size_t size, const struct wire_ops *ops, const struct wire_settings *settings, int *epoll,
                         char *error);
void wire_end(struct wire *wire);
void wire_set_range(struct wire *wire, int low, int high);
int wire_pick_pair(struct wire *wire);
void wire_drop_pair(struct wire *wire, int port);

/* A bound, non-blocking UDP socket with time stamps; -1 with errno. */
int wire_socket(const union address *local);

/* Bind a free pair of ports at the port's address; false with a sentence, true with one where they cannot be marked. */
bool wire_open_sockets(struct wire *wire, struct wire_port *port, char *error);

/* Mark what a socket sends; false with a sentence when that is not permitted. */
bool wire_mark(int descriptor, struct wire_marking marking, char *error);

/* IPv4 addresses as a dual-stack socket knows them, and back. */
void wire_map(union address *address);
void wire_unmap(union address *address);

/* The arrival time in a received message's control data, else now. */
int64_t wire_arrival(const struct wire *wire, struct msghdr *message, int64_t now);

/* Room for a batch of received packets. */
struct wire_buffers {
    struct mmsghdr messages[WIRE_BATCH];
    struct iovec parts[WIRE_BATCH];
    union address from[WIRE_BATCH];
    char control[WIRE_BATCH][128];
    uint8_t bytes[WIRE_BATCH][WIRE_PACKET];
};

void wire_buffers_init(struct wire_buffers *buffers);

/* Receive into the buffers from index `from` on, at most that many; returns how many came. */
int wire_buffers_receive(struct wire_buffers *buffers, int descriptor, int from, int most);

#endif
