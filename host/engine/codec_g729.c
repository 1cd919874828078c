#include "codec_g729.h"

#include "library.h"

enum { FRAME = 80, BYTES = 10, SILENCE_BYTES = 2 };

static struct {
    void *(*decoder_new)(void);
    void (*decoder_end)(void *decoder);
    void (*decode)(void *decoder, const uint8_t *in, uint8_t bytes, uint8_t erased, uint8_t silence, uint8_t rfc3389,
                   int16_t *out);
    void *(*encoder_new)(uint8_t vad);
    void (*encoder_end)(void *encoder);
    void (*encode)(void *encoder, const int16_t *in, uint8_t *out, uint8_t *bytes);
} g729;

static const char *const files[] = {"libbcg729.so.0", NULL};
static const struct library_entry entries[] = {
    {"initBcg729DecoderChannel", &g729.decoder_new},
    {"closeBcg729DecoderChannel", &g729.decoder_end},
    {"bcg729Decoder", &g729.decode},
    {"initBcg729EncoderChannel", &g729.encoder_new},
    {"closeBcg729EncoderChannel", &g729.encoder_end},
    {"bcg729Encoder", &g729.encode},
};
static struct library library = LIBRARY_OF(files, entries);

static bool load(void)
{
    return library_ready(&library);
}

static void *create(const struct codec *codec, bool encoder)
{
    (void)codec;
    return encoder ? g729.encoder_new(0) : g729.decoder_new();
}

static void destroy(const struct codec *codec, void *state, bool encoder)
{
    (void)codec;
    if (encoder)
        g729.encoder_end(state);
    else
        g729.decoder_end(state);
}

/* Two octets are a silence description of Annex B; it is the last of its packet (RFC 3551 4.5.6). */
static int to_linear(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    if (bytes != BYTES && bytes != SILENCE_BYTES)
        return 0;
    g729.decode(state, in, (uint8_t)bytes, 0, bytes == SILENCE_BYTES, 0, out);
    return FRAME;
}

static int from_linear(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    int made = 0;
    for (; samples >= FRAME; samples -= FRAME, in += FRAME) {
        uint8_t bytes = 0;
        g729.encode(state, in, out + made, &bytes);
        made += bytes;
    }
    return made;
}

static int count_samples(const uint8_t *payload, int bytes)
{
    (void)payload;
    return (bytes / BYTES + (bytes % BYTES == SILENCE_BYTES)) * FRAME;
}

const struct codec codec_g729 = {.name = "g729",
                                 .rate = 8000,
                                 .clock = 8000,
                                 .frame_samples = FRAME,
                                 .frame_bytes = BYTES,
                                 .max_samples = FRAME,
                                 .partial = true,
                                 .library = "libbcg729.so.0",
                                 .load = load,
                                 .create = create,
                                 .destroy = destroy,
                                 .samples = count_samples,
                                 .decode = to_linear,
                                 .encode = from_linear};
