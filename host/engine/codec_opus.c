#include "codec_opus.h"

#include "library.h"

enum {
    RATE = 48000,
    APPLICATION_VOIP = 2048,
    SET_BITRATE = 4002,
    SET_MAX_BANDWIDTH = 4004,
    SET_VBR = 4006,
    SET_COMPLEXITY = 4010,
    SET_INBAND_FEC = 4012,
    SET_LOSS = 4014,
    SET_DTX = 4016,
    COMPLEXITY = 3, /* what a Cortex-A53 carries for tens of calls */
    BITRATE = 32000,
    MAX_PACKET = 400,
    NOT_SENT = 2 /* octets: silence that need not be sent */
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

static const char *const files[] = {"libopus.so.0", NULL};
static const struct library_entry entries[] = {
    {"opus_encoder_get_size", &opus.encoder_get_size},
    {"opus_decoder_get_size", &opus.decoder_get_size},
    {"opus_encoder_init", &opus.encoder_init},
    {"opus_decoder_init", &opus.decoder_init},
    {"opus_encoder_ctl", &opus.encoder_ctl},
    {"opus_encode", &opus.encode},
    {"opus_decode", &opus.decode},
};
static struct library library = LIBRARY_OF(files, entries);

static bool load(void)
{
    return library_ready(&library);
}

static size_t state_bytes(bool encoder)
{
    return (size_t)(encoder ? opus.encoder_get_size(1) : opus.decoder_get_size(1));
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

/* The widest band that reaches the far end's rate (RFC 7587 3.1.1). */
static int32_t bandwidth(int32_t rate)
{
    return rate <= 8000 ? 1101 : rate <= 12000 ? 1102 : rate <= 16000 ? 1103 : rate <= 24000 ? 1104 : 1105;
}

static void set(void *state, const struct codec_settings *settings)
{
    if (settings->bitrate > 0)
        opus.encoder_ctl(state, SET_BITRATE, settings->bitrate);
    if (settings->max_rate > 0)
        opus.encoder_ctl(state, SET_MAX_BANDWIDTH, bandwidth(settings->max_rate));
    if (settings->complexity >= 0)
        opus.encoder_ctl(state, SET_COMPLEXITY, settings->complexity);
    if (settings->vbr >= 0)
        opus.encoder_ctl(state, SET_VBR, settings->vbr);
    if (settings->dtx >= 0)
        opus.encoder_ctl(state, SET_DTX, settings->dtx);
    if (settings->fec >= 0)
        opus.encoder_ctl(state, SET_INBAND_FEC, settings->fec);
    if (settings->loss >= 0)
        opus.encoder_ctl(state, SET_LOSS, settings->loss);
}

/* Forward error correction: a packet may hold the one before it in a smaller form. */
static int recover(const struct codec *codec, void *state, const uint8_t *in, int bytes, int samples, int16_t *out)
{
    if (samples > codec->max_samples || samples % (RATE / 400))
        return 0;
    int made = opus.decode(state, in, bytes, out, samples, 1);
    return made > 0 ? made : 0;
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
    return bytes > NOT_SENT ? (int)bytes : 0;
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
                                 .load = load,
                                 .bytes = state_bytes,
                                 .set = set,
                                 .samples = codec_opus_samples,
                                 .recover = recover,
                                 .decoder_init = start_decoding,
                                 .encoder_init = start_encoding,
                                 .decode = to_linear,
                                 .encode = from_linear};
