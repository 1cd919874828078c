#include "resample.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOBES = 12,         /* zero crossings on each side at the lower of the two rates */
    MAX_TAPS = 24 * 30, /* 192 kHz to 8 kHz, rounded up */
    GAIN_BITS = 14,
    GAIN = 1 << GAIN_BITS
};

/* Kaiser window, 70 dB; the pass band reaches 0.88 of the lower Nyquist frequency. */
static const double BETA = 6.8, PASS = 0.94;

struct resample_filter {
    struct resample_filter *next;
    int rate_in, rate_out;
    int up, down; /* rate_out / rate_in in lowest terms */
    int taps;     /* of each phase; a multiple of 8 */
    int16_t coefficients[];
};

static _Atomic(struct resample_filter *) filters;

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > sum * 1e-12; k++) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}

static int gcd(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Phase p holds the taps that make output p of every `up`: newest sample last, gain 1 (Q14: the magnitudes of a row add
 * up to more than 2, and a sum must hold what the loudest noise makes of that). */
static void design(struct resample_filter *filter)
{
    int up = filter->up, taps = filter->taps;
    double lower = filter->rate_in < filter->rate_out ? filter->rate_in : filter->rate_out;
    double cut = PASS * lower / filter->rate_in; /* of the input's Nyquist frequency */
    double middle = (taps * up - 1) / 2.0;
    for (int phase = 0; phase < up; phase++) {
        double row[MAX_TAPS], sum = 0;
        for (int tap = 0; tap < taps; tap++) {
            double at = ((taps - 1 - tap) * up + phase - middle) / up; /* in input samples */
            double edge = 2.0 * at / taps;
            double window = edge * edge < 1 ? bessel_i0(BETA * sqrt(1 - edge * edge)) / bessel_i0(BETA) : 0;
            double x = M_PI * cut * at;
            row[tap] = window * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
            sum += row[tap];
        }
        for (int tap = 0; tap < taps; tap++)
            filter->coefficients[phase * taps + tap] = (int16_t)lrint(row[tap] / sum * GAIN);
    }
}

static struct resample_filter *look_up(int rate_in, int rate_out)
{
    struct resample_filter *filter = atomic_load(&filters);
    while (filter && (filter->rate_in != rate_in || filter->rate_out != rate_out))
        filter = filter->next;
    return filter;
}

/* Kept for the life of the process: there are few pairs. */
static const struct resample_filter *filter_for(int rate_in, int rate_out)
{
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    struct resample_filter *filter = look_up(rate_in, rate_out);
    if (filter || rate_in <= 0 || rate_out <= 0 || rate_in % 100 || rate_out % 100 ||
        rate_in > RESAMPLE_MAX_BLOCK * 100 || rate_out > RESAMPLE_MAX_BLOCK * 100)
        return filter;
    pthread_mutex_lock(&making);
    filter = look_up(rate_in, rate_out);
    if (!filter) {
        int common = gcd(rate_in, rate_out);
        int up = rate_out / common, down = rate_in / common;
        int stretch = down > up ? (down + up - 1) / up : 1;
        int taps = (2 * LOBES * stretch + 7) / 8 * 8;
        if (taps <= MAX_TAPS)
            filter = malloc(sizeof(*filter) + sizeof(int16_t) * (size_t)(up * taps));
        if (filter) {
            *filter = (struct resample_filter){.rate_in = rate_in, .rate_out = rate_out, .up = up, .down = down};
            filter->taps = taps;
            design(filter);
            filter->next = atomic_load(&filters);
            atomic_store(&filters, filter);
        }
    }
    pthread_mutex_unlock(&making);
    return filter;
}

bool resampler_init(struct resampler *resampler, struct slab *slab, int rate_in, int rate_out)
{
    resampler->filter = filter_for(rate_in, rate_out);
    resampler->history = NULL;
    if (!resampler->filter)
        return false;
    resampler->history = slab_get(slab, (size_t)resampler->filter->taps * sizeof(int16_t));
    if (!resampler->history)
        resampler->filter = NULL;
    return resampler->history != NULL;
}

void resampler_end(struct resampler *resampler, struct slab *slab)
{
    if (resampler->filter)
        slab_put(slab, resampler->history, (size_t)resampler->filter->taps * sizeof(int16_t));
    resampler->filter = NULL;
    resampler->history = NULL;
}

bool resampler_is_for(const struct resampler *resampler, int rate_in, int rate_out)
{
    return resampler->filter && resampler->filter->rate_in == rate_in && resampler->filter->rate_out == rate_out;
}

static int16_t saturate(int32_t sum)
{
    sum = (sum + GAIN / 2) >> GAIN_BITS;
    return (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
}

int resampler_run_part(struct resampler *resampler, const int16_t *in, int samples, int16_t *out)
{
    const struct resample_filter *filter = resampler->filter;
    int taps = filter->taps, kept = taps - 1;
    int16_t line[MAX_TAPS + RESAMPLE_MAX_BLOCK];
    memcpy(line, resampler->history, (size_t)kept * sizeof(int16_t));
    memcpy(line + kept, in, (size_t)samples * sizeof(int16_t));
    int total = samples / filter->down * filter->up;
    int phase = 0, start = 0;
    for (int i = 0; i < total; i++) {
        const int16_t *row = filter->coefficients + phase * taps, *from = line + start;
        int32_t sum = 0;
        for (int tap = 0; tap < taps; tap++)
            sum += row[tap] * from[tap];
        out[i] = saturate(sum);
        phase += filter->down;
        start += phase / filter->up;
        phase %= filter->up;
    }
    memcpy(resampler->history, line + samples, (size_t)kept * sizeof(int16_t));
    return total;
}

void resampler_run(struct resampler *resampler, const int16_t *in, int16_t *out)
{
    resampler_run_part(resampler, in, resampler->filter->rate_in / 100, out);
}
