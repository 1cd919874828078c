#include "soundfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "codec_spandsp.h"
#include "wavefile.h"

/* Linear samples in the order of files: low byte first. */
static int le_decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < bytes / 2; i++)
        out[i] = (int16_t)(in[2 * i] | in[2 * i + 1] << 8);
    return bytes / 2;
}

static int le_encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < samples; i++) {
        out[2 * i] = (uint8_t)in[i];
        out[2 * i + 1] = (uint8_t)((uint16_t)in[i] >> 8);
    }
    return samples * 2;
}

#define LINEAR(RATE)                                                                                                   \
    {                                                                                                                  \
        .name = "slin", .rate = (RATE), .frame_samples = 80, .frame_bytes = 160, .max_samples = 80, .partial = true,   \
        .decode = le_decode, .encode = le_encode                                                                       \
    }

static const struct codec linear[] = {LINEAR(8000),  LINEAR(12000), LINEAR(16000), LINEAR(24000), LINEAR(32000),
                                      LINEAR(44100), LINEAR(48000), LINEAR(96000), LINEAR(192000)};

static const struct {
    const char *extension;
    enum { RAW, WAVE, AU } container;
    const char *codec;          /* by name, or */
    const struct codec *direct; /* by address */
} kinds[] = {
    {"ulaw", RAW, "ulaw", NULL},
    {"ul", RAW, "ulaw", NULL},
    {"mu", RAW, "ulaw", NULL},
    {"ulw", RAW, "ulaw", NULL},
    {"pcm", RAW, "ulaw", NULL},
    {"alaw", RAW, "alaw", NULL},
    {"al", RAW, "alaw", NULL},
    {"alw", RAW, "alaw", NULL},
    {"wav", WAVE, NULL, &linear[0]},
    {"wav16", WAVE, NULL, &linear[2]},
    {"WAV", WAVE, NULL, &codec_gsm_wav49},
    {"wav49", WAVE, NULL, &codec_gsm_wav49},
    {"gsm", RAW, "gsm", NULL},
    {"g722", RAW, "g722", NULL},
    {"sln", RAW, NULL, &linear[0]},
    {"slin", RAW, NULL, &linear[0]},
    {"raw", RAW, NULL, &linear[0]},
    {"sln12", RAW, NULL, &linear[1]},
    {"sln16", RAW, NULL, &linear[2]},
    {"sln24", RAW, NULL, &linear[3]},
    {"sln32", RAW, NULL, &linear[4]},
    {"sln44", RAW, NULL, &linear[5]},
    {"sln48", RAW, NULL, &linear[6]},
    {"sln96", RAW, NULL, &linear[7]},
    {"sln192", RAW, NULL, &linear[8]},
    {"au", AU, "ulaw", NULL},
    {"g726-32", RAW, "g726", NULL},
    {"g726-16", RAW, NULL, &codec_g726_16},
    {"g726-24", RAW, NULL, &codec_g726_24},
    {"g726-40", RAW, NULL, &codec_g726_40},
    {"vox", RAW, "adpcm", NULL},
    {"g729", RAW, "g729", NULL},
    {"g723", RAW, "g723", NULL},
    {"g723sf", RAW, "g723", NULL},
    {"ilbc", RAW, "ilbc", NULL},
    {"siren7", RAW, "siren7", NULL},
    {"siren14", RAW, "siren14", NULL},
    {"g719", RAW, "g719", NULL},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), BUFFER = 4096, G723_FRAME = 24 /* of the higher rate */ };

struct soundfile {
    const struct codec *codec;
    void *state;
    int descriptor;
    int container;
    bool pipe; /* writing: what its reader has no room for is dropped, nothing is kept back */
    int rate, channels;
    int64_t start, size;  /* bytes: where the sound begins, how long it is */
    int64_t at;           /* reading: bytes of sound consumed */
    int filled, consumed; /* buffer */
    int16_t *pending;     /* reading: decoded samples beyond what was asked; writing: samples short of a frame */
    int pending_from, pending_to;
    uint8_t buffer[BUFFER];
};

static void say(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, SOUNDFILE_ERROR, format, arguments);
    va_end(arguments);
}

static int kind_of(const char *extension)
{
    for (int i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i].extension, extension))
            return i;
    return -1;
}

bool soundfile_known(const char *extension)
{
    int kind = kind_of(extension);
    return kind >= 0 && (kinds[kind].direct || codec_at(codec_named(kinds[kind].codec))->encode);
}

static const struct codec *codec_of_kind(int kind)
{
    const struct codec *codec = kinds[kind].direct ? kinds[kind].direct : codec_at(codec_named(kinds[kind].codec));
    return codec->library && !codec_spandsp_load() ? NULL : codec;
}

