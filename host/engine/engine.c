#include "engine.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "digits.h"
#include "disk.h"
#include "echo_bank.h"
#include "leg_line.h"
#include "leg_stream.h"
#include "level.h"
#include "mixer.h"
#include "player.h"
#include "recorder.h"
#include "rtp.h"
#include "tunnel.h"
#include "wire_iax.h"

enum {
    COMMANDS = 512,
    EVENTS = 512,
    SCRATCH = 1024 * 1024, /* touched only as far as a tick needs it */
    SCRATCH_PER_LEG = 32 * 1024,
    CATCH_UP = 10, /* ticks made up for after a stall; more are skipped */
    LINGER = 10,   /* ticks for which the clock runs on with nothing to do */
    PRIORITY = 40,
    SECOND = 1000000000
};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

uint32_t engine_random(struct engine *engine)
{
    uint32_t x = engine->seed; /* xorshift: unpredictable enough against collisions, not against attackers */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return engine->seed = x;
}

void *engine_scratch(struct engine *engine, size_t bytes)
{
    bytes = (bytes + 15) & ~(size_t)15;
    if (engine->scratch_used + bytes > engine->scratch_size)
        return NULL;
    void *memory = engine->scratch + engine->scratch_used;
    engine->scratch_used += bytes;
    return memory;
}

/* Room for the worst tick of that many legs; pages are only taken when used. */
static bool size_scratch(struct engine *engine, int legs)
{
    size_t size = SCRATCH + (size_t)legs * SCRATCH_PER_LEG;
    if (size <= engine->scratch_size)
        return true;
    size *= 2;
    char *scratch = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (scratch == MAP_FAILED)
        return false;
    if (engine->scratch)
        munmap(engine->scratch, engine->scratch_size);
    engine->scratch = scratch;
    engine->scratch_size = size;
    return true;
}

/* Events */

/* The tick */

static void obey_commands(struct engine *engine)
{
    struct command command;
    while (ring_pop(&engine->commands, &command)) {
        atomic_fetch_add_explicit(&engine->command_count, 1, memory_order_relaxed);
        engine_obey(engine, &command);
    }
}

static void receive_packets(struct engine *engine)
{
    struct datagram batch[WIRE_BATCH];
    uint64_t total = 0;
    int count;
    do {
        count = engine->wire->ops->receive(engine->wire, batch, engine->now);
        for (int i = 0; i < count; i++)
            rtp_receive(batch[i].rtp, &batch[i]);
        engine->wire->ops->flush(engine->wire); /* what is passed on lies in the batch */
        if (engine->carriers && count)
            carriers_flush(engine);
        total += (uint64_t)(count > 0 ? count : 0);
    } while (count == WIRE_BATCH && total < 64 * WIRE_BATCH);
    if (total)
        atomic_fetch_add_explicit(&engine->packets_in, total, memory_order_relaxed);
}

static void process_sound(struct engine *engine)
{
    for (struct leg *leg = engine->pull; leg; leg = leg->next_pull)
        leg_pull(leg);
    for (struct mixer *mixer = engine->mixers; mixer; mixer = mixer->next)
        mixer_tick(mixer);
    for (struct leg *leg = engine->push; leg; leg = leg->next_push)
        leg_push(leg);
    for (struct leg *leg = engine->tap; leg; leg = leg->next_tap)
        leg_tap(leg);
}

void engine_run_tick(struct engine *engine, int64_t now)
{
    engine->now = now;
    engine->tick++;
    engine->scratch_used = 0;
    obey_commands(engine);
    size_scratch(engine, atomic_load_explicit(&engine->leg_count, memory_order_relaxed));
    for (struct leg *leg = engine->digit_legs ? engine->legs : NULL; leg; leg = leg->next)
        if (leg->digits)
            digits_tick(leg);
    if (engine->plan_dirty)
        engine_plan(engine);
    receive_packets(engine);
    if (engine->tunnels)
        tunnels_receive(engine);
    if (engine->carriers)
        carriers_receive(engine);
    if (engine->lines)
        lines_receive(engine);
    if (engine->streams)
        streams_receive(engine);
    if (engine->plan_dirty)
        engine_plan(engine);
    process_sound(engine);
    if (engine->lines)
        lines_send(engine);
    if (engine->streams)
        streams_send(engine);
    for (struct leg *leg = engine->legs; leg; leg = leg->next)
        if (leg->rtp && leg->phase == engine->tick % RTP_TIMER_TICKS)
            rtp_tick(leg->rtp);
    if (engine->tunnels)
        tunnels_flush(engine);
    engine->wire->ops->flush(engine->wire);
    if (engine->carriers)
        carriers_send(engine);
    if (engine->ending_players)
        player_collect(engine);
    if (engine->ending_recorders)
        recorder_collect(engine);
    engine_flush_events(engine);
    atomic_fetch_add_explicit(&engine->ticks, 1, memory_order_relaxed);
    if (engine->tick % 100 == 0) {
        atomic_store(&engine->memory, engine->slab.mapped);
        if (engine->started)
            atomic_store(&engine->cpu_ns, (uint64_t)clock_ns(CLOCK_THREAD_CPUTIME_ID));
    }
}

