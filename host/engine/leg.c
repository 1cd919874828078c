#include "leg.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "detector.h"
#include "digits.h"
#include "effect.h"
#include "engine.h"
#include "leg_line.h"
#include "leg_stream.h"
#include "level.h"
#include "mixer.h"
#include "player.h"
#include "recorder.h"
#include "rtp.h"

struct leg *leg_make(struct engine *engine, enum leg_kind kind)
{
    struct leg *leg = calloc(1, sizeof(*leg));
    if (!leg)
        return NULL;
    leg->engine = engine;
    leg->kind = kind;
    leg->in_gain = leg->out_gain = UNITY;
    leg->rate = 8000;
    return leg;
}

int leg_rate(const struct leg *leg)
{
    const struct leg *far = leg->kind == LEG_PIPE && leg->other ? leg->other->peer : leg;
    if (far && far->kind == LEG_RTP) {
        const struct codec *codec = codec_at(far->rtp->send_codec);
        return codec && codec->rate ? (int)codec->rate : 8000;
    }
    return leg->rate;
}

bool leg_takes(const struct leg *leg, int codec)
{
    return leg->kind == LEG_NULL || (leg->kind == LEG_RTP && (!leg->rtp->send_codec || leg->rtp->send_codec == codec));
}

void carry_put(struct engine *engine, struct carry *carry, struct block block)
{
    carry->full = false;
    if (!block.samples)
        return;
    int n = block.rate / 100;
    if (carry->room < n) {
        carry_end(engine, carry);
        carry->samples = slab_get(&engine->slab, (size_t)n * sizeof(int16_t));
        carry->room = carry->samples ? n : 0;
    }
    if (!carry->samples)
        return;
    memcpy(carry->samples, block.samples, (size_t)n * sizeof(int16_t));
    carry->rate = block.rate;
    carry->full = true;
}

struct block carry_take(struct carry *carry)
{
    struct block block = {.samples = carry->full ? carry->samples : NULL, .rate = carry->rate};
    carry->full = false;
    return block;
}

void carry_end(struct engine *engine, struct carry *carry)
{
    slab_put(&engine->slab, carry->samples, (size_t)carry->room * sizeof(int16_t));
    *carry = (struct carry){0};
}

struct block leg_at_rate(struct engine *engine, struct resampler *resampler, struct block block, int rate)
{
    if (!block.samples || block.rate == rate)
        return block;
    struct block none = {.samples = NULL};
    if (!resampler_is_for(resampler, block.rate, rate)) {
        resampler_end(resampler, &engine->slab);
        if (!resampler_init(resampler, &engine->slab, block.rate, rate))
            return none;
    }
    int16_t *samples = engine_scratch(engine, (size_t)rate / 100 * sizeof(int16_t));
    if (!samples)
        return none;
    resampler_run(resampler, block.samples, samples);
    return (struct block){.samples = samples, .rate = rate};
}

/* A copy that may be changed. */
static int16_t *own(struct engine *engine, struct block *block)
{
    size_t bytes = (size_t)block->rate / 100 * sizeof(int16_t);
    int16_t *samples = engine_scratch(engine, bytes);
    if (samples) {
        memcpy(samples, block->samples, bytes);
        block->samples = samples;
    }
    return samples;
}

/* What a carry holds, copied: it is written again in this tick, and its memory may be exchanged. */
static struct block taken(struct leg *leg, struct carry *carry)
{
    struct block block = carry_take(carry), none = {.samples = NULL};
    return block.samples && !own(leg->engine, &block) ? none : block;
}

/* Mix something on top, at the first's rate. */
static struct block add(struct leg *leg, struct block block, struct block more)
{
    if (!more.samples)
        return block;
    if (!block.samples)
        return more;
    more = leg_at_rate(leg->engine, &leg->side_resampler, more, block.rate);
    int16_t *sum = more.samples ? own(leg->engine, &block) : NULL;
    if (sum)
        level_add(sum, sum, more.samples, block.rate / 100);
    return block;
}

static struct block change(struct leg *leg, struct block block, int gain, bool muted)
{
    if (!block.samples || (gain == UNITY && !muted))
        return block;
    int16_t *samples = own(leg->engine, &block);
    if (samples && muted)
        memset(samples, 0, (size_t)block.rate / 100 * sizeof(int16_t));
    else if (samples)
        level_apply(samples, block.rate / 100, gain);
    return block;
}

