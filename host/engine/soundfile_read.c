/* Sound files as they are read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_spandsp.h"
#include "soundfile_format.h"
#include "wavefile.h"

static const struct codec *codec_of_wave(const struct wavefile *wave, char *error)
{
    switch (wave->tag) {
    case WAVEFILE_PCM:
        if (wave->bits == 16 && (wave->channels == 1 || wave->channels == 2) && sound_linear(wave->rate))
            return sound_linear(wave->rate);
        break;
    case WAVEFILE_ALAW:
        if (wave->channels != 1)
            break;
        return codec_at(codec_named("alaw"));
    case WAVEFILE_ULAW:
        if (wave->channels != 1)
            break;
        return codec_at(codec_named("ulaw"));
    case WAVEFILE_GSM:
        if (codec_spandsp_load())
            return &codec_gsm_wav49;
        break;
    default:
        break;
    }
    soundfile_say(error, "WAVE format %d, %d Hz, %d bit, %d channels cannot be played; convert it to 16 bit mono PCM",
                  wave->tag, wave->rate, wave->bits, wave->channels);
    return NULL;
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool read_au_header(int descriptor, int64_t *start)
{
    uint8_t header[24];
    if (pread(descriptor, header, sizeof(header), 0) != (ssize_t)sizeof(header) || memcmp(header, ".snd", 4) ||
        big_endian(header + 12) != 1)
        return false;
    *start = big_endian(header + 4);
    return true;
}

/* What stands in a file's header: where the sound is, and by which codec. */
struct found {
    const struct codec *codec;
    int64_t start, size;
    int rate, channels;
};

static bool open_wave(int descriptor, struct found *found, char *why)
{
    struct wavefile wave;
    if (!wavefile_read(descriptor, &wave)) {
        soundfile_say(why, "not a WAVE file");
        return false;
    }
    *found = (struct found){codec_of_wave(&wave, why), wave.start, wave.size, wave.rate, wave.channels};
    return found->codec;
}

static bool open_au(int descriptor, struct found *found, char *why)
{
    int64_t start;
    if (!read_au_header(descriptor, &start)) {
        soundfile_say(why, "not an .au file of u-law");
        return false;
    }
    found->start = start;
    found->size -= start;
    return true;
}

static bool open_ogg(int descriptor, struct found *found, struct ogg_stream *stream, struct ogg_reader *reader,
                     char *why)
{
    bool good = ogg_open(descriptor, reader, stream);
    const char *name = stream->kind == OGG_OPUS    ? "opus"
                       : stream->kind != OGG_SPEEX ? NULL
                       : stream->rate == 8000      ? "speex"
                       : stream->rate == 16000     ? "speex16"
                       : stream->rate == 32000     ? "speex32"
                                                   : NULL;
    if (!good || !name) {
        soundfile_say(why, good ? "neither Opus nor Speex is in it; convert it to one of these or to WAVE"
                                : "not an Ogg file");
        return false;
    }
    found->codec = codec_at(codec_named(name));
    found->rate = (int)found->codec->rate;
    if (sound_codec_ready(found->codec))
        return true;
    soundfile_say(why, "its codec needs %s, which is not installed", found->codec->library);
    return false;
}

struct soundfile *soundfile_read_open(const char *path, char error[SOUNDFILE_ERROR])
{
    const char *dot = strrchr(path, '.');
    const struct sound_kind *kind = dot ? sound_kind_of(dot + 1) : NULL;
    if (!kind) {
        soundfile_say(error, "%s: the extension names no sound format this engine reads", path);
        return NULL;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status)) {
        soundfile_say(error, "%s: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return NULL;
    }
    struct found found = {sound_kind_codec(kind), 0, status.st_size, 0, 1};
    struct ogg_stream stream = {0};
    struct ogg_reader *reader = kind->container == SOUND_OGG ? calloc(1, sizeof(*reader)) : NULL;
    char why[SOUNDFILE_ERROR] = "out of memory";
    bool good = true;
    if (kind->container == SOUND_WAVE)
        good = open_wave(descriptor, &found, why);
    else if (kind->container == SOUND_AU)
        good = open_au(descriptor, &found, why);
    else if (kind->container == SOUND_OGG)
        good = reader && open_ogg(descriptor, &found, &stream, reader, why);
    struct soundfile *file =
        good ? soundfile_make(found.codec, descriptor, true, !sound_codec_ready(found.codec)) : NULL;
    if (!file) {
        soundfile_say(error, "%s: %s", path, why);
        free(reader);
        close(descriptor);
        return NULL;
    }
    file->rate = found.rate ? found.rate : file->rate;
    file->channels = found.channels;
    file->container = kind->container;
    file->start = found.start;
    file->size = found.size;
    file->stream = stream;
    file->reader = reader;
    file->skip = stream.pre_skip;
    return file;
}

int soundfile_coded(const struct soundfile *file)
{
    return file->coded ? codec_named(file->codec->name) : CODEC_NONE;
}

