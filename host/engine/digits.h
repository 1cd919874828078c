/* Digits to be sent to a leg's far end: queued, timed, as RFC 4733 events, as tones, or through a pipe. */
#ifndef OFFHOOK_DIGITS_H
#define OFFHOOK_DIGITS_H

#include <stdbool.h>

#include "leg.h"
#include "tone.h"

enum { DIGITS_QUEUE = 128 };

/* Real-time thread. 'w' and 'W' are pauses of 500 and 1000 ms. What does not fit the queue is dropped. */
void digits_queue(struct leg *leg, char digit, int ms);

/* A digit whose end is not known yet, and its end: not before it is ms long. */
void digits_begin(struct leg *leg, char digit);
void digits_finish(struct leg *leg, char digit, int ms);

/* Move on by a tick. */
void digits_tick(struct leg *leg);
void digits_release(struct leg *leg);

/* True while an event is being sent: no other packets then. */
bool digits_use_packets(const struct digits *digits);

/* The tone to send now, or NULL. */
struct tone *digits_tone(struct digits *digits);

#endif
