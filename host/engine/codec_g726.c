/* G.726 at 16, 24, 32 and 40 kbit/s, in integers as the Recommendation has it; block names are its own. Bit exact:
 * tests/engine/test_codecs.c holds it against spandsp's.
 *
 * The Recommendation multiplies in a float format of 6 bits mantissa. That is done for all eight taps at once, with the
 * exponents and mantissas of IEEE floats, which hold every number that can come up. A state is worked on in registers:
 * of two words of four lanes, the first holds the newest four of six zeros, the second the other two and the poles. */
#include "codec_g726.h"

#include <string.h>

enum { WORDS = 2 };

typedef int32_t lanes __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));

/* What the rates differ in. Decision levels, and by code: logarithmic step, scale multiplier, rate of change. */
struct rate {
    uint8_t bits, levels, slow; /* slow: by what shift zeros fade */
    int16_t level[15];
    int16_t step[32], change[32];
    int32_t multiplier[32];
};

/* What taps weigh, differences and signals: mantissas of 32 to 63, exponents less 13, signs as 0 and -1. */
struct weighed {
    floats mantissa;
    lanes exponent, sign;
};

struct g726 {
    lanes zero[WORDS]; /* b1 to b4, b5 to b6 */
    int32_t a1, a2;
    struct weighed past[WORDS];
    int32_t yl, yu;       /* quantizer scale: slow and fast */
    int32_t dms, dml, ap; /* speed control */
    int32_t p1, p2;       /* signs of the partial signal */
    bool td;              /* a partial band (data) signal */
};

#define MIRRORED2(A, B)                                                                                                \
    {                                                                                                                  \
        A, B, B, A                                                                                                     \
    }
#define MIRRORED4(A, B, C, D)                                                                                          \
    {                                                                                                                  \
        A, B, C, D, D, C, B, A                                                                                         \
    }
#define MIRRORED8(A, B, C, D, E, F, G, H)                                                                              \
    {                                                                                                                  \
        A, B, C, D, E, F, G, H, H, G, F, E, D, C, B, A                                                                 \
    }

static const struct rate rates[] = {
    {.bits = 2,
     .levels = 1,
     .slow = 8,
     .level = {261},
     .step = MIRRORED2(116, 365),
     .multiplier = MIRRORED2(-704, 14048),
     .change = MIRRORED2(0, 0xe00)},
    {.bits = 3,
     .levels = 3,
     .slow = 8,
     .level = {8, 218, 331},
     .step = MIRRORED4(-2048, 135, 273, 373),
     .multiplier = MIRRORED4(-128, 960, 4384, 18624),
     .change = MIRRORED4(0, 0x200, 0x400, 0xe00)},
    {.bits = 4,
     .levels = 7,
     .slow = 8,
     .level = {-124, 80, 178, 246, 300, 349, 400},
     .step = MIRRORED8(-2048, 4, 135, 213, 273, 323, 373, 425),
     .multiplier = MIRRORED8(-384, 576, 1312, 2048, 3584, 6336, 11360, 35904),
     .change = MIRRORED8(0, 0, 0, 0x200, 0x200, 0x200, 0x600, 0xe00)},
    {.bits = 5,
     .levels = 15,
     .slow = 9,
     .level = {-122, -16, 68, 139, 198, 250, 298, 339, 378, 413, 445, 475, 502, 528, 553},
     .step = {-2048, -66, 28,  104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566,
              566,   539, 514, 488, 459, 429, 395, 358, 318, 274, 224, 169, 104, 28,  -66, -2048},
     .multiplier = {448,  448,   768,   1248,  1280,  1312,  1856,  3200,  4512,  5728, 7008,
                    8960, 11456, 14080, 16928, 22272, 22272, 16928, 14080, 11456, 8960, 7008,
                    5728, 4512,  3200,  1856,  1312,  1280,  1248,  768,   448,   448},
     .change = {0,     0,     0,     0,     0,     0x200, 0x200, 0x200, 0x200, 0x200, 0x400,
                0x600, 0x800, 0xa00, 0xc00, 0xc00, 0xc00, 0xc00, 0xa00, 0x800, 0x600, 0x400,
                0x200, 0x200, 0x200, 0x200, 0x200, 0,     0,     0,     0,     0}},
};

