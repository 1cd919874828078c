/* Streams: sound to and from a descriptor without a clock.
 *
 * What arrives is read as far as there is room, which holds back a program that is faster than speech; what does not
 * fit stays with the kernel. A block is taken a tick. Sound that is missing when its time comes is waited for and
 * played in full, so the delay follows the unevenness of what arrives; where it has been more than needed for two
 * seconds, and the far end does not simply send as fast as it can, 10 ms are cut out by a cross-fade. */
#include "leg_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "engine.h"
#include "g711.h"

enum {
    CHUNK = 4096,       /* bytes of one read */
    LEAST_ROOM = 16384, /* bytes received and not yet heard, at least half a second */
    GATHER_TICKS = 2,   /* what begins to flow has so long to gather */
    WINDOW = 200,       /* ticks in which the delay is looked at */
    SPARE_MS = 60,      /* more than that is shortened */
    SAMPLE = sizeof(int16_t)
};

/* Life */

struct stream *stream_make(struct leg *leg, int descriptor, const struct framing *framing, int number, int stretch)
{
    const struct codec *codec = codec_at(number);
    struct stream *stream = calloc(1, sizeof(*stream));
    uint32_t room = LEAST_ROOM;
    while (room < codec->rate)
        room *= 2;
    if (!stream || !ring_init(&stream->received, room, 1)) {
        free(stream);
        return NULL;
    }
    stream->leg = leg;
    stream->descriptor = descriptor;
    stream->framing = framing;
    stream->codec = number;
    stream->stretch = stream->stretched = stretch;
    stream->law = framing == framing_named(STREAM_HEARD) ? stream_law(number) : NULL;
    stream->frame = codec->frame_samples;
    while (stream->frame < (int)codec->rate * STREAM_FRAME_MS / 1000)
        stream->frame += codec->frame_samples;
    leg->rate = (int)codec->rate;
    return stream;
}

void stream_destroy(struct stream *stream)
{
    ring_end(&stream->received);
    close(stream->descriptor);
    free(stream);
}

void stream_attach(struct stream *stream)
{
    struct engine *engine = stream->leg->engine;
    const struct codec *codec = codec_at(stream->codec);
    stream->next = engine->streams;
    engine->streams = stream;
    stream->encoder = codec_state_get(&engine->slab, codec, true, &stream->encodes);
}

void stream_detach(struct stream *stream)
{
    struct engine *engine = stream->leg->engine;
    struct stream **at = &engine->streams;
    while (*at && *at != stream)
        at = &(*at)->next;
    if (*at)
        *at = stream->next;
    codec_state_put(&engine->slab, codec_at(stream->codec), true, stream->encoder);
    stream->encoder = NULL;
    stream->encodes = false;
}

void stream_end(struct stream *stream, enum stream_news why, int detail)
{
    if (stream->over)
        return;
    stream->over = true;
    stream->end = why;
    stream->end_detail = detail;
}

static void tell(struct stream *stream, enum stream_news news, int detail)
{
    engine_tell_simple(stream->leg->engine, EVENT_STREAM, stream->leg, news, detail, 0);
}

/* Receiving */

const int16_t *stream_law(int codec)
{
    const char *name = codec_at(codec)->name;
    return !strcmp(name, "ulaw") ? g711_ulaw_linear : !strcmp(name, "alaw") ? g711_alaw_linear : NULL;
}

static void keep(struct stream *stream, const uint8_t *bytes, uint32_t count)
{
    if (!stream->law) {
        ring_write(&stream->received, bytes, count);
        return;
    }
    uint8_t linear[CHUNK * SAMPLE];
    for (uint32_t i = 0; i < count; i++) {
        linear[2 * i] = (uint8_t)stream->law[bytes[i]];
        linear[2 * i + 1] = (uint8_t)((uint16_t)stream->law[bytes[i]] >> 8);
    }
    ring_write(&stream->received, linear, count * SAMPLE);
}

static uint32_t room_for(struct stream *stream)
{
    return ring_writable(&stream->received) / (stream->law ? SAMPLE : 1);
}

static void read_bytes(struct stream *stream)
{
    uint8_t bytes[CHUNK];
    uint32_t room;
    while (!stream->drained && (room = room_for(stream)) > 0) {
        ssize_t count = read(stream->descriptor, bytes, room < CHUNK ? room : CHUNK);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (count <= 0) {
            stream->drained = true;
            stream->end_detail = count < 0 ? errno : 0;
            return;
        }
        keep(stream, bytes, (uint32_t)count);
        stream->figures.bytes_in += (uint64_t)count;
        stream->quiet = 0;
        if (count < CHUNK && (uint32_t)count < room)
            return; /* that was all, most likely */
    }
}

