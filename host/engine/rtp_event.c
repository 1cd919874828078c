/* Telephone events that arrive (RFC 4733). Every packet of an event carries its whole length so far; the last is sent
 * three times; any of them may be lost. */
#include "rtp.h"

enum { FLASH = 16, END_BIT = 0x80 };

static char character(uint8_t event)
{
    static const char digits[] = "0123456789*#ABCD!";
    return event <= FLASH ? digits[event] : 0;
}

static int milliseconds(const struct event_in *event)
{
    return (int)((uint32_t)event->duration * 1000 / (event->clock ? event->clock : 8000));
}

static void end(struct rtp *rtp)
{
    struct event_in *event = &rtp->event;
    event->active = false;
    event->ended = true;
    leg_digit_heard(rtp->leg, event->digit, milliseconds(event), DIGIT_RFC4733);
}

void event_received(struct rtp *rtp, uint32_t clock, uint32_t timestamp, const uint8_t *payload, int bytes, int64_t now)
{
    struct event_in *event = &rtp->event;
    if (bytes < 4 || !character(payload[0]))
        return;
    uint16_t duration = (uint16_t)(payload[2] << 8 | payload[3]);
    bool same = (event->active || event->ended) && timestamp == event->timestamp;
    if (same && event->ended)
        return; /* the end again */
    if (!same && event->ended && (int32_t)(timestamp - event->timestamp) < 0)
        return; /* an old packet, overtaken */
    if (!same) {
        if (event->active)
            end(rtp);
        *event =
            (struct event_in){.active = true, .digit = character(payload[0]), .timestamp = timestamp, .clock = clock};
        leg_digit_heard(rtp->leg, event->digit, -1, DIGIT_RFC4733);
    }
    if (duration > event->duration)
        event->duration = duration;
    event->seen = now;
    if (payload[1] & END_BIT)
        end(rtp);
}

void event_timeout(struct rtp *rtp, int64_t now)
{
    if (rtp->event.active && now - rtp->event.seen > (int64_t)rtp->leg->engine->options.digit_timeout * 1000000)
        end(rtp);
}
