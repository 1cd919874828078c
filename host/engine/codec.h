/* Codecs: one table, numbered; a codec that cannot be transcoded here still passes through and has its frame size. */
#ifndef OFFHOOK_CODEC_H
#define OFFHOOK_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "slab.h"

enum { CODEC_NONE = 0, CODEC_MAX_FRAME = 5760 /* samples: 120 ms of Opus at 48 kHz */ };

struct codec {
    const char *name;
    uint32_t rate;          /* samples a second */
    uint32_t clock;         /* RTP timestamp units a second */
    uint16_t frame_samples; /* unit of coding; 0: not coded here and of variable size */
    uint16_t frame_bytes;   /* 0: varies */
    uint16_t max_samples;   /* most that one decode call returns */
    bool partial;           /* decodes any number of bytes up to a frame */
    const char *library;    /* what is missing when load fails; NULL: built in */
    bool (*load)(void);     /* open the library; NULL: built in */
    size_t decoder_bytes;   /* state; 0: none, or */
    size_t encoder_bytes;
    size_t (*bytes)(bool encoder); /* where the library knows it */
    void (*decoder_init)(const struct codec *codec, void *state);
    void (*encoder_init)(const struct codec *codec, void *state);
    /* Of libraries that allocate their states themselves: instead of bytes and init (codec_pool.h). */
    void *(*create)(const struct codec *codec, bool encoder);
    void (*destroy)(const struct codec *codec, void *state, bool encoder);
    /* Change what an encoder does. */
    void (*set)(void *state, const struct codec_settings *settings);
    /* Samples in a payload; where NULL, frames are of one size, or one comes in a packet. */
    int (*samples)(const uint8_t *payload, int bytes);
    /* What was lost before this payload, as far as it tells: returns samples, 0 when it does not. */
    int (*recover)(const struct codec *codec, void *state, const uint8_t *in, int bytes, int samples, int16_t *out);
    /* One frame (or for frame-free codecs any number of bytes): returns samples. */
    int (*decode)(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out);
    /* A multiple of frame_samples: returns bytes. */
    int (*encode)(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out);
    /* The same at half the rate, where that costs less than resampling. One state does for both, in any order. */
    int (*decode_half)(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out);
    int (*encode_half)(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out);
};

/* The codec of a number (1 up), or NULL. */
const struct codec *codec_at(int number);

/* The number of a codec's name, or 0. */
int codec_named(const char *name);

/* Load what the codec needs. True when it can be decoded and encoded here. Never called by the real-time thread. */
bool codec_load(int number);

/* True when codec_load has succeeded for it. */
bool codec_usable(int number);

/* A state to decode or encode with, ready to begin; NULL when there is none to be had just now, *usable tells whether
 * that is no error because the codec needs none. The real-time thread's. */
void *codec_state_get(struct slab *slab, const struct codec *codec, bool encoder, bool *usable);
void codec_state_put(struct slab *slab, const struct codec *codec, bool encoder, void *state);

/* The same without a slab, for threads that may allocate. */
void *codec_state_make(const struct codec *codec, bool encoder, bool *usable);
void codec_state_unmake(const struct codec *codec, bool encoder, void *state);

/* Settings of encoders that begin from now on (control thread); an encoder's own go before them. */
void codec_set_defaults(int number, const struct codec_settings *settings);
struct codec_settings codec_settings_for(int number, const struct codec_settings *own);

/* Where a payload becomes one of another codec octet by octet: the octets of `to` by those of `from`; else NULL. */
const uint8_t *codec_exchange(int from, int to);

/* Samples (at the codec's rate) in a payload; 0 when that cannot be told. */
int codec_samples(int number, const uint8_t *payload, int bytes);

#endif
