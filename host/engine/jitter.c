#include "jitter.h"

#include <math.h>
#include <string.h>

#include "codec.h"

enum {
    TICK_MS = 10,
    PREFILL_TICKS = 2,
    STOP_MS = 60, /* nothing for that long: the stream has paused */
    LONGEST_GAP_MS = 200,
    DEEPEST_MS = 400,
    CALM_MS = 20, /* shrink while the buffer never held less than this */
    MEND_MS = 20, /* and so much more after a loss that a later packet could have mended */
    MEND = 3000,  /* ticks: so long that is remembered */
    URGENT_MS = 80,
    WINDOW = 200, /* ticks */
    URGENT_WINDOW = 25
};

void jitter_init(struct jitter *jitter)
{
    memset(jitter, 0, sizeof(*jitter));
    jitter->noise_seed = 1;
}

static void drop(struct slab *slab, struct jitter_packet *packet)
{
    slab_put(slab, packet->data, packet->bytes);
    packet->data = NULL;
}

static void drop_all(struct jitter *jitter, struct slab *slab)
{
    for (int i = 0; i < JITTER_SLOTS; i++)
        drop(slab, &jitter->slots[i]);
    drop(slab, &jitter->current);
    jitter->count = 0;
    jitter->have = 0;
    jitter->taken = false;
    jitter->playing = false;
    jitter->debt = 0;
    jitter->cuts = 0;
    jitter->window = 0;
}

static void end_decoder(struct jitter *jitter, struct slab *slab)
{
    if (jitter->codec)
        codec_state_put(slab, codec_at(jitter->codec), false, jitter->decoder);
    slab_put(slab, jitter->pcm, (size_t)jitter->room * sizeof(int16_t));
    if (jitter->conceal.history)
        conceal_end(&jitter->conceal, slab);
    jitter->codec = CODEC_NONE;
    jitter->decoder = NULL;
    jitter->pcm = NULL;
    jitter->room = jitter->have = 0;
}

void jitter_reset(struct jitter *jitter, struct slab *slab)
{
    drop_all(jitter, slab);
    end_decoder(jitter, slab);
    jitter->noise = 0;
}

void jitter_end(struct jitter *jitter, struct slab *slab)
{
    jitter_reset(jitter, slab);
}

/* Ready to decode that codec; the stream may change it from packet to packet. */
static bool set_decoder(struct jitter *jitter, struct slab *slab, int number)
{
    const struct codec *codec = codec_at(number);
    bool half = jitter->narrow && codec->rate == 16000 && codec->decode_half;
    if (jitter->codec == number && jitter->half == half)
        return true;
    if (!codec_usable(number))
        return false;
    int rate = (int)codec->rate >> half;
    bool same_rate = jitter->rate == rate && jitter->conceal.history, same_codec = jitter->codec == number;
    struct conceal kept = jitter->conceal;
    void *decoder = jitter->decoder;
    if (same_rate)
        jitter->conceal.history = NULL;
    if (same_codec)
        jitter->codec = CODEC_NONE; /* its decoder stays */
    end_decoder(jitter, slab);
    if (same_rate)
        jitter->conceal = kept;
    jitter->rate = rate;
    jitter->half = half;
    jitter->clock = (int)codec->clock;
    jitter->room = codec->max_samples + 2 * jitter->rate / 100;
    jitter->pcm = slab_get(slab, (size_t)jitter->room * sizeof(int16_t));
    bool ready = true;
    jitter->decoder = same_codec ? decoder : codec_state_get(slab, codec, false, &ready);
    jitter->codec = (uint8_t)number;
    if (!jitter->pcm || !ready || (!same_rate && !conceal_init(&jitter->conceal, slab, jitter->rate))) {
        end_decoder(jitter, slab);
        return false;
    }
    return true;
}

static uint32_t duration(const struct jitter_packet *packet)
{
    const struct codec *codec = codec_at(packet->codec);
    return (uint32_t)((int64_t)codec_samples(packet->codec, packet->data, packet->bytes) * codec->clock / codec->rate);
}

