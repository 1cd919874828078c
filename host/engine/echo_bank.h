/* Echo cancelled on lines: lines with the same tail share cancellers, BANK_LANES to a bank. */
#ifndef OFFHOOK_ECHO_BANK_H
#define OFFHOOK_ECHO_BANK_H

#include <stdbool.h>
#include <stdint.h>

#include "echo.h"

enum { BANK_LANES = 4 };

struct engine;
struct line;

struct echo_bank {
    struct echo_bank *next;
    struct echo *echo;
    int tail_ms;
    unsigned taken;                 /* lanes given out, a bit each: the control thread's */
    struct line *lines[BANK_LANES]; /* lanes in use: the real-time thread's */
    uint64_t tick;                  /* in which it ran last */
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