static inline int32_t within(int32_t value, int32_t least, int32_t most)
{
    return value < least ? least : value > most ? most : value;
}

static inline int bits_of(int32_t value)
{
    return value ? 32 - __builtin_clz((unsigned)value) : 0;
}

/* FMULT: taps by what they weigh, four at a time. */
static inline lanes multiply(lanes tap, const struct weighed *by)
{
    tap >>= 2;
    lanes negative = tap >> 31;
    lanes magnitude = ((tap ^ negative) - negative) & 0x1fff;
    /* nothing counts as a half: its mantissa is 32, its exponent -6 */
    lanes bits = (lanes) __builtin_convertvector(magnitude, floats);
    bits |= (magnitude == 0) & (126 << 23);
    floats own = (floats)((bits & 0x7c0000) | (132 << 23)); /* six bits, as 32 to 63 */
    lanes product = __builtin_convertvector((own * by->mantissa + 48) * 0.0625f, lanes);
    lanes power = ((bits >> 23) + by->exponent - 5) << 23; /* both biases come to one */
    lanes scaled = __builtin_convertvector(__builtin_convertvector(product, floats) * (floats)power, lanes) & 0x7fff;
    lanes sign = by->sign ^ negative;
    return (scaled ^ sign) - sign;
}

/* FLOAT A, FLOAT B: a number as it will be weighed, in the first lane. */
static inline struct weighed weigh(int32_t magnitude, bool negative)
{
    int exponent = bits_of(magnitude);
    return (struct weighed){.mantissa = {magnitude ? (float)((magnitude << 6) >> exponent) : 32},
                            .exponent = {exponent - 13},
                            .sign = {-(int32_t)negative}};
}

/* The next difference and the next signal, and what was there a place on. */
static inline void remember(struct weighed *past, struct weighed difference, struct weighed signal)
{
#define MOVE(MEMBER)                                                                                                   \
    do {                                                                                                               \
        __typeof__(signal.MEMBER) poles = __builtin_shufflevector(signal.MEMBER, past[1].MEMBER, 0, 6, 0, 6);          \
        __typeof__(signal.MEMBER) zeros = __builtin_shufflevector(past[0].MEMBER, past[1].MEMBER, 3, 4, 3, 4);         \
        past[1].MEMBER = __builtin_shufflevector(zeros, poles, 0, 1, 4, 5);                                            \
        past[0].MEMBER = __builtin_shufflevector(past[0].MEMBER, difference.MEMBER, 4, 0, 1, 2);                       \
    } while (0)
    MOVE(mantissa);
    MOVE(exponent);
    MOVE(sign);
#undef MOVE
}

static void start(const struct codec *codec, void *state)
{
    struct g726 *g726 = state;
    (void)codec;
    memset(g726, 0, sizeof(*g726));
    g726->yl = 34816;
    g726->yu = 544;
    struct weighed nothing = {.mantissa = {32, 32, 32, 32}, .exponent = {-13, -13, -13, -13}};
    g726->past[0] = g726->past[1] = nothing;
}

/* MIX: the scale in force. */
static inline int32_t scale(const struct g726 *g726)
{
    if (g726->ap >= 256)
        return g726->yu;
    int32_t y = g726->yl >> 6, away = g726->yu - y, speed = g726->ap >> 2;
    return y + (away > 0 ? away * speed >> 6 : away < 0 ? (away * speed + 63) >> 6 : 0);
}

