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
    int n, frame;
};

static int64_t run_codec(const struct codec *codec, struct sound *sound, void *encoder, void *decoder, bool encode)
{
    int count = sound->n / sound->frame;
    int64_t began = now();
    for (int i = 0; i < count; i++)
        sound->sizes[i] = codec->encode(codec, encoder, sound->samples + i * sound->frame, sound->frame,
                                        sound->packets + (size_t)i * PACKET_ROOM);
    int64_t encoded = now();
    for (int i = 0; i < count && !encode; i++)
        if (sound->sizes[i])
            codec->decode(codec, decoder, sound->packets + (size_t)i * PACKET_ROOM, sound->sizes[i], sound->out);
    int64_t decoded = now();
    return (encode ? encoded - began : decoded - encoded) * codec->rate / (count * sound->frame);
}

int64_t codec_cost(const struct codec *codec, bool encode)
{
    if (!codec->encode || !codec->decode)
        return 0;
    bool encodes, decodes;
    void *encoder = codec_state_make(codec, true, &encodes), *decoder = codec_state_make(codec, false, &decodes);
    struct sound sound = {.n = (int)codec->rate * PART_MS / 1000, .frame = codec->frame_samples};
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
