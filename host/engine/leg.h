/* Legs inside the engine: what is heard from a party (in) and what it is sent (out), tick by tick. */
#ifndef OFFHOOK_LEG_H
#define OFFHOOK_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "dtmf.h"
#include "resample.h"
#include "slab.h"

struct engine;
struct rtp;
struct line;
struct stream;
struct digits;

enum leg_kind { LEG_RTP, LEG_NULL, LEG_PIPE, LEG_SNOOP, LEG_LINE, LEG_STREAM };

/* 10 ms of sound; samples NULL: nothing. */
struct block {
    const int16_t *samples;
    int rate;
    /* or, from a file that is not decoded here, a packet's worth of coded frames now and then */
    const uint8_t *coded;
    int coded_bytes, codec;
};

/* Sound kept from one tick to the next, where it crosses from leg to leg. */
struct carry {
    int16_t *samples;
    int room, rate;
    bool full;
};

struct loudness {
    uint32_t sum;
    int halves, mean; /* mean magnitude of the last whole 20 ms */
};

struct watch {
    struct engine *engine;
    struct watch *next;
    struct leg *leg;
    int threshold, silence_ms, noise_ms;
    int silent_for, noisy_for; /* ms of the present state; the other is what came before */
    bool noisy, known, told;
};

struct leg {
    struct engine *engine;
    struct leg *next, *previous;
    enum leg_kind kind;
    bool relay_only; /* video, text: packets only */
    uint8_t phase;   /* the tick in ten in which its timers are looked at */
    bool closing;

    /* what it is joined to */
    struct leg *peer;
    struct leg *other; /* pipe: the other half; snoop: the target */
    struct mixer *mixer;
    struct leg *next_member;
    const int16_t *mix_share; /* this member's part of the sum, this tick */
    struct resampler mix_resampler;
    bool hears, heard, loopback, pass_digits;

    /* snoop */
    int spy, whisper;
    struct leg *snoops, *next_snoop; /* of a target; among them */

    /* the plan (plan.c): what has to be done for this leg each tick */
    struct leg *relay_to; /* packets go straight there */
    bool relayed, want_in, want_out;
    struct leg *next_pull, *next_push, *next_tap;

    /* this tick */
    struct block in, out;
    struct block spied_in, spied_out;     /* the same without what is whispered */
    struct carry carry;                   /* pipe, snoop: heard next tick */
    struct carry whisper_in, whisper_out; /* what snoops say */

    /* changes and taps */
    int in_gain, out_gain; /* Q12; 4096 is none */
    bool in_muted, out_muted;
    struct resampler resampler;      /* into this leg's own rate */
    struct resampler side_resampler; /* of what is mixed on top */
    struct player *player, *overlay, *music;
    struct player *listeners; /* of others, that play what is heard here */
    struct recorder *recorders;
    struct watch *watches;
    struct detector *detectors;
    struct effect *in_effect, *out_effect;
    struct dtmf *dtmf;
    struct loudness loudness;
    struct digits *digits;
    int rate; /* null legs, and what a pipe or snoop last carried */

    struct rtp *rtp;
    struct line *line;
    struct stream *stream;
    struct leg_figures figures;
};

/* A leg of no kind yet, zeroed, with unity gains; NULL when there is no memory. Control thread. */
struct leg *leg_make(struct engine *engine, enum leg_kind kind);

/* Take it apart: whatever is joined, played, recorded or watched ends. */
void leg_end(struct leg *leg);

/* Give back everything the real-time thread holds for a leg. */
void leg_release(struct leg *leg);

/* Produce leg->in for this tick (only when want_in). */
void leg_pull(struct leg *leg);

/* Produce and deliver leg->out (only when want_out). */
void leg_push(struct leg *leg);

/* After all legs were pushed: recorders and snoops take what they tap. */
void leg_tap(struct leg *leg);

/* Joining. */
void leg_join(struct leg *leg, struct leg *other, bool digits);
void leg_part(struct leg *leg);

/* True when sound passing this leg in that direction stays exactly as it is. */
bool leg_plain_in(const struct leg *leg);
bool leg_plain_out(const struct leg *leg);

/* The rate at which a leg takes sound. */
int leg_rate(const struct leg *leg);

/* Whether frames of a codec can be sent to a leg as they are (or need not be, where there is no far end). */
bool leg_takes(const struct leg *leg, int codec);

/* A block at a rate, by a resampler that belongs to whoever asks. */
struct block leg_at_rate(struct engine *engine, struct resampler *resampler, struct block block, int rate);

/* Keep a block for the next tick. */
void carry_put(struct engine *engine, struct carry *carry, struct block block);
struct block carry_take(struct carry *carry);
void carry_end(struct engine *engine, struct carry *carry);

/* A digit was heard from the far end: tell, and pass it on. ms < 0: it begins. */
void leg_digit_heard(struct leg *leg, char digit, int ms, enum digit_source source);

#endif
