#include "orders.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec_pool.h"
#include "effect.h"
#include "leg_line.h"
#include "leg_stream.h"
#include "mixer.h"
#include "player.h"
#include "recorder.h"
#include "rtp.h"
#include "secure.h"
#include "tunnel.h"
#include "wire_iax.h"

void order_leg(struct leg *leg, enum command_kind kind, int32_t a, int64_t b, int64_t c)
{
    struct command command = {.kind = kind, .a = a, .leg = leg, .b = b, .c = c};
    engine_order(leg->engine, &command);
}

void order_about(struct engine *engine, enum command_kind kind, void *object, int32_t a, int64_t b)
{
    struct command command = {.kind = kind, .a = a, .object = object, .b = b};
    engine_order(engine, &command);
}

/* Events and what they free */

static void destroy_leg(struct leg *leg)
{
    if (leg->rtp) {
        leg->rtp->wire->ops->close(leg->rtp->wire, leg->rtp);
        tunnel_destroy(leg->rtp->guard.tunnel);
        secure_free(leg->rtp->guard.keys);
        secure_free(leg->rtp->guard.control_keys);
        free(leg->rtp);
    }
    if (leg->line)
        line_destroy(leg->line);
    if (leg->stream)
        stream_destroy(leg->stream);
    free(leg);
}

static void destroy(void *object, enum freed what)
{
    switch (what) {
    case FREED_LEG:
        destroy_leg(object);
        break;
    case FREED_PLAYER:
        player_destroy(object);
        break;
    case FREED_RECORDER:
        recorder_destroy(object);
        break;
    case FREED_TUNNEL:
        tunnel_destroy(object);
        break;
    case FREED_SECURE:
        secure_free(object);
        break;
    case FREED_EFFECT:
        effect_destroy(object);
        break;
    case FREED_CARRIER:
        carrier_destroy(object);
        break;
    case FREED_IAX_SEAL:
        iax_seal_free(object);
        break;
    case FREED_DETECTOR:
    case FREED_WATCH:
    case FREED_MIXER:
    case FREED_LETTER:
        free(object);
        break;
    }
}

int engine_events(struct engine *engine, struct engine_event *events, int max)
{
    uint64_t count;
    int taken = 0;
    if (read(engine->event_descriptor, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return 0;
    codec_pool_tend();
    while (taken < max && ring_pop(&engine->events, &events[taken])) {
        if (events[taken].kind == EVENT_FREE)
            destroy(events[taken].object, (enum freed)events[taken].a);
        else
            taken++;
    }
    return taken;
}

void free_later(struct engine *engine, void *object, enum freed what)
{
    if (engine->stopped)
        destroy(object, what);
    else
        order_about(engine, COMMAND_FREE, object, (int32_t)what, 0);
}

void leg_free(struct leg *leg)
{
    free_later(leg->engine, leg, FREED_LEG);
}

void player_free(struct player *player)
{
    free_later(player->engine, player, FREED_PLAYER);
}

void recorder_free(struct recorder *recorder)
{
    free_later(recorder->engine, recorder, FREED_RECORDER);
}

void watch_free(struct watch *watch)
{
    free_later(watch->engine, watch, FREED_WATCH);
}

void mixer_free(struct mixer *mixer)
{
    free_later(mixer->engine, mixer, FREED_MIXER);
}
