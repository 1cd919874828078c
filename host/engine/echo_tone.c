#include "echo_tone.h"

/* A slot is 4 ms, 32 samples. 8 samples of 2100 Hz are 2.1 turns. */
enum { SLOT_CHUNKS = 4, PHASES = 10 };

static const float PURE = 0.6f,  /* of a slot's energy at 2100 Hz */
    LEAST = 51000,               /* mean square, -37 dBm0: weaker is no tone; silence, when both sides are */
    OPPOSITE = -0.7f,            /* cosine: 180 degrees, give or take 45 */
    STEADY = 95,                 /* slots of tone before the first reversal: 380 ms */
    EARLIEST = 98, LATEST = 127, /* slots between reversals: 392 and 508 ms */
    GAP = 3,                     /* slots that a reversal may seem no tone */
    RELEASE = 60;                /* slots: 240 ms */

/* cos and sin of 2 pi 2100 i / 8000 for a chunk, and of a tenth of a turn. */
static const float COSINE[CHUNK] = {1,          -0.0784591f, -0.9876883f, 0.2334454f,
                                    0.9510565f, -0.3826834f, -0.8910065f, 0.5224986f};
static const float SINE[CHUNK] = {0,          0.9969173f, -0.1564345f, -0.9723699f,
                                  0.3090170f, 0.9238795f, -0.4539905f, -0.8526402f};
static const float TENTH_COSINE[PHASES] = {1,  0.8090170f,  0.3090170f,  -0.3090170f, -0.8090170f,
                                           -1, -0.8090170f, -0.3090170f, 0.3090170f,  0.8090170f};
static const float TENTH_SINE[PHASES] = {0, 0.5877853f,  0.9510565f,  0.9510565f,  0.5877853f,
                                         0, -0.5877853f, -0.9510565f, -0.9510565f, -0.5877853f};

void tone_watch_reset(struct tone_watch *watch, mask where)
{
    for (int i = 0; i < 2; i++) {
        struct tone_side *side = &watch->side[i];
        side->present = only(~where, side->present);
        side->since = only(~where, side->since);
        side->reversals = only(~where, side->reversals);
    }
    watch->silent = only(~where, watch->silent);
    watch->disabled &= ~where;
}

static void listen(struct tone_side *side, const word *samples, int phase)
{
    word re = all(0), im = all(0);
    for (int i = 0; i < CHUNK; i++) {
        re += samples[i] * COSINE[i];
        im -= samples[i] * SINE[i];
        side->energy += samples[i] * samples[i];
    }
    side->sum.re += re * TENTH_COSINE[phase] + im * TENTH_SINE[phase];
    side->sum.im += im * TENTH_COSINE[phase] - re * TENTH_SINE[phase];
}

/* One slot more. True where a reversal completes the pattern. */
static mask side_slot(struct tone_side *side)
{
    const float samples = SLOT_CHUNKS * CHUNK;
    struct cword now = side->sum;
    word strength = now.re * now.re + now.im * now.im;
    mask pure = (strength > side->energy * (PURE * samples / 2)) & (side->energy > all(LEAST * samples));

    struct cword old = side->slot[TONE_SLOTS - 2];
    struct cword turn = {now.re * old.re + now.im * old.im, now.im * old.re - now.re * old.im};
    word along = turn.re * side->turn.re + turn.im * side->turn.im;
    word lengths = root((turn.re * turn.re + turn.im * turn.im) * 1e-12f) *
                   root((side->turn.re * side->turn.re + side->turn.im * side->turn.im) * 1e-12f) * 1e12f;
    mask steady = side->present > all(STEADY), apart = side->since > all(EARLIEST - GAP);
    mask opposite = pure & steady & (along < lengths * OPPOSITE);
    mask reversal = opposite & apart;
    mask timely = (side->since > all(EARLIEST)) & (side->since < all(LATEST));
    side->reversals = choose(reversal, choose(timely, side->reversals + 1, all(1)), side->reversals);
    side->since = choose(reversal, all(0), side->since + 1);
    /* A turn counted from before the tone, or across a reversal, is no usual one. */
    mask usual = pure & ~opposite & (side->since > all(TONE_SLOTS)) & (side->present > all(TONE_SLOTS));
    side->turn.re = choose(usual, turn.re, side->turn.re);
    side->turn.im = choose(usual, turn.im, side->turn.im);

    side->missing = choose(pure, all(0), side->missing + 1);
    mask gone = side->missing > all(GAP);
    side->present = only(~gone, side->present + 1);
    side->reversals = only(~gone & (side->since < all(LATEST)), side->reversals);
    for (int i = TONE_SLOTS - 1; i > 0; i--)
        side->slot[i] = side->slot[i - 1];
    side->slot[0] = now;
    return side->reversals >= all(2);
}

void tone_watch_chunk(struct tone_watch *watch, const word sent[CHUNK], const word heard[CHUNK])
{
    listen(&watch->side[0], sent, watch->phase);
    listen(&watch->side[1], heard, watch->phase);
    watch->phase = (watch->phase + 1) % PHASES;
    if (++watch->chunk < SLOT_CHUNKS)
        return;
    watch->chunk = 0;
    const float least = LEAST * SLOT_CHUNKS * CHUNK;
    mask silent = (watch->side[0].energy < all(least)) & (watch->side[1].energy < all(least));
    mask found = side_slot(&watch->side[0]) | side_slot(&watch->side[1]);
    watch->silent = only(silent, watch->silent + 1);
    watch->disabled = (watch->disabled | found) & ~(watch->silent > all(RELEASE));
    for (int i = 0; i < 2; i++) {
        watch->side[i].sum = (struct cword){all(0), all(0)};
        watch->side[i].energy = all(0);
    }
}