/* Ticks from the first packet to the beginning of sound: wait counts down in the tick in which it starts, too. */
static int prefill(const struct jitter *jitter)
{
    int ticks = jitter->playout.kind == PLAYOUT_USUAL ? 0 : jitter->playout.ms / TICK_MS;
    return ticks < PREFILL_TICKS ? PREFILL_TICKS : ticks > 200 ? 200 : ticks;
}

void jitter_put(struct jitter *jitter, struct slab *slab, int codec, uint16_t sequence, uint32_t timestamp,
                const uint8_t *payload, int bytes)
{
    if (!codec_usable(codec) || bytes <= 0)
        return;
    if (jitter->taken) {
        int ahead = (int16_t)(sequence - jitter->last_sequence);
        if (ahead <= 0 && ahead > -100) {
            jitter->late++;
            return;
        }
        if (ahead <= 0 || ahead > 4 * JITTER_SLOTS) /* the sender began anew */
            drop_all(jitter, slab);
    }
    if (jitter->playout.kind == PLAYOUT_FIXED && jitter->playing && jitter->codec &&
        (int32_t)(timestamp - jitter->next) < 0 && (int32_t)(timestamp - jitter->next) > -jitter->clock) {
        jitter->late++;
        return;
    }
    struct jitter_packet *slot = &jitter->slots[sequence % JITTER_SLOTS];
    if (slot->data && slot->sequence == sequence)
        return; /* duplicate */
    if (slot->data)
        drop_all(jitter, slab); /* more than the whole buffer ahead */
    slot->data = slab_get(slab, (size_t)bytes);
    if (!slot->data)
        return;
    memcpy(slot->data, payload, (size_t)bytes);
    slot->bytes = (uint16_t)bytes;
    slot->sequence = sequence;
    slot->timestamp = timestamp;
    slot->codec = (uint8_t)codec;
    uint32_t end = timestamp + duration(slot);
    if (!jitter->count && !jitter->playing) {
        jitter->next = timestamp;
        jitter->newest_end = end;
        if (!jitter->wait)
            jitter->wait = (uint8_t)prefill(jitter);
    } else if ((int32_t)(end - jitter->newest_end) > 0) {
        jitter->newest_end = end;
    } else {
        jitter->reordered++;
        if (!jitter->playing && (int32_t)(timestamp - jitter->next) < 0)
            jitter->next = timestamp;
    }
    jitter->count++;
    jitter->noise = 0;
}

void jitter_comfort_noise(struct jitter *jitter, int level)
{
    jitter->noise = (int)(32767.0f * powf(10.0f, (float)-level / 20) * 1.7f); /* uniform noise: peak = rms * sqrt(3) */
}

static struct jitter_packet *oldest(struct jitter *jitter)
{
    struct jitter_packet *first = NULL;
    for (int i = 0; i < JITTER_SLOTS; i++) {
        struct jitter_packet *slot = &jitter->slots[i];
        if (slot->data && (!first || (int16_t)(slot->sequence - first->sequence) < 0))
            first = slot;
    }
    return first;
}

static void take(struct jitter *jitter, struct jitter_packet *packet)
{
    jitter->current = *packet;
    jitter->current_at = 0;
    jitter->last_sequence = packet->sequence;
    jitter->taken = true;
    jitter->next = packet->timestamp;
    jitter->grown_ms += (uint32_t)((int64_t)jitter->debt * 1000 / (jitter->clock ? jitter->clock : 8000));
    jitter->debt = jitter->idle = 0;
    packet->data = NULL;
    jitter->count--;
}

