/* G.722 at 64 kbit/s, in integers as the Recommendation has it. Block names are its own. Bit exact:
 * tests/engine/test_codecs.c holds it against spandsp's.
 *
 * What costs elsewhere is moving and searching; here the filters' histories lie in one line for a whole frame, the
 * predictor's memory in registers, and the quantizer's step is found by halving. */
#include "codec_g722.h"

#include <string.h>

enum { TAPS = 12, HISTORY = 2 * TAPS - 2, MOST = 320, LANES = 8 };

typedef int16_t halves __attribute__((vector_size(16)));

/* One band's predictor and quantizer. */
struct band {
    int32_t s, sz;      /* the signal estimate, and its zero section's part */
    int32_t r1;         /* reconstructed signal, one back; the newer one is made in adapt() */
    int32_t p1, p2;     /* partially reconstructed signal */
    int32_t a1, a2;     /* poles */
    int32_t nb, det;    /* logarithmic and linear quantizer scale */
    halves d, twice, b; /* differences, twice that saturated, zeros */
};

struct g722 {
    struct band low, high;
    int16_t line[HISTORY + MOST]; /* of the QMF: what it remembers, and a frame behind that */
};

/* Figure 18/G.722, table 11 */
static const int16_t qmf[TAPS] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};
/* Tables 14 to 21: quantizer decision levels, their inverses, and what codes do to the scales */
static const int16_t q6[30] = {0,   35,  72,  110, 150,  190,  233,  276,  323,  370,  422,  473,  530,  587,  650,
                               714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
static const int16_t qm2[4] = {-7408, -1616, 7408, 1616};
static const int16_t qm4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int16_t qm6[64] = {-136,   -136,   -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280,
                                -11192, -10232, -9360, -8576, -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,
                                -4008,  -3576,  -3168, -2776, -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,
                                21904,  19008,  16704, 14984, 13512,  12280,  11192,  10232,  9360,   8576,   7856,
                                7192,   6576,   6000,  5456,  4944,   4464,   4008,   3576,   3168,   2776,   2400,
                                2032,   1688,   1360,  1040,  728,    432,    136,    -432,   -136};
static const int16_t wl[16] = {-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60};
static const int16_t wh[4] = {798, -214, 798, -214};
static const int16_t ilb[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

static inline int32_t saturate(int32_t value)
{
    return value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
}

static inline int32_t within(int32_t value, int32_t least, int32_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* UPZERO and FILTEZ: six zeros in the lanes of a word, two lanes idle. Returns the sum of what they weigh. */
static inline int32_t adapt_zeros(struct band *band, int32_t d)
{
    halves gain = {0}, twice = {0};
    int16_t step = d ? 128 : 0;
    halves against = (band->d ^ (int16_t)d) >> 15; /* -1 where the signs differ */
    gain += step;
    /* b * 32640 >> 15, which is b less a 256th, rounded up; what comes of it stays within 16 bits */
    band->b += ((gain ^ against) - against) - (band->b >> 8) + ((band->b & 255) > 0);
    band->b &= (halves){-1, -1, -1, -1, -1, -1, 0, 0};
    band->d = __builtin_shufflevector(band->d, band->d, 7, 0, 1, 2, 3, 4, 5, 6);
    band->d[0] = (int16_t)d;
    band->twice = __builtin_shufflevector(band->twice, band->twice, 7, 0, 1, 2, 3, 4, 5, 6);
    band->twice[0] = (int16_t)saturate(2 * d);
    twice = band->twice;
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++)
        sum += (int32_t)band->b[i] * twice[i] >> 15;
    return sum;
}

/* Block 4: what the quantized difference d adds to the band. */
static inline void adapt(struct band *band, int32_t d)
{
    int32_t r = saturate(band->s + d), p = saturate(band->sz + d); /* RECONS, PARREC */
    bool turned = (p ^ band->p1) < 0;
    int32_t twice = saturate(band->a1 * 4); /* UPPOL2 */
    int32_t step = (turned ? twice : within(-twice, INT16_MIN, INT16_MAX)) >> 7;
    step += (p ^ band->p2) < 0 ? -128 : 128;
    int32_t a2 = within(step + (band->a2 * 32512 >> 15), -12288, 12288);
    int32_t most = 15360 - a2; /* UPPOL1 */
    int32_t a1 = within((turned ? -192 : 192) + (band->a1 * 32640 >> 15), -most, most);
    int32_t sum = adapt_zeros(band, d);
    int32_t sp = saturate((a1 * saturate(2 * r) >> 15) + (a2 * saturate(2 * band->r1) >> 15)); /* FILTEP */
    band->r1 = r;
    band->p2 = band->p1;
    band->p1 = p;
    band->a1 = a1;
    band->a2 = a2;
    band->sz = saturate(sum);
    band->s = saturate(sp + band->sz); /* PREDIC */
}

/* LOGSCL, SCALEL and LOGSCH, SCALEH */
static inline void rescale(struct band *band, int32_t change, int32_t most, int shift)
{
    band->nb = within((band->nb * 127 >> 7) + change, 0, most);
    int down = shift - (band->nb >> 11);
    int32_t level = ilb[band->nb >> 6 & 31];
    band->det = (down < 0 ? level << -down : level >> down) << 2;
}

static inline void take_low(struct band *band, int code)
{
    int32_t d = band->det * qm4[code] >> 15;
    rescale(band, wl[code], 18432, 8);
    adapt(band, d);
}

static inline void take_high(struct band *band, int code)
{
    int32_t d = band->det * qm2[code] >> 15;
    rescale(band, wh[code], 22528, 10);
    adapt(band, d);
}

/* QUANTL: the interval of a difference, by halving; the last one has no upper end. */
static inline int code_low(const struct band *band, int32_t sample)
{
    int32_t difference = saturate(sample - band->s);
    int32_t magnitude = difference < 0 ? ~difference : difference;
    int at = 1;
    for (int step = 16; step; step >>= 1)
        if (at + step <= 30 && magnitude >= q6[at + step - 1] * band->det >> 12)
            at += step;
    if (difference >= 0)
        return 62 - at;
    return at < 3 ? 64 - at : 34 - at;
}

static inline int code_high(const struct band *band, int32_t sample)
{
    int32_t difference = saturate(sample - band->s);
    int32_t magnitude = difference < 0 ? ~difference : difference;
    bool outer = magnitude >= 564 * band->det >> 12;
    return (difference < 0 ? 1 : 3) - outer;
}

static void start(const struct codec *codec, void *state)
{
    struct g722 *g722 = state;
    (void)codec;
    memset(g722, 0, sizeof(*g722));
    g722->low.det = 32;
    g722->high.det = 8;
}

/* Both halves of the QMF at a place of the line: even and odd taps (the transmit and the receive filters are the same).
 */
static inline void filter(const int16_t *line, int32_t *even, int32_t *odd)
{
    int32_t sum[2] = {0, 0};
    for (int i = 0; i < TAPS; i++) {
        sum[0] += line[2 * i] * qmf[i];
        sum[1] += line[2 * i + 1] * qmf[TAPS - 1 - i];
    }
    *even = sum[0];
    *odd = sum[1];
}

static void move_on(struct g722 *g722, int samples)
{
    memmove(g722->line, g722->line + samples, HISTORY * sizeof(int16_t));
}

static int encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    struct g722 *g722 = state;
    (void)codec;
    for (int done = 0; done < samples;) {
        int some = samples - done < MOST ? samples - done : MOST;
        memcpy(g722->line + HISTORY, in + done, (size_t)some * sizeof(int16_t));
        for (int at = 0; at < some; at += 2) {
            int32_t even, odd;
            filter(g722->line + at, &even, &odd);
            int low = code_low(&g722->low, (even + odd) >> 14), high = code_high(&g722->high, (odd - even) >> 14);
            take_low(&g722->low, low >> 2);
            take_high(&g722->high, high);
            *out++ = (uint8_t)(high << 6 | low);
        }
        move_on(g722, some);
        done += some;
    }
    return samples / 2;
}

static int decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    struct g722 *g722 = state;
    (void)codec;
    for (int done = 0; done < bytes;) {
        int some = bytes - done < MOST / 2 ? bytes - done : MOST / 2;
        int16_t *line = g722->line + HISTORY;
        for (int i = 0; i < some; i++) {
            int low = in[done + i] & 63, high = in[done + i] >> 6;
            int32_t below = within(g722->low.s + (g722->low.det * qm6[low] >> 15), -16384, 16383);
            int32_t above = within(g722->high.s + (g722->high.det * qm2[high] >> 15), -16384, 16383);
            take_low(&g722->low, low >> 2);
            take_high(&g722->high, high);
            line[2 * i] = (int16_t)saturate(below + above);
            line[2 * i + 1] = (int16_t)saturate(below - above);
        }
        for (int i = 0; i < some; i++) {
            int32_t even, odd;
            filter(g722->line + 2 * i, &even, &odd);
            *out++ = (int16_t)saturate(odd >> 11);
            *out++ = (int16_t)saturate(even >> 11);
        }
        move_on(g722, 2 * some);
        done += some;
    }
    return bytes * 2;
}

