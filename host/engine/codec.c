#include "codec.h"

#include <stdlib.h>
#include <string.h>

#include "codec_adpcm.h"
#include "codec_codec2.h"
#include "codec_g722.h"
#include "codec_g726.h"
#include "codec_g729.h"
#include "codec_opus.h"
#include "codec_pool.h"
#include "codec_spandsp.h"
#include "codec_speex.h"
#include "g711.h"

static int ulaw_decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < bytes; i++)
        out[i] = g711_ulaw_linear[in[i]];
    return bytes;
}

static int ulaw_encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < samples; i++)
        out[i] = g711_to_ulaw(in[i]);
    return samples;
}

static int alaw_decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < bytes; i++)
        out[i] = g711_alaw_linear[in[i]];
    return bytes;
}

static int alaw_encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < samples; i++)
        out[i] = g711_to_alaw(in[i]);
    return samples;
}

/* L16 is in network byte order (RFC 3551 4.5.11). */
static int linear_decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < bytes / 2; i++)
        out[i] = (int16_t)(in[2 * i] << 8 | in[2 * i + 1]);
    return bytes / 2;
}

static int linear_encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    (void)state;
    for (int i = 0; i < samples; i++) {
        out[2 * i] = (uint8_t)((uint16_t)in[i] >> 8);
        out[2 * i + 1] = (uint8_t)in[i];
    }
    return samples * 2;
}

#define G711(NAME, LAW)                                                                                                \
    {                                                                                                                  \
        .name = NAME, .rate = 8000, .clock = 8000, .frame_samples = 80, .frame_bytes = 80, .max_samples = 80,          \
        .partial = true, .decode = LAW##_decode, .encode = LAW##_encode                                                \
    }
#define LINEAR(NAME, RATE)                                                                                             \
    {                                                                                                                  \
        .name = NAME, .rate = (RATE), .clock = (RATE), .frame_samples = (RATE) / 100, .frame_bytes = (RATE) / 50,      \
        .max_samples = (RATE) / 100, .partial = true, .decode = linear_decode, .encode = linear_encode                 \
    }
#define PASSED(NAME, RATE, CLOCK, SAMPLES, BYTES)                                                                      \
    {                                                                                                                  \
        .name = NAME, .rate = (RATE), .clock = (CLOCK), .frame_samples = (SAMPLES), .frame_bytes = (BYTES)             \
    }

/* G.723.1: the low two bits of a frame tell its size, each frame is 30 ms. */
static int g723_samples(const uint8_t *payload, int bytes)
{
    static const uint8_t sizes[4] = {24, 20, 4, 1};
    int samples = 0;
    for (int at = 0; at < bytes; at += sizes[payload[at] & 3])
        samples += 240;
    return samples;
}

static const struct codec own[] = {
    G711("ulaw", ulaw),
    G711("alaw", alaw),
    LINEAR("slin", 8000),
    LINEAR("slin12", 12000),
    LINEAR("slin16", 16000),
    LINEAR("slin24", 24000),
    LINEAR("slin32", 32000),
    LINEAR("slin44", 44100),
    LINEAR("slin48", 48000),
    LINEAR("slin96", 96000),
    LINEAR("slin192", 192000),
    PASSED("ilbc", 8000, 8000, 240, 50),
    PASSED("siren7", 16000, 16000, 320, 80),
    PASSED("siren14", 32000, 32000, 640, 120),
    PASSED("g719", 48000, 48000, 960, 160),
    {.name = "g723", .rate = 8000, .clock = 8000, .frame_samples = 240, .samples = g723_samples},
    PASSED("silk8", 8000, 8000, 160, 0),
    PASSED("silk12", 12000, 12000, 240, 0),
    PASSED("silk16", 16000, 16000, 320, 0),
    PASSED("silk24", 24000, 24000, 480, 0),
    PASSED("jpeg", 0, 90000, 0, 0),
    PASSED("png", 0, 90000, 0, 0),
    PASSED("h261", 0, 90000, 0, 0),
    PASSED("h263", 0, 90000, 0, 0),
    PASSED("h263p", 0, 90000, 0, 0),
    PASSED("h264", 0, 90000, 0, 0),
    PASSED("h265", 0, 90000, 0, 0),
    PASSED("mpeg4", 0, 90000, 0, 0),
    PASSED("vp8", 0, 90000, 0, 0),
    PASSED("vp9", 0, 90000, 0, 0),
    PASSED("red", 0, 1000, 0, 0),
    PASSED("t140", 0, 1000, 0, 0),
};

enum { OWN = sizeof(own) / sizeof(own[0]), TOTAL = OWN + 12 };

static const struct codec *const libraries[TOTAL - OWN] = {
    &codec_gsm,  &codec_g722, &codec_g726,   &codec_g726aal2, &codec_adpcm,   &codec_lpc10,
    &codec_opus, &codec_g729, &codec_codec2, &codec_speex,    &codec_speex16, &codec_speex32,
};

