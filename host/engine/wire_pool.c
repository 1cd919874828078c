/* A pool of socket pairs, shared by legs that cannot be confused. Needs no privilege.
 *
 * Up to PAIRS pairs every leg has one of its own. Beyond, a leg is put on a pair all of whose legs are settled: their
 * far ends' addresses are known by packets. Then whatever comes from an unknown address is for the one leg that is not
 * settled yet. Where no pair is safe the leg gets one of its own after all. Should two legs of a pair turn out to have
 * the same far end (a peer that uses one port for several calls), their SSRCs tell them apart; what fits neither is
 * dropped. Legs whose packets are marked differently share no pair: marks are the socket's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"
#include "rtp.h"
#include "wire.h"

enum { PAIRS = 4, MOST_AT_ONCE = 32 };

struct pool_pair {
    struct pool_pair *next; /* control thread */
    union address local;
    struct wire_marking marking;
    int port;
    int sockets[2];
    int members;        /* control thread's count */
    struct rtp *newest; /* control thread: the member that came last */
    struct rtp *legs;   /* real-time thread's list */
};

struct outgoing {
    int descriptor; /* -1: sent */
    union address to;
    struct iovec part;
};

struct pool {
    struct wire wire;
    int epoll;
    struct pool_pair *pairs;
    int count;
    _Atomic uint64_t *packets_out;
    int queued;
    struct outgoing queue[WIRE_ROOM];
    struct mmsghdr messages[WIRE_ROOM];
    struct wire_buffers buffers;
};

static bool suits(const struct pool_pair *pair, const struct wire_port *port)
{
    const struct wire_marking *a = &pair->marking, *b = &port->marking;
    return pair->local.any.sa_family == port->local.any.sa_family && address_same_host(&pair->local, &port->local) &&
           a->traffic_class == b->traffic_class && a->priority == b->priority;
}

/* Control thread: a pair that no other unsettled leg is on. The settled flag of a leg is set by the other thread. */
static struct pool_pair *shareable(struct pool *pool, const struct wire_port *port)
{
    struct pool_pair *best = NULL;
    for (struct pool_pair *pair = pool->pairs; pair; pair = pair->next) {
        if (!suits(pair, port) || (pair->newest && !atomic_load(&pair->newest->port.settled)))
            continue;
        if (!best || pair->members < best->members)
            best = pair;
    }
    return best;
}

static struct pool_pair *new_pair(struct pool *pool, struct wire_port *port, char *error)
{
    struct pool_pair *pair = calloc(1, sizeof(*pair));
    if (!pair) {
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    if (!wire_open_sockets(&pool->wire, port, error)) {
        free(pair);
        return NULL;
    }
    memcpy(pair->sockets, port->sockets, sizeof(pair->sockets));
    pair->port = port->port;
    pair->local = port->local;
    pair->marking = port->marking;
    pair->next = pool->pairs;
    pool->pairs = pair;
    pool->count++;
    return pair;
}

static bool open_port(struct wire *wire, struct rtp *rtp, char *error)
{
    struct pool *pool = (struct pool *)wire;
    struct pool_pair *pair = NULL;
    if (pool->count >= PAIRS)
        pair = shareable(pool, &rtp->port);
    if (!pair)
        pair = new_pair(pool, &rtp->port, error);
    if (!pair)
        return false;
    pair->members++;
    pair->newest = rtp;
    rtp->port.pair = pair;
    rtp->port.port = pair->port;
    rtp->port.sockets[0] = pair->sockets[0];
    rtp->port.sockets[1] = pair->sockets[1];
    return true;
}

static void close_port(struct wire *wire, struct rtp *rtp)
{
    struct pool *pool = (struct pool *)wire;
    struct pool_pair *pair = rtp->port.pair;
    if (pair->newest == rtp)
        pair->newest = NULL;
    if (--pair->members)
        return;
    struct pool_pair **at = &pool->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    pool->count--;
    close(pair->sockets[0]);
    close(pair->sockets[1]);
    wire_drop_pair(wire, pair->port);
    free(pair);
}

static void attach(struct wire *wire, struct rtp *rtp)
{
    struct pool_pair *pair = rtp->port.pair;
    struct pool *pool = (struct pool *)wire;
    pool->packets_out = &rtp->leg->engine->packets_out;
    for (uintptr_t control = 0; !pair->legs && control < 2; control++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uintptr_t)pair | control};
        epoll_ctl(pool->epoll, EPOLL_CTL_ADD, pair->sockets[control], &event);
    }
    rtp->port.next_in_pair = pair->legs;
    pair->legs = rtp;
}

static void detach(struct wire *wire, struct rtp *rtp)
{
    struct pool_pair *pair = rtp->port.pair;
    struct rtp **at = &pair->legs;
    while (*at && *at != rtp)
        at = &(*at)->port.next_in_pair;
    if (*at)
        *at = rtp->port.next_in_pair;
    for (int control = 0; !pair->legs && control < 2; control++)
        epoll_ctl(((struct pool *)wire)->epoll, EPOLL_CTL_DEL, pair->sockets[control], NULL);
}

