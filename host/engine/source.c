/* Which address a stream comes from, and whom to believe ("strict RTP").
 *
 * After SDP named an address we learn for five seconds: packets from the named address are believed at once, those from
 * another only after some in sequence while nothing came from the believed one. Then it is locked until SDP changes. */
#include "rtp.h"

enum { LEARN_SECONDS = 5, SECOND = 1000000000 };

/* Fewer ms than that for a whole probation means a replayed burst, not a stream. */
enum { PACKET_MIN_MS = 9 };

static void start_probation(struct rtp *rtp, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    source->left = (uint8_t)rtp->leg->engine->options.probation;
    source->sequence = sequence;
    source->first = now;
}

void source_expect(struct rtp *rtp, const union address *remote, int64_t now)
{
    struct source *source = &rtp->source;
    if (!rtp->strict) {
        source->state = SOURCE_OPEN;
        return;
    }
    if (source->state == SOURCE_LOCKED && address_equal(remote, &source->locked))
        return;
    if (source->state != SOURCE_OPEN && source->locked.any.sa_family)
        atomic_store(&rtp->port.settled, address_equal(remote, &source->locked) && !(rtp->guard.aside & ASIDE_STUN));
    source->state = SOURCE_LEARN;
    source->began = now;
    source->proposed.any.sa_family = 0;
}

static void tell_address(struct rtp *rtp, const union address *from)
{
    struct engine_event event = {.kind = EVENT_ADDRESS, .object = rtp->leg};
    struct leg_figures *figures = &rtp->leg->figures;
    event.port = address_format(from, event.address);
    figures->learned_port = address_format(from, figures->learned);
    engine_tell(rtp->leg->engine, &event);
}

static void believe(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now)
{
    rtp->source.locked = *from;
    /* the far end of an ICE session may still show itself at other addresses */
    atomic_store(&rtp->port.settled, !(rtp->guard.aside & ASIDE_STUN));
    start_probation(rtp, sequence, now);
    tell_address(rtp, from);
}

/* One more packet of the proposed address; true when it has proved itself. */
static bool qualifies(struct rtp *rtp, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    if (sequence != (uint16_t)(source->sequence + 1)) {
        start_probation(rtp, sequence, now);
        source->left--;
        return false;
    }
    source->sequence = sequence;
    if (source->left)
        source->left--;
    if (source->left)
        return false;
    int64_t least = (int64_t)(rtp->leg->engine->options.probation - 1) * PACKET_MIN_MS * (SECOND / 1000);
    if (now - source->first < least) {
        start_probation(rtp, sequence, now);
        source->left--;
        return false;
    }
    return true;
}

static bool learn(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    if (source->locked.any.sa_family && address_equal(from, &source->locked)) {
        start_probation(rtp, sequence, now);
        return true;
    }
    if (address_equal(from, &rtp->sdp)) {
        believe(rtp, from, sequence, now);
        return true;
    }
    if (source->proposed.any.sa_family && address_equal(from, &source->proposed)) {
        if (!qualifies(rtp, sequence, now))
            return false;
        believe(rtp, from, sequence, now);
        return true;
    }
    source->proposed = *from;
    start_probation(rtp, sequence, now);
    source->left--;
    return false;
}

bool source_accepts(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    if (source->state == SOURCE_LEARN && source->locked.any.sa_family &&
        now - source->began > (int64_t)LEARN_SECONDS * SECOND)
        source->state = SOURCE_LOCKED;
    bool accepted = true;
    if (source->state == SOURCE_LEARN)
        accepted = learn(rtp, from, sequence, now);
    else if (source->state == SOURCE_LOCKED)
        accepted = address_equal(from, &source->locked);
    if (accepted && rtp->symmetric && !address_equal(from, &rtp->remote)) {
        rtp->remote = *from;
        rtp->remote_control = *from;
        if (!rtp->mux)
            address_set_port(&rtp->remote_control, address_port(from) + 1);
        if (source->state == SOURCE_OPEN)
            tell_address(rtp, from);
        struct wire *wire = rtp->wire;
        if (wire->ops->aimed)
            wire->ops->aimed(wire, rtp);
    }
    return accepted;
}
