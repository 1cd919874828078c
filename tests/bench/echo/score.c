#include "score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"

static double energy(const int16_t *samples, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)samples[i] * samples[i];
    return sum;
}

double erle(const int16_t *heard, const int16_t *out, int from, int to)
{
    return 10 * log10((energy(heard + from, to - from) + 1) / (energy(out + from, to - from) + 1));
}

double time_to(const int16_t *heard, const int16_t *out, int from, int to, double db)
{
    enum { WINDOW = RATE / 40 };
    double active = 0;
    for (int pass = 0; pass < 6; pass++) {
        double sum = 0, count = 1e-9;
        for (int at = from; at + WINDOW <= to; at += WINDOW) {
            double e = energy(heard + at, WINDOW);
            sum += e > active * 0.025 ? e : 0;
            count += e > active * 0.025;
        }
        active = sum / count;
    }
    int good = 0, first = 0;
    for (int at = from; at + WINDOW <= to; at += WINDOW) {
        double e = energy(heard + at, WINDOW);
        if (e <= active * 0.025)
            continue;
        if (e < pow(10, db / 10) * energy(out + at, WINDOW)) {
            good = 0;
            continue;
        }
        if (!good++)
            first = at;
        if (good == 4)
            return (double)(first - from) / RATE;
    }
    return (double)(to - from) / RATE;
}

double level(const int16_t *samples, int from, int to)
{
    return dbm0_of_rms(sqrt(energy(samples + from, to - from) / (to - from)));
}

double peak_level(const int16_t *samples, int from, int to)
{
    enum { METER = RATE * 35 / 1000 };
    double most = 0, now = energy(samples + from, METER);
    for (int at = from; at + METER < to; at++) {
        most = now > most ? now : most;
        now += (double)samples[at + METER] * samples[at + METER] - (double)samples[at] * samples[at];
    }
    return dbm0_of_rms(sqrt(most / METER));
}

void tally_add(struct tally *tally, double value)
{
    tally->values[tally->count++] = value;
}

double tally_mean(const struct tally *tally)
{
    double sum = 0;
    for (int i = 0; i < tally->count; i++)
        sum += tally->values[i];
    return tally->count ? sum / tally->count : NAN;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tally_median(const struct tally *tally)
{
    double sorted[512];
    memcpy(sorted, tally->values, sizeof sorted);
    qsort(sorted, (size_t)tally->count, sizeof *sorted, by_size);
    int n = tally->count;
    return n ? (sorted[(n - 1) / 2] + sorted[n / 2]) / 2 : NAN;
}

double tally_most(const struct tally *tally)
{
    double most = -INFINITY;
    for (int i = 0; i < tally->count; i++)
        most = fmax(most, tally->values[i]);
    return most;
}

double tally_least(const struct tally *tally)
{
    double least = INFINITY;
    for (int i = 0; i < tally->count; i++)
        least = fmin(least, tally->values[i]);
    return least;
}
