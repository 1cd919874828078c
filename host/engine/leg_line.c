/* Lines: sound to and from a descriptor with a clock of its own.
 *
 * The line's clock says how much is read. What is written is what brings the queue of the kernel back to `ahead`
 * blocks, so what is read and what went out meanwhile stay in step to the sample: `sent` is a copy of that queue, and
 * each block that is read takes as much off it. Only between the line and our own clock samples are dropped or missing,
 * one tick's worth at a time, counted as slips; an echo canceller never sees them.
 *
 * The blocks ahead also bridge a tick in which the line was quicker than we: a hole would break a digit or data, so the
 * queue is filled up with silence in a pause of what is said, or when it is down to what lasts until the next tick. */
#include "leg_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "echo_bank.h"
#include "engine.h"
#include "g711.h"
#include "level.h"

enum {
    TICK_SAMPLES = 80,
    MOST_WAITING = 3 * TICK_SAMPLES, /* of either side, beside a block; more is dropped */
    QUIET = 16,                      /* mean magnitude of a pause */
    EVENT_WAITS = 500                /* ELAST: DAHDI gives no sound before its event was taken */
};

/* Queues */

static void queue_put(struct line_queue *queue, const int16_t *samples, int n)
{
    for (int i = 0; i < n && queue->count < LINE_ROOM; i++)
        queue->samples[(queue->first + queue->count++) % LINE_ROOM] = samples ? samples[i] : 0;
}

/* Fewer than n: the rest is silence. Returns how many there were. */
static int queue_take(struct line_queue *queue, int16_t *samples, int n)
{
    int taken = queue->count < n ? queue->count : n;
    for (int i = 0; i < n; i++)
        samples[i] = i < taken ? queue->samples[(queue->first + i) % LINE_ROOM] : 0;
    queue->first = (queue->first + taken) % LINE_ROOM;
    queue->count -= taken;
    return taken;
}

static bool queue_shorten(struct line_queue *queue, int most)
{
    if (queue->count <= most)
        return false;
    queue->first = (queue->first + TICK_SAMPLES) % LINE_ROOM;
    queue->count -= TICK_SAMPLES;
    return true;
}

/* Life */

struct line *line_make(struct leg *leg, int descriptor, int law, int block, int ahead)
{
    struct line *line = calloc(1, sizeof(*line));
    if (!line)
        return NULL;
    line->leg = leg;
    line->descriptor = descriptor;
    line->law = law;
    line->block = block;
    line->ahead = ahead;
    line->in_gain = line->out_gain = UNITY;
    return line;
}

void line_destroy(struct line *line)
{
    bank_give(line->leg->engine, line);
    close(line->descriptor);
    free(line);
}

void line_attach(struct line *line)
{
    struct engine *engine = line->leg->engine;
    line->next = engine->lines;
    engine->lines = line;
    bank_attach(line);
}

void line_detach(struct line *line)
{
    struct line **at = &line->leg->engine->lines;
    while (*at && *at != line)
        at = &(*at)->next;
    if (*at)
        *at = line->next;
    bank_detach(line);
}

/* Reading */

static int width(const struct line *line)
{
    return line->law == LINE_LINEAR ? 2 : 1;
}

static void lose(struct line *line, int error)
{
    line->lost = true;
    engine_tell_simple(line->leg->engine, EVENT_LINE_LOST, line->leg, error, 0, 0);
}

static void decode(struct line *line, int16_t *samples)
{
    const int16_t *table = line->law == LINE_ALAW ? g711_alaw_linear : g711_ulaw_linear;
    if (line->law == LINE_LINEAR)
        memcpy(samples, line->bytes, (size_t)line->block * sizeof(int16_t));
    else
        for (int i = 0; i < line->block; i++)
            samples[i] = table[line->bytes[i]];
}

static int mean_magnitude(const int16_t *samples, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += abs(samples[i]);
    return sum / n;
}

/* One whole block, and what went out while it came in. */
static void take_block(struct line *line)
{
    int16_t *samples = line->heard + line->taken;
    decode(line, samples);
    queue_take(&line->sent, line->echoed + line->taken, line->block);
    line->taken += line->block;
    line->have = 0;
    line->figures.blocks_in++;
    line->figures.level_in = mean_magnitude(samples, line->block);
}

