/* Which address a stream comes from, and whom to believe ("strict RTP").
 *
 * Until SDP names an address nobody is heard. Then we learn for five seconds: packets from the named address are
 * believed at once, those from another only after some in sequence while nothing came from the believed one. Then it is
 * locked until SDP names another address. */
#include "rtp.h"

enum { LEARN_SECONDS = 5, SECOND = 1000000000, MILLISECOND = 1000000 };

/* Sound that comes faster than that is a replayed burst, not a stream: ms between packets, and in all. */
enum { PACKET_MIN_MS = 9, PACKET_SLACK_MS = 5 };

static void start_probation(struct rtp *rtp, uint16_t sequence)
{
    struct source *source = &rtp->source;
    source->left = rtp->leg->engine->options.probation;
    source->sequence = sequence;
    source->first = 0;
}

void source_set_strictness(struct rtp *rtp, enum strictness strictness)
{
    bool was = rtp->strict;
    rtp->strict = (uint8_t)strictness;
    if (!strictness)
        rtp->source.state = SOURCE_OPEN;
    else if (address_set(&rtp->sdp))
        source_expect(rtp, &rtp->sdp, rtp->leg->engine->now);
    else if (!was)
        rtp->source.state = SOURCE_LOCKED;
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

static void tell_judgement(struct rtp *rtp, const union address *source, bool believed)
{
    struct engine_event event = {.kind = EVENT_SOURCE, .object = rtp->leg, .a = believed};
    event.port = address_format(source, event.address);
    engine_tell(rtp->leg->engine, &event);
}

static void believe(struct rtp *rtp, const union address *from, uint16_t sequence)
{
    rtp->source.locked = *from;
    /* the far end of an ICE session may still show itself at other addresses */
    atomic_store(&rtp->port.settled, !(rtp->guard.aside & ASIDE_STUN));
    start_probation(rtp, sequence);
    tell_address(rtp, from);
}

/* One more packet of the proposed address; true when it has proved itself. */
static bool qualifies(struct rtp *rtp, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    int probation = rtp->leg->engine->options.probation;
    if (sequence == (uint16_t)(source->sequence + 1)) {
        source->left--;
    } else {
        source->left = probation - 1;
        source->first = now;
    }
    source->sequence = sequence;
    if (rtp->strict == STRICT_YES && !rtp->leg->relay_only) { /* pictures come in bursts */
        int64_t least = (int64_t)((probation - 1) * PACKET_MIN_MS - PACKET_SLACK_MS) * MILLISECOND;
        if (!source->first) {
            source->first = now;
        } else if (source->left <= 0 && now - source->first < least) {
            source->left = probation - 1;
            source->first = now;
        }
    }
    return source->left <= 0;
}

static bool learn(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    if (source->locked.any.sa_family && address_equal(from, &source->locked)) {
        start_probation(rtp, sequence);
        return true;
    }
    if (address_equal(from, &rtp->sdp)) {
        believe(rtp, from, sequence);
        return true;
    }
    if (source->proposed.any.sa_family && address_equal(from, &source->proposed)) {
        if (!qualifies(rtp, sequence, now))
            return false;
        believe(rtp, from, sequence);
        return true;
    }
    source->proposed = *from;
    start_probation(rtp, sequence);
    return false;
}

static void follow(struct rtp *rtp, const union address *from)
{
    rtp->remote = *from;
    rtp->remote_control = *from;
    if (!rtp->mux)
        address_set_port(&rtp->remote_control, address_port(from) + 1);
    if (rtp->source.state == SOURCE_OPEN)
        tell_address(rtp, from);
    if (rtp->wire->ops->aimed)
        rtp->wire->ops->aimed(rtp->wire, rtp);
    bundle_aimed(rtp);
}

/* ICE has chosen where to send; the far end may use any pair that was checked (RFC 8445 12.2), and has shown its key.
 */
static bool is_chosen(const struct rtp *rtp)
{
    return rtp->guard.aside & ASIDE_CHOSEN && rtp->guard.keys;
}

bool source_accepts(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now)
{
    struct source *source = &rtp->source;
    if (is_chosen(rtp))
        return true;
    if (source->state == SOURCE_LEARN && source->locked.any.sa_family &&
        now - source->began > (int64_t)LEARN_SECONDS * SECOND) {
        source->state = SOURCE_LOCKED;
        if (source->told)
            tell_judgement(rtp, &source->locked, true);
    }
    bool accepted = true;
    if (source->state == SOURCE_LEARN)
        accepted = learn(rtp, from, sequence, now);
    else if (source->state == SOURCE_LOCKED)
        accepted = address_equal(from, &source->locked);
    if (!accepted && source->state == SOURCE_LOCKED && source->told && !source->refusal_told) {
        source->refusal_told = true;
        tell_judgement(rtp, from, false);
    }
    if (accepted && rtp->symmetric && !(rtp->guard.aside & ASIDE_CHOSEN) && !address_equal(from, &rtp->remote))
        follow(rtp, from);
    return accepted;
}

/* A report's sender is known by its SSRC, behind whatever NAT (RFC 3605); before its stream has come, by its host. */
bool source_accepts_report(struct rtp *rtp, const struct datagram *packet)
{
    const uint8_t *bytes = packet->bytes;
    uint32_t ssrc = (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
    bool known = rtp->reception.known && rtp->reception.ssrc == ssrc;
    if (is_chosen(rtp))
        return true;
    if (rtp->strict && !known && address_set(&rtp->remote) && !address_same_host(&packet->from, &rtp->remote))
        return false;
    if (rtp->symmetric && !rtp->mux && (known || !rtp->strict) && !(rtp->guard.aside & ASIDE_CHOSEN))
        rtp->remote_control = packet->from;
    return true;
}
