#include "wire_iax.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "engine.h"
#include "rtp.h"

enum {
    MS = 1000000,
    SKEW_MS = 160,     /* a stream's own time may be off from the call's by that much */
    SNAP_MS = 8,       /* unevenness of a sender's clock that is no gap */
    MOST_MISSING = 10, /* frames; a longer gap is a pause of the sender's */
    STRANGE_MS = 10000
};

/* The table of legs */

static unsigned place(const union address *from, int call)
{
    uint32_t hash = (uint32_t)call * 2654435761u ^ (uint32_t)address_port(from) * 40503u;
    if (from->any.sa_family == AF_INET) {
        hash ^= from->v4.sin_addr.s_addr * 2246822519u;
    } else {
        uint32_t parts[4];
        memcpy(parts, &from->v6.sin6_addr, sizeof(parts));
        hash ^= (parts[0] ^ parts[1] ^ parts[2] ^ parts[3]) * 2246822519u;
    }
    return (hash ^ hash >> 15) & (CARRIER_TABLE - 1);
}

static void list(struct iax_port *port)
{
    struct iax_port **at = &port->carrier->table[place(&port->peer, port->theirs)];
    port->next = *at;
    *at = port;
    port->listed = true;
}

static void unlist(struct iax_port *port)
{
    struct iax_port **at = &port->carrier->table[place(&port->peer, port->theirs)];
    while (port->listed && *at && *at != port)
        at = &(*at)->next;
    if (port->listed && *at)
        *at = port->next;
    port->listed = false;
}

struct iax_port *iax_find(struct carrier *carrier, const union address *from, int call)
{
    struct iax_port *port = carrier->table[place(from, call)];
    while (port && (port->theirs != call || !address_equal(&port->peer, from)))
        port = port->next;
    return port;
}

static void leave_trunk(struct iax_port *port)
{
    if (port->trunk)
        iax_trunk_leave(&port->carrier->trunks, port->carrier, port->trunk);
    port->trunk = NULL;
}

void iax_aim(struct iax_port *port, const struct iax_terms *terms)
{
    struct carrier *carrier = port->carrier;
    unlist(port);
    leave_trunk(port);
    if (!address_equal(&port->peer, &terms->peer))
        port->opened = false;
    port->peer = terms->peer;
    port->ours = terms->ours;
    port->theirs = terms->theirs;
    port->epoch = carrier->engine->now - (int64_t)terms->ms * MS;
    if (port->theirs)
        list(port);
    if (terms->trunk)
        port->trunk = iax_trunk_join(&carrier->trunks, carrier, &terms->peer, terms->timestamps);
    rtp_set_remote(port->rtp, &terms->peer, &terms->peer);
}

/* In */

/* Frames have no numbers: how many of its length lie between it and the newest one tells a frame's. True when it is
 * the newest. */
static bool number(struct iax_port *port, uint32_t ms, int length, uint16_t *sequence)
{
    int32_t ahead = (int32_t)(ms - port->heard_ms);
    int32_t steps = (ahead + (ahead < 0 ? -length / 2 : length / 2)) / length;
    if (!port->known || ahead <= -length * JITTER_SLOTS) { /* it begins, or begins anew */
        *sequence = ++port->sequence;
        return true;
    }
    if (ahead > 0) {
        *sequence = port->sequence = (uint16_t)(port->sequence + (steps < 1 || steps > MOST_MISSING ? 1 : steps));
        return true;
    }
    *sequence = (uint16_t)(port->sequence + steps);
    return false;
}

