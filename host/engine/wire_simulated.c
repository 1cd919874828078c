/* No sockets: tests put packets in and take packets out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "rtp.h"
#include "wire.h"

struct parcel {
    struct parcel *next;
    int port;
    union address peer;
    int count;
    uint8_t bytes[];
};

struct simulated {
    struct wire wire;
    struct rtp *legs; /* by next_in_pair */
    struct parcel *in, **in_end, *out, **out_end;
    uint8_t bytes[WIRE_BATCH][WIRE_PACKET];
};

static bool post(struct parcel ***end, int port, const union address *peer, const uint8_t *bytes, int count)
{
    struct parcel *parcel = malloc(sizeof(*parcel) + (size_t)count);
    if (!parcel)
        return false;
    *parcel = (struct parcel){.port = port, .peer = *peer, .count = count};
    memcpy(parcel->bytes, bytes, (size_t)count);
    **end = parcel;
    *end = &parcel->next;
    return true;
}

static void unlink_first(struct parcel **first, struct parcel ***end)
{
    struct parcel *parcel = *first;
    *first = parcel->next;
    if (!*first)
        *end = first;
    free(parcel);
}

bool wire_inject(struct wire *wire, int local_port, const union address *from, const uint8_t *bytes, int count)
{
    struct simulated *simulated = (struct simulated *)wire;
    return count <= WIRE_PACKET && post(&simulated->in_end, local_port, from, bytes, count);
}

int wire_take(struct wire *wire, int *local_port, union address *to, uint8_t *bytes, int room)
{
    struct simulated *simulated = (struct simulated *)wire;
    struct parcel *parcel = simulated->out;
    if (!parcel || parcel->count > room)
        return 0;
    int count = parcel->count;
    *local_port = parcel->port;
    *to = parcel->peer;
    memcpy(bytes, parcel->bytes, (size_t)count);
    unlink_first(&simulated->out, &simulated->out_end);
    return count;
}

static bool open_port(struct wire *wire, struct rtp *rtp, char *error)
{
    rtp->port.port = wire_pick_pair(wire);
    if (!rtp->port.port)
        snprintf(error, ENGINE_TEXT, "no RTP port is free");
    return rtp->port.port;
}

static void close_port(struct wire *wire, struct rtp *rtp)
{
    wire_drop_pair(wire, rtp->port.port);
}

static void attach(struct wire *wire, struct rtp *rtp)
{
    struct simulated *simulated = (struct simulated *)wire;
    rtp->port.next_in_pair = simulated->legs;
    simulated->legs = rtp;
}

static void detach(struct wire *wire, struct rtp *rtp)
{
    struct rtp **at = &((struct simulated *)wire)->legs;
    while (*at && *at != rtp)
        at = &(*at)->port.next_in_pair;
    if (*at)
        *at = rtp->port.next_in_pair;
}

static int receive(struct wire *wire, struct datagram *batch, int64_t now)
{
    struct simulated *simulated = (struct simulated *)wire;
    int count = 0;
    while (simulated->in && count < WIRE_BATCH) {
        struct parcel *parcel = simulated->in;
        struct rtp *rtp = simulated->legs;
        while (rtp && rtp->port.port != parcel->port / 2 * 2)
            rtp = rtp->port.next_in_pair;
        if (rtp) {
            memcpy(simulated->bytes[count], parcel->bytes, (size_t)parcel->count);
            batch[count] = (struct datagram){.rtp = rtp,
                                             .bytes = simulated->bytes[count],
                                             .count = parcel->count,
                                             .control = parcel->port & 1,
                                             .from = parcel->peer,
                                             .arrival = now};
            count++;
        }
        unlink_first(&simulated->in, &simulated->in_end);
    }
    return count;
}

static void send_packet(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                        int count)
{
    post(&((struct simulated *)wire)->out_end, rtp->port.port + control, to, bytes, count);
    rtp->leg->engine->packets_out++;
}

static void flush(struct wire *wire)
{
    (void)wire;
}

static int descriptors(const struct wire *wire)
{
    (void)wire;
    return 0;
}

static void end(struct wire *wire)
{
    struct simulated *simulated = (struct simulated *)wire;
    while (simulated->in)
        unlink_first(&simulated->in, &simulated->in_end);
    while (simulated->out)
        unlink_first(&simulated->out, &simulated->out_end);
    wire_end(wire);
}

static const struct wire_ops ops = {.mode = MODE_SIMULATED,
                                    .open = open_port,
                                    .close = close_port,
                                    .attach = attach,
                                    .detach = detach,
                                    .receive = receive,
                                    .send = send_packet,
                                    .flush = flush,
                                    .descriptors = descriptors,
                                    .end = end};

struct wire *wire_simulated(const struct wire_settings *settings, char *error)
{
    struct simulated *simulated = calloc(1, sizeof(*simulated));
    if (!simulated || !wire_init(&simulated->wire, &ops, settings)) {
        snprintf(error, ENGINE_TEXT, "out of memory");
        free(simulated);
        return NULL;
    }
    simulated->in_end = &simulated->in;
    simulated->out_end = &simulated->out;
    simulated->wire.next_pair = 0; /* the same ports in every run */
    return &simulated->wire;
}
