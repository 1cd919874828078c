#include "digits.h"

#include <string.h>

#include "leg_stream.h"
#include "rtp.h"

enum { GAP_MS = 50, EVENT_INTERVAL_MS = 20, END_PACKETS = 3, VOLUME = 10, LEVEL = 7219 };

enum way { WAY_NONE, WAY_PACKETS, WAY_TONE, WAY_PIPE, WAY_STREAM };

struct item {
    char digit;
    bool held; /* until digits_finish */
    uint16_t ms;
};

struct digits {
    struct item queue[DIGITS_QUEUE];
    int count;
    bool active;
    enum way way;
    struct item now;
    int elapsed, gap;
    uint32_t timestamp;
    struct tone tone;
    struct tone_part part;
};

static struct digits *digits_of(struct leg *leg)
{
    if (!leg->digits) {
        leg->digits = slab_get(&leg->engine->slab, sizeof(struct digits));
        leg->engine->digit_legs += leg->digits != NULL;
    }
    return leg->digits;
}

void digits_release(struct leg *leg)
{
    leg->engine->digit_legs -= leg->digits != NULL;
    slab_put(&leg->engine->slab, leg->digits, sizeof(struct digits));
    leg->digits = NULL;
}

static void append(struct leg *leg, struct item item)
{
    struct digits *digits = digits_of(leg);
    if (digits && digits->count < DIGITS_QUEUE)
        digits->queue[digits->count++] = item;
}

void digits_queue(struct leg *leg, char digit, int ms)
{
    append(leg, (struct item){digit, false, (uint16_t)(ms < 0 ? 0 : ms > 60000 ? 60000 : ms)});
}

void digits_begin(struct leg *leg, char digit)
{
    append(leg, (struct item){digit, true, 0});
}

static bool finish(struct item *item, char digit, int ms)
{
    if (!item->held || item->digit != digit)
        return false;
    item->held = false;
    item->ms = (uint16_t)(ms < 0 ? 0 : ms > 60000 ? 60000 : ms);
    return true;
}

void digits_finish(struct leg *leg, char digit, int ms)
{
    struct digits *digits = leg->digits;
    if (digits && digits->active && finish(&digits->now, digit, ms))
        return;
    for (int i = 0; digits && i < digits->count; i++)
        if (finish(&digits->queue[i], digit, ms))
            return;
    digits_queue(leg, digit, ms > 0 ? ms : 100); /* we never heard it begin */
}

bool digits_use_packets(const struct digits *digits)
{
    return digits && digits->active && digits->way == WAY_PACKETS;
}

struct tone *digits_tone(struct digits *digits)
{
    return digits && digits->active && digits->way == WAY_TONE ? &digits->tone : NULL;
}

static int event_code(char digit)
{
    static const char events[] = "0123456789*#ABCD!";
    const char *found = strchr(events, digit >= 'a' && digit <= 'd' ? digit - 32 : digit);
    return found && digit ? (int)(found - events) : -1;
}

/* RFC 4733 2.5: volume 10 is -10 dBm0. */
static void send_event(struct leg *leg, int ms, bool marker, bool end)
{
    struct rtp *rtp = leg->rtp;
    struct digits *digits = leg->digits;
    uint8_t *bytes = engine_scratch(leg->engine, RTP_HEADER + 4);
    uint32_t duration = (uint32_t)((int64_t)ms * rtp->digits_clock / 1000);
    if (!bytes)
        return;
    if (duration > 0xffff)
        duration = 0xffff;
    bytes[RTP_HEADER] = (uint8_t)event_code(digits->now.digit);
    bytes[RTP_HEADER + 1] = VOLUME | (end ? 0x80 : 0);
    bytes[RTP_HEADER + 2] = (uint8_t)(duration >> 8);
    bytes[RTP_HEADER + 3] = (uint8_t)duration;
    rtp_transmit(rtp, rtp->digits_type, marker, digits->timestamp, duration, bytes, 4);
}

static enum way way_of(const struct leg *leg, char digit, struct tone_part *part)
{
    if (leg->kind == LEG_PIPE)
        return leg->other && event_code(digit) >= 0 ? WAY_PIPE : WAY_NONE;
    if (leg->kind == LEG_STREAM)
        return stream_digits(leg->stream) && event_code(digit) >= 0 ? WAY_STREAM : WAY_NONE;
    if (leg->kind == LEG_LINE)
        return tone_of_digit(digit, part) ? WAY_TONE : WAY_NONE;
    if (leg->kind != LEG_RTP)
        return WAY_NONE;
    if (leg->rtp->digits_type && !leg->rtp->inband_digits)
        return rtp_can_send(leg->rtp) && event_code(digit) >= 0 ? WAY_PACKETS : WAY_NONE;
    return tone_of_digit(digit, part) ? WAY_TONE : WAY_NONE;
}

static void start(struct leg *leg, struct digits *digits)
{
    digits->active = true;
    digits->elapsed = 0;
    digits->way = way_of(leg, digits->now.digit, &digits->part);
    if (digits->way == WAY_PACKETS)
        digits->timestamp = rtp_timestamp(leg->rtp, leg->rtp->digits_clock);
    else if (digits->way == WAY_TONE)
        tone_start(&digits->tone, &digits->part, 1, -1, LEVEL);
    else if (digits->way == WAY_PIPE)
        leg_digit_heard(leg->other, digits->now.digit, -1, DIGIT_RFC4733);
    leg->engine->plan_dirty = true;
}

static void stop(struct leg *leg, struct digits *digits)
{
    digits->active = false;
    digits->gap = GAP_MS;
    if (digits->way == WAY_PACKETS)
        for (int i = 0; i < END_PACKETS; i++)
            send_event(leg, digits->elapsed, false, true);
    else if (digits->way == WAY_PIPE && leg->other)
        leg_digit_heard(leg->other, digits->now.digit, digits->elapsed, DIGIT_RFC4733);
    else if (digits->way == WAY_STREAM)
        stream_digit(leg->stream, digits->now.digit);
    leg->engine->plan_dirty = true;
    if (!digits->count)
        engine_tell_simple(leg->engine, EVENT_DIGITS_SENT, leg, 0, 0, 0);
}

static bool next(struct leg *leg, struct digits *digits)
{
    if (!digits->count)
        return false;
    digits->now = digits->queue[0];
    memmove(digits->queue, digits->queue + 1, (size_t)--digits->count * sizeof(digits->queue[0]));
    if (digits->now.digit == 'w' || digits->now.digit == 'W') {
        digits->gap = digits->now.digit == 'w' ? 500 : 1000;
        if (!digits->count)
            engine_tell_simple(leg->engine, EVENT_DIGITS_SENT, leg, 0, 0, 0);
        return false;
    }
    start(leg, digits);
    return true;
}

void digits_tick(struct leg *leg)
{
    struct digits *digits = leg->digits;
    if (digits->gap > 0) {
        digits->gap -= TICK_MS;
        return;
    }
    if (!digits->active && !next(leg, digits)) {
        if (!digits->count && digits->gap <= 0)
            digits_release(leg);
        return;
    }
    if (!digits->now.held && digits->elapsed >= digits->now.ms) {
        stop(leg, digits);
        return;
    }
    if (digits->way == WAY_PACKETS && digits->elapsed % EVENT_INTERVAL_MS == 0)
        send_event(leg, digits->elapsed + TICK_MS, digits->elapsed == 0, false);
    digits->elapsed += TICK_MS;
}
