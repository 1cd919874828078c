/* What has to be done for each leg every tick. Recomputed when something changed, never per packet.
 *
 * A stream that arrives in the codec its destination is sent, with nothing tapping or changing the sound on the way
 * (pipes included), is relayed packet by packet; so is one that becomes the other law of G.711. Everything else that
 * somebody hears is wanted as sound: the want spreads from those who hear to those who are heard. */
#include "codec.h"
#include "detector.h"
#include "digits.h"
#include "engine.h"
#include "leg_stream.h"
#include "mixer.h"
#include "player.h"
#include "recorder.h"
#include "rtp.h"

enum { LONGEST_CHAIN = 16 };

/* The RTP leg that hears exactly what arrives at this one, or NULL. */
static struct leg *destination(struct leg *leg)
{
    for (int i = 0; i < LONGEST_CHAIN; i++) {
        struct leg *next = leg->loopback ? leg : leg->peer;
        if (leg->mixer || !next || !leg_plain_in(leg) || !leg_plain_out(next) || next->mixer)
            return NULL;
        if (next->kind == LEG_RTP)
            return next->loopback && next != leg ? NULL : next;
        if (next->kind != LEG_PIPE || !next->other || (next->loopback && next != leg))
            return NULL;
        leg = next->other;
    }
    return NULL;
}

static bool relayable(const struct leg *leg, const struct leg *to)
{
    if (leg->relay_only || to->relay_only)
        return leg->relay_only && to->relay_only;
    const struct rtp *from = leg->rtp, *rtp = to->rtp;
    bool framed = !rtp->ptime || !from->rx_ms || rtp->ptime == from->rx_ms || !codec_usable(from->rx_codec);
    bool same = from->rx_codec == rtp->send_codec || codec_exchange(from->rx_codec, rtp->send_codec);
    return from->rx_codec && same && framed;
}

static bool plays(const struct leg *leg)
{
    return leg->player || leg->overlay || leg->music || digits_tone(leg->digits);
}

static void want_in(struct leg *leg);

static void want_out(struct leg *leg)
{
    if (leg->want_out)
        return;
    leg->want_out = true;
    const struct player *players[] = {leg->player, leg->overlay, leg->music};
    for (int i = 0; i < 3; i++)
        if (players[i] && players[i]->from)
            want_in(players[i]->from);
    if (leg->player || leg->music || leg->mixer)
        return;
    if (leg->loopback)
        want_in(leg);
    else if (leg->peer)
        want_in(leg->peer);
}

static void want_in(struct leg *leg)
{
    if (leg->want_in)
        return;
    leg->want_in = true;
    if (leg->kind == LEG_PIPE && leg->other)
        want_out(leg->other);
    if (leg->kind == LEG_SNOOP && leg->other) {
        if (leg->spy & DIRECTION_IN)
            want_in(leg->other);
        if (leg->spy & DIRECTION_OUT)
            want_out(leg->other);
    }
}

/* Whether what is pushed reaches somebody by itself. */
static bool sends(const struct leg *leg)
{
    switch (leg->kind) {
    case LEG_RTP:
        return !leg->relayed;
    case LEG_LINE:
        return true;
    case LEG_STREAM:
        return leg->stream->framing->speaks;
    case LEG_SNOOP:
        return leg->whisper;
    default:
        return false;
    }
}

/* Whether somebody may hear more of what arrives than 8 kHz carry. */
static bool heard_wide(const struct leg *leg)
{
    if (leg->recorders || leg->snoops || leg->mixer || leg->in_effect)
        return true;
    const struct leg *to = leg->loopback ? leg : leg->peer;
    if (to && to->kind == LEG_PIPE && !(to->other && to->other->peer && to->other->peer->kind == LEG_RTP))
        return true; /* to where, other ticks tell */
    return to && leg_rate(to) > 8000;
}

static void want_for(struct leg *leg)
{
    for (const struct recorder *recorder = leg->recorders; recorder; recorder = recorder->next) {
        if (recorder->direction & DIRECTION_IN)
            want_in(leg);
        if (recorder->direction & DIRECTION_OUT)
            want_out(leg);
    }
    if (detectors_listen(leg, DIRECTION_OUT))
        want_out(leg);
    if (detectors_listen(leg, DIRECTION_IN) || leg->dtmf || leg->watches || (leg->mixer && leg->heard))
        want_in(leg);
    if (plays(leg))
        want_out(leg);
    if (sends(leg) && !leg->relay_only && (leg->mixer || leg->peer || leg->loopback || leg->snoops))
        want_out(leg);
}

void engine_plan(struct engine *engine)
{
    engine->plan_dirty = false;
    for (struct leg *leg = engine->legs; leg; leg = leg->next) {
        leg->want_in = leg->want_out = leg->relayed = false;
        leg->relay_to = NULL;
        leg->in.samples = leg->out.samples = leg->spied_in.samples = leg->spied_out.samples = NULL;
    }
    for (struct leg *leg = engine->legs; leg; leg = leg->next) {
        if (leg->kind != LEG_RTP || (!leg->peer && !leg->loopback))
            continue;
        struct leg *to = destination(leg);
        if (to && relayable(leg, to)) {
            leg->relay_to = to;
            to->relayed = true;
        }
    }
    for (struct leg *leg = engine->legs; leg; leg = leg->next)
        want_for(leg);
    engine->pull = engine->push = engine->tap = NULL;
    for (struct leg *leg = engine->legs; leg; leg = leg->next) {
        leg->figures.relayed = leg->relay_to != NULL;
        if (leg->rtp)
            rtp_planned(leg->rtp, heard_wide(leg));
        if (leg->want_in) {
            leg->next_pull = engine->pull;
            engine->pull = leg;
        }
        if (leg->want_out) {
            leg->next_push = engine->push;
            engine->push = leg;
        }
        if (leg->recorders || leg->snoops) {
            leg->next_tap = engine->tap;
            engine->tap = leg;
        }
    }
}
