/* How the control thread asks something of the real-time thread, and how what both knew is freed. */
#ifndef OFFHOOK_ORDERS_H
#define OFFHOOK_ORDERS_H

#include "engine.h"

/* An order to a leg. */
void order_leg(struct leg *leg, enum command_kind kind, int32_t a, int64_t b, int64_t c);

/* An order about something else. */
void order_about(struct engine *engine, enum command_kind kind, void *object, int32_t a, int64_t b);

/* Orders given before may still be under way: what is freed travels behind them, and back. */
void free_later(struct engine *engine, void *object, enum freed what);

#endif
