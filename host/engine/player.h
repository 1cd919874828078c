/* Players: files (read ahead by the disk thread), tones, data as FSK, or what another leg hears, sent to a leg. */
#ifndef OFFHOOK_PLAYER_H
#define OFFHOOK_PLAYER_H

#include <stdatomic.h>

#include "engine.h"
#include "fsk.h"
#include "leg.h"
#include "ring.h"
#include "soundfile.h"
#include "tone.h"

enum { PLAYER_RING = 16 * 1024 };

/* What stands before each piece of sound in a player's or recorder's ring. */
enum chunk_kind { CHUNK_SOUND, CHUNK_FILE, CHUNK_END, CHUNK_FAILED, CHUNK_CODED /* samples counts octets */ };

struct chunk {
    uint32_t rate;
    uint32_t position; /* ms from the file's beginning */
    uint16_t samples;
    uint16_t file;
    uint16_t generation; /* of seeks: older ones are void */
    uint16_t kind;
};

enum player_source { PLAYS_FILES, PLAYS_TONES, PLAYS_FSK, PLAYS_LEG };

struct player {
    struct engine *engine;
    struct leg *leg;
    struct player *next; /* of those ending; of the disk's */
    struct player *next_on_disk;
    int flags;

    enum player_source source;

    /* tones */
    struct tone tone;
    struct tone_part *parts;

    /* data */
    struct fsk_sender fsk;
    uint8_t *octets;

    /* another leg */
    struct leg *from; /* NULL: it is gone */
    struct player *next_listener;

    /* files */
    char **paths;
    int count;
    int64_t offset_ms;
    struct ring ring;
    _Atomic bool wanted;   /* the disk thread has been asked for more */
    _Atomic bool dropped;  /* the disk thread shall let go */
    _Atomic bool released; /* it has */
    _Atomic uint32_t generation;
    _Atomic int64_t seek_ms;

    /* real-time thread */
    bool paused, began, ended;
    int coded_codec, coded_wait; /* of coded frames: ticks until the next packet */
    enum end_reason reason;
    struct resampler resampler; /* of an overlay */
    _Atomic int64_t position;
    _Atomic int index;

    /* disk thread */
    struct soundfile *file;
    int at_file;
    int64_t at_sample;
    uint32_t served_generation;
    bool opened, finished, sounded, announced;
    char error[SOUNDFILE_ERROR];
};

/* Control thread. NULL when there is no memory. */
struct player *player_make_files(struct leg *leg, const char *const *paths, int count, int64_t offset_ms, int flags);
struct player *player_make_tones(struct leg *leg, const struct tone_item *items, int count, int repeat, int level,
                                 int flags);
struct player *player_make_fsk(struct leg *leg, enum fsk_standard standard, const uint8_t *octets, int count,
                               int seizure_bits, int mark_bits, int level, int flags);
struct player *player_make_relay(struct leg *leg, struct leg *from, int flags);

/* Control thread, when nobody knows it any more. */
void player_destroy(struct player *player);

/* Real-time thread: put it in its place on the leg, which ends what was there. */
void player_begin(struct player *player);

/* Take it off its leg; it is told as done when the disk thread has let go. */
void player_finish(struct player *player, enum end_reason reason);

/* The leg that is played to others ends. */
void players_lose(struct leg *from);
void player_obey(struct player *player, enum player_order order, int64_t value);

/* 10 ms. False: it has ended (and been finished). The block is silence while it pauses or the disk is slow. */
bool player_pull(struct player *player, struct block *block, int rate);

/* Players whose file is closed are told as done. */
void player_collect(struct engine *engine);

#endif
