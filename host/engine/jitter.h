/* Playout of one RTP stream: order, decode, conceal, and 10 ms of sound a tick.
 *
 * The delay adapts by itself. A packet that comes too late is still played, which lengthens the delay by what was
 * concealed meanwhile; when the buffer was never emptier than 20 ms for two seconds, 10 ms are cut out. */
#ifndef OFFHOOK_JITTER_H
#define OFFHOOK_JITTER_H

#include <stdbool.h>
#include <stdint.h>

#include "api.h"
#include "conceal.h"
#include "slab.h"

enum { JITTER_SLOTS = 32 };

/* How sound is held back. PLAYOUT_ADAPTIVE: never less than ms. PLAYOUT_FIXED: ms, and what comes later is lost. */
struct playout {
    enum playout_kind kind;
    int ms;
};

struct jitter_packet {
    uint8_t *data;
    uint32_t timestamp;
    uint16_t bytes, sequence;
    uint8_t codec;
};

struct jitter {
    struct playout playout;
    struct jitter_packet slots[JITTER_SLOTS]; /* by sequence number */
    struct jitter_packet current;             /* being decoded */
    uint16_t current_at;
    uint16_t count;
    uint16_t last_sequence; /* of the packet taken last */
    bool taken;             /* last_sequence is valid */
    bool playing;
    uint8_t wait;        /* ticks until playing starts */
    uint32_t next;       /* timestamp that is decoded next */
    uint32_t newest_end; /* timestamp after the newest packet */
    int idle;            /* ms for which a fixed delay found nothing */
    int debt;            /* clock units concealed since the last packet */
    bool narrow;         /* nobody hears more than 8 kHz carry */
    bool half;           /* decoded at half the codec's rate */
    uint8_t codec;       /* of the decoder */
    void *decoder;
    int16_t *pcm; /* decoded, not yet played */
    int have, room;
    int rate, clock;
    struct conceal conceal;
    int noise; /* amplitude of comfort noise; 0: none */
    uint32_t noise_seed;
    int least, window; /* smallest depth seen (ms), ticks left of the window */
    int cuts;          /* blocks to cut */
    int mend;          /* ticks for which losses are awaited that a later packet mends */
    uint32_t concealed_ms, recovered_ms, late, reordered, cut_ms, grown_ms;
};

void jitter_init(struct jitter *jitter);
void jitter_end(struct jitter *jitter, struct slab *slab);

/* Forget what is buffered: a new source begins. The decoder starts afresh. */
void jitter_reset(struct jitter *jitter, struct slab *slab);

/* A packet arrived. Its payload is copied. */
void jitter_put(struct jitter *jitter, struct slab *slab, int codec, uint16_t sequence, uint32_t timestamp,
                const uint8_t *payload, int bytes);

/* Comfort noise from now on where nothing arrives, at -level dBov (RFC 3389); the next packet ends it. */
void jitter_comfort_noise(struct jitter *jitter, int level);

/* One tick: rate / 100 samples (jitter->rate) when true; false: there is nothing to hear. out has room for
 * RESAMPLE_MAX_BLOCK samples. */
bool jitter_pull(struct jitter *jitter, struct slab *slab, int16_t *out);

/* Sound buffered now, in ms. */
int jitter_depth(const struct jitter *jitter);

#endif
