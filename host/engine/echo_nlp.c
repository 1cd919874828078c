#include "echo_nlp.h"

#include <string.h>

static const float MARGIN = 20, /* above what usually leaks it is a near voice */
    FIRM = 0.02f, MEEK = 0.25f, /* bounds of the two together: -17 and -6 dB below the echo */
    AUDIBLE = 50,               /* echo below this needs no hiding: -66 dBm0 */
    LOUDEST_NOISE = 250000,     /* -30 dBm0: what is steady and louder is a tone, or music */
    PEAK = 4,                   /* of comfort noise, times its level: a predictor that changes under way may ring */
    QUIETER = 1.25f,            /* times its mean, which scatters, */
    QUIETEST = 3,               /* the more so over a millisecond or two; but what ends is over at once */
    FLAT = 0.02f,               /* of the power is left by the predictor of a noise; of a tone, less */
    CODING = 1.2e-4f,           /* of an echo: what G.711 adds to it is no noise of the line */
    SHAPED = 0.98f, /* bound of a reflection: the lags of a tone, gathered in pieces, may ask for more than stability */
    LEAST_NOISE = 1, OPENING = 1.0f / 8, /* a sample: a near voice is let through within a millisecond, */
    CLOSING = 1.0f / 24;                 /* and gives way to noise within three */

enum { SEARCH_BLOCKS = 94 }; /* 0.75 s, twice: the lowest level in there is noise */

void nlp_reset(struct nlp *nlp, mask where)
{
    nlp->left = only(~where, nlp->left);
    nlp->least = only(~where, nlp->least);
    nlp->lately = only(~where, nlp->lately);
    nlp->echo = only(~where, nlp->echo);
    nlp->share = choose(where, all(1), nlp->share);
    nlp->noise = choose(where, all(LEAST_NOISE), nlp->noise);
    nlp->flat |= where;
    nlp->lowest = choose(where, all(1e9f), nlp->lowest);
    nlp->lowest_before = choose(where, all(1e9f), nlp->lowest_before);
    nlp->level = only(~where, nlp->level);
    for (int i = 0; i <= NOISE_ORDER; i++)
        nlp->lag[i] = only(~where, nlp->lag[i]);
    for (int i = 0; i < NOISE_ORDER; i++)
        nlp->predictor[i] = only(~where, nlp->predictor[i]);
    nlp->running &= ~where;
    nlp->seed = (bits)choose(where, (word)(bits){1, 0x1234567, 0x2345678, 0x3456789}, (word)nlp->seed);
}

/* The next sample of comfort noise: evenly distributed, unit variance, through the predictor. Where none is wanted the
 * chances do not go on: what a lane gets is no business of its neighbours. */
static word comfort(struct nlp *nlp)
{
    bits next = nlp->seed * 1664525u + 1013904223u;
    nlp->seed = (bits)choose(nlp->running, (word)next, (word)nlp->seed);
    word sample = __builtin_convertvector((mask)nlp->seed >> 8, word) * (1.7320508f / 8388608.0f) * nlp->gain;
    for (int i = 0; i < NOISE_ORDER; i++)
        sample += nlp->predictor[i] * nlp->made[i];
    memmove(nlp->made + 1, nlp->made, (NOISE_ORDER - 1) * sizeof(word));
    nlp->made[0] = smaller(larger(sample, -nlp->peak), nlp->peak);
    return nlp->made[0];
}

