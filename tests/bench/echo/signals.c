#include "signals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double random_even(struct random *random)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random->state >> 11) / 9007199254740992.0;
}

double random_normal(struct random *random)
{
    double u = random_even(random), v = random_even(random);
    return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

struct sound sound_new(int count)
{
    return (struct sound){calloc((size_t)count + 1, sizeof(double)), count};
}

void sound_free(struct sound *sound)
{
    free(sound->samples);
    *sound = (struct sound){0};
}

/* A windowed sinc, 24 zero crossings wide, cut off at the lower of both Nyquist frequencies. */
static double resampled_at(const double *in, int count, double at, double cut)
{
    double sum = 0, half = 24 / cut;
    for (int i = (int)ceil(at - half); i <= at + half; i++) {
        if (i < 0 || i >= count)
            continue;
        double x = (i - at) * cut, w = 0.5 + 0.5 * cos(M_PI * (i - at) / half);
        sum += in[i] * w * cut * (fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x));
    }
    return sum;
}

static uint32_t little(const uint8_t *bytes, int n)
{
    uint32_t value = 0;
    while (n--)
        value = value << 8 | bytes[n];
    return value;
}

bool sound_append_wav(struct sound *sound, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    uint8_t head[12], chunk[8], format[16] = {0};
    bool good = fread(head, 1, 12, file) == 12 && !memcmp(head, "RIFF", 4) && !memcmp(head + 8, "WAVE", 4);
    uint32_t size = 0;
    while (good) {
        good = fread(chunk, 1, 8, file) == 8;
        size = little(chunk + 4, 4);
        if (!good || !memcmp(chunk, "data", 4))
            break;
        uint32_t taken = 0;
        if (!memcmp(chunk, "fmt ", 4) && size >= 16)
            taken = (uint32_t)fread(format, 1, 16, file);
        good = !fseek(file, (long)(size + (size & 1) - taken), SEEK_CUR);
    }
    int rate = (int)little(format + 4, 4);
    good = good && little(format, 2) == 1 && little(format + 2, 2) == 1 && little(format + 14, 2) == 16 && rate >= RATE;
    if (good) {
        /* A piped writer (espeak-ng) leaves a length of nearly everything. */
        int room = size > 64000000 ? 64000000 / 2 : (int)(size / 2);
        int16_t *raw = malloc(2 * (size_t)room + 2);
        int count = (int)fread(raw, 2, (size_t)room, file);
        double *in = malloc(sizeof(double) * ((size_t)count + 1));
        for (int i = 0; i < count; i++)
            in[i] = raw[i];
        int more = (int)((double)count * RATE / rate);
        sound->samples = realloc(sound->samples, sizeof(double) * (size_t)(sound->count + more + 1));
        double *out = sound->samples + sound->count;
        for (int i = 0; i < more; i++)
            out[i] = rate == RATE ? in[i] : resampled_at(in, count, (double)i * rate / RATE, 0.98 * RATE / rate);
        sound->count += more;
        free(in);
        free(raw);
    }
    fclose(file);
    return good;
}

double level_rms(const double *samples, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += samples[i] * samples[i];
    return count ? sqrt(sum / count) : 0;
}

double level_active(const double *samples, int count)
{
    enum { WINDOW = RATE / 40 };
    double active = level_rms(samples, count);
    for (int pass = 0; pass < 10; pass++) {
        double sum = 0, floor = active * 0.158;
        int windows = 0;
        for (int i = 0; i + WINDOW <= count; i += WINDOW) {
            double rms = level_rms(samples + i, WINDOW);
            if (rms > floor) {
                sum += rms * rms;
                windows++;
            }
        }
        active = windows ? sqrt(sum / windows) : 0;
    }
    return active;
}

static const double FULL_SCALE_DBM0 = 3.14;

double rms_of_dbm0(double dbm0)
{
    return 32768 / sqrt(2) * pow(10, (dbm0 - FULL_SCALE_DBM0) / 20);
}

double dbm0_of_rms(double rms)
{
    return 20 * log10((rms + 1e-9) / (32768 / sqrt(2))) + FULL_SCALE_DBM0;
}

void scale_to(double *samples, int count, double rms_now, double dbm0)
{
    double gain = rms_of_dbm0(dbm0) / (rms_now + 1e-9);
    for (int i = 0; i < count; i++)
        samples[i] *= gain;
}

/* G.711 by its definition: sign, segment, sixteen steps in it, decoded to the middle of a step. */
static double alaw(double sample)
{
    double magnitude = fabs(sample) / 16; /* 12 bits */
    int segment = 0;
    while (segment < 7 && magnitude >= 16 << segment)
        segment++;
    double step = segment < 2 ? 1 : 1 << (segment - 1), most = 16 << segment;
    magnitude = (floor(magnitude / step) + 0.5) * step;
    if (magnitude > most - 0.5 * step)
        magnitude = most - 0.5 * step;
    return copysign(magnitude * 16, sample);
}

