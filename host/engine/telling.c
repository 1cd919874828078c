/* What the control thread is told: events, by a ring and a descriptor; notices of the start; figures. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "engine.h"

enum { NEWS_TICKS = 10 /* so long what is no news waits */ };

void engine_note(struct engine *engine, const char *format, ...)
{
    if (engine->notice_count >= NOTICES)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(engine->notices[engine->notice_count++], ENGINE_TEXT, format, arguments);
    va_end(arguments);
}

const char *engine_notice(struct engine *engine)
{
    return engine->notice_read < engine->notice_count ? engine->notices[engine->notice_read++] : NULL;
}

/* Events that only give memory back are nothing to wake the control thread for at once. */
static bool news(const struct engine_event *event)
{
    return event->kind != EVENT_LEG_CLOSED && event->kind != EVENT_FREE;
}

static bool offer(struct engine *engine, const struct engine_event *event)
{
    if (!ring_push(&engine->events, event))
        return false;
    if (news(event))
        engine->signal = true;
    else
        engine->untold = true;
    atomic_fetch_add_explicit(&engine->event_count, 1, memory_order_relaxed);
    return true;
}

void engine_tell(struct engine *engine, const struct engine_event *event)
{
    if (!engine->pending && offer(engine, event))
        return;
    struct pending_event *pending = slab_get(&engine->slab, sizeof(*pending));
    if (!pending)
        return;
    pending->event = *event;
    *engine->pending_end = pending;
    engine->pending_end = &pending->next;
}

void engine_tell_simple(struct engine *engine, enum event_kind kind, void *object, int32_t a, int64_t b, int64_t c)
{
    struct engine_event event = {.kind = kind, .a = a, .b = b, .c = c, .object = object};
    engine_tell(engine, &event);
}

void engine_flush_events(struct engine *engine)
{
    while (engine->pending && offer(engine, &engine->pending->event)) {
        struct pending_event *pending = engine->pending;
        engine->pending = pending->next;
        if (!engine->pending)
            engine->pending_end = &engine->pending;
        slab_put(&engine->slab, pending, sizeof(*pending));
    }
    if (engine->untold && (engine->tick % NEWS_TICKS == 0 || engine->stopped))
        engine->signal = true;
    if (!engine->signal)
        return;
    engine->signal = engine->untold = false;
    uint64_t one = 1;
    if (write(engine->event_descriptor, &one, sizeof(one)) < 0)
        engine->signal = true; /* the counter is full: it is readable anyway */
}

void engine_figures(struct engine *engine, struct engine_figures *figures)
{
    *figures = (struct engine_figures){
        .ticks = atomic_load(&engine->ticks),
        .late_ticks = atomic_load(&engine->late_ticks),
        .packets_in = atomic_load(&engine->packets_in),
        .packets_out = atomic_load(&engine->packets_out),
        .packets_bad = atomic_load(&engine->packets_bad),
        .commands = atomic_load(&engine->command_count),
        .events = atomic_load(&engine->event_count),
        .cpu_ns = atomic_load(&engine->cpu_ns),
        .memory = atomic_load(&engine->memory),
        .legs = atomic_load(&engine->leg_count),
        .mode = engine->wire->ops->mode,
        .realtime = engine->realtime,
        .descriptors = 2 + engine->wire->ops->descriptors(engine->wire) + 2 * atomic_load(&engine->carrier_count) +
                       atomic_load(&engine->tunnel_count),
    };
}
