/* Echo cancelled on lines: lines with the same tail share cancellers, BANK_LANES to a bank. */
#ifndef OFFHOOK_ECHO_BANK_H
#define OFFHOOK_ECHO_BANK_H

#include <stdbool.h>
#include <stdint.h>

#include "echo.h"

enum { BANK_LANES = 1 /* until lanes of a canceller are proven to leave each other alone */ };

struct engine;
struct line;

/* What is passed on is never louder than what came: a canceller that makes it so is off its path. */
struct echo_guard {
    float came, left; /* mean power of late */
    int ms;           /* for which it has been kept out */
    bool out;
};

struct echo_bank {
    struct echo_bank *next;
    struct echo *echo;
    int tail_ms;
    unsigned taken;                 /* lanes given out, a bit each: the control thread's */
    struct line *lines[BANK_LANES]; /* lanes in use: the real-time thread's */
    struct echo_guard guards[BANK_LANES];
    uint64_t tick; /* in which it ran last */
};

/* Control thread. Find a lane for a line, making a bank if need be; false when there is no memory. */
bool bank_take(struct engine *engine, struct line *line, int tail_ms);

/* Control thread: the line is gone. The bank goes with its last line. */
void bank_give(struct engine *engine, struct line *line);
void banks_end(struct engine *engine);

/* Real-time thread. */
void bank_attach(struct line *line);
void bank_detach(struct line *line);

/* Cancel in what was heard in this tick by the lines of a bank, once a tick. */
void bank_run(struct engine *engine, struct echo_bank *bank);

#endif