/* A line between two samples that are received: what it adds lies far above speech. */
static int stretch_samples(struct stream *stream, int16_t *samples, int most)
{
    for (int i = 0; i < most; i++) {
        uint8_t bytes[SAMPLE];
        if (stream->stretched == stream->stretch) {
            if (!ring_read(&stream->received, bytes, SAMPLE))
                return i;
            stream->last = stream->towards;
            stream->towards = (int16_t)(bytes[0] | bytes[1] << 8);
            stream->stretched = 0;
        }
        stream->stretched++;
        samples[i] = (int16_t)(stream->last + (stream->towards - stream->last) * stream->stretched / stream->stretch);
    }
    return most;
}

/* Samples from what was received. */
static int take_samples(struct stream *stream, int16_t *samples, int most)
{
    if (stream->stretch > 1)
        return stretch_samples(stream, samples, most);
    uint8_t bytes[RESAMPLE_MAX_BLOCK * SAMPLE];
    uint32_t count = ring_readable(&stream->received) / SAMPLE;
    if (count > stream->sound_left / SAMPLE)
        count = stream->sound_left / SAMPLE;
    if (count > (uint32_t)most)
        count = (uint32_t)most;
    if (!count || !ring_read(&stream->received, bytes, count * SAMPLE))
        return 0;
    for (uint32_t i = 0; i < count; i++)
        samples[i] = (int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
    stream->sound_left -= count * SAMPLE;
    return (int)count;
}

/* Fill the block up; true when it is whole, or no more of it will come. */
static bool gather(struct stream *stream)
{
    bool more = true;
    while (more && !stream->over) {
        int rate = stream->framing->next(stream);
        if (rate && stream->part_count && rate != stream->part_rate)
            return true;
        if (!rate)
            break;
        stream->part_rate = rate;
        int wanted = rate / 100 - stream->part_count;
        int got = take_samples(stream, stream->part + stream->part_count, wanted);
        stream->part_count += got;
        if (got == wanted)
            return true;
        more = got > 0;
    }
    if (stream->drained && !stream->over) /* what is left in the ring is no whole message or sample */
        stream_end(stream, stream->end_detail ? STREAM_FAILED : STREAM_ENDED, stream->end_detail);
    return stream->over && stream->part_count;
}

/* The block that was gathered, in this tick's memory. */
static struct block take_block(struct stream *stream)
{
    int n = stream->part_rate / 100;
    struct block block = {.samples = NULL, .rate = stream->part_rate};
    int16_t *samples = engine_scratch(stream->leg->engine, (size_t)n * SAMPLE);
    if (samples) {
        memset(stream->part + stream->part_count, 0, (size_t)(n - stream->part_count) * SAMPLE);
        memcpy(samples, stream->part, (size_t)n * SAMPLE);
    }
    block.samples = samples;
    stream->part_count = 0;
    return block;
}

static bool too_much_delay(struct stream *stream)
{
    uint32_t readable = ring_readable(&stream->received);
    if (!stream->in_window || readable < stream->least)
        stream->least = readable;
    if (!stream->in_window || readable > stream->most)
        stream->most = readable;
    if (++stream->in_window < WINDOW)
        return false;
    stream->in_window = 0;
    return stream->least > (uint32_t)(stream->part_rate / stream->stretch) * SAMPLE * SPARE_MS / 1000 &&
           stream->most < stream->received.count / 2;
}

/* Two blocks in the time of one. */
static void shorten(struct stream *stream)
{
    struct block first = stream->block;
    int n = first.rate / 100;
    if (!first.samples || !gather(stream) || stream->part_rate != first.rate)
        return; /* what was gathered is heard next */
    struct block second = take_block(stream);
    int16_t *samples = second.samples ? engine_scratch(stream->leg->engine, (size_t)n * SAMPLE) : NULL;
    for (int i = 0; samples && i < n; i++)
        samples[i] = (int16_t)((first.samples[i] * (n - i) + second.samples[i] * i) / n);
    if (samples)
        stream->block.samples = samples;
    stream->figures.cut++;
}

static void flow(struct stream *stream)
{
    if (!stream->flowing) {
        if (ring_readable(&stream->received))
            stream->gathering++;
        stream->flowing = stream->gathering > GATHER_TICKS || stream->drained;
        stream->in_window = 0;
        if (!stream->flowing)
            return;
    }
    stream->gathering = 0;
    if (gather(stream)) {
        stream->block = take_block(stream);
        if (too_much_delay(stream))
            shorten(stream);
    } else {
        stream->figures.gaps++;
        stream->flowing = false;
    }
}

static void receive(struct stream *stream)
{
    stream->block.samples = NULL;
    if (stream->told)
        return;
    if (stream->framing->hears && !stream->over) {
        read_bytes(stream);
        flow(stream);
    } else if (stream->over && stream->part_count) {
        stream->block = take_block(stream);
    }
    stream->figures.held = (int32_t)ring_readable(&stream->received);
    if (stream->over && !stream->part_count) {
        stream->told = true;
        tell(stream, stream->end, stream->end_detail);
    } else if (++stream->quiet == STREAM_QUIET_TICKS) {
        tell(stream, STREAM_QUIET, 0);
    }
}

void streams_receive(struct engine *engine)
{
    for (struct stream *stream = engine->streams; stream; stream = stream->next)
        receive(stream);
}

struct block stream_pull(struct stream *stream)
{
    return stream->block;
}

/* Sending */

static int encode(struct stream *stream, uint8_t *bytes)
{
    const struct codec *codec = codec_at(stream->codec);
    if (strncmp(codec->name, "slin", 4))
        return codec->encode(codec, stream->encoder, stream->saying, stream->frame, bytes);
    for (int i = 0; i < stream->frame; i++) {
        bytes[2 * i] = (uint8_t)stream->saying[i];
        bytes[2 * i + 1] = (uint8_t)((uint16_t)stream->saying[i] >> 8);
    }
    return stream->frame * (int)SAMPLE;
}

static void queue_message(struct stream *stream, const uint8_t *head, int head_bytes, const uint8_t *body, int count)
{
    if (stream->waiting + head_bytes + count > STREAM_BACKLOG) {
        stream->figures.dropped++;
        return;
    }
    memcpy(stream->backlog + stream->waiting, head, (size_t)head_bytes);
    if (count)
        memcpy(stream->backlog + stream->waiting + head_bytes, body, (size_t)count);
    stream->waiting += head_bytes + count;
}

void stream_push(struct stream *stream, const int16_t *samples)
{
    int n = stream->leg->rate / 100;
    if (!stream->framing->speaks || stream->over || !stream->encodes)
        return;
    memcpy(stream->saying + stream->said, samples, (size_t)n * SAMPLE);
    stream->said += n;
    while (stream->said >= stream->frame) {
        uint8_t head[STREAM_HEAD];
        uint8_t *bytes = engine_scratch(stream->leg->engine, (size_t)stream->frame * SAMPLE + CHUNK);
        int count = bytes ? encode(stream, bytes) : 0;
        if (count > 0)
            queue_message(stream, head, stream->framing->head(stream, count, head), bytes, count);
        stream->said -= stream->frame;
        memmove(stream->saying, stream->saying + stream->frame, (size_t)stream->said * SAMPLE);
    }
}

bool stream_digits(const struct stream *stream)
{
    uint8_t bytes[STREAM_HEAD];
    return stream->framing->digit('1', bytes) > 0;
}

void stream_digit(struct stream *stream, char digit)
{
    uint8_t bytes[STREAM_HEAD];
    int count = stream->framing->digit(digit, bytes);
    if (count && !stream->over)
        queue_message(stream, bytes, count, NULL, 0);
}

static void send_waiting(struct stream *stream)
{
    ssize_t count = write(stream->descriptor, stream->backlog, (size_t)stream->waiting);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count < 0) { /* what was received before it broke is still heard */
        stream->waiting = 0;
        if (!stream->framing->hears)
            stream_end(stream, STREAM_FAILED, errno);
        return;
    }
    stream->waiting -= (int)count;
    memmove(stream->backlog, stream->backlog + count, (size_t)stream->waiting);
    stream->figures.bytes_out += (uint64_t)count;
    stream->quiet = 0;
}

void streams_send(struct engine *engine)
{
    for (struct stream *stream = engine->streams; stream; stream = stream->next)
        if (stream->waiting && !stream->over)
            send_waiting(stream);
}
