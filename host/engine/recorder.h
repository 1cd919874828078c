/* Recorders: a leg's sound, written to a file by the disk thread. */
#ifndef OFFHOOK_RECORDER_H
#define OFFHOOK_RECORDER_H

#include <stdatomic.h>

#include "engine.h"
#include "leg.h"
#include "player.h"
#include "ring.h"

enum { RECORDER_RING = 32 * 1024 };

struct recorder {
    struct engine *engine;
    struct leg *leg;
    struct recorder *next; /* of the leg; of those ending */
    struct recorder *next_on_disk;
    char *path, *extension;
    int direction, threshold;
    bool append;

    struct ring ring;
    _Atomic bool wanted, finishing, released;
    _Atomic int64_t truncate_ms;
    _Atomic int64_t duration, silence, talking; /* ms */

    /* real-time thread */
    bool paused;
    int rate;
    struct resampler resampler; /* brings out to in's rate */
    struct loudness loudness;
    enum end_reason reason;
    uint32_t missed; /* blocks that found no room */

    /* disk thread */
    struct soundfile *file;
    struct resampler converter;
    bool failed, closed;
    char error[SOUNDFILE_ERROR];
};

/* Control thread. */
struct recorder *recorder_make(struct leg *leg, const char *path, const char *extension, int direction, bool append,
                               int threshold);
void recorder_destroy(struct recorder *recorder);

/* Real-time thread. */
void recorder_begin(struct recorder *recorder);
void recorder_take(struct recorder *recorder, struct block in, struct block out);
void recorder_finish(struct recorder *recorder, enum end_reason reason);
void recorder_obey(struct recorder *recorder, enum recorder_order order, int64_t value);
void recorder_collect(struct engine *engine);

#endif
