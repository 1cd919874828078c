#include "conceal.h"

#include <string.h>

enum { HISTORY_MS = 30, FULL_MS = 10, FADED_MS = 60 };

bool conceal_init(struct conceal *conceal, struct slab *slab, int rate)
{
    *conceal = (struct conceal){.rate = rate, .length = rate * HISTORY_MS / 1000};
    conceal->history = slab_get(slab, (size_t)conceal->length * sizeof(int16_t));
    return conceal->history != NULL;
}

void conceal_end(struct conceal *conceal, struct slab *slab)
{
    slab_put(slab, conceal->history, (size_t)conceal->length * sizeof(int16_t));
    conceal->history = NULL;
}

/* The lag of 5 to 15 ms at which the last 10 ms repeat best; coarse steps above 8 kHz. */
static int find_pitch(const struct conceal *conceal)
{
    int rate = conceal->rate, step = rate / 8000 > 0 ? rate / 8000 : 1;
    int window = rate / 100, longest = rate * 15 / 1000;
    const int16_t *end = conceal->history + conceal->length - window;
    int best = longest;
    float best_match = 0;
    for (int lag = rate / 200; lag <= longest; lag += step) {
        const int16_t *earlier = end - lag;
        float product = 0, power = 1;
        for (int i = 0; i < window; i += step) {
            product += (float)end[i] * earlier[i];
            power += (float)earlier[i] * earlier[i];
        }
        float match = product > 0 ? product * product / power : 0;
        if (match > best_match) {
            best_match = match;
            best = lag;
        }
    }
    return best;
}

static int16_t repeated(const struct conceal *conceal, int at)
{
    int pitch = conceal->pitch, blend = pitch / 4;
    int place = at % pitch;
    const int16_t *cycle = conceal->history + conceal->length - pitch;
    int value = cycle[place];
    int over = place - (pitch - blend);
    if (over >= 0) /* glide from the end of the cycle into its beginning */
        value = (value * (blend - over) + cycle[place - pitch] * over) / blend;
    int full = conceal->rate * FULL_MS / 1000, faded = conceal->rate * FADED_MS / 1000;
    if (at <= full)
        return (int16_t)value;
    return at < faded ? (int16_t)((int64_t)value * (faded - at) / (faded - full)) : 0;
}

void conceal_make(struct conceal *conceal, int16_t *samples, int n)
{
    if (!conceal->run)
        conceal->pitch = find_pitch(conceal);
    for (int i = 0; i < n; i++)
        samples[i] = repeated(conceal, conceal->run + i);
    conceal->run += n;
}

void conceal_heard(struct conceal *conceal, int16_t *samples, int n)
{
    if (conceal->run) {
        int blend = conceal->rate / 250 < n ? conceal->rate / 250 : n; /* 4 ms */
        for (int i = 0; i < blend; i++)
            samples[i] = (int16_t)((samples[i] * i + repeated(conceal, conceal->run + i) * (blend - i)) / blend);
        conceal->run = 0;
    }
    if (n > conceal->length)
        n = conceal->length;
    memmove(conceal->history, conceal->history + n, (size_t)(conceal->length - n) * sizeof(int16_t));
    memcpy(conceal->history + conceal->length - n, samples, (size_t)n * sizeof(int16_t));
}
