#include "mixer.h"

#include <string.h>

void mixer_join(struct mixer *mixer, struct leg *leg, int flags)
{
    if (leg->mixer != mixer) {
        leg_part(leg);
        leg->mixer = mixer;
        leg->next_member = mixer->members;
        mixer->members = leg;
    }
    leg->hears = flags & MEMBER_HEARS;
    leg->heard = flags & MEMBER_HEARD;
    mixer->engine->plan_dirty = true;
}

void mixer_part(struct leg *leg)
{
    struct leg **at = &leg->mixer->members;
    while (*at && *at != leg)
        at = &(*at)->next_member;
    if (*at)
        *at = leg->next_member;
    leg->mixer = NULL;
    leg->next_member = NULL;
    leg->mix_share = NULL;
    resampler_end(&leg->mix_resampler, &leg->engine->slab);
    leg->engine->plan_dirty = true;
}

static int best_rate(const struct mixer *mixer)
{
    int rate = 8000;
    for (const struct leg *leg = mixer->members; leg; leg = leg->next_member)
        if (leg_rate(leg) > rate)
            rate = leg_rate(leg);
    return mixer->most_rate && rate > mixer->most_rate ? mixer->most_rate : rate;
}

void mixer_tick(struct mixer *mixer)
{
    struct engine *engine = mixer->engine;
    mixer->rate = mixer->wanted_rate ? mixer->wanted_rate : best_rate(mixer);
    int n = mixer->rate / 100;
    mixer->whole = NULL;
    mixer->sum = engine_scratch(engine, (size_t)n * sizeof(int32_t));
    if (!mixer->sum)
        return;
    memset(mixer->sum, 0, (size_t)n * sizeof(int32_t));
    for (struct leg *leg = mixer->members; leg; leg = leg->next_member) {
        leg->mix_share = NULL;
        if (!leg->heard || !leg->in.samples)
            continue;
        struct block block = leg_at_rate(engine, &leg->mix_resampler, leg->in, mixer->rate);
        if (!block.samples)
            continue;
        leg->mix_share = block.samples;
        for (int i = 0; i < n; i++)
            mixer->sum[i] += block.samples[i];
    }
}

/* The sum without one member's share. */
static int16_t *without(const struct mixer *mixer, const int16_t *share)
{
    int n = mixer->rate / 100;
    int16_t *samples = engine_scratch(mixer->engine, (size_t)n * sizeof(int16_t));
    for (int i = 0; samples && i < n; i++) {
        int32_t value = mixer->sum[i] - (share ? share[i] : 0);
        samples[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    return samples;
}

struct block mixer_heard_by(const struct leg *leg)
{
    struct mixer *mixer = leg->mixer;
    struct block block = {.samples = NULL, .rate = mixer->rate};
    if (!leg->hears || !mixer->sum)
        return block;
    if (!leg->mix_share && !mixer->whole)
        mixer->whole = without(mixer, NULL);
    block.samples = leg->mix_share ? without(mixer, leg->mix_share) : mixer->whole;
    return block;
}
