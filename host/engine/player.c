#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "disk.h"

static struct player *make(struct leg *leg, int flags)
{
    struct player *player = calloc(1, sizeof(*player));
    if (!player)
        return NULL;
    player->engine = leg->engine;
    player->leg = leg;
    player->flags = flags;
    return player;
}

struct player *player_make_files(struct leg *leg, const char *const *paths, int count, int64_t offset_ms, int flags)
{
    struct player *player = make(leg, flags);
    if (!player)
        return NULL;
    player->offset_ms = offset_ms;
    player->paths = calloc((size_t)count, sizeof(*player->paths));
    bool complete = player->paths && ring_init(&player->ring, PLAYER_RING, 1);
    for (int i = 0; complete && i < count; i++) {
        player->paths[i] = strdup(paths[i]);
        player->count = i + 1;
        complete = player->paths[i];
    }
    if (!complete) {
        player_destroy(player);
        return NULL;
    }
    return player;
}

struct player *player_make_tones(struct leg *leg, const struct tone_item *items, int count, int repeat, int level,
                                 int flags)
{
    struct player *player = make(leg, flags);
    if (!player)
        return NULL;
    player->source = PLAYS_TONES;
    player->parts = calloc((size_t)count, sizeof(*player->parts));
    if (!player->parts) {
        free(player);
        return NULL;
    }
    for (int i = 0; i < count; i++)
        player->parts[i] = (struct tone_part){items[i].low, items[i].high, items[i].ms, items[i].modulated};
    tone_start(&player->tone, player->parts, count, repeat, level);
    atomic_store(&player->released, true);
    return player;
}

struct player *player_make_fsk(struct leg *leg, enum fsk_standard standard, const uint8_t *octets, int count,
                               int seizure_bits, int mark_bits, int level, int flags)
{
    struct player *player = make(leg, flags);
    if (!player)
        return NULL;
    player->source = PLAYS_FSK;
    player->octets = malloc(count > 0 ? (size_t)count : 1);
    if (!player->octets) {
        free(player);
        return NULL;
    }
    memcpy(player->octets, octets, count > 0 ? (size_t)count : 0);
    fsk_send_start(&player->fsk, standard, player->octets, count, seizure_bits, mark_bits, level);
    atomic_store(&player->released, true);
    return player;
}

struct player *player_make_relay(struct leg *leg, struct leg *from, int flags)
{
    struct player *player = make(leg, flags);
    if (!player)
        return NULL;
    player->source = PLAYS_LEG;
    player->from = from;
    atomic_store(&player->released, true);
    return player;
}

void player_destroy(struct player *player)
{
    for (int i = 0; i < player->count; i++)
        free(player->paths[i]);
    free(player->paths);
    free(player->parts);
    free(player->octets);
    ring_end(&player->ring);
    free(player);
}

int64_t player_position(const struct player *player)
{
    return atomic_load(&player->position);
}

int player_index(const struct player *player)
{
    return atomic_load(&player->index);
}

const char *player_error(const struct player *player)
{
    return player->error;
}

static struct player **place_of(struct player *player)
{
    struct leg *leg = player->leg;
    return player->flags & PLAY_MUSIC ? &leg->music : player->flags & PLAY_MIX ? &leg->overlay : &leg->player;
}

void player_begin(struct player *player)
{
    struct player **place = place_of(player);
    if (*place)
        player_finish(*place, END_REPLACED);
    *place = player;
    player->engine->plan_dirty = true;
    if (player->source == PLAYS_LEG && player->from->closing) {
        player->from = NULL;
        player_finish(player, END_DONE);
    } else if (player->source == PLAYS_LEG) {
        player->next_listener = player->from->listeners;
        player->from->listeners = player;
    }
    if (player->source == PLAYS_FILES) {
        atomic_store(&player->wanted, true);
        disk_serve_player(player->engine->disk, player);
    }
}

static void leave_speaker(struct player *player)
{
    struct player **at = &player->from->listeners;
    while (*at != player)
        at = &(*at)->next_listener;
    *at = player->next_listener;
    player->from = NULL;
}

void players_lose(struct leg *from)
{
    while (from->listeners)
        player_finish(from->listeners, END_DONE);
}

void player_finish(struct player *player, enum end_reason reason)
{
    struct engine *engine = player->engine;
    struct player **place = place_of(player);
    if (*place == player)
        *place = NULL;
    player->ended = true;
    player->reason = reason;
    if (player->from)
        leave_speaker(player);
    resampler_end(&player->resampler, &engine->slab);
    player->next = engine->ending_players;
    engine->ending_players = player;
    engine->plan_dirty = true;
    if (player->source == PLAYS_FILES) {
        atomic_store(&player->dropped, true);
        disk_wake(engine->disk);
    }
}

void player_collect(struct engine *engine)
{
    struct player **at = &engine->ending_players;
    while (*at) {
        struct player *player = *at;
        if (!atomic_load(&player->released)) {
            at = &player->next;
            continue;
        }
        *at = player->next;
        engine_tell_simple(engine, EVENT_PLAYER_DONE, player, (int)player->reason, 0, 0);
    }
}

static void seek(struct player *player, int64_t ms)
{
    if (player->source != PLAYS_FILES)
        return;
    atomic_store(&player->seek_ms, ms > 0 ? ms : 0);
    atomic_fetch_add(&player->generation, 1);
    atomic_store(&player->position, ms > 0 ? ms : 0);
    atomic_store(&player->wanted, true);
    disk_wake(player->engine->disk);
}

