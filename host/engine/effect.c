#include "effect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_preprocess.h>

#include "library.h"

static struct {
    __typeof__(&speex_preprocess_state_init) make;
    __typeof__(&speex_preprocess_state_destroy) destroy;
    __typeof__(&speex_preprocess_ctl) ctl;
    __typeof__(&speex_preprocess_run) run;
} speexdsp;

static const char *const files[] = {"libspeexdsp.so.1", NULL};
static const struct library_entry entries[] = {
    {"speex_preprocess_state_init", &speexdsp.make},
    {"speex_preprocess_state_destroy", &speexdsp.destroy},
    {"speex_preprocess_ctl", &speexdsp.ctl},
    {"speex_preprocess_run", &speexdsp.run},
};
static struct library library = LIBRARY_OF(files, entries);

static SpeexPreprocessState *make_preprocessor(int rate, bool denoise, int agc)
{
    SpeexPreprocessState *state = library_ready(&library) ? speexdsp.make(rate / 100, rate) : NULL;
    if (!state)
        return NULL;
    int clean = denoise, automatic = agc > 0;
    float level = (float)agc;
    speexdsp.ctl(state, SPEEX_PREPROCESS_SET_DENOISE, &clean);
    speexdsp.ctl(state, SPEEX_PREPROCESS_SET_AGC, &automatic);
    if (agc)
        speexdsp.ctl(state, SPEEX_PREPROCESS_SET_AGC_LEVEL, &level);
    return state;
}

struct effect *effect_make(struct leg *leg, int direction, int rate, bool denoise, int agc, double pitch, bool invert,
                           char *error)
{
    struct effect *effect = calloc(1, sizeof(*effect));
    snprintf(error, ENGINE_TEXT, "out of memory");
    if (!effect)
        return NULL;
    effect->engine = leg->engine;
    effect->leg = leg;
    effect->direction = direction;
    effect->rate = rate;
    effect->invert = invert;
    bool good = true;
    if (denoise || agc) {
        effect->preprocessor = make_preprocessor(rate, denoise, agc);
        good = effect->preprocessor;
        if (!good)
            snprintf(error, ENGINE_TEXT, "libspeexdsp.so.1 is not installed");
    }
    if (good && pitch != 1) {
        effect->pitch = malloc(sizeof(*effect->pitch));
        good = effect->pitch;
        if (good)
            pitch_init(effect->pitch, pitch, rate);
    }
    if (good) {
        error[0] = 0;
        return effect;
    }
    effect_destroy(effect);
    return NULL;
}

void effect_destroy(struct effect *effect)
{
    if (effect->preprocessor)
        speexdsp.destroy(effect->preprocessor);
    free(effect->pitch);
    free(effect);
}

static struct effect **place_of(struct effect *effect)
{
    return effect->direction == DIRECTION_IN ? &effect->leg->in_effect : &effect->leg->out_effect;
}

void effect_begin(struct effect *effect)
{
    if (effect->leg->closing) {
        effect_finish(effect);
        return;
    }
    struct effect **place = place_of(effect);
    if (*place)
        effect_finish(*place);
    *place = effect;
    effect->engine->plan_dirty = true;
}

void effect_finish(struct effect *effect)
{
    if (!effect->leg)
        return;
    struct effect **place = place_of(effect);
    if (*place == effect)
        *place = NULL;
    effect->leg = NULL;
    resampler_end(&effect->resampler, &effect->engine->slab);
    effect->engine->plan_dirty = true;
    engine_tell_simple(effect->engine, EVENT_EFFECT_END, effect, 0, 0, 0);
}

struct block effect_run(struct effect *effect, struct block block)
{
    if (!block.samples)
        return block;
    struct block changed = leg_at_rate(effect->engine, &effect->resampler, block, effect->rate);
    size_t bytes = (size_t)effect->rate / 100 * sizeof(int16_t);
    int16_t *samples = changed.samples ? engine_scratch(effect->engine, bytes) : NULL;
    if (!samples)
        return block;
    memcpy(samples, changed.samples, bytes);
    if (effect->preprocessor)
        speexdsp.run(effect->preprocessor, samples);
    if (effect->pitch)
        pitch_run(effect->pitch, samples, effect->rate / 100);
    /* By half the sample rate; a block's samples are even in number. */
    for (int at = 0; effect->invert && at < effect->rate / 100; at += 2)
        samples[at] = samples[at] == INT16_MIN ? INT16_MAX : (int16_t)-samples[at];
    return (struct block){.samples = samples, .rate = effect->rate};
}
