#include "dtmf.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK = 102, /* samples at 8 kHz: bins 78 Hz apart, wide enough for +-1.8 %, narrow enough to refuse +-3.5 % */
    BEGIN_BLOCKS = 2,
    END_MISSES = 2
};

static const char DIGITS[] = "123A456B789C*0#D";
static const float FREQUENCIES[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};

/* Least mean energy: about -42 dBm0 for each tone. */
static const float FLOOR = 2.5e4f;

void dtmf_init(struct dtmf *dtmf, int rate, bool relaxed)
{
    memset(dtmf, 0, sizeof(*dtmf));
    dtmf->block = (uint16_t)(BLOCK * rate / 8000);
    dtmf->relaxed = relaxed;
    for (int i = 0; i < 8; i++)
        dtmf->coefficient[i] = 2 * cosf(2 * (float)M_PI * FREQUENCIES[i] / (float)rate);
}

static void filter(struct dtmf *dtmf, const int16_t *samples, int n)
{
    float energy = dtmf->energy;
    for (int i = 0; i < n; i++) {
        float x = samples[i];
        energy += x * x;
    }
    dtmf->energy = energy;
    for (int k = 0; k < 8; k++) {
        float c = dtmf->coefficient[k], a = dtmf->past[k][0], b = dtmf->past[k][1];
        for (int i = 0; i < n; i++) {
            float now = c * a - b + samples[i];
            b = a;
            a = now;
        }
        dtmf->past[k][0] = a;
        dtmf->past[k][1] = b;
    }
}

/* Power in each bin as a share of what a sine holding the whole energy would give: 0 to 1. */
static char decide(struct dtmf *dtmf)
{
    float power[8];
    float energy = dtmf->energy;
    float scale = energy > 0 ? 2.0f / (energy * dtmf->block) : 0;
    int row = 0, column = 4;
    for (int k = 0; k < 8; k++) {
        float a = dtmf->past[k][0], b = dtmf->past[k][1];
        power[k] = (a * a + b * b - dtmf->coefficient[k] * a * b) * scale;
        if (k < 4 && power[k] > power[row])
            row = k;
        if (k >= 4 && power[k] > power[column])
            column = k;
    }
    if (energy < FLOOR * dtmf->block)
        return 0;
    float low = power[row], high = power[column];
    /* Q.24: twist up to 8 dB low-heavy, 4 dB high-heavy; relaxed takes 12 and 9 dB */
    float normal = dtmf->relaxed ? 16.0f : 6.3f, reverse = dtmf->relaxed ? 8.0f : 2.8f;
    if (low > high * normal || high > low * reverse)
        return 0;
    if (low + high < (dtmf->relaxed ? 0.60f : 0.74f)) /* the rest is something else: speech, music, noise */
        return 0;
    for (int k = 0; k < 8; k++) {
        float best = k < 4 ? low : high;
        if (k != row && k != column && power[k] * 6.3f > best)
            return 0;
    }
    return DIGITS[row * 4 + column - 4];
}

/* True when the sound was there all through two blocks: a tone of 20 ms can be in both, but fills neither. */
static bool even(const struct dtmf *dtmf)
{
    float least = dtmf->halves[0], most = dtmf->halves[0];
    for (int i = 1; i < 4; i++) {
        least = fminf(least, dtmf->halves[i]);
        most = fmaxf(most, dtmf->halves[i]);
    }
    return least > most * (dtmf->relaxed ? 0.4f : 0.66f);
}

static struct dtmf_result judge(struct dtmf *dtmf)
{
    struct dtmf_result result = {DTMF_NONE, 0, 0};
    char hit = decide(dtmf);
    dtmf->age++;
    if (dtmf->digit && hit != dtmf->digit) {
        if (++dtmf->misses >= END_MISSES || hit) {
            int blocks = dtmf->age - dtmf->misses;
            result = (struct dtmf_result){DTMF_END, dtmf->digit, blocks * BLOCK / 8};
            dtmf->digit = 0;
        }
    } else if (dtmf->digit) {
        dtmf->misses = 0;
    } else if (hit && hit == dtmf->last && even(dtmf)) {
        dtmf->digit = hit;
        dtmf->misses = 0;
        dtmf->age = BEGIN_BLOCKS;
        result = (struct dtmf_result){DTMF_BEGIN, hit, 0};
    }
    dtmf->last = hit;
    return result;
}

struct dtmf_result dtmf_feed(struct dtmf *dtmf, const int16_t *samples, int n)
{
    struct dtmf_result result = {DTMF_NONE, 0, 0};
    while (n > 0) {
        int half = dtmf->block / 2;
        int some = (dtmf->filled < half ? half : dtmf->block) - dtmf->filled;
        if (some > n)
            some = n;
        filter(dtmf, samples, some);
        dtmf->filled += (uint16_t)some;
        if (dtmf->filled == half) {
            memmove(dtmf->halves + 2, dtmf->halves, 2 * sizeof(float));
            dtmf->halves[1] = dtmf->energy;
        }
        samples += some;
        n -= some;
        if (dtmf->filled == dtmf->block) {
            dtmf->halves[0] = dtmf->energy - dtmf->halves[1];
            result = judge(dtmf);
            dtmf->filled = 0;
            dtmf->energy = 0;
            memset(dtmf->past, 0, sizeof(dtmf->past));
        }
    }
    return result;
}

bool dtmf_mutes(const struct dtmf *dtmf)
{
    return dtmf->digit || dtmf->last;
}
