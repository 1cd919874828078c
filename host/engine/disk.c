#include "disk.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "player.h"
#include "recorder.h"

enum { JOBS = 1024 };

struct job {
    struct player *player;
    struct recorder *recorder;
};

struct disk {
    struct ring jobs;
    sem_t work;
    pthread_t thread;
    bool started;
    _Atomic bool running;
    struct player *players;
    struct recorder *recorders;
    struct slab slab;
};

struct disk *disk_new(void)
{
    struct disk *disk = calloc(1, sizeof(*disk));
    if (!disk || !ring_init(&disk->jobs, JOBS, sizeof(struct job)) || sem_init(&disk->work, 0, 0)) {
        free(disk);
        return NULL;
    }
    return disk;
}

void disk_free(struct disk *disk)
{
    sem_destroy(&disk->work);
    ring_end(&disk->jobs);
    slab_end(&disk->slab);
    free(disk);
}

void disk_wake(struct disk *disk)
{
    sem_post(&disk->work);
}

static void hand_in(struct disk *disk, struct job job)
{
    if (ring_push(&disk->jobs, &job)) {
        disk_wake(disk);
        return;
    }
    /* a thousand files asked for within a tick: this one fails */
    char *error = job.player ? job.player->error : job.recorder->error;
    snprintf(error, SOUNDFILE_ERROR, "the disk thread has no room for another file");
    if (job.player) {
        atomic_store(&job.player->released, true);
        player_finish(job.player, END_FAILED);
    } else {
        atomic_store(&job.recorder->released, true);
        recorder_finish(job.recorder, END_FAILED);
    }
}

void disk_serve_player(struct disk *disk, struct player *player)
{
    hand_in(disk, (struct job){.player = player});
}

void disk_serve_recorder(struct disk *disk, struct recorder *recorder)
{
    hand_in(disk, (struct job){.recorder = recorder});
}

static bool put_mark(struct player *player, enum chunk_kind kind)
{
    struct chunk chunk = {
        .kind = (uint16_t)kind, .file = (uint16_t)player->at_file, .generation = (uint16_t)player->served_generation};
    if (player->file)
        chunk.position = (uint32_t)(player->at_sample * 1000 / soundfile_rate(player->file));
    return ring_write(&player->ring, &chunk, sizeof(chunk));
}

/* Open files from at_file on until one can be read; false when the list ends (or starts over) without one. */
static bool open_next(struct player *player)
{
    for (int tried = 0; tried <= player->count; tried++) {
        if (player->at_file >= player->count) {
            if (!(player->flags & PLAY_LOOP) || !player->sounded)
                return false;
            player->at_file = player->flags & PLAY_LOOP_LAST ? player->count - 1 : 0;
            player->sounded = false;
        }
        player->file = soundfile_read_open(player->paths[player->at_file], player->error);
        if (player->file) {
            player->at_sample = 0;
            player->announced = false;
            return true;
        }
        if (!(player->flags & PLAY_LOOP))
            return false;
        player->at_file++;
    }
    return false;
}

static void go_to(struct player *player, int64_t ms)
{
    int rate = soundfile_rate(player->file);
    int64_t sample = ms * rate / 1000, length = soundfile_length(player->file);
    player->at_sample = sample < length ? sample : length;
    soundfile_seek(player->file, player->at_sample);
}

static void next_file(struct player *player, bool failed)
{
    if (failed)
        snprintf(player->error, SOUNDFILE_ERROR, "%s: %s", player->paths[player->at_file], strerror(errno));
    soundfile_close(player->file);
    player->file = NULL;
    player->at_file++;
}

/* One coded frame. */
static void read_frame(struct player *player)
{
    uint8_t frame[SOUNDFILE_FRAME];
    int rate = soundfile_rate(player->file), codec = soundfile_coded(player->file);
    int got = soundfile_read_frame(player->file, frame);
    if (got <= 0) {
        next_file(player, got < 0);
        return;
    }
    struct chunk chunk = {.rate = (uint32_t)codec,
                          .position = (uint32_t)(player->at_sample * 1000 / rate),
                          .samples = (uint16_t)got,
                          .file = (uint16_t)player->at_file,
                          .generation = (uint16_t)player->served_generation,
                          .kind = CHUNK_CODED};
    ring_write2(&player->ring, &chunk, sizeof(chunk), frame, (uint32_t)got);
    player->at_sample += codec_at(codec)->frame_samples;
    player->sounded = true;
}

/* One piece of 10 ms. */
static void read_piece(struct player *player)
{
    int16_t samples[RESAMPLE_MAX_BLOCK];
    int rate = soundfile_rate(player->file), n = rate / 100;
    int got = soundfile_read(player->file, samples, n);
    if (got <= 0) {
        next_file(player, got < 0);
        return;
    }
    memset(samples + got, 0, (size_t)(n - got) * sizeof(int16_t));
    struct chunk chunk = {.rate = (uint32_t)rate,
                          .position = (uint32_t)(player->at_sample * 1000 / rate),
                          .samples = (uint16_t)n,
                          .file = (uint16_t)player->at_file,
                          .generation = (uint16_t)player->served_generation};
    ring_write2(&player->ring, &chunk, sizeof(chunk), samples, (uint32_t)n * sizeof(int16_t));
    player->at_sample += got;
    player->sounded = true;
}

static void finish_reading(struct player *player)
{
    player->finished = put_mark(player, player->error[0] ? CHUNK_FAILED : CHUNK_END);
}