void nlp_chunk(struct nlp *nlp, word left[CHUNK], word came, word expected, word leak, mask where)
{
    word energy = all(0);
    for (int i = 0; i < CHUNK; i++) {
        nlp->past[NOISE_ORDER + nlp->position + i] = left[i];
        energy += left[i] * left[i];
        nlp->sum += left[i];
    }
    nlp->position += CHUNK;
    nlp->energy += energy;
    nlp->echoes += expected;
    nlp->left += (energy * (1.0f / CHUNK) - nlp->left) * 0.35f;
    word least = smaller(energy, came) * (1.0f / CHUNK);
    nlp->least += (least - nlp->least) * 0.35f;
    nlp->lately += (least - nlp->lately) * 0.6f;
    nlp->echo = larger(nlp->echo * 0.97f, expected);
    word noise = only(nlp->flat & (nlp->noise < all(LOUDEST_NOISE)), nlp->noise);
    word limit = larger(smaller(leak * MARGIN, all(MEEK)), all(FIRM)) * nlp->echo + noise * 2.0f;
    mask close = where & (nlp->echo > all(AUDIBLE)) & (nlp->left < limit);
    word step = choose(close, all(-CLOSING), all(OPENING));
    mask running = close | (nlp->share < all(1)), begin = running & ~nlp->running;
    nlp->running = running;
    if (!any(running))
        return;
    for (int i = 0; i < NOISE_ORDER && any(begin); i++)
        nlp->made[i] = only(~begin, nlp->made[i]);
    /* Never louder than what it hides, or than what came: what was taken for noise may have been speech. */
    word hidden = smaller(nlp->least * QUIETER, nlp->lately * QUIETEST);
    word amplitude = root(smaller(hidden / nlp->noise, all(1)));
    for (int i = 0; i < CHUNK; i++) {
        nlp->share = smaller(larger(nlp->share + step, all(0)), all(1));
        left[i] = nlp->share * left[i] + (1.0f - nlp->share) * comfort(nlp) * amplitude;
    }
}

/* Levinson and Durbin: the predictor that whitens the noise, and the level of what it leaves. */
static void shape(struct nlp *nlp)
{
    word error = nlp->lag[0] * 1.001f + 1e-3f, predictor[NOISE_ORDER] = {0};
    for (int order = 0; order < NOISE_ORDER; order++) {
        word sum = nlp->lag[order + 1];
        for (int i = 0; i < order; i++)
            sum -= predictor[i] * nlp->lag[order - i];
        word reflection = smaller(larger(sum / error, all(-SHAPED)), all(SHAPED)), before[NOISE_ORDER];
        memcpy(before, predictor, sizeof before);
        for (int i = 0; i < order; i++)
            predictor[i] = before[i] - reflection * before[order - 1 - i];
        predictor[order] = reflection;
        error *= 1.0f - reflection * reflection;
    }
    word power = nlp->lag[0] * 1.001f + 1e-3f;
    nlp->flat = error > power * FLAT;
    for (int i = 0; i < NOISE_ORDER; i++)
        nlp->predictor[i] = only(nlp->flat, predictor[i]);
    word level = root(nlp->noise);
    nlp->gain = level * choose(nlp->flat, root(error / power), all(1));
    nlp->peak = level * PEAK;
}

void nlp_block(struct nlp *nlp, mask quiet)
{
    /* A constant offset is no noise (G.711 has none but +-8 for silence). */
    word offset = nlp->sum * (1.0f / BLOCK), energy = larger(nlp->energy * (1.0f / BLOCK) - offset * offset, all(0));
    word own = larger(energy - nlp->echoes * (CODING * CHUNK / BLOCK), all(LEAST_NOISE));
    nlp->level = choose(nlp->level > all(0), nlp->level + (own - nlp->level) * 0.35f, own);
    nlp->lowest = choose(nlp->level < nlp->lowest, nlp->level, nlp->lowest);
    word lowest = smaller(nlp->lowest, nlp->lowest_before) * 1.2f;
    /* Down at once, up when the search has ended. */
    nlp->noise = larger(smaller(nlp->noise, lowest), all(LEAST_NOISE));
    if (++nlp->blocks >= SEARCH_BLOCKS) {
        nlp->blocks = 0;
        nlp->noise = larger(lowest, all(LEAST_NOISE));
        nlp->lowest_before = nlp->lowest;
        nlp->lowest = nlp->level;
    }
    mask noise = quiet & (energy < nlp->noise * 3.0f);
    if (any(noise)) {
        const word *now = nlp->past + NOISE_ORDER;
        for (int lag = 0; lag <= NOISE_ORDER; lag++) {
            word sum = all(0);
            for (int i = 0; i < BLOCK; i++)
                sum += (now[i] - offset) * (now[i - lag] - offset);
            nlp->lag[lag] = choose(noise, nlp->lag[lag] * 0.95f + sum * 0.05f, nlp->lag[lag]);
        }
    }
    shape(nlp);
    memcpy(nlp->past, nlp->past + BLOCK, NOISE_ORDER * sizeof(word));
    nlp->position = 0;
    nlp->energy = nlp->echoes = nlp->sum = all(0);
}
