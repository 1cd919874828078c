#include "cost.h"

#include <stdlib.h>
#include <time.h>

#include "resample.h"

enum { PART_MS = 200, PACKET_ROOM = 4096 };

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Noise that a filter has made a little like speech; the same every time. */
static void make_sound(int16_t *samples, int n)
{
    uint32_t seed = 1;
    int before = 0;
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        before = (before * 7 + ((int)(seed >> 18) - 8192)) / 8;
        samples[i] = (int16_t)before;
    }
}

struct sound {
    int16_t *samples, *out;
    uint8_t *packets;
    int *sizes;
    int n, frame, rate;
    bool half;
};

static int64_t run_codec(const struct codec *codec, struct sound *sound, void *encoder, void *decoder, bool encode)
{
    __typeof__(codec->encode) encode_some = sound->half ? codec->encode_half : codec->encode;
    __typeof__(codec->decode) decode_some = sound->half ? codec->decode_half : codec->decode;
    int count = sound->n / sound->frame;
    int64_t began = now();
    for (int i = 0; i < count; i++)
        sound->sizes[i] = encode_some(codec, encoder, sound->samples + i * sound->frame, sound->frame,
                                      sound->packets + (size_t)i * PACKET_ROOM);
    int64_t encoded = now();
    for (int i = 0; i < count && !encode; i++)
        if (sound->sizes[i])
            decode_some(codec, decoder, sound->packets + (size_t)i * PACKET_ROOM, sound->sizes[i], sound->out);
    int64_t decoded = now();
    return (encode ? encoded - began : decoded - encoded) * sound->rate / (count * sound->frame);
}

int64_t codec_cost(const struct codec *codec, int rate, bool encode)
{
    if (!codec->encode || !codec->decode)
        return 0;
    bool half = codec->encode_half && codec->decode_half && 2 * rate == (int)codec->rate;
    bool encodes, decodes;
    void *encoder = codec_state_make(codec, true, &encodes), *decoder = codec_state_make(codec, false, &decodes);
    struct sound sound = {.rate = (int)codec->rate >> half, .frame = codec->frame_samples >> half, .half = half};
    sound.n = sound.rate * PART_MS / 1000;
    int count = sound.n / sound.frame;
    sound.samples = calloc((size_t)sound.n, sizeof(int16_t));
    sound.out = calloc((size_t)codec->max_samples + (size_t)codec->frame_samples, sizeof(int16_t));
    sound.packets = calloc((size_t)count, PACKET_ROOM);
    sound.sizes = calloc((size_t)count, sizeof(int));
    int64_t cost = 0;
    if (sound.samples && sound.out && sound.packets && sound.sizes && encodes && decodes) {
        make_sound(sound.samples, sound.n);
        cost = run_codec(codec, &sound, encoder, decoder, encode);
    }
    free(sound.samples);
    free(sound.out);
    free(sound.packets);
    free(sound.sizes);
    codec_state_unmake(codec, true, encoder);
    codec_state_unmake(codec, false, decoder);
    return cost;
}

int64_t exchange_cost(int from, int to)
{
    enum { PART = 80, PARTS = 1000 };
    const uint8_t *table = codec_exchange(from, to);
    if (!table)
        return 0;
    uint8_t octets[PART];
    for (int i = 0; i < PART; i++)
        octets[i] = (uint8_t)(i * 37);
    int64_t began = now();
    for (int part = 0; part < PARTS; part++) {
        for (int i = 0; i < PART; i++)
            octets[i] = table[octets[i]];
        __asm__ volatile("" : : "r"(octets) : "memory"); /* somebody may read them */
    }
    int64_t took = now() - began;
    return took * (int64_t)codec_at(from)->rate / (PART * PARTS);
}

int64_t resample_cost(int rate_in, int rate_out)
{
    static int16_t in[RESAMPLE_MAX_BLOCK], out[RESAMPLE_MAX_BLOCK];
    struct slab slab = {0};
    struct resampler resampler;
    int64_t cost = 0;
    if (resampler_init(&resampler, &slab, rate_in, rate_out)) {
        make_sound(in, rate_in / 100);
        int64_t began = now();
        for (int i = 0; i < PART_MS / 10; i++)
            resampler_run(&resampler, in, out);
        cost = (now() - began) * (1000 / PART_MS);
        resampler_end(&resampler, &slab);
    }
    slab_end(&slab);
    return cost;
}