/* At 8 kHz the lower band is all there is: what comes of the QMF if the upper one is silent. Its code for that, said
 * again and again, leads to the state in which a band begins. */
enum { SILENT = 3 };

/* What the QMF would remember of the last samples of the lower band. */
static void remember(struct g722 *g722, const int16_t *samples, int count, int shift)
{
    for (int i = 0; i < HISTORY / 2; i++) {
        int at = count - HISTORY / 2 + i;
        int16_t value = (int16_t)(at < 0 ? 0 : samples[at] >> shift);
        g722->line[2 * i] = g722->line[2 * i + 1] = value;
    }
    g722->high = (struct band){.det = 8};
}

static int encode_half(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    struct g722 *g722 = state;
    struct band low = g722->low;
    (void)codec;
    for (int i = 0; i < samples; i++) {
        int code = code_low(&low, in[i] >> 1);
        take_low(&low, code >> 2);
        out[i] = (uint8_t)(SILENT << 6 | code);
    }
    g722->low = low;
    remember(g722, in, samples, 0);
    return samples;
}

static int decode_half(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    struct g722 *g722 = state;
    struct band low = g722->low;
    (void)codec;
    for (int i = 0; i < bytes; i++) {
        int code = in[i] & 63;
        out[i] = (int16_t)(2 * within(low.s + (low.det * qm6[code] >> 15), -16384, 16383));
        take_low(&low, code >> 2);
    }
    g722->low = low;
    remember(g722, out, bytes, 1);
    return bytes;
}

const struct codec codec_g722 = {.name = "g722",
                                 .rate = 16000,
                                 .clock = 8000, /* RFC 3551 4.5.2 */
                                 .frame_samples = 160,
                                 .frame_bytes = 80,
                                 .max_samples = 160,
                                 .partial = true,
                                 .decoder_bytes = sizeof(struct g722),
                                 .encoder_bytes = sizeof(struct g722),
                                 .decoder_init = start,
                                 .encoder_init = start,
                                 .decode = decode,
                                 .encode = encode,
                                 .decode_half = decode_half,
                                 .encode_half = encode_half};
