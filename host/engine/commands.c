/* Orders of the control thread, as the real-time thread carries them out. */
#include "codec.h"
#include "detector.h"
#include "digits.h"
#include "echo_bank.h"
#include "effect.h"
#include "engine.h"
#include "leg_line.h"
#include "leg_stream.h"
#include "level.h"
#include "mixer.h"
#include "player.h"
#include "recorder.h"
#include "rtcp.h"
#include "rtp.h"
#include "tunnel.h"
#include "wire_iax.h"

static void add_leg(struct engine *engine, struct leg *leg)
{
    leg->next = engine->legs;
    leg->previous = NULL;
    if (leg->next)
        leg->next->previous = leg;
    engine->legs = leg;
    atomic_fetch_add(&engine->leg_count, 1);
    leg->phase = (uint8_t)(engine_random(engine) % RTP_TIMER_TICKS);
    if (leg->rtp) {
        rtp_begin(leg->rtp, engine->now);
        leg->rtp->wire->ops->attach(leg->rtp->wire, leg->rtp);
    }
    if (leg->line)
        line_attach(leg->line);
    if (leg->stream)
        stream_attach(leg->stream);
    if (leg->kind == LEG_SNOOP && leg->other && leg->other->closing) {
        leg->other = NULL;
    } else if (leg->kind == LEG_SNOOP && leg->other) {
        leg->next_snoop = leg->other->snoops;
        leg->other->snoops = leg;
    }
    engine->plan_dirty = true;
}

static void close_leg(struct engine *engine, struct leg *leg)
{
    leg_end(leg);
    if (leg->rtp)
        leg->rtp->wire->ops->detach(leg->rtp->wire, leg->rtp);
    if (leg->line)
        line_detach(leg->line);
    if (leg->stream)
        stream_detach(leg->stream);
    leg_release(leg);
    if (leg->previous)
        leg->previous->next = leg->next;
    else
        engine->legs = leg->next;
    if (leg->next)
        leg->next->previous = leg->previous;
    atomic_fetch_sub(&engine->leg_count, 1);
    engine->plan_dirty = true;
    engine_tell_simple(engine, EVENT_LEG_CLOSED, leg, 0, 0, 0);
}

static void detect(struct engine *engine, struct leg *leg, int on, int relaxed)
{
    if (!on) {
        slab_put(&engine->slab, leg->dtmf, sizeof(*leg->dtmf));
        leg->dtmf = NULL;
    } else if (!leg->dtmf) {
        leg->dtmf = slab_get(&engine->slab, sizeof(*leg->dtmf));
        if (leg->dtmf)
            dtmf_init(leg->dtmf, 8000, relaxed);
    } else {
        leg->dtmf->relaxed = relaxed;
    }
    engine->plan_dirty = true;
}

static void mute(struct leg *leg, int direction, bool on)
{
    if (direction & DIRECTION_IN)
        leg->in_muted = on;
    if (direction & DIRECTION_OUT)
        leg->out_muted = on;
    leg->engine->plan_dirty = true;
}

static void end_watch(struct engine *engine, struct watch *watch)
{
    if (!watch->leg)
        return; /* its leg ended */
    struct watch **at = &watch->leg->watches;
    while (*at && *at != watch)
        at = &(*at)->next;
    if (*at)
        *at = watch->next;
    watch->leg = NULL;
    engine->plan_dirty = true;
    engine_tell_simple(engine, EVENT_WATCH_CLOSED, watch, 0, 0, 0);
}

static void close_mixer(struct engine *engine, struct mixer *mixer)
{
    while (mixer->members)
        mixer_part(mixer->members);
    struct mixer **at = &engine->mixers;
    while (*at && *at != mixer)
        at = &(*at)->next;
    if (*at)
        *at = mixer->next;
    engine_tell_simple(engine, EVENT_MIXER_CLOSED, mixer, 0, 0, 0);
}

static void obey_leg(struct engine *engine, struct command *command)
{
    struct leg *leg = command->leg;
    switch (command->kind) {
    case COMMAND_ADD:
        add_leg(engine, leg);
        break;
    case COMMAND_CLOSE:
        close_leg(engine, leg);
        break;
    case COMMAND_CONNECT:
        leg_join(leg, command->object, command->a);
        break;
    case COMMAND_DISCONNECT:
        leg_part(leg);
        break;
    case COMMAND_LOOPBACK:
        leg->loopback = command->a;
        engine->plan_dirty = true;
        break;
    case COMMAND_GAIN:
        leg->in_gain = (int)command->b;
        leg->out_gain = (int)command->c;
        engine->plan_dirty = true;
        break;
    case COMMAND_LINE_ECHO:
        if (leg->line->bank)
            echo_switch(leg->line->bank->echo, leg->line->lane, command->a);
        break;
    case COMMAND_LINE_GAIN:
        leg->line->in_gain = (int)command->b;
        leg->line->out_gain = (int)command->c;
        break;
    case COMMAND_LINE_RANGE:
        leg->line->in_range = (int)command->b;
        leg->line->out_range = (int)command->c;
        break;
    case COMMAND_MUTE:
        mute(leg, command->a, command->b);
        break;
    case COMMAND_SPY:
        leg->spy = command->a;
        leg->whisper = (int)command->b;
        engine->plan_dirty = true;
        break;
    case COMMAND_DETECT:
        detect(engine, leg, command->a, (int)command->b);
        break;
    case COMMAND_DIGIT:
        digits_queue(leg, (char)command->a, (int)command->b);
        break;
    case COMMAND_DIGIT_BEGIN:
        digits_begin(leg, (char)command->a);
        break;
    case COMMAND_DIGIT_END:
        digits_finish(leg, (char)command->a, (int)command->b);
        break;
    default:
        break;
    }
}