/* LOG, SUBTB, QUAN: the code of a difference. */
static inline int quantize(const struct rate *rate, int32_t difference, int32_t y)
{
    int32_t magnitude = difference < 0 ? -difference : difference;
    int exponent = bits_of(magnitude >> 1);
    int32_t level = (exponent << 7) + (((magnitude << 7) >> exponent) & 127) - (y >> 2);
    int i = 0; /* how many levels are reached, by halving: there are 1, 3, 7 or 15 */
    for (int step = rate->levels / 2 + 1; step; step >>= 1)
        i += level >= rate->level[i + step - 1] ? step : 0;
    if (difference < 0)
        return 2 * rate->levels + 1 - i;
    return i || rate->bits == 2 ? i : 2 * rate->levels + 1;
}

/* ADDA, ANTILOG: the magnitude of the difference that a code stands for. */
static inline int32_t difference_of(const struct rate *rate, int code, int32_t y)
{
    int32_t level = rate->step[code] + (y >> 2);
    return level < 0 ? 0 : ((128 + (level & 127)) << 7) >> (14 - (level >> 7 & 15));
}

/* TRANS: a jump after a data signal. */
static inline bool is_transition(const struct g726 *g726, int32_t magnitude)
{
    if (!g726->td)
        return false;
    int whole = g726->yl >> 15;
    int32_t threshold = whole > 9 ? 31 << 10 : (32 + (g726->yl >> 10 & 31)) << whole;
    return magnitude > (threshold + (threshold >> 1)) >> 1;
}

/* UPA2, LIMC, UPA1, LIMD */
static inline void adapt_poles(struct g726 *g726, int32_t partial)
{
    int32_t negative = partial < 0;
    int32_t second = g726->a2 - (g726->a2 >> 7);
    bool turned = negative != g726->p1;
    if (partial) {
        int32_t first = turned ? g726->a1 : -g726->a1;
        second += first < -8191 ? -256 : first > 8191 ? 255 : first >> 5;
        second = within(second + (negative != g726->p2 ? -128 : 128), -12288, 12288);
    }
    int32_t most = 15360 - second;
    g726->a2 = second;
    g726->a1 = within(g726->a1 - (g726->a1 >> 8) + (partial ? turned ? -192 : 192 : 0), -most, most);
}

/* UPB */
static inline void adapt_zeros(struct g726 *g726, int slow, int32_t gain, int32_t negative)
{
    for (int word = 0; word < WORDS; word++) {
        lanes against = g726->past[word].sign ^ -negative;
        g726->zero[word] += ((gain ^ against) - against) - (g726->zero[word] >> slow);
    }
}

static inline void control_speed(struct g726 *g726, bool transition, int32_t change, int32_t y)
{
    g726->dms += (change - g726->dms) >> 5;
    g726->dml += ((change << 2) - g726->dml) >> 7;
    int32_t apart = (g726->dms << 2) - g726->dml;
    bool fast = y < 1536 || g726->td || (apart < 0 ? -apart : apart) >= g726->dml >> 3;
    g726->ap = transition ? 256 : g726->ap + (((fast ? 512 : 0) - g726->ap) >> 4);
}

/* What is known before a code: the estimates of the zeros and of all taps, and the scale. ACCUM counts in 16 bits, as
 * do ADDB, ADDC and SUBTA. */
struct estimate {
    int32_t zeros, all, y;
};

static inline struct estimate estimate(const struct g726 *g726)
{
    lanes taps = __builtin_shufflevector(g726->zero[1], (lanes){g726->a1, g726->a2}, 0, 1, 4, 5);
    lanes low = multiply(g726->zero[0], &g726->past[0]), high = multiply(taps, &g726->past[1]);
    int32_t zeros = low[0] + low[1] + low[2] + low[3] + high[0] + high[1];
    int32_t all = zeros + high[2] + high[3];
    return (struct estimate){(int16_t)zeros >> 1, (int16_t)all >> 1, scale(g726)};
}