static void listen_for_digits(struct leg *leg, struct block *block)
{
    static const int16_t nothing[RESAMPLE_MAX_BLOCK];
    int rate = block->samples ? block->rate : leg->dtmf->block * 8000 / 102;
    struct dtmf_result result;
    if (block->samples && leg->dtmf->block != 102 * block->rate / 8000)
        dtmf_init(leg->dtmf, block->rate, leg->dtmf->relaxed);
    result = dtmf_feed(leg->dtmf, block->samples ? block->samples : nothing, rate / 100);
    if (block->samples && dtmf_mutes(leg->dtmf)) {
        int16_t *samples = own(leg->engine, block);
        if (samples)
            memset(samples, 0, (size_t)block->rate / 100 * sizeof(int16_t));
    }
    if (result.change == DTMF_BEGIN)
        leg_digit_heard(leg, result.digit, -1, DIGIT_INBAND);
    else if (result.change == DTMF_END)
        leg_digit_heard(leg, result.digit, result.ms, DIGIT_INBAND);
}

/* An effect has one past only: where there is one, spies hear what is whispered. */
static struct block take_up(struct leg *leg, struct block block, struct block *whisper)
{
    block = add(leg, block, *whisper);
    whisper->samples = NULL;
    return block;
}

void leg_pull(struct leg *leg)
{
    struct block block = {.samples = NULL};
    if (leg->kind == LEG_RTP) {
        block = rtp_pull(leg->rtp);
    } else if (leg->kind == LEG_LINE) {
        block = line_pull(leg->line);
    } else if (leg->kind == LEG_STREAM) {
        block = stream_pull(leg->stream);
    } else if (leg->kind != LEG_NULL) {
        block = taken(leg, &leg->carry);
        if (block.samples)
            leg->rate = block.rate;
    }
    if (leg->watches && loudness_feed(&leg->loudness, block.samples, block.rate / 100))
        for (struct watch *watch = leg->watches; watch; watch = watch->next)
            watch_feed(watch, leg->loudness.mean);
    if (leg->detectors)
        detectors_feed(leg, DIRECTION_IN, block);
    if (leg->dtmf)
        listen_for_digits(leg, &block);
    struct block whisper = taken(leg, &leg->whisper_in);
    if (leg->in_effect)
        block = effect_run(leg->in_effect, take_up(leg, block, &whisper));
    leg->spied_in = change(leg, block, leg->in_gain, leg->in_muted);
    leg->in = add(leg, leg->spied_in, change(leg, whisper, leg->in_gain, leg->in_muted));
}

static bool play(struct leg *leg, struct player *player, struct block *block)
{
    return player && player_pull(player, block, leg_rate(leg));
}

static struct block source(struct leg *leg)
{
    struct block block = {.samples = NULL};
    struct tone *tone = digits_tone(leg->digits);
    if (tone) {
        int rate = leg_rate(leg);
        int16_t *samples = engine_scratch(leg->engine, (size_t)rate / 100 * sizeof(int16_t));
        if (samples)
            tone_make(tone, samples, rate / 100, rate);
        return (struct block){.samples = samples, .rate = rate};
    }
    if (play(leg, leg->player, &block) || play(leg, leg->music, &block))
        return block;
    if (leg->mixer)
        return mixer_heard_by(leg);
    if (leg->loopback)
        return leg->in;
    return leg->peer ? leg->peer->in : block;
}

static void deliver(struct leg *leg, struct block block)
{
    switch (leg->kind) {
    case LEG_RTP:
        if (!leg->relayed)
            rtp_push(leg->rtp, block);
        break;
    case LEG_LINE:
        block = leg_at_rate(leg->engine, &leg->resampler, block, 8000);
        if (block.samples)
            line_push(leg->line, block.samples);
        break;
    case LEG_STREAM:
        block = leg_at_rate(leg->engine, &leg->resampler, block, leg->rate);
        if (block.samples)
            stream_push(leg->stream, block.samples);
        break;
    case LEG_PIPE:
        if (leg->other)
            carry_put(leg->engine, &leg->other->carry, block);
        break;
    case LEG_SNOOP:
        if (leg->other && leg->whisper & DIRECTION_IN)
            carry_put(leg->engine, &leg->other->whisper_in, block);
        if (leg->other && leg->whisper & DIRECTION_OUT)
            carry_put(leg->engine, &leg->other->whisper_out, block);
        break;
    case LEG_NULL:
        break;
    }
}

void leg_push(struct leg *leg)
{
    struct block block = source(leg), over = {.samples = NULL};
    if (leg->overlay && player_pull(leg->overlay, &over, leg_rate(leg)))
        block = add(leg, block, over);
    struct block whisper = taken(leg, &leg->whisper_out);
    if (leg->out_effect)
        block = effect_run(leg->out_effect, take_up(leg, block, &whisper));
    leg->spied_out = change(leg, block, leg->out_gain, leg->out_muted);
    leg->out = add(leg, leg->spied_out, change(leg, whisper, leg->out_gain, leg->out_muted));
    if (leg->detectors)
        detectors_feed(leg, DIRECTION_OUT, leg->out);
    deliver(leg, leg->out);
}