static struct soundfile *make(const struct codec *codec, int descriptor, bool reading)
{
    struct soundfile *file = calloc(1, sizeof(*file));
    size_t state = reading ? codec->decoder_bytes : codec->encoder_bytes;
    void (*start)(const struct codec *, void *) = reading ? codec->decoder_init : codec->encoder_init;
    int room = codec->max_samples > codec->frame_samples ? codec->max_samples : codec->frame_samples;
    if (!file)
        return NULL;
    file->codec = codec;
    file->descriptor = descriptor;
    file->rate = (int)codec->rate;
    file->channels = 1;
    file->state = state ? calloc(1, state) : NULL;
    file->pending = calloc((size_t)room, sizeof(int16_t));
    if ((state && !file->state) || !file->pending) {
        free(file->state);
        free(file->pending);
        free(file);
        return NULL;
    }
    if (start)
        start(codec, file->state);
    return file;
}

static void unmake(struct soundfile *file)
{
    free(file->state);
    free(file->pending);
    free(file);
}

static const struct codec *codec_of_wave(const struct wavefile *wave, char *error)
{
    static const int rates = sizeof(linear) / sizeof(linear[0]);
    switch (wave->tag) {
    case WAVEFILE_PCM:
        if (wave->bits == 16 && (wave->channels == 1 || wave->channels == 2))
            for (int i = 0; i < rates; i++)
                if ((int)linear[i].rate == wave->rate)
                    return &linear[i];
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
    say(error, "WAVE format %d, %d Hz, %d bit, %d channels cannot be played; convert it to 16 bit mono PCM", wave->tag,
        wave->rate, wave->bits, wave->channels);
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

struct soundfile *soundfile_read_open(const char *path, char error[SOUNDFILE_ERROR])
{
    const char *dot = strrchr(path, '.');
    int kind = dot ? kind_of(dot + 1) : -1;
    if (kind < 0) {
        say(error, "%s: the extension names no sound format this engine reads", path);
        return NULL;
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status)) {
        say(error, "%s: %s", path, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
        return NULL;
    }
    const struct codec *codec = codec_of_kind(kind);
    struct wavefile wave = {.channels = 1};
    int64_t start = 0, size = status.st_size;
    char why[SOUNDFILE_ERROR] = "its codec needs libspandsp, which is not installed";
    if (codec && kinds[kind].container == WAVE) {
        if (wavefile_read(descriptor, &wave)) {
            codec = codec_of_wave(&wave, why);
            start = wave.start;
            size = wave.size;
        } else {
            say(why, "not a WAVE file");
            codec = NULL;
        }
    } else if (codec && kinds[kind].container == AU) {
        if (!read_au_header(descriptor, &start)) {
            say(why, "not an .au file of u-law");
            codec = NULL;
        }
        size -= start;
    }
    struct soundfile *file = codec ? make(codec, descriptor, true) : NULL;
    if (!file) {
        say(error, "%s: %s", path, codec ? "out of memory" : why);
        close(descriptor);
        return NULL;
    }
    if (kinds[kind].container == WAVE && wave.rate)
        file->rate = wave.rate;
    file->channels = wave.channels;
    file->container = kinds[kind].container;
    file->start = start;
    file->size = size;
    return file;
}

int soundfile_coded(const struct soundfile *file)
{
    return file->codec->decode ? CODEC_NONE : codec_named(file->codec->name);
}

int soundfile_rate(const struct soundfile *file)
{
    return file->rate;
}

int64_t soundfile_length(const struct soundfile *file)
{
    int bytes = file->codec->frame_bytes ? file->codec->frame_bytes : G723_FRAME;
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
            if (more > BUFFER - file->filled)
                more = BUFFER - file->filled;
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

int soundfile_read(struct soundfile *file, int16_t *out, int samples)
{
    const struct codec *codec = file->codec;
    int made = 0;
    while (made < samples) {
        int pending = file->pending_to - file->pending_from;
        if (!pending) {
            int bytes = next_frame(file, codec->frame_bytes);
            if (bytes < 0)
                return -1;
            if (bytes < codec->frame_bytes && !(codec->partial && bytes >= 2))
                break;
            bytes -= codec->decode == le_decode ? bytes % (2 * file->channels) : 0;
            pending = codec->decode(codec, file->state, file->buffer + file->consumed, bytes, file->pending);
            file->consumed += bytes;
            file->at += bytes;
            if (file->channels == 2)
                pending = mix_down(file->pending, pending);
            file->pending_from = 0;
            file->pending_to = pending;
            if (!bytes || !pending)
                break;
        }
        int some = pending < samples - made ? pending : samples - made;
        memcpy(out + made, file->pending + file->pending_from, (size_t)some * sizeof(*out));
        file->pending_from += some;
        made += some;
    }
    return made;
}

bool soundfile_seek(struct soundfile *file, int64_t sample)
{
    const struct codec *codec = file->codec;
    int64_t frame = sample > 0 ? sample * file->channels / codec->frame_samples : 0;
    int64_t at = frame * (codec->frame_bytes ? codec->frame_bytes : G723_FRAME);
    file->at = at < file->size ? at : file->size;
    file->filled = file->consumed = 0;
    file->pending_from = file->pending_to = 0;
    if (codec->decoder_init)
        codec->decoder_init(codec, file->state);
    return true;
}

static bool write_all(struct soundfile *file, const uint8_t *bytes, int count)
{
    while (count > 0) {
        ssize_t done = file->pipe ? write(file->descriptor, bytes, (size_t)count)
                                  : pwrite(file->descriptor, bytes, (size_t)count, file->start + file->size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN && file->pipe)
            return true;
        if (done <= 0)
            return false;
        bytes += done;
        count -= (int)done;
        file->size += done;
    }
    return true;
}

static bool flush(struct soundfile *file)
{
    bool written = write_all(file, file->buffer, file->filled);
    file->filled = 0;
    return written;
}

static bool write_frame(struct soundfile *file, const int16_t *in, int samples)
{
    if (file->filled + 512 > BUFFER && !flush(file))
        return false;
    file->filled += file->codec->encode(file->codec, file->state, in, samples, file->buffer + file->filled);
    return file->pipe ? flush(file) : true;
}

bool soundfile_write(struct soundfile *file, const int16_t *in, int samples)
{
    int frame = file->codec->frame_samples;
    while (samples > 0) {
        int some = frame - file->pending_to < samples ? frame - file->pending_to : samples;
        memcpy(file->pending + file->pending_to, in, (size_t)some * sizeof(*in));
        file->pending_to += some;
        in += some;
        samples -= some;
        if (file->pending_to == frame) {
            if (!write_frame(file, file->pending, frame))
                return false;
            file->pending_to = 0;
        }
    }
    return true;
}

struct soundfile *soundfile_write_open(const char *path, const char *extension, bool append,
                                       char error[SOUNDFILE_ERROR])
{
    int kind = kind_of(extension);
    const struct codec *codec = kind >= 0 ? codec_of_kind(kind) : NULL;
    if (!codec || !codec->encode) {
        say(error, "%s: %s", path,
            kind < 0 || codec ? "no such recording format" : "its codec needs libspandsp, which is not installed");
        return NULL;
    }
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | (append ? 0 : O_TRUNC), 0666);
    if (descriptor < 0) {
        say(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct soundfile *file = make(codec, descriptor, false);
    struct wavefile wave;
    struct stat status;
    if (!file || fstat(descriptor, &status)) {
        say(error, "%s: %s", path, file ? strerror(errno) : "out of memory");
        if (file)
            unmake(file);
        close(descriptor);
        return NULL;
    }
    file->container = kinds[kind].container;
    file->pipe = S_ISFIFO(status.st_mode);
    bool old = append && status.st_size > 0;
    if (file->container == WAVE) {
        file->start = codec == &codec_gsm_wav49 ? WAVEFILE_GSM_HEADER : WAVEFILE_PCM_HEADER;
        if (old && wavefile_read(descriptor, &wave) && wave.rate == file->rate) {
            file->start = wave.start;
            file->size = wave.size;
        }
    } else if (file->container == AU) {
        file->start = 24;
        file->size = old && status.st_size > 24 ? status.st_size - 24 : 0;
    } else if (old) {
        file->size = status.st_size;
    }
    if (!old && file->container == WAVE) /* readable even if the power fails before the end */
        wavefile_write(descriptor, codec == &codec_gsm_wav49 ? WAVEFILE_GSM : WAVEFILE_PCM, file->rate, 0);
    return file;
}

static bool write_au_header(struct soundfile *file)
{
    uint8_t header[24] = ".snd\0\0\0\030\0\0\0\0\0\0\0\001\0\0\037\100\0\0\0";
    header[23] = 1;
    for (int i = 0; i < 4; i++)
        header[8 + i] = (uint8_t)(file->size >> (24 - 8 * i));
    return pwrite(file->descriptor, header, sizeof(header), 0) == (ssize_t)sizeof(header);
}

bool soundfile_finish(struct soundfile *file, int64_t truncate_samples)
{
    const struct codec *codec = file->codec;
    int frame = codec->frame_samples;
    bool good = true;
    if (file->pending_to) { /* a started frame is filled with silence, where the codec needs whole ones */
        int samples = codec->partial && frame <= 80 ? file->pending_to : frame;
        memset(file->pending + file->pending_to, 0, (size_t)(frame - file->pending_to) * sizeof(int16_t));
        good = write_frame(file, file->pending, samples);
    }
    good = flush(file) && good;
    if (file->pipe) {
        close(file->descriptor);
        unmake(file);
        return good;
    }
    if (truncate_samples > 0) {
        int64_t cut = truncate_samples / frame * codec->frame_bytes;
        file->size = file->size > cut ? file->size - cut : 0;
        good = !ftruncate(file->descriptor, file->start + file->size) && good;
    }
    if (file->container == WAVE)
        good = wavefile_write(file->descriptor, codec == &codec_gsm_wav49 ? WAVEFILE_GSM : WAVEFILE_PCM, file->rate,
                              file->size) &&
               good;
    else if (file->container == AU)
        good = write_au_header(file) && good;
    good = !close(file->descriptor) && good;
    unmake(file);
    return good;
}

void soundfile_close(struct soundfile *file)
{
    close(file->descriptor);
    unmake(file);
}
