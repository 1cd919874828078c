#include "codec_speex.h"

#include <stdlib.h>

#include <speex/speex.h>

#include "library.h"

enum { MOST_FRAMES = 6, MOST_BYTES = 1200, QUALITY = 3, COMPLEXITY = 2 };

static struct {
    __typeof__(&speex_lib_get_mode) mode;
    __typeof__(&speex_encoder_init) encoder_init;
    __typeof__(&speex_encoder_destroy) encoder_destroy;
    __typeof__(&speex_encoder_ctl) encoder_ctl;
    __typeof__(&speex_encode_int) encode;
    __typeof__(&speex_decoder_init) decoder_init;
    __typeof__(&speex_decoder_destroy) decoder_destroy;
    __typeof__(&speex_decoder_ctl) decoder_ctl;
    __typeof__(&speex_decode_int) decode;
    __typeof__(&speex_bits_init) bits_init;
    __typeof__(&speex_bits_destroy) bits_destroy;
    __typeof__(&speex_bits_reset) bits_reset;
    __typeof__(&speex_bits_read_from) bits_read;
    __typeof__(&speex_bits_write) bits_write;
    __typeof__(&speex_bits_pack) bits_pack;
} speex;

struct state {
    SpeexBits bits;
    void *coder;
};

static const char *const files[] = {"libspeex.so.1", NULL};
static const struct library_entry entries[] = {
    {"speex_lib_get_mode", &speex.mode},
    {"speex_encoder_init", &speex.encoder_init},
    {"speex_encoder_destroy", &speex.encoder_destroy},
    {"speex_encoder_ctl", &speex.encoder_ctl},
    {"speex_encode_int", &speex.encode},
    {"speex_decoder_init", &speex.decoder_init},
    {"speex_decoder_destroy", &speex.decoder_destroy},
    {"speex_decoder_ctl", &speex.decoder_ctl},
    {"speex_decode_int", &speex.decode},
    {"speex_bits_init", &speex.bits_init},
    {"speex_bits_destroy", &speex.bits_destroy},
    {"speex_bits_reset", &speex.bits_reset},
    {"speex_bits_read_from", &speex.bits_read},
    {"speex_bits_write", &speex.bits_write},
    {"speex_bits_pack", &speex.bits_pack},
};
static struct library library = LIBRARY_OF(files, entries);

static bool load(void)
{
    return library_ready(&library);
}

static int mode_of(const struct codec *codec)
{
    return codec == &codec_speex ? SPEEX_MODEID_NB : codec == &codec_speex16 ? SPEEX_MODEID_WB : SPEEX_MODEID_UWB;
}

static void destroy(const struct codec *codec, void *pointer, bool encoder)
{
    (void)codec;
    struct state *state = pointer;
    if (state->coder && encoder)
        speex.encoder_destroy(state->coder);
    else if (state->coder)
        speex.decoder_destroy(state->coder);
    speex.bits_destroy(&state->bits);
    free(state);
}

static void *create(const struct codec *codec, bool encoder)
{
    const SpeexMode *mode = speex.mode(mode_of(codec));
    struct state *state = calloc(1, sizeof(*state));
    if (!state)
        return NULL;
    speex.bits_init(&state->bits);
    state->coder = encoder ? speex.encoder_init(mode) : speex.decoder_init(mode);
    if (!state->coder) {
        destroy(codec, state, encoder);
        return NULL;
    }
    int on = 1, quality = QUALITY, complexity = COMPLEXITY;
    if (encoder) {
        speex.encoder_ctl(state->coder, SPEEX_SET_QUALITY, &quality);
        speex.encoder_ctl(state->coder, SPEEX_SET_COMPLEXITY, &complexity);
    } else {
        speex.decoder_ctl(state->coder, SPEEX_SET_ENH, &on);
    }
    return state;
}

static void set(void *pointer, const struct codec_settings *settings)
{
    struct state *state = pointer;
    int quality = settings->quality, complexity = settings->complexity, vbr = settings->vbr, dtx = settings->dtx;
    int bitrate = settings->bitrate;
    float vbr_quality = (float)quality;
    if (complexity >= 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_COMPLEXITY, &complexity);
    if (quality >= 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_QUALITY, &quality);
    if (vbr >= 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_VBR, &vbr);
    if (vbr > 0 && quality >= 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_VBR_QUALITY, &vbr_quality);
    if (dtx >= 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_DTX, &dtx);
    if (bitrate > 0)
        speex.encoder_ctl(state->coder, SPEEX_SET_ABR, &bitrate);
}

