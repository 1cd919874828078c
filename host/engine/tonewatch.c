#include "tonewatch.h"

#include <math.h>
#include <string.h>

#include "api.h"

enum { RATE = 8000 };

static const float NEARLY = 0.93f;
static const float WEAKER = 0.07f; /* of a pair's energy at least; 11 dB of twist */

void tonewatch_init(struct tonewatch *watch, int block_ms, double purity, double floor_dbm0)
{
    memset(watch, 0, sizeof(*watch));
    watch->block_ms = block_ms < 5 ? 5 : block_ms > 100 ? 100 : block_ms;
    watch->purity = (float)purity;
    double peak = 32768 * pow(10, (floor_dbm0 - 3.14) / 20); /* of a sine; G.711 Table 5 */
    watch->floor = (float)(peak * peak / 2);
}

/* The filter's index in the bank; the bank's coefficients are made again for each. */
static int filter_of(struct tonewatch *watch, float frequency)
{
    float coefficient = 2 * cosf(2 * (float)M_PI * frequency / RATE);
    struct goertzel *bank = &watch->bank;
    for (int k = 0; k < bank->count; k++)
        if (fabsf(bank->coefficient[k] - coefficient) < 1e-6f)
            return k;
    if (bank->count == GOERTZEL_MOST)
        return -1;
    bank->coefficient[bank->count] = coefficient;
    return bank->count++;
}

bool tonewatch_add(struct tonewatch *watch, float low, float high, int least_ms)
{
    if (watch->count == TONEWATCH_MOST)
        return false;
    watch->bank.block = watch->block_ms * RATE / 1000;
    int8_t first = low > 0 ? (int8_t)filter_of(watch, low) : -1;
    int8_t second = high > 0 ? (int8_t)filter_of(watch, high) : -1;
    watch->tones[watch->count].low = first;
    watch->tones[watch->count].high = second;
    watch->tones[watch->count++].least_ms = least_ms;
    return true;
}

/* How much of the block's energy a tone explains; 0 when it is not there. */
static float fit(const struct tonewatch *watch, int tone)
{
    int low = watch->tones[tone].low, high = watch->tones[tone].high;
    if (watch->bank.mean < watch->floor)
        return 0;
    float first = watch->bank.share[low];
    if (high < 0)
        return first >= watch->purity ? first : 0;
    float second = watch->bank.share[high], both = first + second;
    return both >= watch->purity && first >= both * WEAKER && second >= both * WEAKER ? both : 0;
}

/* Which tones are there. Of neighbours that a filter cannot tell apart only those that fit best. */
static void find(const struct tonewatch *watch, bool present[TONEWATCH_MOST])
{
    float fits[TONEWATCH_MOST], best = 0;
    for (int tone = 0; tone < watch->count; tone++) {
        fits[tone] = watch->tones[tone].low < 0 ? 0 : fit(watch, tone);
        best = fits[tone] > best ? fits[tone] : best;
    }
    for (int tone = 0; tone < watch->count; tone++)
        present[tone] = watch->tones[tone].low < 0 ? watch->bank.mean >= watch->floor
                                                   : fits[tone] > 0 && fits[tone] >= best * NEARLY;
}

static bool judge(struct tonewatch *watch, int tone, bool heard, struct tonewatch_change *change)
{
    if (!heard && !watch->tones[tone].lasted_ms)
        return false;
    if (heard) {
        watch->tones[tone].lasted_ms += watch->block_ms * (1 + watch->tones[tone].misses);
        watch->tones[tone].misses = 0;
        if (watch->tones[tone].told || watch->tones[tone].lasted_ms < watch->tones[tone].least_ms)
            return false;
        watch->tones[tone].told = true;
        *change = (struct tonewatch_change){(int8_t)tone, true, watch->tones[tone].lasted_ms};
        return true;
    }
    /* a tone that was told may be disturbed for a block; one that is only beginning not */
    if (watch->tones[tone].told && ++watch->tones[tone].misses < DETECTOR_SETTLES)
        return false;
    bool told = watch->tones[tone].told;
    *change = (struct tonewatch_change){(int8_t)tone, false, watch->tones[tone].lasted_ms};
    watch->tones[tone].told = false;
    watch->tones[tone].misses = 0;
    watch->tones[tone].lasted_ms = 0;
    return told;
}

int tonewatch_feed(struct tonewatch *watch, const int16_t *samples, int n, struct tonewatch_change *changes)
{
    int count = 0;
    while (n > 0) {
        bool whole;
        int some = goertzel_feed(&watch->bank, samples, n, &whole);
        samples += some;
        n -= some;
        if (!whole)
            continue;
        bool present[TONEWATCH_MOST];
        find(watch, present);
        for (int tone = 0; tone < watch->count && count < TONEWATCH_MOST; tone++)
            count += judge(watch, tone, present[tone], &changes[count]);
    }
    return count;
}
