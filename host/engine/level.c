#include "level.h"

#include <math.h>
#include <stdlib.h>

#include "engine.h"

int level_gain(double db)
{
    if (db < -60)
        return 0;
    return (int)lrint(UNITY * pow(10, (db > 30 ? 30 : db) / 20));
}

static int16_t saturate(int value)
{
    return (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
}

void level_apply(int16_t *samples, int n, int gain)
{
    for (int i = 0; i < n; i++)
        samples[i] = saturate((int)(((int64_t)samples[i] * gain) >> 12));
}

void level_compress(int16_t *samples, int n, int ratio)
{
    for (int i = 0; i < n; i++) {
        int64_t loud = abs(samples[i]), steep = loud * ratio / UNITY;
        int64_t shallow = 32767 - (32767 - loud) * UNITY / ratio;
        int value = (int)(steep < shallow ? steep : shallow);
        samples[i] = saturate(samples[i] < 0 ? -value : value);
    }
}

void level_add(int16_t *out, const int16_t *a, const int16_t *b, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = saturate(a[i] + b[i]);
}

bool loudness_feed(struct loudness *loudness, const int16_t *samples, int n)
{
    uint32_t sum = 0;
    for (int i = 0; samples && i < n; i++)
        sum += (uint32_t)abs(samples[i]);
    loudness->sum += n ? sum / (uint32_t)n : 0;
    if (++loudness->halves < 2)
        return false;
    loudness->mean = (int)(loudness->sum / 2);
    loudness->sum = 0;
    loudness->halves = 0;
    return true;
}

void watch_feed(struct watch *watch, int mean)
{
    bool noisy = mean >= watch->threshold;
    if (watch->known && noisy != watch->noisy) {
        watch->told = false;
        if (noisy)
            watch->noisy_for = 0;
        else
            watch->silent_for = 0;
    }
    watch->known = true;
    watch->noisy = noisy;
    if (noisy)
        watch->noisy_for += 2 * TICK_MS;
    else
        watch->silent_for += 2 * TICK_MS;
    if (watch->told)
        return;
    int wanted = noisy ? watch->noise_ms : watch->silence_ms;
    int lasted = noisy ? watch->noisy_for : watch->silent_for;
    if (wanted <= 0 || lasted < wanted)
        return;
    watch->told = true;
    engine_tell_simple(watch->engine, EVENT_WATCH, watch, noisy, noisy ? watch->silent_for : watch->noisy_for, 0);
}
