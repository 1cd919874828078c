#include "aside.h"

#include <string.h>

#include "engine.h"
#include "rtp.h"
#include "secure.h"
#include "tunnel.h"

/* RFC 7983 7 */
enum { STUN_LAST = 3, DTLS_FIRST = 20, DTLS_LAST = 63, CHANNEL_FIRST = 64, CHANNEL_LAST = 79, CHANNEL_HEADER = 4 };

static size_t letter_bytes(int count)
{
    return sizeof(struct letter) + (size_t)count;
}

static void hand_to_control(struct rtp *rtp, const struct datagram *packet, bool relayed)
{
    struct engine *engine = rtp->leg->engine;
    if (!rtp->guard.left)
        return;
    struct letter *letter = slab_get(&engine->slab, letter_bytes(packet->count));
    if (!letter)
        return;
    rtp->guard.left--;
    letter->peer = packet->from;
    letter->count = packet->count;
    letter->control = packet->control;
    letter->relayed = relayed;
    memcpy(letter->bytes, packet->bytes, (size_t)packet->count);
    struct engine_event event = {.kind = EVENT_PACKET,
                                 .a = packet->control | relayed << 1,
                                 .b = packet->count,
                                 .c = (int64_t)(uintptr_t)letter,
                                 .object = rtp->leg};
    event.port = address_format(&packet->from, event.address);
    engine_tell(engine, &event);
}

void aside_return(struct engine *engine, struct letter *letter)
{
    slab_put(&engine->slab, letter, letter_bytes(letter->count));
}

/* Whether the control thread expects packets that begin like that. */
static bool is_wanted(const struct rtp *rtp, uint8_t first)
{
    if (first <= STUN_LAST)
        return rtp->guard.aside & ASIDE_STUN;
    return first >= DTLS_FIRST && first <= DTLS_LAST && rtp->guard.aside & ASIDE_DTLS;
}

/* ChannelData (RFC 8656 12.4): what it holds came from the peer the channel is bound to. */
static void receive_by_detour(struct rtp *rtp, const struct datagram *packet)
{
    const struct detour *detour = &rtp->guard.detour;
    const uint8_t *bytes = packet->bytes;
    if (!detour->channel || packet->count < CHANNEL_HEADER || !address_equal(&packet->from, &detour->server) ||
        (bytes[0] << 8 | bytes[1]) != detour->channel)
        return;
    struct datagram inner = *packet;
    inner.bytes += CHANNEL_HEADER;
    inner.count = bytes[2] << 8 | bytes[3];
    inner.from = rtp->remote;
    if (inner.count > packet->count - CHANNEL_HEADER || !inner.count)
        return;
    if (inner.bytes[0] > CHANNEL_LAST)
        rtp_receive(rtp, &inner);
    else if (is_wanted(rtp, inner.bytes[0]))
        hand_to_control(rtp, &inner, true);
}

void aside_receive(struct rtp *rtp, const struct datagram *packet)
{
    uint8_t first = packet->bytes[0];
    if (is_wanted(rtp, first))
        hand_to_control(rtp, packet, false);
    else if (first >= CHANNEL_FIRST && first <= CHANNEL_LAST && rtp->guard.aside & ASIDE_STUN)
        receive_by_detour(rtp, packet);
    else
        rtp->leg->engine->packets_bad++;
}

static void send_there(struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes, int count)
{
    if (tunnel_leads_to(rtp->guard.tunnel, to))
        tunnel_send(rtp->guard.tunnel, bytes, count);
    else
        rtp->wire->ops->send(rtp->wire, rtp, control, to, bytes, count);
}

static void send_by(struct rtp *rtp, bool control, const union address *to, uint8_t *room, const uint8_t *bytes,
                    int count)
{
    const struct detour *detour = &rtp->guard.detour;
    if (room && detour->channel) {
        uint8_t *header = room - CHANNEL_HEADER;
        header[0] = (uint8_t)(detour->channel >> 8);
        header[1] = (uint8_t)detour->channel;
        header[2] = (uint8_t)(count >> 8);
        header[3] = (uint8_t)count;
        send_there(rtp, false, &detour->server, header, count + CHANNEL_HEADER);
    } else {
        send_there(rtp, control, to, bytes, count);
    }
}

void aside_send(struct rtp *rtp, const struct letter *letter)
{
    uint8_t *room = engine_scratch(rtp->leg->engine, (size_t)letter->count + CHANNEL_HEADER);
    if (!room)
        return;
    memcpy(room + CHANNEL_HEADER, letter->bytes, (size_t)letter->count);
    room += CHANNEL_HEADER;
    send_by(rtp, letter->control, &letter->peer, letter->relayed ? room : NULL, room, letter->count);
}

/* The keys of what passes a port. */
static struct secure *keys_of(const struct guard *guard, bool control)
{
    return control && guard->control_keys ? guard->control_keys : guard->keys;
}

int guard_open(struct rtp *rtp, const struct datagram *packet, bool report)
{
    struct secure *keys = keys_of(&rtp->guard, packet->control);
    if (!keys)
        return rtp->guard.required ? 0 : packet->count;
    int clear = report ? secure_unprotect_control(keys, packet->bytes, packet->count)
                       : secure_unprotect(keys, packet->bytes, packet->count);
    if (!clear)
        rtp->leg->figures.forged++;
    return clear;
}

void guard_send(struct rtp *rtp, bool report, const uint8_t *bytes, int count)
{
    if (rtp->bundle.carried)
        rtp = rtp->bundle.carrier;
    if (!rtp)
        return;
    const struct guard *guard = &rtp->guard;
    bool control = report && !rtp->mux;
    const union address *to = report ? &rtp->remote_control : &rtp->remote;
    struct secure *keys = keys_of(guard, control);
    if (!keys && guard->required)
        return;
    if (rtp->leg->engine->trace.kinds)
        trace_packet(rtp, true, report, to, bytes, report ? count : count - RTP_HEADER);
    if (!keys && !guard->detour.channel) {
        send_by(rtp, control, to, NULL, bytes, count);
        return;
    }
    uint8_t *room = engine_scratch(rtp->leg->engine, (size_t)count + CHANNEL_HEADER + SRTP_TRAILER);
    if (!room)
        return;
    room += CHANNEL_HEADER;
    if (!keys)
        memcpy(room, bytes, (size_t)count);
    else
        count = report ? secure_protect_control(keys, bytes, count, room) : secure_protect(keys, bytes, count, room);
    if (count)
        send_by(rtp, control, to, room, room, count);
}
