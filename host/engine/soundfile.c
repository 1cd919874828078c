#include "soundfile_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_g726.h"
#include "codec_spandsp.h"

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

static const struct sound_kind kinds[] = {
    {"ulaw", SOUND_RAW, "ulaw", NULL},
    {"ul", SOUND_RAW, "ulaw", NULL},
    {"mu", SOUND_RAW, "ulaw", NULL},
    {"ulw", SOUND_RAW, "ulaw", NULL},
    {"pcm", SOUND_RAW, "ulaw", NULL},
    {"alaw", SOUND_RAW, "alaw", NULL},
    {"al", SOUND_RAW, "alaw", NULL},
    {"alw", SOUND_RAW, "alaw", NULL},
    {"wav", SOUND_WAVE, NULL, &linear[0]},
    {"wav16", SOUND_WAVE, NULL, &linear[2]},
    {"WAV", SOUND_WAVE, NULL, &codec_gsm_wav49},
    {"wav49", SOUND_WAVE, NULL, &codec_gsm_wav49},
    {"gsm", SOUND_RAW, "gsm", NULL},
    {"g722", SOUND_RAW, "g722", NULL},
    {"sln", SOUND_RAW, NULL, &linear[0]},
    {"slin", SOUND_RAW, NULL, &linear[0]},
    {"raw", SOUND_RAW, NULL, &linear[0]},
    {"sln12", SOUND_RAW, NULL, &linear[1]},
    {"sln16", SOUND_RAW, NULL, &linear[2]},
    {"sln24", SOUND_RAW, NULL, &linear[3]},
    {"sln32", SOUND_RAW, NULL, &linear[4]},
    {"sln44", SOUND_RAW, NULL, &linear[5]},
    {"sln48", SOUND_RAW, NULL, &linear[6]},
    {"sln96", SOUND_RAW, NULL, &linear[7]},
    {"sln192", SOUND_RAW, NULL, &linear[8]},
    {"au", SOUND_AU, "ulaw", NULL},
    {"g726-32", SOUND_RAW, "g726", NULL},
    {"g726-16", SOUND_RAW, NULL, &codec_g726_16},
    {"g726-24", SOUND_RAW, NULL, &codec_g726_24},
    {"g726-40", SOUND_RAW, NULL, &codec_g726_40},
    {"vox", SOUND_RAW, "adpcm", NULL},
    {"g729", SOUND_RAW, "g729", NULL},
    {"g723", SOUND_RAW, "g723", NULL},
    {"g723sf", SOUND_RAW, "g723", NULL},
    {"ilbc", SOUND_RAW, "ilbc", NULL},
    {"siren7", SOUND_RAW, "siren7", NULL},
    {"siren14", SOUND_RAW, "siren14", NULL},
    {"g719", SOUND_RAW, "g719", NULL},
    {"codec2", SOUND_RAW, "codec2", NULL},
    {"opus", SOUND_OGG, "opus", NULL},
    {"ogg", SOUND_OGG, "opus", NULL}, /* reading: whatever is in it */
    {"spx", SOUND_OGG, "speex", NULL},
    {"spx16", SOUND_OGG, "speex16", NULL},
    {"spx32", SOUND_OGG, "speex32", NULL},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), RATES = sizeof(linear) / sizeof(linear[0]) };

const struct codec *sound_linear(int rate)
{
    for (int i = 0; i < RATES; i++)
        if ((int)linear[i].rate == rate)
            return &linear[i];
    return NULL;
}

bool sound_is_linear(const struct codec *codec)
{
    return codec->decode == le_decode;
}

const struct sound_kind *sound_kind_of(const char *extension)
{
    for (int i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i].extension, extension))
            return &kinds[i];
    return NULL;
}

const struct codec *sound_kind_codec(const struct sound_kind *kind)
{
    return kind->direct ? kind->direct : codec_at(codec_named(kind->codec));
}

bool sound_codec_ready(const struct codec *codec)
{
    return codec->decode && (!codec->load || codec->load());
}

bool soundfile_known(const char *extension)
{
    const struct sound_kind *kind = sound_kind_of(extension);
    return kind && sound_codec_ready(sound_kind_codec(kind));
}

bool soundfile_readable(const char *extension)
{
    const struct sound_kind *kind = sound_kind_of(extension);
    return kind && (kind->container != SOUND_OGG || sound_codec_ready(sound_kind_codec(kind)));
}

void soundfile_say(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, SOUNDFILE_ERROR, format, arguments);
    va_end(arguments);
}

struct soundfile *soundfile_make(const struct codec *codec, int descriptor, bool reading, bool coded)
{
    struct soundfile *file = calloc(1, sizeof(*file));
    size_t room = codec->max_samples > codec->frame_samples ? codec->max_samples : codec->frame_samples;
    bool ready = true;
    if (!file)
        return NULL;
    file->codec = codec;
    file->descriptor = descriptor;
    file->rate = (int)codec->rate;
    file->channels = 1;
    file->coded = coded;
    file->pending = calloc(room, sizeof(int16_t));
    if (!coded)
        file->state = codec_state_make(codec, !reading, &ready);
    if (file->pending && ready)
        return file;
    soundfile_unmake(file, reading);
    return NULL;
}

void soundfile_unmake(struct soundfile *file, bool reading)
{
    if (!file->coded)
        codec_state_unmake(file->codec, !reading, file->state);
    free(file->pending);
    free(file->reader);
    free(file->writer);
    free(file);
}

int soundfile_rate(const struct soundfile *file)
{
    return file->rate;
}