/* The next packet to decode, when its time has come. */
static bool next_packet(struct jitter *jitter, struct slab *slab)
{
    struct jitter_packet *packet = jitter->count ? oldest(jitter) : NULL;
    if (!packet)
        return false;
    int32_t gap = (int32_t)(packet->timestamp - jitter->next);
    int clock = (int)codec_at(packet->codec)->clock, mend = 0;
    if (gap > 0 && codec_at(packet->codec)->recover && jitter->taken &&
        packet->sequence != (uint16_t)(jitter->last_sequence + 1)) {
        if (!jitter->mend)
            mend = clock * MEND_MS / 1000; /* wait longer, once: the next loss will be mended */
        if (gap + mend <= jitter->debt)
            jitter->mend = MEND;
    }
    if (gap > 0 && gap + mend > jitter->debt && gap < clock * LONGEST_GAP_MS / 1000)
        return false; /* lost before it, or silence: conceal up to it */
    if (gap > 0)
        jitter->debt = jitter->debt > gap ? jitter->debt - gap : 0;
    if (!set_decoder(jitter, slab, packet->codec)) {
        drop(slab, packet);
        jitter->count--;
        return false;
    }
    take(jitter, packet);
    return true;
}

/* Decode one frame of the current packet; frees the packet at its end. */
static void decode_some(struct jitter *jitter, struct slab *slab)
{
    const struct codec *codec = codec_at(jitter->codec);
    struct jitter_packet *packet = &jitter->current;
    int left = packet->bytes - jitter->current_at;
    int some = codec->frame_bytes && codec->frame_bytes < left ? codec->frame_bytes : left;
    int samples = 0;
    __typeof__(codec->decode) decode = jitter->half ? codec->decode_half : codec->decode;
    if (!codec->frame_bytes || codec->partial || some == codec->frame_bytes)
        samples = decode(codec, jitter->decoder, packet->data + jitter->current_at, some, jitter->pcm + jitter->have);
    jitter->have += samples;
    jitter->next += (uint32_t)((int64_t)samples * jitter->clock / jitter->rate);
    jitter->current_at = (uint16_t)(jitter->current_at + some);
    if (jitter->current_at >= packet->bytes)
        drop(slab, packet);
}

/* One packet is missing, its time has come, and the one after it is here and may tell what it was. */
static bool recover(struct jitter *jitter)
{
    const struct codec *codec = codec_at(jitter->codec);
    if (!codec || !codec->recover || !jitter->taken || jitter->debt || !jitter->count)
        return false;
    struct jitter_packet *packet = &jitter->slots[(uint16_t)(jitter->last_sequence + 2) % JITTER_SLOTS];
    if (!packet->data || packet->sequence != (uint16_t)(jitter->last_sequence + 2) || packet->codec != jitter->codec ||
        packet != oldest(jitter))
        return false;
    int32_t gap = (int32_t)(packet->timestamp - jitter->next);
    int samples = gap > 0 && gap <= jitter->clock ? (int)((int64_t)gap * jitter->rate / jitter->clock) : 0;
    if (!samples || samples > codec->max_samples)
        return false;
    int made = codec->recover(codec, jitter->decoder, packet->data, packet->bytes, samples, jitter->pcm + jitter->have);
    if (made <= 0)
        return false;
    jitter->have += made;
    jitter->next += (uint32_t)gap;
    jitter->last_sequence++;
    jitter->mend = MEND;
    jitter->recovered_ms += (uint32_t)(made * 1000 / jitter->rate);
    return true;
}

static bool fill(struct jitter *jitter, struct slab *slab, int need)
{
    while (jitter->have < need || !jitter->codec) {
        if (!jitter->current.data && recover(jitter))
            continue;
        if (!jitter->current.data && !next_packet(jitter, slab))
            return false;
        need = jitter->rate / 100;
        decode_some(jitter, slab);
    }
    return true;
}

static void consume(struct jitter *jitter, int16_t *out, int n)
{
    memcpy(out, jitter->pcm, (size_t)n * sizeof(int16_t));
    jitter->have -= n;
    memmove(jitter->pcm, jitter->pcm + n, (size_t)jitter->have * sizeof(int16_t));
}

int jitter_depth(const struct jitter *jitter)
{
    if (!jitter->clock)
        return 0;
    int32_t ahead = (int32_t)(jitter->newest_end - jitter->next);
    return (int)((ahead > 0 ? (int64_t)ahead * 1000 / jitter->clock : 0) + jitter->have * 1000 / jitter->rate);
}

