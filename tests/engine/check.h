/* A few lines of test frame: CHECK reports and counts, RUN names what is being
 * shown. */
#ifndef OFFHOOK_CHECK_H
#define OFFHOOK_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;

#define CHECK(CONDITION, ...)                                                                                          \
    do {                                                                                                               \
        if (!(CONDITION)) {                                                                                            \
            check_failures++;                                                                                          \
            printf("  %s:%d: not so: %s", __FILE__, __LINE__, #CONDITION);                                             \
            printf("  " __VA_ARGS__);                                                                                  \
            printf("\n");                                                                                              \
        }                                                                                                              \
    } while (0)

#define RUN(TEST)                                                                                                      \
    do {                                                                                                               \
        int before = check_failures;                                                                                   \
        TEST();                                                                                                        \
        printf("  %-4s %s\n", check_failures == before ? "ok" : "FAIL", #TEST);                                        \
    } while (0)

static inline int check_result(void)
{
    return check_failures ? 1 : 0;
}

/* Sine of a frequency and amplitude, continuing at sample `from`. */
static inline void make_sine(int16_t *out, int n, double frequency, double amplitude, int rate, int from)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * frequency * (from + i) / rate));
}

/* Amplitude of one frequency in a signal. */
static inline double amplitude_of(const int16_t *in, int n, double frequency, int rate)
{
    double re = 0, im = 0;
    for (int i = 0; i < n; i++) {
        re += in[i] * cos(2 * M_PI * frequency * i / rate);
        im += in[i] * sin(2 * M_PI * frequency * i / rate);
    }
    return 2 * sqrt(re * re + im * im) / n;
}

static inline double rms_of(const int16_t *in, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)in[i] * in[i];
    return sqrt(sum / n);
}

/* A small generator of its own: the same numbers in every run. */
static uint32_t check_seed = 12345;

static inline uint32_t random_number(uint32_t below)
{
    check_seed = check_seed * 1664525u + 1013904223u;
    return (check_seed >> 8) % below;
}

#endif
