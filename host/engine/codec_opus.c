#include "codec_opus.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

enum {
    RATE = 48000,
    APPLICATION_VOIP = 2048,
    SET_BITRATE = 4002,
    SET_COMPLEXITY = 4010,
    SET_INBAND_FEC = 4012,
    COMPLEXITY = 3, /* what a Cortex-A53 carries for tens of calls */
    BITRATE = 32000,
    MAX_PACKET = 400
};

static struct {
    int (*encoder_get_size)(int channels);
    int (*decoder_get_size)(int channels);
    int (*encoder_init)(void *state, int32_t rate, int channels, int application);
    int (*decoder_init)(void *state, int32_t rate, int channels);
    int (*encoder_ctl)(void *state, int request, ...);
    int32_t (*encode)(void *state, const int16_t *in, int samples, uint8_t *out, int32_t max);
    int (*decode)(void *state, const uint8_t *in, int32_t bytes, int16_t *out, int samples, int fec);
} opus;

static bool opened;

static bool find(void *library, const char *name, void *place)
{
    void *symbol = dlsym(library, name);
    memcpy(place, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static void open_library(void)
{
    void *library = dlopen("libopus.so.0", RTLD_NOW | RTLD_LOCAL);
    opened = library && find(library, "opus_encoder_get_size", &opus.encoder_get_size) &&
             find(library, "opus_decoder_get_size", &opus.decoder_get_size) &&
             find(library, "opus_encoder_init", &opus.encoder_init) &&
             find(library, "opus_decoder_init", &opus.decoder_init) &&
             find(library, "opus_encoder_ctl", &opus.encoder_ctl) && find(library, "opus_encode", &opus.encode) &&
             find(library, "opus_decode", &opus.decode);
}

bool codec_opus_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return opened;
}

size_t codec_opus_decoder_bytes(void)
{
    return opened ? (size_t)opus.decoder_get_size(1) : 0;
}

size_t codec_opus_encoder_bytes(void)
{
    return opened ? (size_t)opus.encoder_get_size(1) : 0;
}

static void start_decoding(const struct codec *codec, void *state)
{
    (void)codec;
    opus.decoder_init(state, RATE, 1);
}

static void start_encoding(const struct codec *codec, void *state)
{
    (void)codec;
    opus.encoder_init(state, RATE, 1, APPLICATION_VOIP);
    opus.encoder_ctl(state, SET_COMPLEXITY, (int32_t)COMPLEXITY);
    opus.encoder_ctl(state, SET_BITRATE, (int32_t)BITRATE);
    opus.encoder_ctl(state, SET_INBAND_FEC, (int32_t)1);
}

static int to_linear(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    int samples = opus.decode(state, in, bytes, out, codec->max_samples, 0);
    return samples > 0 ? samples : 0;
}

static int from_linear(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    (void)codec;
    int32_t bytes = opus.encode(state, in, samples, out, MAX_PACKET);
    return bytes > 0 ? (int)bytes : 0;
}

int codec_opus_samples(const uint8_t *packet, int bytes)
{
    static const uint16_t hybrid[2] = {480, 960}, silk[4] = {480, 960, 1920, 2880};
    int mode = packet[0] >> 3;
    int frame = mode >= 16 ? 120 << (mode & 3) : mode >= 12 ? hybrid[mode & 1] : silk[mode & 3];
    int code = packet[0] & 3;
    int frames = code == 0 ? 1 : code < 3 ? 2 : bytes > 1 ? packet[1] & 0x3f : 0;
    int samples = frame * frames;
    return samples <= CODEC_MAX_FRAME ? samples : 0;
}

const struct codec codec_opus = {.name = "opus",
                                 .rate = RATE,
                                 .clock = RATE,
                                 .frame_samples = 960,
                                 .max_samples = CODEC_MAX_FRAME,
                                 .library = "libopus.so.0",
                                 .decoder_init = start_decoding,
                                 .encoder_init = start_encoding,
                                 .decode = to_linear,
                                 .encode = from_linear};
