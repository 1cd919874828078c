/* Pitch up or down without change of length: two read points run along the recent sound at another speed and are faded
 * into each other wherever one of them has to jump. */
#ifndef OFFHOOK_PITCH_H
#define OFFHOOK_PITCH_H

#include <stdint.h>

enum { PITCH_LINE = 4096 /* samples; a power of two */ };

struct pitch {
    float factor, window; /* samples over which a read point runs before it jumps */
    float at;             /* how far behind the first read point is, 0 to window */
    uint32_t written;
    int16_t line[PITCH_LINE];
};

/* factor 2 is an octave up. */
void pitch_init(struct pitch *pitch, double factor, int rate);
void pitch_run(struct pitch *pitch, int16_t *samples, int n);

#endif