static void read_line(struct line *line)
{
    int wanted = line->block * width(line);
    line->taken = 0;
    while (!line->lost && line->taken + line->block <= LINE_MOST_TAKEN) {
        ssize_t count = read(line->descriptor, line->bytes + line->have, (size_t)(wanted - line->have));
        if (count == 0)
            lose(line, 0);
        else if (count < 0 && errno == EVENT_WAITS)
            line->figures.events_first++;
        else if (count < 0 && errno != EAGAIN && errno != EINTR)
            lose(line, errno);
        if (count <= 0)
            return;
        line->have += (int)count;
        if (line->have == wanted)
            take_block(line);
    }
}

/* The one place where both directions of every line pass in step, LINE_CHUNK samples at a time: `echoed` is what went
 * out on the wire while `heard` came in (both before the line's gain in), and what is left in `heard` goes on. */
static void cancel_echo(struct engine *engine)
{
    for (struct line *line = engine->lines; line; line = line->next)
        if (line->bank && line->taken)
            bank_run(engine, line->bank);
}

static void hand_over(struct line *line)
{
    if (line->in_range && line->taken)
        level_compress(line->heard, line->taken, line->in_range);
    if (line->in_gain != UNITY && line->taken)
        level_apply(line->heard, line->taken, line->in_gain);
    queue_put(&line->in, line->heard, line->taken);
    while (queue_shorten(&line->in, MOST_WAITING + line->block))
        line->figures.slips_in += line->leg->want_in;
}

void lines_receive(struct engine *engine)
{
    for (struct line *line = engine->lines; line; line = line->next)
        read_line(line);
    cancel_echo(engine);
    for (struct line *line = engine->lines; line; line = line->next)
        hand_over(line);
}

struct block line_pull(struct line *line)
{
    struct block none = {.samples = NULL};
    if (line->in.count < TICK_SAMPLES) {
        line->figures.starved_in++;
        return none;
    }
    int16_t *samples = engine_scratch(line->leg->engine, TICK_SAMPLES * sizeof(int16_t));
    if (!samples)
        return none;
    queue_take(&line->in, samples, TICK_SAMPLES);
    return (struct block){.samples = samples, .rate = 8000};
}

/* Writing */

void line_push(struct line *line, const int16_t *samples)
{
    queue_put(&line->out, samples, TICK_SAMPLES);
    while (queue_shorten(&line->out, MOST_WAITING + line->block))
        line->figures.slips_out++;
}

static void encode(const struct line *line, const int16_t *samples, uint8_t *bytes)
{
    if (line->law == LINE_LINEAR)
        memcpy(bytes, samples, (size_t)line->block * sizeof(int16_t));
    else if (line->law == LINE_ALAW)
        for (int i = 0; i < line->block; i++)
            bytes[i] = g711_to_alaw(samples[i]);
    else
        for (int i = 0; i < line->block; i++)
            bytes[i] = g711_to_ulaw(samples[i]);
}

static bool write_block(struct line *line)
{
    int16_t samples[LINE_MOST_BLOCK];
    uint8_t bytes[LINE_MOST_BLOCK * 2];
    const int first = line->out.first, waiting = line->out.count;
    int had = queue_take(&line->out, samples, line->block);
    if (had && line->out_range)
        level_compress(samples, had, line->out_range);
    if (had && line->out_gain != UNITY)
        level_apply(samples, had, line->out_gain);
    encode(line, samples, bytes);
    ssize_t wanted = (ssize_t)line->block * width(line), count = write(line->descriptor, bytes, (size_t)wanted);
    if (count < 0 && errno != EAGAIN && errno != EINTR && errno != EVENT_WAITS)
        lose(line, errno);
    if (count != wanted) {
        line->figures.refused++;
        line->out.first = first;
        line->out.count = waiting;
        return false;
    }
    line->figures.starved_out += had < line->block && line->leg->want_out;
    queue_put(&line->sent, samples, line->block);
    line->figures.blocks_out++;
    line->figures.level_out = mean_magnitude(samples, line->block);
    return true;
}

static bool room(const struct line *line)
{
    return !line->lost && line->sent.count < line->ahead * line->block;
}

void lines_send(struct engine *engine)
{
    for (struct line *line = engine->lines; line; line = line->next) {
        bool pause = !line->leg->want_out || line->figures.level_out < QUIET;
        if (!line->sent.count && line->figures.blocks_out)
            line->figures.underruns++;
        while (room(line) && line->out.count >= line->block && write_block(line))
            ;
        if (pause || line->sent.count < line->block + TICK_SAMPLES)
            while (room(line) && write_block(line))
                ;
        line->figures.depth = line->sent.count;
    }
}