static void read_ahead(struct player *player)
{
    enum { PIECE = sizeof(struct chunk) * 2 + RESAMPLE_MAX_BLOCK * sizeof(int16_t) };
    uint32_t generation = atomic_load(&player->generation);
    if (!player->opened) {
        player->opened = true;
        player->served_generation = generation;
        if (open_next(player) && player->offset_ms > 0)
            go_to(player, player->offset_ms);
    }
    if (generation != player->served_generation) {
        player->served_generation = generation;
        if (!player->file && player->finished && player->at_file >= player->count) {
            player->at_file = player->count - 1; /* the end was read but not heard yet */
            open_next(player);
        }
        player->finished = false;
        if (player->file)
            go_to(player, atomic_load(&player->seek_ms));
    }
    while (!player->finished && ring_writable(&player->ring) >= PIECE) {
        if (!player->file && !open_next(player)) {
            finish_reading(player);
            return;
        }
        if (!player->announced)
            player->announced = put_mark(player, CHUNK_FILE);
        if (soundfile_coded(player->file))
            read_frame(player);
        else
            read_piece(player);
    }
}

static void serve_players(struct disk *disk)
{
    struct player **at = &disk->players;
    while (*at) {
        struct player *player = *at;
        if (atomic_load(&player->dropped)) {
            *at = player->next_on_disk;
            if (player->file)
                soundfile_close(player->file);
            player->file = NULL;
            atomic_store(&player->released, true); /* it may be freed from here on */
            continue;
        }
        if (atomic_exchange(&player->wanted, false))
            read_ahead(player);
        at = &player->next_on_disk;
    }
}

static void write_piece(struct disk *disk, struct recorder *recorder, const int16_t *samples, int n, int rate)
{
    int16_t converted[RESAMPLE_MAX_BLOCK];
    int file_rate = soundfile_rate(recorder->file);
    if (rate != file_rate) {
        if (!resampler_is_for(&recorder->converter, rate, file_rate)) {
            resampler_end(&recorder->converter, &disk->slab);
            if (!resampler_init(&recorder->converter, &disk->slab, rate, file_rate))
                return;
        }
        resampler_run(&recorder->converter, samples, converted);
        samples = converted;
        n = file_rate / 100;
    }
    if (!soundfile_write(recorder->file, samples, n)) {
        snprintf(recorder->error, SOUNDFILE_ERROR, "%s: %s", recorder->path, strerror(errno));
        recorder->failed = true;
    }
}

static void write_behind(struct disk *disk, struct recorder *recorder)
{
    struct chunk chunk;
    int16_t samples[RESAMPLE_MAX_BLOCK];
    if (!recorder->file && !recorder->failed) {
        recorder->file = soundfile_write_open(recorder->path, recorder->extension, recorder->append, recorder->error);
        recorder->failed = !recorder->file;
    }
    while (ring_peek(&recorder->ring, &chunk, sizeof(chunk))) {
        uint32_t size = chunk.samples * (uint32_t)sizeof(int16_t);
        if (ring_readable(&recorder->ring) < sizeof(chunk) + size)
            break;
        ring_skip(&recorder->ring, sizeof(chunk));
        ring_read(&recorder->ring, samples, size);
        if (!recorder->failed)
            write_piece(disk, recorder, samples, chunk.samples, (int)chunk.rate);
    }
}

static void close_recording(struct disk *disk, struct recorder *recorder)
{
    write_behind(disk, recorder);
    resampler_end(&recorder->converter, &disk->slab);
    if (!recorder->file)
        return;
    int64_t truncate = atomic_load(&recorder->truncate_ms) * soundfile_rate(recorder->file) / 1000;
    if (!soundfile_finish(recorder->file, truncate) && !recorder->failed)
        snprintf(recorder->error, SOUNDFILE_ERROR, "%s: %s", recorder->path, strerror(errno));
    recorder->file = NULL;
}

static void serve_recorders(struct disk *disk)
{
    struct recorder **at = &disk->recorders;
    while (*at) {
        struct recorder *recorder = *at;
        if (atomic_load(&recorder->finishing)) {
            *at = recorder->next_on_disk;
            close_recording(disk, recorder);
            atomic_store(&recorder->released, true);
            continue;
        }
        if (atomic_exchange(&recorder->wanted, false))
            write_behind(disk, recorder);
        at = &recorder->next_on_disk;
    }
}

void disk_work(struct disk *disk)
{
    struct job job;
    while (ring_pop(&disk->jobs, &job)) {
        if (job.player) {
            job.player->next_on_disk = disk->players;
            disk->players = job.player;
        } else {
            job.recorder->next_on_disk = disk->recorders;
            disk->recorders = job.recorder;
        }
    }
    serve_players(disk);
    serve_recorders(disk);
}

static void *run(void *argument)
{
    struct disk *disk = argument;
    pthread_setname_np(pthread_self(), "offhook-disk");
    while (atomic_load(&disk->running)) {
        if (sem_wait(&disk->work))
            continue;
        while (!sem_trywait(&disk->work)) { /* several wishes, one round */
        }
        disk_work(disk);
    }
    return NULL;
}

bool disk_start(struct disk *disk)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    sigfillset(&all);
    atomic_store(&disk->running, true);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the control thread's */
    disk->started = !pthread_create(&disk->thread, &attributes, run, disk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return disk->started;
}

void disk_stop(struct disk *disk)
{
    if (disk->started) {
        atomic_store(&disk->running, false);
        disk_wake(disk);
        pthread_join(disk->thread, NULL);
        disk->started = false;
    }
    disk_work(disk);
}
