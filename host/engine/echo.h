/* Line echo canceller (G.168): takes out of what comes back from a two-wire line what was sent to it.
 *
 * No delay: a millisecond in, the same millisecond out. Many channels ("lanes") at once, four to a SIMD word. No
 * allocation, lock or call to the mathematical library after echo_create; the same input gives the same output.
 * echo_filter.c is what is applied, echo_adapt.c what learns, echo_judge.c what decides between them. */
#ifndef OFFHOOK_ECHO_H
#define OFFHOOK_ECHO_H

#include <stdbool.h>
#include <stdint.h>

enum { ECHO_SAMPLES = 8, ECHO_MAX_TAIL_MS = 128 };

enum echo_state {
    ECHO_OFF,        /* bypassed by order */
    ECHO_IDLE,       /* nothing was sent yet */
    ECHO_CONVERGING, /* the echo is not known yet */
    ECHO_CONVERGED,
    ECHO_DOUBLE_TALK, /* near speech, or noise, far above the echo that is left */
    ECHO_DISABLED     /* bypassed because of a modem's 2100 Hz tone with phase reversals */
};

struct echo;

/* lanes: channels, any number. tail_ms: longest echo, 1 .. 128, rounded up to 8, 16, 32, 64 or 128. NULL: no memory, or
 * a tail out of range. */
struct echo *echo_create(unsigned lanes, unsigned tail_ms);
void echo_destroy(struct echo *echo);

/* One millisecond of every lane: what goes to the line in this millisecond, what came from it, what to pass on. */
void echo_process(struct echo *echo, const int16_t (*sent)[ECHO_SAMPLES], const int16_t (*heard)[ECHO_SAMPLES],
                  int16_t (*out)[ECHO_SAMPLES]);

/* From the next millisecond on. A lane begins switched on, with its non-linear processor. */
void echo_switch(struct echo *echo, unsigned lane, bool on);
void echo_nlp(struct echo *echo, unsigned lane, bool on);

/* Forget the echo path: another call. */
void echo_reset(struct echo *echo, unsigned lane);

/* Figures, as of late speech. Return loss of the hybrid, and what is taken out by the filter alone, in dB. */
double echo_erl_db(const struct echo *echo, unsigned lane);
double echo_erle_db(const struct echo *echo, unsigned lane);
enum echo_state echo_state(const struct echo *echo, unsigned lane);
const char *echo_state_name(enum echo_state state);
unsigned echo_tail_ms(const struct echo *echo);

#endif
