#include "codec_codec2.h"

#include "library.h"

enum { FRAME = 160, BYTES = 6, MODE_2400 = 1 };

static struct {
    void *(*create)(int mode);
    void (*destroy)(void *state);
    void (*encode)(void *state, uint8_t *out, int16_t *in);
    void (*decode)(void *state, int16_t *out, const uint8_t *in);
} codec2;

static const char *const files[] = {"libcodec2.so.1.2", "libcodec2.so.1.1", "libcodec2.so.1.0", NULL};
static const struct library_entry entries[] = {
    {"codec2_create", &codec2.create},
    {"codec2_destroy", &codec2.destroy},
    {"codec2_encode", &codec2.encode},
    {"codec2_decode", &codec2.decode},
};
static struct library library = LIBRARY_OF(files, entries);

static bool load(void)
{
    return library_ready(&library);
}

static void *create(const struct codec *codec, bool encoder)
{
    (void)codec;
    (void)encoder;
    return codec2.create(MODE_2400);
}

static void destroy(const struct codec *codec, void *state, bool encoder)
{
    (void)codec;
    (void)encoder;
    codec2.destroy(state);
}

static int to_linear(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    if (bytes < BYTES)
        return 0;
    codec2.decode(state, out, in);
    return FRAME;
}

static int from_linear(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    int made = 0;
    for (; samples >= FRAME; samples -= FRAME, in += FRAME, made += BYTES) {
        int16_t frame[FRAME]; /* the library writes to what it reads */
        for (int i = 0; i < FRAME; i++)
            frame[i] = in[i];
        codec2.encode(state, out + made, frame);
    }
    return made;
}

const struct codec codec_codec2 = {.name = "codec2",
                                   .rate = 8000,
                                   .clock = 8000,
                                   .frame_samples = FRAME,
                                   .frame_bytes = BYTES,
                                   .max_samples = FRAME,
                                   .library = "libcodec2",
                                   .load = load,
                                   .create = create,
                                   .destroy = destroy,
                                   .decode = to_linear,
                                   .encode = from_linear};