/* The thread */

static bool busy(const struct engine *engine)
{
    return engine->legs || engine->mixers || engine->ending_players || engine->ending_recorders || engine->pending ||
           engine->untold || !ring_empty(&engine->commands);
}

static void set_timer(struct engine *engine, bool on)
{
    struct itimerspec timing = {{0, on ? TICK_NS : 0}, {0, on ? 1 : 0}};
    timerfd_settime(engine->timer, 0, &timing, NULL);
}

/* Stop ticking until a command comes (engine_order starts the timer again). */
static void rest(struct engine *engine)
{
    set_timer(engine, false);
    atomic_store(&engine->cpu_ns, (uint64_t)clock_ns(CLOCK_THREAD_CPUTIME_ID));
    atomic_store(&engine->memory, engine->slab.mapped);
    atomic_store(&engine->idle, true);
    if (!ring_empty(&engine->commands) || !atomic_load(&engine->running))
        if (atomic_exchange(&engine->idle, false))
            set_timer(engine, true);
}

static void *run(void *argument)
{
    struct engine *engine = argument;
    int unused = 0;
    pthread_setname_np(pthread_self(), "offhook-media");
    set_timer(engine, true);
    while (atomic_load(&engine->running)) {
        uint64_t expired;
        if (read(engine->timer, &expired, sizeof(expired)) != (ssize_t)sizeof(expired))
            continue;
        if (expired > 1)
            atomic_fetch_add_explicit(&engine->late_ticks, expired - 1, memory_order_relaxed);
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        engine->wire->arrival_offset = clock_ns(CLOCK_REALTIME) - now;
        int ticks = expired > CATCH_UP ? CATCH_UP : (int)expired;
        engine->tick += expired - (uint64_t)ticks; /* time goes on for RTP's clocks */
        for (int i = 0; i < ticks; i++)
            engine_run_tick(engine, now - (int64_t)(ticks - 1 - i) * TICK_NS);
        unused = busy(engine) ? 0 : unused + ticks;
        if (unused >= LINGER) {
            unused = 0;
            rest(engine);
        }
    }
    return NULL;
}

