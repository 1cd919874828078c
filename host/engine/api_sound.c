/* The control thread's side of api.h: what is played, recorded, listened for and mixed. */
#include <stdlib.h>

#include "detector.h"
#include "effect.h"
#include "mixer.h"
#include "orders.h"
#include "player.h"
#include "recorder.h"
/* Sound */

struct player *leg_play(struct leg *leg, const char *const *paths, int count, int64_t offset_ms, int flags)
{
    struct player *player = player_make_files(leg, paths, count, offset_ms, flags);
    if (player)
        order_about(leg->engine, COMMAND_PLAY, player, 0, 0);
    return player;
}

struct player *leg_tones(struct leg *leg, const struct tone_item *items, int count, int repeat, int level, int flags)
{
    struct player *player = player_make_tones(leg, items, count, repeat, level, flags);
    if (player)
        order_about(leg->engine, COMMAND_PLAY, player, 0, 0);
    return player;
}

struct player *leg_fsk(struct leg *leg, int kind, const uint8_t *octets, int count, int seizure_bits, int mark_bits,
                       int level, int flags)
{
    struct player *player = player_make_fsk(leg, kind == FSK_KIND_V_23 ? FSK_V_23 : FSK_BELL_202, octets, count,
                                            seizure_bits, mark_bits, level, flags);
    if (player)
        order_about(leg->engine, COMMAND_PLAY, player, 0, 0);
    return player;
}

struct player *leg_relay(struct leg *leg, struct leg *from, int flags)
{
    struct player *player = player_make_relay(leg, from, flags);
    if (player)
        order_about(leg->engine, COMMAND_PLAY, player, 0, 0);
    return player;
}

void player_order(struct player *player, int what, int64_t value)
{
    order_about(player->engine, COMMAND_PLAYER_ORDER, player, what, value);
}

struct recorder *leg_record(struct leg *leg, const char *path, const char *extension, int direction, int append,
                            int threshold)
{
    struct recorder *recorder = recorder_make(leg, path, extension, direction, append, threshold);
    if (recorder)
        order_about(leg->engine, COMMAND_RECORD, recorder, 0, 0);
    return recorder;
}

void recorder_order(struct recorder *recorder, int what, int64_t value)
{
    order_about(recorder->engine, COMMAND_RECORDER_ORDER, recorder, what, value);
}

struct watch *leg_watch(struct leg *leg, int silence_ms, int noise_ms, int threshold)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->engine = leg->engine;
    watch->leg = leg;
    watch->silence_ms = silence_ms;
    watch->noise_ms = noise_ms;
    watch->threshold = threshold;
    order_about(leg->engine, COMMAND_WATCH, watch, 0, 0);
    return watch;
}

void watch_close(struct watch *watch)
{
    order_about(watch->engine, COMMAND_WATCH_CLOSE, watch, 0, 0);
}

struct detector *leg_detector(struct leg *leg, int kind, int direction, const struct detector_tone *tones, int count,
                              int block_ms, double purity)
{
    struct detector *detector = detector_make(leg, kind, direction, tones, count, block_ms, purity);
    if (detector)
        order_about(leg->engine, COMMAND_DETECTOR, detector, 0, 0);
    return detector;
}

struct effect *leg_effect(struct leg *leg, int direction, int rate, int denoise, int agc, double pitch, int invert,
                          char *error)
{
    struct effect *effect = effect_make(leg, direction, rate, denoise, agc, pitch, invert, error);
    if (effect)
        order_about(leg->engine, COMMAND_EFFECT, effect, 0, 0);
    return effect;
}

void effect_close(struct effect *effect)
{
    order_about(effect->engine, COMMAND_EFFECT_CLOSE, effect, 0, 0);
}

void effect_free(struct effect *effect)
{
    free_later(effect->engine, effect, FREED_EFFECT);
}

void detector_close(struct detector *detector)
{
    order_about(detector->engine, COMMAND_DETECTOR_CLOSE, detector, 0, 0);
}

void detector_free(struct detector *detector)
{
    free_later(detector->engine, detector, FREED_DETECTOR);
}

/* Mixers */

struct mixer *mixer_new(struct engine *engine, int rate, int most)
{
    struct mixer *mixer = calloc(1, sizeof(*mixer));
    if (!mixer)
        return NULL;
    mixer->engine = engine;
    mixer->wanted_rate = rate;
    mixer->most_rate = most;
    order_about(engine, COMMAND_MIXER, mixer, 0, 0);
    return mixer;
}

void mixer_add(struct mixer *mixer, struct leg *leg, int flags)
{
    struct command command = {.kind = COMMAND_MIXER_ADD, .a = flags, .leg = leg, .object = mixer};
    engine_order(mixer->engine, &command);
}

void mixer_remove(struct mixer *mixer, struct leg *leg)
{
    struct command command = {.kind = COMMAND_MIXER_REMOVE, .leg = leg, .object = mixer};
    engine_order(mixer->engine, &command);
}

void mixer_close(struct mixer *mixer)
{
    order_about(mixer->engine, COMMAND_MIXER_CLOSE, mixer, 0, 0);
}
