#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include "codec_spandsp.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/gsm0610.h>
#include <spandsp/lpc10.h>
#include <spandsp/private/gsm0610.h>
#include <spandsp/private/lpc10.h>

#define LIBRARY "libspandsp.so.2"

/* Entry points, filled once before any codec here is used. */
static struct {
    __typeof__(&gsm0610_init) gsm0610_init;
    __typeof__(&gsm0610_encode) gsm0610_encode;
    __typeof__(&gsm0610_decode) gsm0610_decode;
    __typeof__(&lpc10_encode_init) lpc10_encode_init;
    __typeof__(&lpc10_encode) lpc10_encode;
    __typeof__(&lpc10_decode_init) lpc10_decode_init;
    __typeof__(&lpc10_decode) lpc10_decode;
} dsp;

static bool opened;

static void open_library(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    bool complete = true;
#define FIND(name)                                                                                                     \
    do {                                                                                                               \
        void *symbol = dlsym(library, #name);                                                                          \
        memcpy(&dsp.name, &symbol, sizeof(symbol));                                                                    \
        complete = complete && symbol;                                                                                 \
    } while (0)
    FIND(gsm0610_init);
    FIND(gsm0610_encode);
    FIND(gsm0610_decode);
    FIND(lpc10_encode_init);
    FIND(lpc10_encode);
    FIND(lpc10_decode_init);
    FIND(lpc10_decode);
#undef FIND
    opened = complete;
}

bool codec_spandsp_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return opened;
}

static void gsm_init(const struct codec *codec, void *state)
{
    dsp.gsm0610_init(state, codec == &codec_gsm ? GSM0610_PACKING_VOIP : GSM0610_PACKING_WAV49);
}

static int gsm_decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    return dsp.gsm0610_decode(state, out, in, bytes);
}

static int gsm_encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    return dsp.gsm0610_encode(state, out, in, samples);
}

static void lpc10_start_decoding(const struct codec *codec, void *state)
{
    (void)codec;
    dsp.lpc10_decode_init(state, 1);
}

static void lpc10_start_encoding(const struct codec *codec, void *state)
{
    (void)codec;
    dsp.lpc10_encode_init(state, 1);
}

static int lpc10_to_linear(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    (void)codec;
    return dsp.lpc10_decode(state, out, in, bytes);
}

static int lpc10_from_linear(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    return dsp.lpc10_encode(state, out, in, samples);
}

#define GSM(NAME, SAMPLES, BYTES)                                                                                      \
    {                                                                                                                  \
        .name = NAME, .rate = 8000, .clock = 8000, .frame_samples = (SAMPLES), .frame_bytes = (BYTES),                 \
        .max_samples = (SAMPLES), .library = LIBRARY, .load = codec_spandsp_load,                                      \
        .decoder_bytes = sizeof(struct gsm0610_state_s), .encoder_bytes = sizeof(struct gsm0610_state_s),              \
        .decoder_init = gsm_init, .encoder_init = gsm_init, .decode = gsm_decode, .encode = gsm_encode                 \
    }

const struct codec codec_gsm = GSM("gsm", 160, 33);
const struct codec codec_gsm_wav49 = GSM("gsm-wav49", 320, 65);

const struct codec codec_lpc10 = {.name = "lpc10",
                                  .rate = 8000,
                                  .clock = 8000,
                                  .frame_samples = 180,
                                  .frame_bytes = 7,
                                  .max_samples = 180,
                                  .library = LIBRARY,
                                  .load = codec_spandsp_load,
                                  .decoder_bytes = sizeof(struct lpc10_decode_state_s),
                                  .encoder_bytes = sizeof(struct lpc10_encode_state_s),
                                  .decoder_init = lpc10_start_decoding,
                                  .encoder_init = lpc10_start_encoding,
                                  .decode = lpc10_to_linear,
                                  .encode = lpc10_from_linear};