static void obey_rtp(struct engine *engine, struct command *command)
{
    struct rtp *rtp = command->leg->rtp;
    if (command->kind == COMMAND_REMOTE)
        rtp_set_remote(rtp, &command->addresses[0], &command->addresses[1]);
    else if (command->kind == COMMAND_CODECS)
        rtp_set_codecs(rtp, &command->codecs);
    else if (command->kind == COMMAND_ENCODING)
        rtp_set_encoding(rtp, &command->encoding);
    else
        rtp_set_option(rtp, command->a, (int)command->b);
    engine->plan_dirty = true;
}

/* The control thread's part of a leg's guard. */
static void obey_guard(struct engine *engine, struct command *command)
{
    struct rtp *rtp = command->leg ? command->leg->rtp : NULL;
    struct guard *guard = rtp ? &rtp->guard : NULL;
    struct secure **keys;
    switch (command->kind) {
    case COMMAND_SECURE:
        keys = command->b ? &guard->control_keys : &guard->keys;
        if (*keys)
            engine_tell_simple(engine, EVENT_FREE, *keys, FREED_SECURE, 0, 0);
        *keys = command->object;
        if (!command->b)
            rtp->leg->figures.suite = command->a;
        break;
    case COMMAND_TUNNEL:
        tunnel_detach(guard->tunnel);
        if (guard->tunnel)
            engine_tell_simple(engine, EVENT_FREE, guard->tunnel, FREED_TUNNEL, 0, 0);
        guard->tunnel = command->object;
        if (guard->tunnel)
            tunnel_attach(guard->tunnel, rtp);
        break;
    case COMMAND_SEND:
        if (!rtp->leg->closing)
            aside_send(rtp, command->object);
        engine_tell_simple(engine, EVENT_FREE, command->object, FREED_LETTER, 0, 0);
        break;
    case COMMAND_RETURN:
        aside_return(engine, command->object);
        break;
    default:
        guard->detour = (struct detour){command->addresses[0], (uint16_t)command->a};
        break;
    }
}

void engine_obey(struct engine *engine, struct command *command)
{
    struct watch *watch;
    struct mixer *mixer;
    switch (command->kind) {
    case COMMAND_REMOTE:
    case COMMAND_CODECS:
    case COMMAND_OPTION:
    case COMMAND_ENCODING:
        obey_rtp(engine, command);
        break;
    case COMMAND_PICTURE:
        rtcp_ask_picture(command->leg->rtp);
        break;
    case COMMAND_BUNDLE:
        bundle_join(command->leg->rtp, command->object);
        break;
    case COMMAND_SECURE:
    case COMMAND_SEND:
    case COMMAND_RETURN:
    case COMMAND_DETOUR:
    case COMMAND_TUNNEL:
        obey_guard(engine, command);
        break;
    case COMMAND_IAX_CALL:
    case COMMAND_IAX_OPENED:
    case COMMAND_IAX_VOICE:
    case COMMAND_IAX_KEY:
        iax_obey(engine, command);
        break;
    case COMMAND_CARRIER:
        carrier_attach(engine, command->object, command->a);
        break;
    case COMMAND_TRACE:
        engine->trace = (struct trace){(uint8_t)command->a, command->addresses[0]};
        break;
    case COMMAND_CHANGE:
        engine->options.probation = command->a;
        engine->options.digit_timeout = (int32_t)command->b;
        break;
    case COMMAND_PLAY:
        player_begin(command->object);
        break;
    case COMMAND_PLAYER_ORDER:
        player_obey(command->object, command->a, command->b);
        break;
    case COMMAND_RECORD:
        recorder_begin(command->object);
        break;
    case COMMAND_RECORDER_ORDER:
        recorder_obey(command->object, command->a, command->b);
        break;
    case COMMAND_WATCH:
        watch = command->object;
        watch->next = watch->leg->watches;
        watch->leg->watches = watch;
        engine->plan_dirty = true;
        break;
    case COMMAND_WATCH_CLOSE:
        end_watch(engine, command->object);
        break;
    case COMMAND_DETECTOR:
        detector_begin(command->object);
        break;
    case COMMAND_DETECTOR_CLOSE:
        detector_finish(command->object);
        break;
    case COMMAND_EFFECT:
        effect_begin(command->object);
        break;
    case COMMAND_EFFECT_CLOSE:
        effect_finish(command->object);
        break;
    case COMMAND_MIXER:
        mixer = command->object;
        mixer->next = engine->mixers;
        engine->mixers = mixer;
        break;
    case COMMAND_MIXER_ADD:
        mixer_join(command->object, command->leg, command->a);
        break;
    case COMMAND_MIXER_REMOVE:
        if (command->leg->mixer == command->object)
            leg_part(command->leg);
        break;
    case COMMAND_MIXER_CLOSE:
        close_mixer(engine, command->object);
        break;
    case COMMAND_FREE: /* every order about it has been carried out: it may go */
        engine_tell_simple(engine, EVENT_FREE, command->object, command->a, 0, 0);
        break;
    default:
        obey_leg(engine, command);
        break;
    }
}
