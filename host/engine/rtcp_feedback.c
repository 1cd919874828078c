/* What a far end asks of who sends it pictures (RFC 4585, 5104): a whole picture, lost packets again, a lower rate.
 * Relayed packets keep their order, so that what is asked can be passed on to where they come from, in the numbers used
 * there. */
#include <string.h>

#include "rtcp.h"
#include "rtp.h"

enum {
    HEADER = 12, /* with both SSRCs */
    PICTURE_LOST = 1,
    WHOLE_PICTURE = 4,
    OTHER = 15, /* application layer: REMB */
    LOST_PACKETS = 1,
    ENTRY = 8,
    AGAIN_NS = 500 * 1000 * 1000, /* so often it is told that a whole picture is wanted */
    MOST = 256
};

/* The leg whose packets are relayed to this one. */
static struct rtp *origin(const struct rtp *rtp)
{
    struct leg *leg = rtp->leg;
    if (leg->relay_to == leg)
        return leg->rtp;
    for (struct leg *from = leg->peer; from; from = from->other ? from->other->peer : NULL) {
        if (from->relay_to == leg)
            return from->rtp;
        if (from->kind != LEG_PIPE)
            break;
    }
    return NULL;
}

static bool replace_source(uint8_t *at, uint32_t ours, uint32_t theirs)
{
    if (rtcp_word(at) != ours)
        return false;
    rtcp_put(at, theirs);
    return true;
}

/* The sources that entries after the header speak of. */
static bool replace_entries(uint8_t *bytes, int size, uint32_t ours, uint32_t theirs)
{
    bool any = false;
    for (int at = HEADER; at + ENTRY <= size; at += ENTRY)
        any = replace_source(bytes + at, ours, theirs) || any;
    return any;
}

static bool replace_remb(uint8_t *bytes, int size, uint32_t ours, uint32_t theirs)
{
    if (size < HEADER + 8 || memcmp(bytes + HEADER, "REMB", 4) != 0)
        return false;
    bool any = false;
    for (int i = 0, at = HEADER + 8; i < bytes[HEADER + 4] && at + 4 <= size; i++, at += 4)
        any = replace_source(bytes + at, ours, theirs) || any;
    return any;
}

/* Lost packets by the numbers they came to us with. */
static bool replace_numbers(const struct rtp *rtp, uint8_t *bytes, int size)
{
    if (!rtp->sending.relaying || size < HEADER + 4)
        return false;
    for (int at = HEADER; at + 4 <= size; at += 4) {
        uint16_t number = (uint16_t)((bytes[at] << 8 | bytes[at + 1]) - rtp->sending.relay_sequence);
        bytes[at] = (uint8_t)(number >> 8);
        bytes[at + 1] = (uint8_t)number;
    }
    return true;
}

/* Rewrite a request in place; false when it is about nothing we relay. */
static bool translate(const struct rtp *rtp, uint32_t theirs, uint8_t *bytes, int size)
{
    uint32_t ours = rtp->leg->figures.ssrc;
    int kind = bytes[0] & 0x1f;
    if (bytes[1] == RTCP_LOST)
        return kind == LOST_PACKETS && replace_source(bytes + 8, ours, theirs) && replace_numbers(rtp, bytes, size);
    if (kind == PICTURE_LOST)
        return replace_source(bytes + 8, ours, theirs);
    if (kind == WHOLE_PICTURE)
        return replace_entries(bytes, size, ours, theirs);
    return kind == OTHER && replace_remb(bytes, size, ours, theirs);
}

/* Whether a whole picture of what we send is asked for. */
static bool wants_picture(const struct rtp *rtp, const uint8_t *bytes, int size)
{
    int kind = bytes[0] & 0x1f;
    uint32_t ours = rtp->leg->figures.ssrc;
    if (bytes[1] != RTCP_PICTURE)
        return false;
    if (kind == PICTURE_LOST)
        return rtcp_word(bytes + 8) == ours;
    bool named = false;
    for (int at = HEADER; kind == WHOLE_PICTURE && at + ENTRY <= size; at += ENTRY)
        named = named || rtcp_word(bytes + at) == ours;
    return named;
}

/* The sender may be one that reads no feedback: the control thread knows other ways. */
static void tell_picture(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    if (rtp->rtcp.pictured && engine->now - rtp->rtcp.pictured < AGAIN_NS)
        return;
    rtp->rtcp.pictured = engine->now;
    engine_tell_simple(engine, EVENT_PICTURE, rtp->leg, 0, 0, 0);
}

void rtcp_pass_feedback(struct rtp *rtp, const uint8_t *bytes, int size)
{
    if (size >= HEADER && wants_picture(rtp, bytes, size))
        tell_picture(rtp);
    struct rtp *to = origin(rtp);
    if (!to || !to->reception.known || !address_set(&to->remote_control) || size < HEADER || size > MOST)
        return;
    uint8_t *packet = engine_scratch(to->leg->engine, RTCP_ROOM + MOST);
    if (!packet)
        return;
    int begin = rtcp_write_empty(to, packet); /* feedback does not travel alone (RFC 4585 3.1) */
    memcpy(packet + begin, bytes, (size_t)size);
    rtcp_put(packet + begin + 4, to->leg->figures.ssrc);
    if (translate(rtp, to->reception.ssrc, packet + begin, size))
        guard_send(to, true, packet, begin + size);
}

/* The older way to ask for a picture (RFC 2032 5.2.1). */
void rtcp_pass_refresh(struct rtp *rtp)
{
    uint8_t request[HEADER] = {0x80 | PICTURE_LOST, RTCP_PICTURE, 0, HEADER / 4 - 1};
    rtcp_put(request + 8, rtp->leg->figures.ssrc);
    rtcp_pass_feedback(rtp, request, HEADER);
}

/* Ask this leg's own far end for a whole picture. */
void rtcp_ask_picture(struct rtp *rtp)
{
    uint8_t *packet = engine_scratch(rtp->leg->engine, RTCP_ROOM);
    if (!packet || !rtp->reception.known || !address_set(&rtp->remote_control))
        return;
    int size = rtcp_write_empty(rtp, packet);
    uint8_t *request = packet + size;
    memcpy(request, (const uint8_t[]){0x80 | PICTURE_LOST, RTCP_PICTURE, 0, HEADER / 4 - 1}, 4);
    rtcp_put(request + 4, rtp->leg->figures.ssrc);
    rtcp_put(request + 8, rtp->reception.ssrc);
    guard_send(rtp, true, packet, size + HEADER);
}
