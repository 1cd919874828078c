/* Call-progress tones and DTMF: one or two sines, modulated or summed, in a cadence. */
#ifndef OFFHOOK_TONE_H
#define OFFHOOK_TONE_H

#include <stdbool.h>
#include <stdint.h>

struct tone_part {
    float low, high;   /* Hz; 0: none */
    int32_t ms;        /* 0: for ever */
    int32_t modulated; /* high modulates low instead of sounding with it */
};

struct tone {
    const struct tone_part *parts;
    int count;
    int repeat; /* part to go on with after the last; -1: end */
    int level;  /* amplitude of each sine, of 32767 */
    int at;     /* part being made; count: ended */
    int64_t left;
    uint32_t phase[2], step[2];
    int rate;
};

void tone_start(struct tone *tone, const struct tone_part *parts, int count, int repeat, int level);

/* Make n samples at a rate; false when the tone ended before the first of them (the rest of a block is silence). */
bool tone_make(struct tone *tone, int16_t *out, int n, int rate);

/* The two frequencies of a DTMF digit (0-9 * # A-D, Q.23); false for anything else. */
bool tone_of_digit(char digit, struct tone_part *part);

/* A sine of a phase of which 2^32 is a full turn (after any tone_start or tone_prepare), and the step of a frequency.
 */
int tone_sine(uint32_t phase);
uint32_t tone_step(double frequency, int rate);
void tone_prepare(void);

#endif
