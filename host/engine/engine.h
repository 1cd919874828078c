/* The engine: the real-time thread, its tick, its two rings. */
#ifndef OFFHOOK_ENGINE_H
#define OFFHOOK_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "api.h"
#include "leg.h"
#include "ring.h"
#include "slab.h"
#include "trace.h"
#include "wire.h"

enum { TICK_MS = 10, TICK_NS = 10 * 1000 * 1000, NOTICES = 8 };

/* Orders of the control thread, carried out at the next tick in the order given. */
enum command_kind {
    COMMAND_ADD,
    COMMAND_CLOSE,
    COMMAND_CONNECT,
    COMMAND_DISCONNECT,
    COMMAND_LOOPBACK,
    COMMAND_GAIN,
    COMMAND_LINE_GAIN,
    COMMAND_LINE_RANGE,
    COMMAND_LINE_ECHO,
    COMMAND_MUTE,
    COMMAND_SPY,
    COMMAND_DETECT,
    COMMAND_DIGIT,
    COMMAND_DIGIT_BEGIN,
    COMMAND_DIGIT_END,
    COMMAND_REMOTE,
    COMMAND_CODECS,
    COMMAND_OPTION,
    COMMAND_ENCODING,
    COMMAND_SECURE,
    COMMAND_SEND,
    COMMAND_RETURN,
    COMMAND_DETOUR,
    COMMAND_BUNDLE,
    COMMAND_TUNNEL,
    COMMAND_PICTURE,
    COMMAND_TRACE,
    COMMAND_CHANGE,
    COMMAND_PLAY,
    COMMAND_PLAYER_ORDER,
    COMMAND_RECORD,
    COMMAND_RECORDER_ORDER,
    COMMAND_WATCH,
    COMMAND_WATCH_CLOSE,
    COMMAND_DETECTOR,
    COMMAND_DETECTOR_CLOSE,
    COMMAND_EFFECT,
    COMMAND_EFFECT_CLOSE,
    COMMAND_MIXER,
    COMMAND_MIXER_ADD,
    COMMAND_MIXER_REMOVE,
    COMMAND_MIXER_CLOSE,
    COMMAND_FREE,
    COMMAND_CARRIER,
    COMMAND_IAX_CALL,
    COMMAND_IAX_OPENED,
    COMMAND_IAX_VOICE,
    COMMAND_IAX_KEY
};

/* What an EVENT_FREE is about. */
enum freed {
    FREED_LEG,
    FREED_PLAYER,
    FREED_RECORDER,
    FREED_WATCH,
    FREED_MIXER,
    FREED_SECURE,
    FREED_TUNNEL,
    FREED_LETTER,
    FREED_DETECTOR,
    FREED_EFFECT,
    FREED_CARRIER,
    FREED_IAX_SEAL
};

struct codec_setup {
    struct codec_map receive[ENGINE_MAX_CODECS];
    uint8_t count, send_type, send_codec, digits_type, noise_type;
    uint16_t ptime;
    uint32_t digits_clock;
};

struct command {
    uint32_t kind;
    int32_t a;
    struct leg *leg;
    void *object;
    union {
        struct {
            int64_t b, c;
        };
        union address addresses[2];
        struct codec_setup codecs;
        struct codec_settings encoding;
    };
};

struct pending_event {
    struct pending_event *next;
    struct engine_event event;
};

struct disk;

struct engine {
    struct engine_options options;
    struct wire *wire;
    struct ring commands, events;
    int event_descriptor, timer;
    pthread_t thread;
    _Atomic bool running, idle;
    bool started, stopped, realtime;
    bool signal, untold; /* events the control thread is to be woken for; that can wait */

    /* the real-time thread's own */
    struct slab slab;
    struct leg *legs;
    struct leg *pull, *push, *tap; /* those with work, by the plan */
    int digit_legs;                /* legs that have a queue of digits */
    struct mixer *mixers;
    struct line *lines;
    struct stream *streams;
    struct tunnel *tunnels;
    struct carrier *carriers;      /* of IAX2's voice */
    struct echo_bank *echo_banks;  /* the control thread's list; a bank's lanes are the real-time thread's */
    struct player *ending_players; /* waiting for the disk thread */
    struct recorder *ending_recorders;
    struct pending_event *pending, **pending_end;
    struct disk *disk;
    uint64_t tick;
    int64_t now; /* monotonic ns of this tick */
    bool plan_dirty;
    struct trace trace;
    char *scratch; /* of this tick */
    size_t scratch_size, scratch_used;
    uint32_t seed;
    int64_t ntp_offset; /* monotonic to NTP's epoch, ns */

    /* read by the control thread */
    _Atomic uint64_t ticks, late_ticks, packets_in, packets_out, packets_bad, command_count, event_count, cpu_ns;
    _Atomic uint64_t memory;
    _Atomic int tunnel_count, leg_count, carrier_count;
    char notices[NOTICES][ENGINE_TEXT];
    int notice_count, notice_read;
};

/* One tick at a time: commands, packets, sound, packets, events. */
void engine_run_tick(struct engine *engine, int64_t now);

/* Order something of the real-time thread; waits when the ring is full (never in practice). */
void engine_order(struct engine *engine, const struct command *command);

/* Carry out one order (commands.c). */
void engine_obey(struct engine *engine, struct command *command);

/* Tell the control thread. Never lost: what does not fit the ring waits for the next tick. */
void engine_tell(struct engine *engine, const struct engine_event *event);
void engine_tell_simple(struct engine *engine, enum event_kind kind, void *object, int32_t a, int64_t b, int64_t c);
void engine_flush_events(struct engine *engine); /* at the end of a tick */

/* Memory until the end of this tick, 16-byte aligned; NULL when there is none. */
void *engine_scratch(struct engine *engine, size_t bytes);

/* A random number, for SSRCs and sequence numbers. */
uint32_t engine_random(struct engine *engine);

/* Recompute relays and what each leg needs (plan.c). */
void engine_plan(struct engine *engine);

void engine_note(struct engine *engine, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