static double ulaw(double sample)
{
    double magnitude = fabs(sample) / 4 + 33; /* 13 bits, biased */
    if (magnitude > 8158)
        magnitude = 8158;
    int segment = 0;
    while (segment < 7 && magnitude >= 64 << segment)
        segment++;
    double step = 2 << segment;
    magnitude = floor(magnitude / step) * step + step / 2 - 33;
    return copysign(magnitude * 4, sample);
}

int16_t coded(double sample, enum coding coding)
{
    if (coding == CODING_ALAW)
        sample = alaw(sample);
    else if (coding == CODING_ULAW)
        sample = ulaw(sample);
    sample = rint(sample);
    return (int16_t)(sample > 32767 ? 32767 : sample < -32768 ? -32768 : sample);
}

/* Figure C.2 of G.168: dB at Hz. */
static double css_noise_db(double hertz)
{
    static const double AT[][2] = {{50, -25.8}, {100, -12.8}, {200, 17.4}, {215, 17.8},
                                   {500, 12.2}, {1000, 7.2},  {2850, 0},   {3600, -2}};
    if (hertz < 50 || hertz > 3600)
        return -60;
    int i = 0;
    while (hertz > AT[i + 1][0])
        i++;
    return AT[i][1] + (AT[i + 1][1] - AT[i][1]) * (hertz - AT[i][0]) / (AT[i + 1][0] - AT[i][0]);
}

void css_make(double *out, int count, const int *table, int table_count, bool far, double dbm0, struct random *random)
{
    int voiced = (int)((far ? 0.04862 : 0.07269) * RATE), noisy = RATE / 5;
    int length = voiced + noisy + (int)((far ? 0.10138 : 0.12731) * RATE);
    double *period = calloc((size_t)length, sizeof(double)),
           *table2 = malloc(sizeof(double) * 20 * (size_t)table_count);
    for (int i = 0; i < 20 * table_count; i++)
        table2[i] = table[i % table_count];
    for (int i = 0; i < voiced; i++)
        period[i] = resampled_at(table2, 20 * table_count, table_count + i * 44100.0 / RATE, 0.98 * RATE / 44100);
    free(table2);
    double *noise = period + voiced;
    for (int bin = 1; bin < 743; bin++) { /* 8192 points at 44.1 kHz, as the Recommendation has it */
        double hertz = bin * 44100 / 8192.0, gain = pow(10, css_noise_db(hertz) / 20);
        double phase = far ? (random_even(random) < 0.5 ? 0 : M_PI) : 2 * M_PI * random_even(random);
        for (int i = 0; i < noisy; i++)
            noise[i] += gain * sin(2 * M_PI * hertz * i / RATE + phase);
    }
    /* Both parts are equally loud. */
    double gain = level_rms(period, voiced) / level_rms(noise, noisy);
    for (int i = 0; i < noisy; i++)
        noise[i] *= gain;
    scale_to(period, length, level_rms(period, voiced + noisy), dbm0);
    for (int i = 0; i < count; i++)
        out[i] = period[i % length] * (i / length % 2 ? -1 : 1);
    free(period);
}

void hoth_make(double *out, int count, double dbm0, struct random *random)
{
    /* -5 dB an octave below 2 kHz, near enough, and what a telephone lets through. */
    double low = 0, high = 0, last = 0;
    for (int i = 0; i < count; i++) {
        double white = random_normal(random);
        low += 0.15 * (white - low);
        double x = low + 0.12 * white;
        high = 0.93 * (high + x - last);
        last = x;
        out[i] = high;
    }
    scale_to(out, count, level_rms(out, count), dbm0);
}

void hybrid_make(double *h, int taps, double erl_db, struct random *random)
{
    double constant = RATE * (0.0008 + 0.0042 * random_even(random));
    int room = taps - (int)(4 * constant) - 4;
    int delay = room > 0 ? (int)(random_even(random) * room) : 0;
    double low = 0, high = 0, last = 0, energy = 0;
    for (int i = 0; i < taps; i++) {
        double x = i < delay ? 0 : random_normal(random) * exp(-(i - delay) / constant);
        if (i >= delay && i < delay + 3)
            x *= 2.5;
        /* a hybrid lets neither direct current nor the very top pass */
        low += 0.75 * (x - low);
        high = 0.95 * (high + low - last);
        last = low;
        h[i] = high;
        energy += high * high;
    }
    for (int i = 0; i < taps; i++)
        h[i] *= sqrt(pow(10, -erl_db / 10) / energy);
}

void convolve(double *out, const double *in, int count, const double *h, int taps)
{
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int k = 0; k < taps && k <= i; k++)
            sum += h[k] * in[i - k];
        out[i] = sum;
    }
}