const struct codec *codec_at(int number)
{
    if (number < 1 || number > TOTAL)
        return NULL;
    return number <= OWN ? &own[number - 1] : libraries[number - OWN - 1];
}

int codec_named(const char *name)
{
    for (int number = 1; number <= TOTAL; number++)
        if (!strcmp(codec_at(number)->name, name))
            return number;
    return CODEC_NONE;
}

/* Set by codec_load on the control thread before the number travels to another thread. */
static bool usable[TOTAL + 1];

bool codec_load(int number)
{
    const struct codec *codec = codec_at(number);
    if (!codec || !codec->decode)
        return false;
    if (usable[number])
        return true; /* tables and library are there: legs are given their codecs again and again */
    g711_make_tables();
    usable[number] = !codec->load || codec->load();
    return usable[number];
}

bool codec_usable(int number)
{
    return number >= 1 && number <= TOTAL && usable[number];
}

/* States */

static size_t state_bytes(const struct codec *codec, bool encoder)
{
    return codec->bytes ? codec->bytes(encoder) : encoder ? codec->encoder_bytes : codec->decoder_bytes;
}

static void begin(const struct codec *codec, bool encoder, void *state)
{
    void (*init)(const struct codec *, void *) = encoder ? codec->encoder_init : codec->decoder_init;
    if (init)
        init(codec, state);
}

void *codec_state_get(struct slab *slab, const struct codec *codec, bool encoder, bool *ready)
{
    size_t bytes = state_bytes(codec, encoder);
    void *state = codec->create ? codec_pool_take(codec, encoder) : bytes ? slab_get(slab, bytes) : NULL;
    *ready = state || (!codec->create && !bytes);
    if (*ready && !codec->create)
        begin(codec, encoder, state);
    return state;
}

void codec_state_put(struct slab *slab, const struct codec *codec, bool encoder, void *state)
{
    if (codec->create && state)
        codec_pool_give(codec, encoder, state);
    else if (state)
        slab_put(slab, state, state_bytes(codec, encoder));
}

void *codec_state_make(const struct codec *codec, bool encoder, bool *ready)
{
    size_t bytes = state_bytes(codec, encoder);
    void *state = codec->create ? codec->create(codec, encoder) : bytes ? calloc(1, bytes) : NULL;
    *ready = state || (!codec->create && !bytes);
    if (*ready && !codec->create)
        begin(codec, encoder, state);
    return state;
}

void codec_state_unmake(const struct codec *codec, bool encoder, void *state)
{
    if (codec->destroy && state)
        codec->destroy(codec, state, encoder);
    else
        free(state);
}

/* Settings: word by word, so that no lock is needed */

static struct codec_settings defaults[TOTAL + 1];
static bool have_defaults[TOTAL + 1];

void codec_set_defaults(int number, const struct codec_settings *settings)
{
    if (number >= 1 && number <= TOTAL) {
        defaults[number] = *settings;
        have_defaults[number] = true;
    }
}

static int32_t choose(int32_t own, int32_t usual)
{
    return own >= 0 ? own : usual;
}

struct codec_settings codec_settings_for(int number, const struct codec_settings *own)
{
    static const struct codec_settings none = {-1, -1, -1, -1, -1, -1, -1, -1};
    const struct codec_settings *usual = have_defaults[number] ? &defaults[number] : &none;
    return (struct codec_settings){
        .bitrate = choose(own->bitrate, usual->bitrate),
        .max_rate = choose(own->max_rate, usual->max_rate),
        .complexity = choose(own->complexity, usual->complexity),
        .quality = choose(own->quality, usual->quality),
        .vbr = choose(own->vbr, usual->vbr),
        .dtx = choose(own->dtx, usual->dtx),
        .fec = choose(own->fec, usual->fec),
        .loss = choose(own->loss, usual->loss),
    };
}

const uint8_t *codec_exchange(int from, int to)
{
    const struct codec *one = codec_at(from), *other = codec_at(to);
    if (!one || !other || one->encode == other->encode)
        return NULL;
    if (one->encode == ulaw_encode && other->encode == alaw_encode)
        return g711_ulaw_to_alaw;
    return one->encode == alaw_encode && other->encode == ulaw_encode ? g711_alaw_to_ulaw : NULL;
}

int codec_samples(int number, const uint8_t *payload, int bytes)
{
    const struct codec *codec = codec_at(number);
    if (!codec || bytes <= 0)
        return 0;
    if (codec->samples)
        return codec->samples(payload, bytes);
    if (codec->frame_bytes)
        return (int)((int64_t)bytes * codec->frame_samples / codec->frame_bytes);
    return codec->frame_samples; /* one frame a packet */
}