void player_obey(struct player *player, enum player_order order, int64_t value)
{
    if (player->ended)
        return;
    switch (order) {
    case PLAYER_STOP:
        player_finish(player, END_STOPPED);
        break;
    case PLAYER_PAUSE:
        player->paused = true;
        break;
    case PLAYER_RESUME:
        player->paused = false;
        break;
    case PLAYER_SEEK:
        seek(player, value);
        break;
    case PLAYER_SKIP:
        seek(player, atomic_load(&player->position) + value);
        break;
    }
}

static struct block silence(struct player *player, int rate)
{
    int16_t *samples = engine_scratch(player->engine, (size_t)rate / 100 * sizeof(int16_t));
    if (samples)
        memset(samples, 0, (size_t)rate / 100 * sizeof(int16_t));
    return (struct block){.samples = samples, .rate = rate};
}

static void ask_for_more(struct player *player)
{
    if (ring_readable(&player->ring) < PLAYER_RING / 2 && !atomic_exchange(&player->wanted, true))
        disk_wake(player->engine->disk);
}

static bool has_chunk(struct player *player, struct chunk *chunk, uint32_t *size)
{
    if (!ring_peek(&player->ring, chunk, sizeof(*chunk)))
        return false;
    *size = chunk->samples * (uint32_t)(chunk->kind == CHUNK_CODED ? 1 : sizeof(int16_t));
    return ring_readable(&player->ring) >= sizeof(*chunk) + *size;
}

/* Gather frames for a packet of about 20 ms: the first has been looked at already. */
static void gather(struct player *player, struct chunk *chunk, uint32_t size, struct block *block)
{
    enum { ROOM = 640, PACKET_MS = 20 };
    const struct codec *codec = codec_at((int)chunk->rate);
    uint8_t *bytes = engine_scratch(player->engine, ROOM);
    uint32_t wanted = chunk->rate;
    int ms = 0, count = 0;
    do {
        ring_skip(&player->ring, sizeof(*chunk));
        if (bytes)
            ring_read(&player->ring, bytes + count, size);
        else
            ring_skip(&player->ring, size);
        count += (int)size;
        ms += codec->frame_samples * 1000 / (int)codec->rate;
        atomic_store(&player->position, chunk->position + (uint32_t)ms);
    } while (ms < PACKET_MS && has_chunk(player, chunk, &size) && chunk->kind == CHUNK_CODED && chunk->rate == wanted &&
             chunk->generation == (uint16_t)atomic_load(&player->generation) && count + (int)size <= ROOM);
    player->coded_wait = ms / TICK_MS - 1;
    *block = (struct block){.coded = bytes, .coded_bytes = bytes ? count : 0, .codec = (int)wanted};
}

static bool pull_file(struct player *player, struct block *block)
{
    struct chunk chunk;
    uint32_t size;
    if (player->coded_wait > 0) {
        player->coded_wait--;
        block->codec = player->coded_codec;
        return true;
    }
    for (;;) {
        if (!has_chunk(player, &chunk, &size))
            break;
        bool valid = chunk.generation == (uint16_t)atomic_load(&player->generation);
        if (valid && chunk.kind == CHUNK_CODED) {
            if (!leg_takes(player->leg, (int)chunk.rate)) {
                snprintf(player->error, sizeof(player->error), "%s cannot be turned into what is sent here",
                         codec_at((int)chunk.rate)->name);
                player_finish(player, END_FAILED);
                return false;
            }
            player->coded_codec = (int)chunk.rate;
            gather(player, &chunk, size, block);
            return true;
        }
        ring_skip(&player->ring, sizeof(chunk));
        if (!valid) {
            ring_skip(&player->ring, size);
            continue;
        }
        if (chunk.kind == CHUNK_END || chunk.kind == CHUNK_FAILED) {
            player_finish(player, chunk.kind == CHUNK_END ? END_DONE : END_FAILED);
            return false;
        }
        if (chunk.kind == CHUNK_FILE) {
            atomic_store(&player->index, chunk.file);
            atomic_store(&player->position, chunk.position);
            engine_tell_simple(player->engine, EVENT_PLAYER_FILE, player, chunk.file, 0, 0);
            continue;
        }
        int16_t *samples = engine_scratch(player->engine, size);
        if (!samples) {
            ring_skip(&player->ring, size);
            return true;
        }
        ring_read(&player->ring, samples, size);
        player->began = true;
        atomic_store(&player->position, chunk.position + TICK_MS);
        *block = (struct block){.samples = samples, .rate = (int)chunk.rate};
        return true;
    }
    return true; /* the disk is behind */
}

/* Sound that is made here. */
static bool pull_made(struct player *player, struct block *block, int rate)
{
    int n = rate / 100;
    int16_t *samples = engine_scratch(player->engine, (size_t)n * sizeof(int16_t));
    if (!samples)
        return true;
    bool going = player->source == PLAYS_TONES ? tone_make(&player->tone, samples, n, rate)
                                               : fsk_send(&player->fsk, samples, n, rate);
    if (!going) {
        player_finish(player, END_DONE);
        return false;
    }
    atomic_fetch_add(&player->position, TICK_MS);
    *block = (struct block){.samples = samples, .rate = rate};
    return true;
}

bool player_pull(struct player *player, struct block *block, int rate)
{
    *block = (struct block){.samples = NULL};
    if (player->paused) {
        *block = silence(player, rate);
        return true;
    }
    if (player->source == PLAYS_LEG) {
        *block = player->from->in.samples ? player->from->in : silence(player, rate);
        return true;
    }
    if (player->source != PLAYS_FILES)
        return pull_made(player, block, rate);
    bool going = pull_file(player, block);
    if (going) {
        ask_for_more(player);
        if (!block->samples && !block->codec && player->began)
            *block = silence(player, rate);
    }
    return going;
}
