#include "tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "rtp.h"

enum { STUN_HEADER = 20, CHANNEL_HEADER = 4, CHANNEL_FIRST = 0x40, CHANNEL_LAST = 0x4f, MOST_PARTS = 16 /* a tick */ };

struct tunnel *tunnel_make(int descriptor, const union address *server)
{
    struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
    if (tunnel) {
        tunnel->descriptor = descriptor;
        tunnel->server = *server;
    }
    return tunnel;
}

void tunnel_destroy(struct tunnel *tunnel)
{
    if (!tunnel)
        return;
    close(tunnel->descriptor);
    free(tunnel);
}

void tunnel_attach(struct tunnel *tunnel, struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    tunnel->rtp = rtp;
    tunnel->next = engine->tunnels;
    engine->tunnels = tunnel;
    atomic_fetch_add(&engine->tunnel_count, 1);
}

void tunnel_detach(struct tunnel *tunnel)
{
    if (!tunnel || !tunnel->rtp)
        return;
    struct tunnel **at = &tunnel->rtp->leg->engine->tunnels;
    while (*at && *at != tunnel)
        at = &(*at)->next;
    if (*at)
        *at = tunnel->next;
    atomic_fetch_sub(&tunnel->rtp->leg->engine->tunnel_count, 1);
    tunnel->rtp = NULL;
}

bool tunnel_leads_to(const struct tunnel *tunnel, const union address *to)
{
    return tunnel && address_equal(to, &tunnel->server);
}

static void end(struct tunnel *tunnel)
{
    tunnel->over = true;
    tunnel->have = tunnel->waiting = 0;
    engine_tell_simple(tunnel->rtp->leg->engine, EVENT_TUNNEL_LOST, tunnel->rtp->leg, 0, 0, 0);
}

static int padded(int count)
{
    return (count + 3) & ~3;
}

static bool is_channel(uint8_t first)
{
    return first >= CHANNEL_FIRST && first <= CHANNEL_LAST;
}

void tunnel_send(struct tunnel *tunnel, const uint8_t *bytes, int count)
{
    int room = is_channel(bytes[0]) ? padded(count) : count;
    if (tunnel->over || tunnel->waiting + room > TUNNEL_BACKLOG)
        return;
    memcpy(tunnel->backlog + tunnel->waiting, bytes, (size_t)count);
    memset(tunnel->backlog + tunnel->waiting + count, 0, (size_t)(room - count));
    tunnel->waiting += room;
}

/* Octets of the packet that begins here, with what fills it up; 0 while its head is not whole, -1 for nonsense. */
static int length_of(const uint8_t *at, int have)
{
    if (have < CHANNEL_HEADER)
        return 0;
    int length = at[2] << 8 | at[3];
    if (is_channel(at[0]))
        length = CHANNEL_HEADER + padded(length);
    else if (at[0] < CHANNEL_FIRST)
        length += STUN_HEADER;
    else
        return -1;
    return length > WIRE_PACKET ? -1 : length;
}

/* Cut what was received into packets; false when it makes no sense. */
static bool hand_out(struct tunnel *tunnel)
{
    int at = 0, length = 0;
    while (at < tunnel->have) {
        length = length_of(tunnel->received + at, tunnel->have - at);
        if (length <= 0 || length > tunnel->have - at)
            break;
        struct datagram packet = {.rtp = tunnel->rtp,
                                  .bytes = tunnel->received + at,
                                  .count = length,
                                  .from = tunnel->server,
                                  .arrival = tunnel->rtp->leg->engine->now};
        rtp_receive(tunnel->rtp, &packet);
        at += length;
        length = 0;
    }
    tunnel->have -= at;
    memmove(tunnel->received, tunnel->received + at, (size_t)tunnel->have);
    return length >= 0;
}

static void receive(struct tunnel *tunnel)
{
    bool sensible = true;
    ssize_t came = 1;
    for (int parts = 0; sensible && came > 0 && parts < MOST_PARTS; parts++) {
        size_t room = sizeof(tunnel->received) - (size_t)tunnel->have;
        came = recv(tunnel->descriptor, tunnel->received + tunnel->have, room, MSG_DONTWAIT);
        if (came > 0) {
            tunnel->have += (int)came;
            sensible = hand_out(tunnel);
            tunnel->rtp->leg->engine->wire->ops->flush(tunnel->rtp->leg->engine->wire); /* what is relayed lies here */
        }
    }
    if (!sensible || !came || (came < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        end(tunnel);
}

void tunnels_receive(struct engine *engine)
{
    for (struct tunnel *tunnel = engine->tunnels; tunnel; tunnel = tunnel->next)
        if (!tunnel->over)
            receive(tunnel);
}

void tunnels_flush(struct engine *engine)
{
    for (struct tunnel *tunnel = engine->tunnels; tunnel; tunnel = tunnel->next) {
        if (tunnel->over || !tunnel->waiting)
            continue;
        ssize_t sent = send(tunnel->descriptor, tunnel->backlog, (size_t)tunnel->waiting, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            tunnel->waiting -= (int)sent;
            memmove(tunnel->backlog, tunnel->backlog + sent, (size_t)tunnel->waiting);
        } else if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            end(tunnel);
        }
    }
}