/* Frames in a payload, by their modes' sizes (The Speex Codec Manual, tables 9.1 and 10.2). */

struct reader {
    const uint8_t *bytes;
    int at, bits;
};

static int take(struct reader *reader, int bits)
{
    int value = 0;
    for (int i = 0; i < bits; i++, reader->at++)
        value =
            value << 1 | (reader->at < reader->bits ? reader->bytes[reader->at / 8] >> (7 - reader->at % 8) & 1 : 1);
    return value;
}

static int count_frames(const uint8_t *payload, int bytes)
{
    static const uint16_t narrow[9] = {5, 43, 119, 160, 220, 300, 364, 492, 79}, wide[5] = {4, 36, 112, 192, 352};
    struct reader reader = {payload, 0, bytes * 8};
    int frames = 0, layers = 0;
    while (reader.at + 5 <= reader.bits && frames < MOST_FRAMES) {
        int start = reader.at;
        if (take(&reader, 1)) { /* a layer of the frame before */
            int mode = take(&reader, 3);
            if (mode > 4 || ++layers > 2)
                return frames - (frames > 0); /* broken: the frame it belongs to is not tried */
            reader.at = start + wide[mode];
            if (reader.at > reader.bits)
                return frames - (frames > 0);
            continue;
        }
        int mode = take(&reader, 4);
        if (mode < 9) {
            frames++;
            layers = 0;
            reader.at = start + narrow[mode];
            if (reader.at > reader.bits)
                return frames - 1;
        } else if (mode == 14) { /* in-band signals */
            static const uint8_t sizes[16] = {1, 1, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64};
            reader.at += sizes[take(&reader, 4)];
        } else if (mode == 13) { /* the user's */
            int size = take(&reader, 4);
            reader.at += 5 + size * 8;
        } else {
            break;
        }
    }
    return frames;
}

static int to_linear(const struct codec *codec, void *pointer, const uint8_t *in, int bytes, int16_t *out)
{
    struct state *state = pointer;
    int made = 0, frames = count_frames(in, bytes);
    speex.bits_read(&state->bits, (const char *)in, bytes);
    for (int frame = 0; frame < frames; frame++) { /* the library complains of what is no frame to stderr */
        if (speex.decode(state->coder, &state->bits, out + made))
            break; /* the end (RFC 5574 3.3), or broken */
        made += codec->frame_samples;
    }
    return made;
}

static int from_linear(const struct codec *codec, void *pointer, const int16_t *in, int samples, uint8_t *out)
{
    struct state *state = pointer;
    speex.bits_reset(&state->bits);
    for (; samples >= codec->frame_samples; samples -= codec->frame_samples, in += codec->frame_samples)
        speex.encode(state->coder, (spx_int16_t *)in, &state->bits);
    speex.bits_pack(&state->bits, 15, 5); /* a terminator: nothing that follows is taken for a frame */
    return speex.bits_write(&state->bits, (char *)out, MOST_BYTES);
}

static int narrow_samples(const uint8_t *payload, int bytes)
{
    return count_frames(payload, bytes) * 160;
}

static int wide_samples(const uint8_t *payload, int bytes)
{
    return count_frames(payload, bytes) * 320;
}

static int ultra_wide_samples(const uint8_t *payload, int bytes)
{
    return count_frames(payload, bytes) * 640;
}

#define SPEEX(NAME, RATE, SAMPLES)                                                                                     \
    {                                                                                                                  \
        .name = NAME, .rate = (RATE), .clock = (RATE), .frame_samples = (RATE) / 50,                                   \
        .max_samples = (RATE) / 50 * MOST_FRAMES, .library = "libspeex.so.1", .load = load, .create = create,          \
        .destroy = destroy, .set = set, .samples = (SAMPLES), .decode = to_linear, .encode = from_linear               \
    }

const struct codec codec_speex = SPEEX("speex", 8000, narrow_samples);
const struct codec codec_speex16 = SPEEX("speex16", 16000, wide_samples);
const struct codec codec_speex32 = SPEEX("speex32", 32000, ultra_wide_samples);
