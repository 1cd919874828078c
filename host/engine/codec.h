/* Codecs: one table, numbered; a codec that cannot be transcoded here still passes through and has its frame size. */
#ifndef OFFHOOK_CODEC_H
#define OFFHOOK_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODEC_NONE = 0, CODEC_MAX_FRAME = 5760 /* samples: 120 ms of Opus at 48 kHz */ };

struct codec {
    const char *name;
    uint32_t rate;          /* samples a second */
    uint32_t clock;         /* RTP timestamp units a second */
    uint16_t frame_samples; /* unit of coding; 0: not coded here and of variable size */
    uint16_t frame_bytes;   /* 0: varies */
    uint16_t max_samples;   /* most that one decode call returns */
    bool partial;           /* decodes any number of bytes up to a frame */
    const char *library;    /* loaded when first needed; NULL: built in */
    size_t decoder_bytes;   /* state; 0: none */
    size_t encoder_bytes;
    void (*decoder_init)(const struct codec *codec, void *state);
    void (*encoder_init)(const struct codec *codec, void *state);
    /* One frame (or for frame-free codecs any number of bytes): returns samples. */
    int (*decode)(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out);
    /* A multiple of frame_samples: returns bytes. */
    int (*encode)(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out);
};

/* The codec of a number (1 up), or NULL. */
const struct codec *codec_at(int number);

/* The number of a codec's name, or 0. */
int codec_named(const char *name);

/* Load what the codec needs. True when it can be decoded and encoded here. Never called by the real-time thread. */
bool codec_load(int number);

/* True when codec_load has succeeded for it. */
bool codec_usable(int number);

/* State size for a transcoder, sizes known after codec_load. */
size_t codec_decoder_bytes(int number);
size_t codec_encoder_bytes(int number);

/* Samples (at the codec's rate) in a payload; 0 when that cannot be told. */
int codec_samples(int number, const uint8_t *payload, int bytes);

#endif
