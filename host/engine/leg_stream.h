/* Streams: a party on a descriptor that carries bytes and has no clock: a TCP connection, a pipe from or to a program.
 * What the bytes mean is the framing's business (stream_framing.c); the sound in them is 16 bit linear. */
#ifndef OFFHOOK_LEG_STREAM_H
#define OFFHOOK_LEG_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "leg.h"
#include "ring.h"

enum {
    STREAM_HEAD = 4,         /* most bytes that a framing puts before sound, or that make a digit */
    STREAM_BACKLOG = 16384,  /* bytes that wait to be taken by the far end; what finds no room is dropped */
    STREAM_FRAME_MS = 20,    /* sound sent at a time, at least */
    STREAM_QUIET_TICKS = 200 /* without a byte either way until it is told */
};

struct stream;

struct framing {
    bool hears, speaks; /* sound is received, sent */
    /* Take off what was received what is no sound, until sound is next: its rate, 0 when there is none yet.
     * stream->sound_left is how many bytes of it come. May end the stream. */
    int (*next)(struct stream *stream);
    /* The bytes before that many bytes of sound; how many. */
    int (*head)(const struct stream *stream, int bytes, uint8_t *head);
    /* A digit as it is sent; 0 where there are none. */
    int (*digit)(char digit, uint8_t *bytes);
};

struct stream {
    struct leg *leg;
    struct stream *next;
    int descriptor;
    const struct framing *framing;
    int codec;          /* of what is sent */
    const int16_t *law; /* what is received bare is companded: linear samples of its bytes */
    int stretch;        /* samples made of one that is received bare */
    struct stream_figures figures;

    /* the real-time thread's own */
    struct ring received; /* bytes */
    uint8_t head[STREAM_HEAD];
    int head_bytes;
    uint32_t sound_left;
    int16_t part[RESAMPLE_MAX_BLOCK]; /* a block that is not whole yet */
    int part_count, part_rate;
    int16_t last; /* sample before stretching, and how many have been made on the way to the next */
    int16_t towards;
    int stretched;
    bool flowing;                    /* sound is on its way; it began to flow after a little was gathered */
    int gathering, quiet;            /* ticks */
    uint32_t least, most, in_window; /* how full it was, of some ticks */
    struct block block;              /* of this tick */
    bool drained;                    /* nothing more can be read */
    bool over, told;
    int end, end_detail; /* enum stream_news, and what it comes with */

    void *encoder;
    bool encodes;
    int16_t saying[2 * RESAMPLE_MAX_BLOCK + RESAMPLE_MAX_BLOCK];
    int said, frame; /* samples gathered, and sent at a time */
    uint8_t backlog[STREAM_BACKLOG];
    int waiting; /* bytes of it */
};

/* Linear samples of the bytes of a companding codec; NULL: it is none. */
const int16_t *stream_law(int codec);

const struct framing *framing_named(enum stream_framing framing);

/* Control thread. The descriptor is the stream's own from now on, and is closed by stream_destroy. */
struct stream *stream_make(struct leg *leg, int descriptor, const struct framing *framing, int codec, int stretch);
void stream_destroy(struct stream *stream);

/* Real-time thread: the engine knows the stream, or does not any more. */
void stream_attach(struct stream *stream);
void stream_detach(struct stream *stream);

/* Begin of a tick: take what every stream received. End of a tick: send what every stream is to say. */
void streams_receive(struct engine *engine);
void streams_send(struct engine *engine);

/* Sound of this tick; nothing when the stream has none. */
struct block stream_pull(struct stream *stream);

/* Sound of this tick to be sent, at the leg's rate. */
void stream_push(struct stream *stream, const int16_t *samples);

/* A whole digit to be sent; false where the framing has none. */
bool stream_digits(const struct stream *stream);
void stream_digit(struct stream *stream, char digit);

/* The stream ends when what was received before has been heard: framings and errors say so. */
void stream_end(struct stream *stream, enum stream_news why, int detail);

#endif
