#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "level.h"

struct recorder *recorder_make(struct leg *leg, const char *path, const char *extension, int direction, bool append,
                               int threshold)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));
    if (!recorder)
        return NULL;
    recorder->engine = leg->engine;
    recorder->leg = leg;
    recorder->path = strdup(path);
    recorder->extension = strdup(extension);
    recorder->direction = direction;
    recorder->threshold = threshold;
    recorder->append = append;
    recorder->rate = 8000;
    if (!recorder->path || !recorder->extension || !ring_init(&recorder->ring, RECORDER_RING, 1)) {
        recorder_destroy(recorder);
        return NULL;
    }
    return recorder;
}

void recorder_destroy(struct recorder *recorder)
{
    free(recorder->path);
    free(recorder->extension);
    ring_end(&recorder->ring);
    free(recorder);
}

int64_t recorder_duration(const struct recorder *recorder)
{
    return atomic_load(&recorder->duration);
}

int64_t recorder_silence(const struct recorder *recorder)
{
    return atomic_load(&recorder->silence);
}

int64_t recorder_talking(const struct recorder *recorder)
{
    return atomic_load(&recorder->talking);
}

const char *recorder_error(const struct recorder *recorder)
{
    return recorder->error;
}

void recorder_begin(struct recorder *recorder)
{
    struct leg *leg = recorder->leg;
    recorder->next = leg->recorders;
    leg->recorders = recorder;
    leg->engine->plan_dirty = true;
    atomic_store(&recorder->wanted, true);
    disk_serve_recorder(recorder->engine->disk, recorder);
}

static void detach(struct recorder *recorder)
{
    struct recorder **at = &recorder->leg->recorders;
    while (*at && *at != recorder)
        at = &(*at)->next;
    if (*at)
        *at = recorder->next;
}

void recorder_finish(struct recorder *recorder, enum end_reason reason)
{
    struct engine *engine = recorder->engine;
    detach(recorder);
    recorder->reason = reason;
    resampler_end(&recorder->resampler, &engine->slab);
    recorder->next = engine->ending_recorders;
    engine->ending_recorders = recorder;
    engine->plan_dirty = true;
    atomic_store(&recorder->finishing, true);
    disk_wake(engine->disk);
}

void recorder_collect(struct engine *engine)
{
    struct recorder **at = &engine->ending_recorders;
    while (*at) {
        struct recorder *recorder = *at;
        if (!atomic_load(&recorder->released)) {
            at = &recorder->next;
            continue;
        }
        *at = recorder->next;
        enum end_reason reason = recorder->error[0] ? END_FAILED : recorder->reason;
        engine_tell_simple(engine, EVENT_RECORDER_DONE, recorder, (int)reason, 0, 0);
    }
}

void recorder_obey(struct recorder *recorder, enum recorder_order order, int64_t value)
{
    bool ended = atomic_load(&recorder->finishing);
    switch (order) {
    case RECORDER_STOP:
        if (!ended) {
            atomic_store(&recorder->truncate_ms, value);
            recorder_finish(recorder, END_STOPPED);
        }
        break;
    case RECORDER_PAUSE:
        recorder->paused = true;
        break;
    case RECORDER_RESUME:
        recorder->paused = false;
        break;
    }
}

static void measure(struct recorder *recorder, const int16_t *samples, int n)
{
    atomic_fetch_add(&recorder->duration, TICK_MS);
    if (!loudness_feed(&recorder->loudness, samples, n))
        return;
    if (recorder->loudness.mean < recorder->threshold) {
        atomic_fetch_add(&recorder->silence, 2 * TICK_MS);
    } else {
        atomic_fetch_add(&recorder->talking, 2 * TICK_MS);
        atomic_store(&recorder->silence, 0);
    }
}

void recorder_take(struct recorder *recorder, struct block in, struct block out)
{
    static const int16_t nothing[RESAMPLE_MAX_BLOCK];
    struct engine *engine = recorder->engine;
    if (recorder->paused)
        return;
    struct block one = recorder->direction & DIRECTION_IN ? in : (struct block){.samples = NULL};
    struct block two = recorder->direction & DIRECTION_OUT ? out : (struct block){.samples = NULL};
    if (!one.samples) {
        one = two;
        two.samples = NULL;
    }
    if (one.samples && two.samples) {
        two = leg_at_rate(engine, &recorder->resampler, two, one.rate);
        int16_t *sum = engine_scratch(engine, (size_t)one.rate / 100 * sizeof(int16_t));
        if (sum && two.samples) {
            level_add(sum, one.samples, two.samples, one.rate / 100);
            one.samples = sum;
        }
    }
    if (one.samples)
        recorder->rate = one.rate;
    int n = recorder->rate / 100;
    measure(recorder, one.samples, n);
    struct chunk chunk = {.rate = (uint32_t)recorder->rate, .samples = (uint16_t)n, .kind = CHUNK_SOUND};
    if (!ring_write2(&recorder->ring, &chunk, sizeof(chunk), one.samples ? one.samples : nothing,
                     (uint32_t)n * sizeof(int16_t)))
        recorder->missed++;
    if (ring_readable(&recorder->ring) > RECORDER_RING / 4 && !atomic_exchange(&recorder->wanted, true))
        disk_wake(engine->disk);
}