int64_t soundfile_length(const struct soundfile *file)
{
    int bytes = file->codec->frame_bytes ? file->codec->frame_bytes : G723_FRAME;
    if (file->container == SOUND_OGG)
        return ogg_length(file->descriptor, &file->stream);
    return file->size / file->channels * file->codec->frame_samples / bytes;
}

/* Have a whole frame in the buffer; returns its bytes, less at the end, -1 on error. */
static int next_frame(struct soundfile *file, int want)
{
    int left = file->filled - file->consumed;
    if (left < want) {
        memmove(file->buffer, file->buffer + file->consumed, (size_t)left);
        file->consumed = 0;
        file->filled = left;
        while (file->filled < want) {
            int64_t offset = file->at + left, more = file->size - offset;
            if (more > SOUNDFILE_BUFFER - file->filled)
                more = SOUNDFILE_BUFFER - file->filled;
            ssize_t got =
                more > 0 ? pread(file->descriptor, file->buffer + file->filled, (size_t)more, file->start + offset) : 0;
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return -1;
            if (!got)
                break;
            file->filled += (int)got;
            left += (int)got;
        }
        left = file->filled;
    }
    return left < want ? left : want;
}

int soundfile_read_frame(struct soundfile *file, uint8_t *frame)
{
    static const uint8_t g723_sizes[4] = {24, 20, 4, 1};
    int bytes = next_frame(file, file->codec->frame_bytes ? file->codec->frame_bytes : 1);
    if (bytes > 0 && !file->codec->frame_bytes)
        bytes = next_frame(file, g723_sizes[file->buffer[file->consumed] & 3]);
    if (bytes <= 0 || bytes < file->codec->frame_bytes)
        return bytes < 0 ? -1 : 0;
    memcpy(frame, file->buffer + file->consumed, (size_t)bytes);
    file->consumed += bytes;
    file->at += bytes;
    return bytes;
}

static int mix_down(int16_t *samples, int n)
{
    for (int i = 0; i < n / 2; i++)
        samples[i] = (int16_t)((samples[2 * i] + samples[2 * i + 1]) / 2);
    return n / 2;
}

/* Decode what comes next into pending: samples, 0 at the end, -1 on an error of the disk. */
static int decode_next(struct soundfile *file)
{
    const struct codec *codec = file->codec;
    if (file->container == SOUND_OGG) {
        int bytes = ogg_read(file->reader, file->buffer, sizeof(file->buffer));
        return bytes <= 0 ? bytes : codec->decode(codec, file->state, file->buffer, bytes, file->pending);
    }
    int bytes = next_frame(file, codec->frame_bytes);
    if (bytes < 0)
        return -1;
    if (bytes < codec->frame_bytes && !(codec->partial && bytes >= 2))
        return 0;
    bytes -= sound_is_linear(codec) ? bytes % (2 * file->channels) : 0;
    int samples = bytes ? codec->decode(codec, file->state, file->buffer + file->consumed, bytes, file->pending) : 0;
    file->consumed += bytes;
    file->at += bytes;
    return file->channels == 2 ? mix_down(file->pending, samples) : samples;
}

int soundfile_read(struct soundfile *file, int16_t *out, int samples)
{
    int made = 0;
    while (made < samples) {
        int pending = file->pending_to - file->pending_from;
        if (!pending) {
            pending = decode_next(file);
            if (pending < 0)
                return -1;
            if (!pending)
                break;
            file->pending_from = (int)(file->skip < pending ? file->skip : pending);
            file->pending_to = pending;
            file->skip -= file->pending_from;
            continue;
        }
        int some = pending < samples - made ? pending : samples - made;
        memcpy(out + made, file->pending + file->pending_from, (size_t)some * sizeof(*out));
        file->pending_from += some;
        made += some;
    }
    return made;
}

/* A decoder that knows nothing of what came before. */
static bool begin_again(struct soundfile *file)
{
    bool ready;
    void *state = codec_state_make(file->codec, false, &ready);
    if (!ready)
        return false;
    codec_state_unmake(file->codec, false, file->state);
    file->state = state;
    return true;
}

bool soundfile_seek(struct soundfile *file, int64_t sample)
{
    const struct codec *codec = file->codec;
    file->filled = file->consumed = 0;
    file->pending_from = file->pending_to = 0;
    if (!file->coded && (codec->decoder_init || codec->create) && !begin_again(file))
        return false;
    if (file->container == SOUND_OGG) {
        int64_t begins, wanted = (sample > 0 ? sample : 0) + file->stream.pre_skip;
        int64_t offset = ogg_find(file->descriptor, &file->stream, wanted, &begins);
        ogg_read_start(file->reader, file->descriptor, offset);
        file->skip = wanted > begins ? wanted - begins : 0;
        return true;
    }
    int64_t frame = sample > 0 ? sample * file->channels / codec->frame_samples : 0;
    int64_t at = frame * (codec->frame_bytes ? codec->frame_bytes : G723_FRAME);
    file->at = at < file->size ? at : file->size;
    return true;
}

void soundfile_close(struct soundfile *file)
{
    close(file->descriptor);
    soundfile_unmake(file, true);
}
