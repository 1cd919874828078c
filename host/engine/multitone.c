#include "multitone.h"

#include <string.h>

enum { FREQUENCIES = 6, SIGNALS = 15, RATE = 8000, BEGIN_BLOCKS = 2, END_MISSES = 2 };

/* The signals in the order in which pairs are counted: 0+1, 0+2, 1+2, 0+3, 1+3, 2+3, 0+4 ... */
static const struct {
    float frequencies[FREQUENCIES];
    char signals[SIGNALS + 1];
    int block; /* samples in which the frequencies do not disturb each other */
    float floor;
} systems[] = {
    /* Q.320 to Q.322: 200 Hz apart; heard down to about -35 dBm0 */
    [MULTITONE_R1] = {{700, 900, 1100, 1300, 1500, 1700}, "1234567890CA*B#", 80, 9e4f},
    /* Q.451 to Q.455: 120 Hz apart, heard down to -35 dBm0 */
    [MULTITONE_R2_FORWARD] = {{1380, 1500, 1620, 1740, 1860, 1980}, "1234567890BCDEF", 133, 9e4f},
    [MULTITONE_R2_BACKWARD] = {{1140, 1020, 900, 780, 660, 540}, "1234567890BCDEF", 133, 9e4f},
};

static const float TWIST = 6.3f;  /* 8 dB between the two; Q.323 and Q.455 ask for 6 and 7 */
static const float PURE = 0.70f;  /* of the energy is in the two */
static const float THIRD = 0.08f; /* no other frequency has more than that of the weaker's */

void multitone_init(struct multitone *multitone, enum multitone_system system)
{
    *multitone = (struct multitone){.system = system};
    goertzel_init(&multitone->bank, systems[system].frequencies, FREQUENCIES, systems[system].block, RATE);
}

static char decide(const struct multitone *multitone)
{
    const float *share = multitone->bank.share;
    int first = 0, second = -1;
    if (multitone->bank.mean < systems[multitone->system].floor)
        return 0;
    for (int k = 1; k < FREQUENCIES; k++)
        if (share[k] > share[first])
            first = k;
    for (int k = 0; k < FREQUENCIES; k++)
        if (k != first && (second < 0 || share[k] > share[second]))
            second = k;
    if (share[first] > share[second] * TWIST || share[first] + share[second] < PURE)
        return 0;
    for (int k = 0; k < FREQUENCIES; k++)
        if (k != first && k != second && share[k] > (share[first] + share[second]) * THIRD)
            return 0;
    int low = first < second ? first : second, high = first < second ? second : first;
    return systems[multitone->system].signals[high * (high - 1) / 2 + low];
}

static struct multitone_change judge(struct multitone *multitone)
{
    struct multitone_change change = {0, false, 0};
    char hit = decide(multitone);
    multitone->blocks++;
    if (multitone->signal && hit == multitone->signal) {
        multitone->misses = 0;
    } else if (multitone->signal) {
        if (++multitone->misses >= END_MISSES) {
            int blocks = multitone->blocks - multitone->misses;
            change = (struct multitone_change){multitone->signal, false, blocks * multitone->bank.block * 1000 / RATE};
            multitone->signal = 0;
        }
    } else if (hit && hit == multitone->last) {
        multitone->signal = hit;
        multitone->misses = 0;
        multitone->blocks = BEGIN_BLOCKS;
        change = (struct multitone_change){hit, true, 0};
    }
    multitone->last = hit;
    return change;
}

struct multitone_change multitone_feed(struct multitone *multitone, const int16_t *samples, int n)
{
    struct multitone_change change = {0, false, 0};
    while (n > 0) {
        bool whole;
        int some = goertzel_feed(&multitone->bank, samples, n, &whole);
        samples += some;
        n -= some;
        if (whole)
            change = judge(multitone);
    }
    return change;
}

bool multitone_of(enum multitone_system system, char signal, struct tone_part *part)
{
    const char *found = signal ? strchr(systems[system].signals, signal) : NULL;
    int at = found ? (int)(found - systems[system].signals) : SIGNALS;
    for (int high = 1; high < FREQUENCIES; high++)
        for (int low = 0; low < high; low++)
            if (high * (high - 1) / 2 + low == at) {
                *part = (struct tone_part){.low = systems[system].frequencies[low],
                                           .high = systems[system].frequencies[high]};
                return true;
            }
    return false;
}
