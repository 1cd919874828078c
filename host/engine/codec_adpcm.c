/* Dialogic's ADPCM: samples of 12 bits, differences of three bits and a sign, a step that follows them. Bit exact:
 * tests/engine/test_codecs.c holds it against spandsp's. */
#include "codec_adpcm.h"

enum { STEPS = 49, LEAST = -2048, MOST = 2047, CODES = 8, NEGATIVE = 8 };

struct adpcm {
    int32_t last, index;
};

/* 16 times 1.1 to the power of the index, cut to a whole number */
static const int16_t steps[STEPS] = {16,  17,  19,  21,  23,  25,   28,   31,   34,   37,  41,  45,  50,
                                     55,  60,  66,  73,  80,  88,   97,   107,  118,  130, 143, 157, 173,
                                     190, 209, 230, 253, 279, 307,  337,  371,  408,  449, 494, 544, 598,
                                     658, 724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552};
static const int8_t moves[CODES] = {-1, -1, -1, -1, 2, 4, 6, 8};

/* Take a code; returns the signal. */
static inline int32_t take(struct adpcm *adpcm, int code)
{
    int32_t step = steps[adpcm->index];
    int32_t difference = (step >> 3) + (code & 4 ? step : 0) + (code & 2 ? step >> 1 : 0) + (code & 1 ? step >> 2 : 0);
    int32_t signal = adpcm->last + (code & NEGATIVE ? -difference : difference);
    int32_t index = adpcm->index + moves[code & (CODES - 1)];
    adpcm->last = signal > MOST ? MOST : signal < LEAST ? LEAST : signal;
    adpcm->index = index < 0 ? 0 : index > STEPS - 1 ? STEPS - 1 : index;
    return adpcm->last;
}

static inline int code_of(const struct adpcm *adpcm, int32_t sample)
{
    int32_t step = steps[adpcm->index], difference = (sample >> 4) - adpcm->last;
    int32_t sign = difference >> 31, left = (difference ^ sign) - sign;
    int code = sign & NEGATIVE;
    for (int bit = 4; bit; bit >>= 1, step >>= 1) {
        int32_t reached = -(int32_t)(left >= step);
        code |= reached & bit;
        left -= reached & step;
    }
    return code;
}

static int decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    struct adpcm adpcm = *(struct adpcm *)state;
    (void)codec;
    for (int i = 0; i < bytes; i++) {
        out[2 * i] = (int16_t)(take(&adpcm, in[i] >> 4) * 16);
        out[2 * i + 1] = (int16_t)(take(&adpcm, in[i] & 15) * 16);
    }
    *(struct adpcm *)state = adpcm;
    return 2 * bytes;
}

static int encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    struct adpcm adpcm = *(struct adpcm *)state;
    (void)codec;
    for (int i = 0; i < samples; i += 2) {
        int first = code_of(&adpcm, in[i]);
        take(&adpcm, first);
        int second = code_of(&adpcm, in[i + 1]);
        take(&adpcm, second);
        out[i / 2] = (uint8_t)(first << 4 | second);
    }
    *(struct adpcm *)state = adpcm;
    return samples / 2;
}

static void start(const struct codec *codec, void *state)
{
    (void)codec;
    *(struct adpcm *)state = (struct adpcm){0};
}

const struct codec codec_adpcm = {.name = "adpcm",
                                  .rate = 8000,
                                  .clock = 8000,
                                  .frame_samples = 80,
                                  .frame_bytes = 40,
                                  .max_samples = 80,
                                  .partial = true,
                                  .decoder_bytes = sizeof(struct adpcm),
                                  .encoder_bytes = sizeof(struct adpcm),
                                  .decoder_init = start,
                                  .encoder_init = start,
                                  .decode = decode,
                                  .encode = encode};
