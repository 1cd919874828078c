/* What the bytes of a stream mean: nothing but sound, or AudioSocket's messages. */
#include "leg_stream.h"

#include <string.h>

#include "codec.h"

/* Nothing but sound, at the rate of the codec */

static int bare_next(struct stream *stream)
{
    stream->sound_left = UINT32_MAX & ~1u;
    return (int)codec_at(stream->codec)->rate;
}

static int bare_head(const struct stream *stream, int bytes, uint8_t *head)
{
    (void)stream;
    (void)bytes;
    (void)head;
    return 0;
}

static int no_digit(char digit, uint8_t *bytes)
{
    (void)digit;
    (void)bytes;
    return 0;
}

/* AudioSocket: a kind, the length of what follows in network order, then that */

enum { KIND_HANGUP = 0x00, KIND_DTMF = 0x03, KIND_AUDIO = 0x10, MESSAGE_HEAD = 3 };

/* Kinds from KIND_AUDIO on. */
static const int audio_rates[] = {8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000};

enum { AUDIO_KINDS = sizeof(audio_rates) / sizeof(audio_rates[0]) };

static bool read_head(struct stream *stream)
{
    uint32_t wanted = (uint32_t)(MESSAGE_HEAD - stream->head_bytes), readable = ring_readable(&stream->received);
    uint32_t count = readable < wanted ? readable : wanted;
    if (count && ring_read(&stream->received, stream->head + stream->head_bytes, count))
        stream->head_bytes += (int)count;
    return stream->head_bytes == MESSAGE_HEAD;
}

/* The next message has begun: sound, or the end. */
static void begin_message(struct stream *stream)
{
    int kind = stream->head[0], length = stream->head[1] << 8 | stream->head[2];
    if (kind == KIND_HANGUP)
        stream_end(stream, STREAM_ENDED, 0);
    else if (kind < KIND_AUDIO || kind >= KIND_AUDIO + AUDIO_KINDS || !length)
        stream_end(stream, STREAM_NONSENSE, kind << 16 | length);
    else
        stream->sound_left = (uint32_t)length;
}

static int audiosocket_next(struct stream *stream)
{
    while (!stream->over && stream->sound_left < 2) {
        if (stream->sound_left == 1) { /* half a sample is none */
            if (!ring_readable(&stream->received))
                return 0;
            ring_skip(&stream->received, 1);
            stream->sound_left = 0;
        }
        if (stream->head_bytes == MESSAGE_HEAD)
            stream->head_bytes = 0;
        if (!read_head(stream))
            return 0;
        begin_message(stream);
    }
    return stream->over ? 0 : audio_rates[stream->head[0] - KIND_AUDIO];
}

static int audiosocket_head(const struct stream *stream, int bytes, uint8_t *head)
{
    const struct codec *codec = codec_at(stream->codec);
    int kind = 0;
    while (kind < AUDIO_KINDS && audio_rates[kind] != (int)codec->rate)
        kind++;
    /* Frames of any other codec go as the first kind. */
    head[0] = (uint8_t)(KIND_AUDIO + (strncmp(codec->name, "slin", 4) || kind == AUDIO_KINDS ? 0 : kind));
    head[1] = (uint8_t)(bytes >> 8);
    head[2] = (uint8_t)bytes;
    return MESSAGE_HEAD;
}

static int audiosocket_digit(char digit, uint8_t *bytes)
{
    bytes[0] = KIND_DTMF;
    bytes[1] = 0;
    bytes[2] = 1;
    bytes[3] = (uint8_t)digit;
    return MESSAGE_HEAD + 1;
}

const struct framing *framing_named(enum stream_framing framing)
{
    static const struct framing framings[] = {
        [STREAM_HEARD] = {true, false, bare_next, bare_head, no_digit},
        [STREAM_SPOKEN_TO] = {false, true, bare_next, bare_head, no_digit},
        [STREAM_BARE] = {true, true, bare_next, bare_head, no_digit},
        [STREAM_AUDIOSOCKET] = {true, true, audiosocket_next, audiosocket_head, audiosocket_digit},
    };
    return (unsigned)framing < sizeof(framings) / sizeof(framings[0]) ? &framings[framing] : NULL;
}