static struct block spied(struct leg *snoop, const struct leg *target)
{
    struct block none = {.samples = NULL};
    struct block in = snoop->spy & DIRECTION_IN ? target->spied_in : none;
    struct block out = snoop->spy & DIRECTION_OUT ? target->spied_out : none;
    return in.samples ? add(snoop, in, out) : out;
}

void leg_tap(struct leg *leg)
{
    struct recorder *next;
    for (struct recorder *recorder = leg->recorders; recorder; recorder = next) {
        next = recorder->next;
        recorder_take(recorder, leg->in, leg->out);
    }
    for (struct leg *snoop = leg->snoops; snoop; snoop = snoop->next_snoop)
        if (snoop->want_in)
            carry_put(leg->engine, &snoop->carry, spied(snoop, leg));
}

static bool whispered(const struct leg *leg, int direction)
{
    for (const struct leg *snoop = leg->snoops; snoop; snoop = snoop->next_snoop)
        if (snoop->whisper & direction)
            return true;
    return false;
}

bool leg_plain_in(const struct leg *leg)
{
    return leg->in_gain == UNITY && !leg->in_muted && !leg->dtmf && !leg->in_effect && !whispered(leg, DIRECTION_IN) &&
           (!leg->rtp || leg->rtp->playout.kind == PLAYOUT_USUAL);
}

bool leg_plain_out(const struct leg *leg)
{
    return leg->out_gain == UNITY && !leg->out_muted && !leg->out_effect && !leg->player && !leg->overlay &&
           !leg->music && !digits_tone(leg->digits) && !whispered(leg, DIRECTION_OUT);
}

void leg_join(struct leg *leg, struct leg *other, bool digits)
{
    leg_part(leg);
    leg_part(other);
    leg->peer = other;
    other->peer = leg;
    leg->pass_digits = other->pass_digits = digits;
    leg->engine->plan_dirty = true;
}

void leg_part(struct leg *leg)
{
    if (leg->mixer)
        mixer_part(leg);
    if (leg->peer) {
        leg->peer->peer = NULL;
        leg->peer = NULL;
    }
    leg->engine->plan_dirty = true;
}

static void leave_target(struct leg *leg)
{
    struct leg **at = &leg->other->snoops;
    while (*at && *at != leg)
        at = &(*at)->next_snoop;
    if (*at)
        *at = leg->next_snoop;
    leg->other = NULL;
}

void leg_end(struct leg *leg)
{
    leg_part(leg);
    leg->closing = true;
    struct player *players[3] = {leg->player, leg->overlay, leg->music};
    for (int i = 0; i < 3; i++)
        if (players[i])
            player_finish(players[i], END_CLOSED);
    players_lose(leg);
    while (leg->recorders)
        recorder_finish(leg->recorders, END_CLOSED);
    while (leg->watches) {
        struct watch *watch = leg->watches;
        leg->watches = watch->next;
        watch->leg = NULL;
        engine_tell_simple(leg->engine, EVENT_WATCH_CLOSED, watch, 0, 0, 0);
    }
    while (leg->detectors)
        detector_finish(leg->detectors);
    if (leg->in_effect)
        effect_finish(leg->in_effect);
    if (leg->out_effect)
        effect_finish(leg->out_effect);
    while (leg->snoops) {
        struct leg *snoop = leg->snoops;
        leg->snoops = snoop->next_snoop;
        snoop->other = NULL;
    }
    if (leg->kind == LEG_SNOOP && leg->other)
        leave_target(leg);
    if (leg->kind == LEG_PIPE && leg->other) {
        leg->other->other = NULL;
        leg->other = NULL;
    }
}

void leg_release(struct leg *leg)
{
    struct engine *engine = leg->engine;
    if (leg->rtp)
        rtp_release(leg->rtp);
    digits_release(leg);
    slab_put(&engine->slab, leg->dtmf, sizeof(*leg->dtmf));
    leg->dtmf = NULL;
    carry_end(engine, &leg->carry);
    carry_end(engine, &leg->whisper_in);
    carry_end(engine, &leg->whisper_out);
    resampler_end(&leg->resampler, &engine->slab);
    resampler_end(&leg->side_resampler, &engine->slab);
    resampler_end(&leg->mix_resampler, &engine->slab);
}

void leg_digit_heard(struct leg *leg, char digit, int ms, enum digit_source source)
{
    struct engine *engine = leg->engine;
    engine_tell_simple(engine, ms < 0 ? EVENT_DIGIT_BEGIN : EVENT_DIGIT_END, leg, digit, source, ms < 0 ? 0 : ms);
    struct leg *to = leg->loopback ? leg : leg->pass_digits ? leg->peer : NULL;
    if (!to)
        return;
    if (ms < 0)
        digits_begin(to, digit);
    else
        digits_finish(to, digit, ms);
}