static uint32_t ssrc_of(const uint8_t *bytes, int count, bool control)
{
    int at = control ? 4 : 8;
    if (count < at + 4)
        return 0;
    return (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 | (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
}

static bool comes_from(const struct rtp *rtp, const union address *from, bool control)
{
    if (control)
        return address_equal(from, &rtp->remote_control) ||
               (rtp->source.locked.any.sa_family && address_same_host(from, &rtp->source.locked));
    if (rtp->source.locked.any.sa_family && address_equal(from, &rtp->source.locked))
        return true;
    return address_equal(from, &rtp->sdp);
}

/* Whose packet is it? NULL: nobody's for sure. */
static struct rtp *owner(const struct pool_pair *pair, const union address *from, const uint8_t *bytes, int count,
                         bool control)
{
    if (pair->legs && !pair->legs->port.next_in_pair)
        return pair->legs;
    struct rtp *match = NULL, *unsettled = NULL;
    int matches = 0, strangers = 0;
    for (struct rtp *rtp = pair->legs; rtp; rtp = rtp->port.next_in_pair) {
        if (comes_from(rtp, from, control)) {
            match = rtp;
            matches++;
        } else if (!atomic_load(&rtp->port.settled)) {
            unsettled = rtp;
            strangers++;
        }
    }
    if (matches == 1)
        return match;
    uint32_t ssrc = ssrc_of(bytes, count, control);
    struct rtp *fresh = NULL;
    int unheard = 0;
    for (struct rtp *rtp = pair->legs; rtp; rtp = rtp->port.next_in_pair) {
        if (matches && !comes_from(rtp, from, control))
            continue;
        if (rtp->reception.known && rtp->reception.ssrc == ssrc)
            return rtp;
        if (!rtp->reception.known) {
            fresh = rtp;
            unheard++;
        }
    }
    if (matches)
        return unheard == 1 ? fresh : NULL;
    return strangers == 1 ? unsettled : NULL;
}

static int receive(struct wire *wire, struct datagram *batch, int64_t now)
{
    struct pool *pool = (struct pool *)wire;
    struct epoll_event ready[WIRE_BATCH];
    int events = epoll_wait(pool->epoll, ready, WIRE_BATCH, 0), filled = 0, count = 0;
    for (int i = 0; i < events && filled < WIRE_BATCH; i++) {
        struct pool_pair *pair = (struct pool_pair *)(uintptr_t)(ready[i].data.u64 & ~(uint64_t)1);
        bool control = ready[i].data.u64 & 1;
        int came = wire_buffers_receive(&pool->buffers, pair->sockets[control], filled, MOST_AT_ONCE);
        for (int k = filled; k < filled + came; k++) {
            int bytes = (int)pool->buffers.messages[k].msg_len;
            wire_unmap(&pool->buffers.from[k]);
            struct rtp *rtp = owner(pair, &pool->buffers.from[k], pool->buffers.bytes[k], bytes, control);
            if (!rtp)
                continue;
            batch[count++] = (struct datagram){.rtp = rtp,
                                               .bytes = pool->buffers.bytes[k],
                                               .count = bytes,
                                               .control = control,
                                               .from = pool->buffers.from[k],
                                               .arrival = wire_arrival(wire, &pool->buffers.messages[k].msg_hdr, now)};
        }
        filled += came;
    }
    return count;
}

static void flush(struct wire *wire)
{
    struct pool *pool = (struct pool *)wire;
    for (int first = 0; first < pool->queued; first++) {
        int descriptor = pool->queue[first].descriptor, count = 0;
        if (descriptor < 0)
            continue;
        for (int i = first; i < pool->queued; i++) {
            struct outgoing *outgoing = &pool->queue[i];
            if (outgoing->descriptor != descriptor)
                continue;
            outgoing->descriptor = -1;
            pool->messages[count++].msg_hdr = (struct msghdr){.msg_name = &outgoing->to,
                                                              .msg_namelen = address_length(&outgoing->to),
                                                              .msg_iov = &outgoing->part,
                                                              .msg_iovlen = 1};
        }
        for (int sent = 0; sent < count;) {
            int some =
                sendmmsg(descriptor, pool->messages + sent, (unsigned)(count - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (some > 0)
                atomic_fetch_add_explicit(pool->packets_out, (uint64_t)some, memory_order_relaxed);
            sent += some > 0 ? some : 1; /* one that cannot be sent does not hold up the rest */
        }
    }
    pool->queued = 0;
}

static void send_packet(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                        int count)
{
    struct pool *pool = (struct pool *)wire;
    if (pool->queued == WIRE_ROOM)
        flush(wire);
    struct outgoing *outgoing = &pool->queue[pool->queued++];
    outgoing->descriptor = rtp->port.sockets[control];
    outgoing->to = *to;
    if (rtp->port.local.any.sa_family == AF_INET6)
        wire_map(&outgoing->to);
    outgoing->part = (struct iovec){(void *)(uintptr_t)bytes, (size_t)count};
}

static int descriptors(const struct wire *wire)
{
    return 1 + 2 * ((const struct pool *)wire)->count;
}

static void end(struct wire *wire)
{
    struct pool *pool = (struct pool *)wire;
    while (pool->pairs) {
        struct pool_pair *pair = pool->pairs;
        pool->pairs = pair->next;
        close(pair->sockets[0]);
        close(pair->sockets[1]);
        free(pair);
    }
    close(pool->epoll);
    wire_end(wire);
}

static const struct wire_ops ops = {.mode = MODE_POOL,
                                    .open = open_port,
                                    .close = close_port,
                                    .attach = attach,
                                    .detach = detach,
                                    .receive = receive,
                                    .send = send_packet,
                                    .flush = flush,
                                    .descriptors = descriptors,
                                    .end = end};

struct wire *wire_pool(const struct wire_settings *settings, char *error)
{
    int epoll;
    struct pool *pool = (struct pool *)wire_polled(sizeof(*pool), &ops, settings, &epoll, error);
    if (!pool)
        return NULL;
    pool->epoll = epoll;
    wire_buffers_init(&pool->buffers);
    return &pool->wire;
}
