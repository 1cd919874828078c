/* A pair of sockets for each leg: works everywhere, costs two descriptors a leg. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"
#include "rtp.h"
#include "wire.h"

enum { MOST_AT_ONCE = 4 /* packets of one socket in a tick's first round */ };

struct legs {
    struct wire wire;
    int epoll;
    int sockets;
    struct wire_buffers buffers;
};

static bool open_port(struct wire *wire, struct rtp *rtp, char *error)
{
    if (!wire_open_sockets(wire, &rtp->port, error))
        return false;
    ((struct legs *)wire)->sockets += 2;
    return true;
}

static void close_port(struct wire *wire, struct rtp *rtp)
{
    close(rtp->port.sockets[0]);
    close(rtp->port.sockets[1]);
    ((struct legs *)wire)->sockets -= 2;
    wire_drop_pair(wire, rtp->port.port);
}

/* The low bit of the pointer tells RTCP's socket. */
static void attach(struct wire *wire, struct rtp *rtp)
{
    for (uintptr_t control = 0; control < 2; control++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uintptr_t)rtp | control};
        epoll_ctl(((struct legs *)wire)->epoll, EPOLL_CTL_ADD, rtp->port.sockets[control], &event);
    }
}

static void detach(struct wire *wire, struct rtp *rtp)
{
    for (int control = 0; control < 2; control++)
        epoll_ctl(((struct legs *)wire)->epoll, EPOLL_CTL_DEL, rtp->port.sockets[control], NULL);
}

static int receive(struct wire *wire, struct datagram *batch, int64_t now)
{
    struct legs *legs = (struct legs *)wire;
    struct epoll_event ready[WIRE_BATCH];
    int events = epoll_wait(legs->epoll, ready, WIRE_BATCH, 0), count = 0;
    for (int i = 0; i < events && count < WIRE_BATCH; i++) {
        struct rtp *rtp = (struct rtp *)(uintptr_t)(ready[i].data.u64 & ~(uint64_t)1);
        bool control = ready[i].data.u64 & 1;
        int came = wire_buffers_receive(&legs->buffers, rtp->port.sockets[control], count, MOST_AT_ONCE);
        for (int k = count; k < count + came; k++) {
            wire_unmap(&legs->buffers.from[k]);
            batch[k] = (struct datagram){.rtp = rtp,
                                         .bytes = legs->buffers.bytes[k],
                                         .count = (int)legs->buffers.messages[k].msg_len,
                                         .control = control,
                                         .from = legs->buffers.from[k],
                                         .arrival = wire_arrival(wire, &legs->buffers.messages[k].msg_hdr, now)};
        }
        count += came;
    }
    return count;
}

static void send_packet(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                        int count)
{
    (void)wire;
    union address mapped = *to;
    if (rtp->port.local.any.sa_family == AF_INET6)
        wire_map(&mapped);
    if (sendto(rtp->port.sockets[control], bytes, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL, &mapped.any,
               address_length(&mapped)) == count)
        atomic_fetch_add_explicit(&rtp->leg->engine->packets_out, 1, memory_order_relaxed);
}

static void flush(struct wire *wire)
{
    (void)wire;
}

static int descriptors(const struct wire *wire)
{
    return 1 + ((const struct legs *)wire)->sockets;
}

static void end(struct wire *wire)
{
    close(((struct legs *)wire)->epoll);
    wire_end(wire);
}

static const struct wire_ops ops = {.mode = MODE_LEG,
                                    .open = open_port,
                                    .close = close_port,
                                    .attach = attach,
                                    .detach = detach,
                                    .receive = receive,
                                    .send = send_packet,
                                    .flush = flush,
                                    .descriptors = descriptors,
                                    .end = end};

struct wire *wire_legs(const struct wire_settings *settings, char *error)
{
    int epoll;
    struct legs *legs = (struct legs *)wire_polled(sizeof(*legs), &ops, settings, &epoll, error);
    if (!legs)
        return NULL;
    legs->epoll = epoll;
    wire_buffers_init(&legs->buffers);
    return &legs->wire;
}