static bool start_thread(struct engine *engine, bool realtime)
{
    pthread_attr_t attributes;
    struct sched_param priority = {.sched_priority = PRIORITY};
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    if (realtime) {
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
        pthread_attr_setschedparam(&attributes, &priority);
    }
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
    bool started = !pthread_create(&engine->thread, &attributes, run, engine);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

int engine_start(struct engine *engine, char *error)
{
    error[0] = 0;
    if (engine->options.mode == MODE_SIMULATED || engine->started)
        return 1;
    if (!disk_start(engine->disk)) {
        snprintf(error, ENGINE_TEXT, "the disk thread cannot be started: %s", strerror(errno));
        return 0;
    }
    atomic_store(&engine->running, true);
    engine->realtime = engine->options.realtime && start_thread(engine, true);
    if (engine->options.realtime && !engine->realtime)
        engine_note(engine, "the media thread runs without real-time priority: give it CAP_SYS_NICE or LimitRTPRIO=%d",
                    PRIORITY);
    if (!engine->realtime && !start_thread(engine, false)) {
        snprintf(error, ENGINE_TEXT, "the media thread cannot be started: %s", strerror(errno));
        disk_stop(engine->disk);
        return 0;
    }
    engine->started = true;
    return 1;
}

void engine_order(struct engine *engine, const struct command *command)
{
    if (engine->stopped)
        return;
    while (!ring_push(&engine->commands, command)) {
        if (engine->started)
            usleep(1000);
        else
            obey_commands(engine);
    }
    if (atomic_exchange(&engine->idle, false))
        set_timer(engine, true);
}

void engine_tick(struct engine *engine, int ticks)
{
    for (int i = 0; i < ticks && !engine->started; i++) {
        disk_work(engine->disk);
        engine_run_tick(engine, engine->now + TICK_NS);
    }
}

static struct wire *open_wire(struct engine *engine, char *error)
{
    const struct engine_options *options = &engine->options;
    struct wire_settings settings = {options->port_low, options->port_high, options->checksums};
    struct wire *wire;
    switch (options->mode) {
    case MODE_SIMULATED:
        return wire_simulated(&settings, error);
    case MODE_LEG:
        return wire_legs(&settings, error);
    case MODE_POOL:
        return wire_pool(&settings, error);
    case MODE_STEER:
        return wire_steer(&settings, error);
    default:
        wire = wire_steer(&settings, error);
        if (wire)
            return wire;
        engine_note(engine, "RTP ports are not steered to one socket: %s", error);
        return wire_pool(&settings, error);
    }
}

struct engine *engine_new(const struct engine_options *options, char *error)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    error[0] = 0;
    if (!engine) {
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    engine->options = *options;
    engine->pending_end = &engine->pending;
    engine->now = SECOND;
    engine->seed = options->mode == MODE_SIMULATED ? 0x2545f491u : (uint32_t)clock_ns(CLOCK_REALTIME) | 1;
    engine->ntp_offset = options->mode == MODE_SIMULATED
                             ? 0
                             : clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC) + 2208988800ll * SECOND;
    engine->event_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    engine->disk = disk_new();
    for (int number = 1; codec_at(number); number++)
        if (!codec_at(number)->library)
            codec_load(number);
    if (engine->event_descriptor < 0 || engine->timer < 0 || !engine->disk ||
        !ring_init(&engine->commands, COMMANDS, sizeof(struct command)) ||
        !ring_init(&engine->events, EVENTS, sizeof(struct engine_event)) || !size_scratch(engine, 0))
        snprintf(error, ENGINE_TEXT, "the engine cannot get its descriptors or memory: %s", strerror(errno));
    else
        engine->wire = open_wire(engine, error);
    if (engine->wire) {
        error[0] = 0;
        return engine;
    }
    engine_free(engine);
    return NULL;
}

void engine_change(struct engine *engine, const struct engine_options *options)
{
    struct command command = {.kind = COMMAND_CHANGE, .a = options->probation, .b = options->digit_timeout};
    wire_set_range(engine->wire, options->port_low, options->port_high);
    engine->options.rtcp_interval = options->rtcp_interval;
    engine_order(engine, &command);
}

void engine_stop(struct engine *engine)
{
    if (engine->started) {
        atomic_store(&engine->running, false);
        set_timer(engine, true);
        pthread_join(engine->thread, NULL);
        engine->started = false;
    }
    obey_commands(engine);
    while (engine->legs) {
        struct command close = {.kind = COMMAND_CLOSE, .leg = engine->legs};
        engine_obey(engine, &close);
    }
    while (engine->mixers) {
        struct command close = {.kind = COMMAND_MIXER_CLOSE, .object = engine->mixers};
        engine_obey(engine, &close);
    }
    engine->stopped = true;
    disk_stop(engine->disk);
    player_collect(engine);
    recorder_collect(engine);
    engine_flush_events(engine);
}

int engine_event_descriptor(const struct engine *engine)
{
    return engine->event_descriptor;
}

void engine_free(struct engine *engine)
{
    while (engine->carriers) {
        struct carrier *carrier = engine->carriers;
        engine->carriers = carrier->next;
        carrier->wire.ops->end(&carrier->wire);
    }
    if (engine->wire)
        engine->wire->ops->end(engine->wire);
    if (engine->disk)
        disk_free(engine->disk);
    if (engine->event_descriptor >= 0)
        close(engine->event_descriptor);
    if (engine->timer >= 0)
        close(engine->timer);
    while (engine->pending) {
        struct pending_event *pending = engine->pending;
        engine->pending = pending->next;
        slab_put(&engine->slab, pending, sizeof(*pending));
    }
    banks_end(engine);
    ring_end(&engine->commands);
    ring_end(&engine->events);
    if (engine->scratch)
        munmap(engine->scratch, engine->scratch_size);
    slab_end(&engine->slab);
    free(engine);
}