void iax_hear(struct iax_port *port, uint32_t ms, uint8_t *payload, int count)
{
    struct rtp *rtp = port->rtp;
    int number_of_codec = rtp->receive[IAX_TYPE];
    const struct codec *codec = codec_at(number_of_codec);
    if (!codec || count <= 0)
        return; /* no full frame has told yet what it is */
    int samples = codec->rate ? codec_samples(number_of_codec, payload, count) : 0;
    int length = samples ? (int)((int64_t)samples * 1000 / codec->rate) : 20;
    if (length < 1)
        length = 1;
    uint32_t a_ms = codec->clock / 1000, at = ms * a_ms;
    bool known = port->known;
    uint16_t sequence;
    if (number(port, ms, length, &sequence)) {
        int32_t uneven = (int32_t)(at - port->heard_at);
        if (known && uneven > -(int32_t)(SNAP_MS * a_ms) && uneven < (int32_t)(SNAP_MS * a_ms))
            at = port->heard_at;
        port->heard_at = at + (uint32_t)length * a_ms; /* where the next one is expected */
        port->heard_ms = ms;
        port->known = true;
    }
    uint8_t *bytes = payload - RTP_HEADER;
    uint32_t ssrc = 1;
    bytes[0] = 0x80;
    bytes[1] = IAX_TYPE;
    bytes[2] = (uint8_t)(sequence >> 8);
    bytes[3] = (uint8_t)sequence;
    for (int i = 0; i < 4; i++) {
        bytes[4 + i] = (uint8_t)(at >> (24 - 8 * i));
        bytes[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    }
    struct datagram packet = {.rtp = rtp,
                              .bytes = bytes,
                              .count = RTP_HEADER + count,
                              .from = port->peer,
                              .arrival = port->carrier->engine->now};
    rtp_receive(rtp, &packet);
}

static void receive_mini(struct carrier *carrier, struct datagram *packet)
{
    struct engine *engine = carrier->engine;
    uint8_t *bytes = packet->bytes;
    if (packet->count < IAX_MINI || bytes[0] & 0x80) {
        engine->packets_bad++;
        return;
    }
    int call = bytes[0] << 8 | bytes[1];
    if (!call) {
        iax_meta_receive(carrier, packet);
        return;
    }
    struct iax_port *port = iax_find(carrier, &packet->from, call);
    if (!port) {
        engine->packets_bad++; /* of a call that is over, or nobody's */
        return;
    }
    uint8_t *clear = bytes + 2;
    int count = packet->count - 2;
    if (port->unseal)
        clear = iax_unseal(port->unseal, clear, &count);
    if (!clear || count < 2) {
        port->rtp->leg->figures.forged++;
        return;
    }
    int16_t behind = (int16_t)((clear[0] << 8 | clear[1]) - (uint16_t)port->heard_ms);
    if (port->unseal && port->known && (behind < -STRANGE_MS || behind > STRANGE_MS)) {
        port->rtp->leg->figures.forged++; /* opened with the key before, or the next: noise */
        return;
    }
    iax_hear(port, port->heard_ms + (uint32_t)behind, clear + 2, count - 2);
}

static int receive(struct wire *wire, struct datagram *batch, int64_t now)
{
    struct carrier *carrier = (struct carrier *)wire;
    for (int i = 0; i < WIRE_BATCH; i++)
        carrier->in[i].msg_hdr.msg_namelen = sizeof(carrier->from[i]);
    int count = recvmmsg(carrier->socket, carrier->in, WIRE_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        wire_unmap(&carrier->from[i]);
        batch[i] = (struct datagram){.bytes = carrier->bytes[i] + IAX_HEADROOM,
                                     .count = (int)carrier->in[i].msg_len,
                                     .from = carrier->from[i],
                                     .arrival = now};
    }
    return count > 0 ? count : 0;
}

void carriers_receive(struct engine *engine)
{
    enum { MOST_ROUNDS = 64 };
    for (struct carrier *carrier = engine->carriers; carrier; carrier = carrier->next) {
        struct datagram batch[WIRE_BATCH];
        int count, rounds = 0;
        do {
            count = receive(&carrier->wire, batch, engine->now);
            for (int i = 0; i < count; i++)
                receive_mini(carrier, &batch[i]);
            if (count)
                engine->wire->ops->flush(engine->wire); /* what is passed on lies in the batch */
            carriers_flush(engine);
            atomic_fetch_add_explicit(&engine->packets_in, (uint64_t)count, memory_order_relaxed);
        } while (count == WIRE_BATCH && ++rounds < MOST_ROUNDS);
    }
}

/* Out */

static const union address *mapped(const struct carrier *carrier, union address *to)
{
    if (carrier->mapped)
        wire_map(to);
    return to;
}

void iax_send_now(struct carrier *carrier, const union address *to, const uint8_t *bytes, int count)
{
    union address where = *to;
    mapped(carrier, &where);
    if (sendto(carrier->socket, bytes, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL, &where.any,
               address_length(&where)) == count)
        atomic_fetch_add_explicit(&carrier->engine->packets_out, 1, memory_order_relaxed);
}

static void flush(struct wire *wire)
{
    struct carrier *carrier = (struct carrier *)wire;
    int sent = 0;
    while (sent < carrier->out_count) {
        int count = sendmmsg(carrier->socket, carrier->out + sent, (unsigned)(carrier->out_count - sent), MSG_DONTWAIT);
        sent += count > 0 ? count : 1; /* one that cannot be sent must not keep the others */
        if (count > 0)
            atomic_fetch_add_explicit(&carrier->engine->packets_out, (uint64_t)count, memory_order_relaxed);
    }
    carrier->out_count = 0;
}

void carriers_flush(struct engine *engine)
{
    for (struct carrier *carrier = engine->carriers; carrier; carrier = carrier->next)
        flush(&carrier->wire);
}

void carriers_send(struct engine *engine)
{
    carriers_flush(engine);
    for (struct carrier *carrier = engine->carriers; carrier; carrier = carrier->next) {
        iax_trunks_send(carrier->trunks, carrier, engine->now);
    }
}

void iax_send_mini(struct iax_port *port, uint32_t ms, const uint8_t *payload, int count)
{
    struct carrier *carrier = port->carrier;
    if (carrier->out_count == WIRE_BATCH)
        flush(&carrier->wire);
    int header_count = IAX_MINI;
    int at = carrier->out_count;
    uint8_t *header = carrier->out_header[at];
    header[0] = (uint8_t)(port->ours >> 8);
    header[1] = (uint8_t)port->ours;
    header[2] = (uint8_t)(ms >> 8);
    header[3] = (uint8_t)ms;
    if (port->seal) {
        uint8_t *clear = engine_scratch(carrier->engine, (size_t)count + 2);
        uint8_t *sealed = engine_scratch(carrier->engine, (size_t)count + 2 + IAX_PADDING);
        if (!clear || !sealed)
            return;
        memcpy(clear, header + 2, 2);
        memcpy(clear + 2, payload, (size_t)count);
        count = iax_seal(port->seal, clear, count + 2, sealed);
        payload = sealed;
        header_count = 2;
        if (!count)
            return;
    }
    carrier->out_to[at] = port->peer;
    mapped(carrier, &carrier->out_to[at]);
    carrier->out_parts[at][0] = (struct iovec){header, (size_t)header_count};
    carrier->out_parts[at][1] = (struct iovec){(void *)(uintptr_t)payload, (size_t)count};
    carrier->out[at].msg_hdr = (struct msghdr){.msg_name = &carrier->out_to[at],
                                               .msg_namelen = address_length(&carrier->out_to[at]),
                                               .msg_iov = carrier->out_parts[at],
                                               .msg_iovlen = 2};
    carrier->out_count++;
}

/* The control thread sends this one, in a full frame. */
static void ask_for_full(struct iax_port *port, uint32_t ms, const uint8_t *payload, int count)
{
    struct engine *engine = port->carrier->engine;
    struct letter *letter = slab_get(&engine->slab, sizeof(*letter) + (size_t)count);
    if (!letter)
        return;
    letter->count = count;
    memcpy(letter->bytes, payload, (size_t)count);
    struct engine_event event = {.kind = EVENT_PACKET,
                                 .b = count,
                                 .c = (int64_t)(uintptr_t)letter,
                                 .object = port->rtp->leg,
                                 .port = (int32_t)ms};
    engine_tell(engine, &event);
}

/* The call's time of what has this time in its stream. */
static uint32_t call_time(struct iax_port *port, uint32_t at, uint32_t a_ms)
{
    uint32_t now = (uint32_t)((port->carrier->engine->now - port->epoch) / MS);
    if (port->mapped) {
        int32_t ms = (int32_t)(at - port->base) / (int32_t)a_ms;
        uint32_t found = port->base_ms + (uint32_t)ms;
        int32_t off = (int32_t)(found - now);
        if (off > -SKEW_MS && off < SKEW_MS) {
            port->base += (uint32_t)ms * a_ms;
            port->base_ms = found;
            return found;
        }
    }
    port->mapped = true;
    port->base = at;
    if ((int32_t)(now - port->base_ms) <= 0 && port->base_ms - now < SKEW_MS)
        now = port->base_ms + 1; /* never twice the same */
    port->base_ms = now;
    return now;
}

static void send_packet(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                        int count)
{
    (void)wire;
    (void)to;
    struct iax_port *port = rtp->port.iax;
    const struct codec *codec = codec_at(rtp->send_codec);
    if (control || !codec || (bytes[1] & 0x7f) != IAX_TYPE || count <= RTP_HEADER)
        return;
    uint32_t at = 0;
    for (int i = 0; i < 4; i++)
        at = at << 8 | bytes[4 + i];
    uint32_t ms = call_time(port, at, codec->clock / 1000);
    const uint8_t *payload = bytes + RTP_HEADER;
    count -= RTP_HEADER;
    if (!port->opened || port->codec != rtp->send_codec || port->full >> 16 != ms >> 16)
        ask_for_full(port, ms, payload, count);
    else if (port->trunk && !port->seal)
        iax_trunk_add(port, ms, payload, count);
    else
        iax_send_mini(port, ms, payload, count);
}

/* Legs */

static bool open_port(struct wire *wire, struct rtp *rtp, char *error)
{
    struct carrier *carrier = (struct carrier *)wire;
    struct iax_port *port = calloc(1, sizeof(*port));
    if (!port) {
        snprintf(error, ENGINE_TEXT, "out of memory");
        return false;
    }
    port->rtp = rtp;
    port->carrier = carrier;
    rtp->port.iax = port;
    carrier->legs++;
    return true;
}

static void close_port(struct wire *wire, struct rtp *rtp)
{
    struct carrier *carrier = (struct carrier *)wire;
    iax_seal_free(rtp->port.iax->seal);
    iax_seal_free(rtp->port.iax->unseal);
    free(rtp->port.iax);
    carrier->legs--;
    if (carrier->closing && !carrier->legs)
        carrier_destroy(carrier);
}

static void attach(struct wire *wire, struct rtp *rtp)
{
    (void)wire;
    (void)rtp; /* listed when it is told where its voice comes from */
}

static void detach(struct wire *wire, struct rtp *rtp)
{
    flush(wire); /* nothing of it may be on its way any more */
    unlist(rtp->port.iax);
    leave_trunk(rtp->port.iax);
}

static int descriptors(const struct wire *wire)
{
    (void)wire;
    return 2;
}

static void end(struct wire *wire)
{
    struct carrier *carrier = (struct carrier *)wire;
    close(carrier->socket);
    close(carrier->full_socket);
    free(carrier);
}

const struct wire_ops iax_ops = {.mode = MODE_LEG,
                                 .open = open_port,
                                 .close = close_port,
                                 .attach = attach,
                                 .detach = detach,
                                 .receive = receive,
                                 .send = send_packet,
                                 .flush = flush,
                                 .descriptors = descriptors,
                                 .end = end};