/* Watch the depth and order a cut when the delay is longer than it needs to be. */
static void adapt(struct jitter *jitter, struct slab *slab)
{
    if (jitter->playout.kind == PLAYOUT_FIXED)
        return;
    int depth = jitter_depth(jitter), calm = CALM_MS + (jitter->mend ? MEND_MS : 0);
    if (jitter->playout.kind == PLAYOUT_ADAPTIVE && calm < jitter->playout.ms)
        calm = jitter->playout.ms;
    jitter->mend -= jitter->mend > 0;
    if (depth > DEEPEST_MS) { /* a burst after a stall: go to its end */
        struct jitter_packet *packet;
        while (depth > URGENT_MS && jitter->count > 1 && (packet = oldest(jitter))) {
            drop(slab, packet);
            jitter->count--;
            struct jitter_packet *following = oldest(jitter);
            jitter->cut_ms += (uint32_t)((following->timestamp - jitter->next) * 1000 / (uint32_t)jitter->clock);
            jitter->next = following->timestamp;
            depth = jitter_depth(jitter);
        }
        jitter->window = 0;
        return;
    }
    if (!jitter->window) {
        jitter->window = WINDOW;
        jitter->least = depth;
    }
    if (depth < jitter->least)
        jitter->least = depth;
    jitter->window--;
    if (jitter->least > URGENT_MS ? jitter->window < WINDOW - URGENT_WINDOW : !jitter->window) {
        if (jitter->least > calm)
            jitter->cuts = 1;
        jitter->window = 0;
    }
}

static void cross_fade(int16_t *out, const int16_t *later, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)((out[i] * (n - i) + later[i] * i) / n);
}

static bool nothing(struct jitter *jitter, int16_t *out)
{
    if (!jitter->noise || !jitter->rate)
        return false;
    int n = jitter->rate / 100;
    for (int i = 0; i < n; i++) {
        jitter->noise_seed = jitter->noise_seed * 1664525u + 1013904223u;
        out[i] = (int16_t)(((int)(jitter->noise_seed >> 16) - 32768) * jitter->noise >> 15);
    }
    return true;
}

bool jitter_pull(struct jitter *jitter, struct slab *slab, int16_t *out)
{
    if (!jitter->playing) {
        if (!jitter->count || (jitter->wait && --jitter->wait))
            return nothing(jitter, out);
        jitter->playing = true;
    }
    int n = jitter->rate / 100;
    if (fill(jitter, slab, n)) {
        n = jitter->rate / 100;
        consume(jitter, out, n);
        if (jitter->cuts && fill(jitter, slab, n) && n == jitter->rate / 100) {
            int16_t later[1920];
            consume(jitter, later, n);
            cross_fade(out, later, n);
            jitter->cuts = 0;
            jitter->cut_ms += TICK_MS;
        }
        conceal_heard(&jitter->conceal, out, n);
        adapt(jitter, slab);
        return true;
    }
    if (!jitter->codec) {
        jitter->playing = false;
        return nothing(jitter, out);
    }
    if (!jitter->count && (jitter->debt >= jitter->clock * STOP_MS / 1000 || jitter->idle >= STOP_MS)) {
        jitter->playing = false;
        jitter->taken = jitter->taken && !jitter->noise;
        jitter->debt = jitter->idle = 0;
        jitter->window = 0;
        return nothing(jitter, out);
    }
    if (jitter->noise)
        return nothing(jitter, out);
    if (jitter->playout.kind == PLAYOUT_FIXED && jitter->taken) {
        jitter->next += (uint32_t)jitter->clock / 100; /* time goes on: what comes later than that is lost */
        jitter->idle += TICK_MS;
    } else {
        jitter->debt += jitter->clock / 100;
    }
    jitter->window = 0;
    conceal_make(&jitter->conceal, out, n);
    jitter->concealed_ms += TICK_MS;
    return true;
}