/* Take a code; returns the reconstructed signal, of 14 bits. */
static inline int32_t take(struct g726 *g726, const struct rate *rate, int code, struct estimate known)
{
    int32_t magnitude = difference_of(rate, code, known.y);
    bool negative = code >> (rate->bits - 1);
    int32_t difference = negative ? -magnitude : magnitude;
    int32_t signal = (int16_t)(known.all + difference), partial = (int16_t)(difference + known.zeros);
    bool transition = is_transition(g726, magnitude);
    g726->yu = within(known.y + ((rate->multiplier[code] - known.y) >> 5), 544, 5120);
    g726->yl += g726->yu + (-g726->yl >> 6);
    if (transition) {
        g726->zero[0] = g726->zero[1] = (lanes){0};
        g726->a1 = g726->a2 = 0;
    } else {
        adapt_poles(g726, partial);
        adapt_zeros(g726, rate->slow, magnitude ? 128 : 0, negative);
    }
    remember(g726->past, weigh(magnitude, negative), weigh(signal < 0 ? -signal & 0x7fff : signal, signal < 0));
    g726->p2 = g726->p1;
    g726->p1 = partial < 0;
    g726->td = !transition && g726->a2 < -11776; /* TONE */
    control_speed(g726, transition, rate->change[code], known.y);
    return signal;
}

static const struct rate *rate_of(const struct codec *codec)
{
    return &rates[codec->frame_bytes / 10 - 2];
}

/* RFC 3551 4.5.4 has the first sample in the low bits of the octets, I.366.2 Annex E in the high ones. */
static bool high_first(const struct codec *codec)
{
    return codec == &codec_g726aal2;
}

static int decode(const struct codec *codec, void *state, const uint8_t *in, int bytes, int16_t *out)
{
    const struct rate *rate = rate_of(codec);
    bool high = high_first(codec);
    struct g726 g726 = *(struct g726 *)state;
    uint32_t held = 0, mask = (1u << rate->bits) - 1;
    int have = 0, samples = 0;
    for (int i = 0; i < bytes; i++) {
        held = high ? held << 8 | in[i] : held | (uint32_t)in[i] << have;
        for (have += 8; have >= rate->bits; have -= rate->bits) {
            int code = (int)((high ? held >> (have - rate->bits) : held) & mask);
            held = high ? held : held >> rate->bits;
            int32_t signal = take(&g726, rate, code, estimate(&g726));
            out[samples++] = (int16_t)(within(signal, -8192, 8191) * 4);
        }
    }
    *(struct g726 *)state = g726;
    return samples;
}

static int encode(const struct codec *codec, void *state, const int16_t *in, int samples, uint8_t *out)
{
    const struct rate *rate = rate_of(codec);
    bool high = high_first(codec);
    struct g726 g726 = *(struct g726 *)state;
    uint32_t held = 0;
    int have = 0, bytes = 0;
    for (int i = 0; i < samples; i++) {
        struct estimate known = estimate(&g726);
        int code = quantize(rate, (int16_t)((in[i] >> 2) - known.all), known.y);
        take(&g726, rate, code, known);
        held = high ? held << rate->bits | (uint32_t)code : held | (uint32_t)code << have;
        for (have += rate->bits; have >= 8; have -= 8) {
            out[bytes++] = (uint8_t)(high ? held >> (have - 8) : held);
            held = high ? held : held >> 8;
        }
    }
    *(struct g726 *)state = g726;
    return bytes;
}

#define G726(NAME, BYTES)                                                                                              \
    {                                                                                                                  \
        .name = NAME, .rate = 8000, .clock = 8000, .frame_samples = 80, .frame_bytes = (BYTES), .max_samples = 80,     \
        .partial = true, .decoder_bytes = sizeof(struct g726), .encoder_bytes = sizeof(struct g726),                   \
        .decoder_init = start, .encoder_init = start, .decode = decode, .encode = encode                               \
    }

const struct codec codec_g726 = G726("g726", 40);
const struct codec codec_g726aal2 = G726("g726aal2", 40);
const struct codec codec_g726_16 = G726("g726-16", 20);
const struct codec codec_g726_24 = G726("g726-24", 30);
const struct codec codec_g726_40 = G726("g726-40", 50);
