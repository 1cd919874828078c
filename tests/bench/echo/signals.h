/* Signals for measuring an echo canceller: speech from files, composite source signal, noise, tones, hybrids, codings.
 * Sound is double at the scale of 16-bit samples, 8000 Hz. Everything comes out the same in every run. */
#ifndef OFFHOOK_BENCH_SIGNALS_H
#define OFFHOOK_BENCH_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE = 8000 };

enum coding { CODING_LINEAR, CODING_ALAW, CODING_ULAW };

struct sound {
    double *samples;
    int count;
};

struct random {
    uint64_t state;
};

/* 0 <= x < 1, and a normal deviate. */
double random_even(struct random *random);
double random_normal(struct random *random);

struct sound sound_new(int count);
void sound_free(struct sound *sound);

/* Append a WAV file (16 bit, mono, any rate); false when it is not that. */
bool sound_append_wav(struct sound *sound, const char *path);

/* rms of the samples; of the active parts: 25 ms windows within 16 dB of what is active. */
double level_rms(const double *samples, int count);
double level_active(const double *samples, int count);

/* dBm0 to rms and back; a full-scale sine is +3.14 dBm0 (G.711 A-law). */
double rms_of_dbm0(double dbm0);
double dbm0_of_rms(double rms);

void scale_to(double *samples, int count, double rms_now, double dbm0);

/* What a coder and decoder leave of a sample; saturates. */
int16_t coded(double sample, enum coding coding);

/* Composite source signals of G.168 annex C: first (far end) or second (near end) kind; active rms at a level.
 * table: the voiced period at 44.1 kHz. */
void css_make(double *out, int count, const int *table, int table_count, bool far, double dbm0, struct random *random);

/* Noise of Hoth's spectrum at a level. */
void hoth_make(double *out, int count, double dbm0, struct random *random);

/* An exponentially decaying random hybrid in `taps`, after a bulk delay; |h|^2 = 10^(-erl/10). */
void hybrid_make(double *h, int taps, double erl_db, struct random *random);

/* out[i] = sum h[k] in[i-k] */
void convolve(double *out, const double *in, int count, const double *h, int taps);

#endif
