/* Lines: a party on a descriptor that reads and writes sound at the pace of its own clock (/dev/dahdi/N, or a socket of
 * a simulator). */
#ifndef OFFHOOK_LEG_LINE_H
#define OFFHOOK_LEG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "leg.h"

enum {
    LINE_CHUNK = 8,        /* samples that lines move at a time: 1 ms */
    LINE_MOST_BLOCK = 160, /* samples of one read or write */
    LINE_MOST_TAKEN = 640, /* samples taken in one tick; more wait for the next */
    LINE_ROOM = 1024       /* samples kept between the line's clock and ours */
};

/* Samples between two clocks, the oldest first. */
struct line_queue {
    int16_t samples[LINE_ROOM];
    int first, count;
};

struct echo_bank;

struct line {
    struct leg *leg;
    struct line *next;
    int descriptor, law, block, ahead; /* samples of a read and of a write; blocks kept written ahead */
    int in_gain, out_gain;             /* Q12, of the line itself */
    int in_range, out_range;           /* Q12, of level_compress; 0: none */
    struct line_figures figures;
    struct echo_bank *bank; /* NULL: echo is left alone */
    unsigned lane;

    /* the real-time thread's own */
    struct line_queue in, out;                               /* heard, not yet pulled; pushed, not yet written */
    struct line_queue sent;                                  /* what the kernel holds and will send */
    int16_t heard[LINE_MOST_TAKEN], echoed[LINE_MOST_TAKEN]; /* of this tick: what came, what went out meanwhile */
    int taken;
    uint8_t bytes[LINE_MOST_BLOCK * 2]; /* a read that was not complete */
    int have;
    bool lost;
};

/* Control thread. The descriptor is the line's own from now on, and is closed by line_destroy. */
struct line *line_make(struct leg *leg, int descriptor, int law, int block, int ahead);
void line_destroy(struct line *line);

/* Real-time thread: the engine knows the line, or does not any more. */
void line_attach(struct line *line);
void line_detach(struct line *line);

/* Begin of a tick: take what every line heard. End of a tick: write what every line is to say. */
void lines_receive(struct engine *engine);
void lines_send(struct engine *engine);

/* Sound of this tick; nothing when the line has given none. */
struct block line_pull(struct line *line);

/* Sound of this tick to be sent (8000 Hz). */
void line_push(struct line *line, const int16_t *samples);

#endif
