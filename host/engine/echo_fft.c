#include "echo_fft.h"

#include <math.h>
#include <stdlib.h>

struct turn {
    float re, im;
};

struct fft {
    unsigned points;
    struct turn *twist;   /* exp(-i pi t / 2n): half a bin down */
    struct turn *untwist; /* the same, scaled by 1 / n */
    struct turn *halves;  /* of the pass by two, where n is no power of four */
    struct turn *passes;  /* three a butterfly, pass after pass, the widest first */
    struct turn storage[];
};

static struct turn turn_of(double part)
{
    return (struct turn){(float)cos(2 * M_PI * part), (float)-sin(2 * M_PI * part)};
}

static bool by_two_first(unsigned points)
{
    return (__builtin_ctz(points) & 1) != 0;
}

struct fft *fft_create(unsigned points)
{
    struct fft *fft = calloc(1, sizeof *fft + (1 + 1 + 1 + 2) * points * sizeof(struct turn));
    if (!fft)
        return NULL;
    fft->points = points;
    fft->twist = fft->storage;
    fft->halves = fft->storage + points;
    fft->untwist = fft->storage + 2 * points;
    fft->passes = fft->storage + 3 * points;
    for (unsigned i = 0; i < points; i++) {
        fft->twist[i] = turn_of(i / (4.0 * points));
        fft->untwist[i] = (struct turn){fft->twist[i].re / (float)points, fft->twist[i].im / (float)points};
        fft->halves[i] = turn_of(i / (double)points);
    }
    struct turn *turn = fft->passes;
    for (unsigned size = by_two_first(points) ? points / 2 : points; size > 4; size /= 4)
        for (unsigned j = 0; j < size / 4; j++)
            for (unsigned power = 1; power < 4; power++)
                *turn++ = turn_of(power * j / (double)size);
    return fft;
}

void fft_destroy(struct fft *fft)
{
    free(fft);
}

static inline struct cword add(struct cword a, struct cword b)
{
    return (struct cword){a.re + b.re, a.im + b.im};
}

static inline struct cword subtract(struct cword a, struct cword b)
{
    return (struct cword){a.re - b.re, a.im - b.im};
}

static inline struct cword turned(struct cword a, struct turn by)
{
    return (struct cword){a.re * by.re - a.im * by.im, a.re * by.im + a.im * by.re};
}

static inline struct cword turned_back(struct cword a, struct turn by)
{
    return (struct cword){a.re * by.re + a.im * by.im, a.im * by.re - a.re * by.im};
}

static inline struct cword times_i(struct cword a)
{
    return (struct cword){-a.im, a.re};
}

/* Four values, of frequencies last to first bit: the turns come after the sums. */
static inline void spread(struct cword v[4], const struct turn *by)
{
    struct cword sum = add(v[0], v[2]), difference = subtract(v[0], v[2]);
    struct cword sum2 = add(v[1], v[3]), difference2 = times_i(subtract(v[1], v[3]));
    v[0] = add(sum, sum2);
    v[1] = subtract(difference, difference2);
    v[2] = subtract(sum, sum2);
    v[3] = add(difference, difference2);
    for (int i = 1; by && i < 4; i++)
        v[i] = turned(v[i], by[i - 1]);
}

static inline void gather(struct cword v[4], const struct turn *by)
{
    for (int i = 1; by && i < 4; i++)
        v[i] = turned_back(v[i], by[i - 1]);
    struct cword sum = add(v[0], v[2]), difference = subtract(v[0], v[2]);
    struct cword sum2 = add(v[1], v[3]), difference2 = times_i(subtract(v[1], v[3]));
    v[0] = add(sum, sum2);
    v[1] = add(difference, difference2);
    v[2] = subtract(sum, sum2);
    v[3] = subtract(difference, difference2);
}

static inline void load(struct cword v[4], const struct cword *z, unsigned step)
{
    for (int i = 0; i < 4; i++)
        v[i] = z[(unsigned)i * step];
}

static inline void store(const struct cword v[4], struct cword *z, unsigned step)
{
    for (int i = 0; i < 4; i++)
        z[(unsigned)i * step] = v[i];
}

/* Which half of the 2n reals there is; the other is silence (in), or not wanted (out). */
enum half { FIRST, LAST, BOTH };

static inline struct cword twisted(const struct fft *fft, const word *in, unsigned i, enum half half)
{
    struct turn by = fft->twist[i];
    if (half == FIRST)
        return (struct cword){in[i] * by.re, in[i] * by.im};
    if (half == LAST)
        return (struct cword){in[i] * by.im, in[i] * -by.re};
    return turned((struct cword){in[i], -in[i + fft->points]}, by);
}

static inline void untwist(const struct fft *fft, struct cword z, word *out, unsigned i, enum half half)
{
    struct turn by = fft->untwist[i];
    if (half != LAST)
        out[i] = z.re * by.re + z.im * by.im;
    if (half != FIRST)
        out[half == LAST ? i : i + fft->points] = z.re * by.im - z.im * by.re;
}

/* The first pass takes the samples as they come, every other one works in place. */
static inline void forward(const struct fft *fft, const word *in, struct cword *z, enum half half)
{
    unsigned n = fft->points, size = by_two_first(n) ? n / 2 : n;
    const struct turn *turn = fft->passes;
    if (by_two_first(n)) {
        for (unsigned i = 0; i < size; i++) {
            struct cword a = twisted(fft, in, i, half), b = twisted(fft, in, i + size, half);
            z[i] = add(a, b);
            z[i + size] = turned(subtract(a, b), fft->halves[i]);
        }
    } else {
        for (unsigned j = 0; j < n / 4; j++, turn += 3) {
            struct cword v[4];
            for (unsigned i = 0; i < 4; i++)
                v[i] = twisted(fft, in, j + i * (n / 4), half);
            spread(v, turn);
            store(v, z + j, n / 4);
        }
        size = n / 4;
    }
    for (; size > 4; size /= 4)
        for (unsigned j = 0; j < size / 4; j++, turn += 3)
            for (unsigned at = j; at < n; at += size) {
                struct cword v[4];
                load(v, z + at, size / 4);
                spread(v, turn);
                store(v, z + at, size / 4);
            }
    for (unsigned at = 0; at < n; at += 4) {
        struct cword v[4];
        load(v, z + at, 1);
        spread(v, NULL);
        store(v, z + at, 1);
    }
}

static inline void inverse(const struct fft *fft, struct cword *z, word *out, enum half half)
{
    unsigned n = fft->points, last = by_two_first(n) ? n / 2 : n / 4;
    for (unsigned at = 0; at < n; at += 4) {
        struct cword v[4];
        load(v, z + at, 1);
        gather(v, NULL);
        store(v, z + at, 1);
    }
    /* The turns lie widest pass first. */
    const struct turn *turn = fft->passes + (by_two_first(n) ? 0 : 3 * (n / 4));
    for (unsigned size = last; size > 4; size /= 4)
        turn += 3 * (size / 4);
    for (unsigned size = 16; size <= last; size *= 4) {
        turn -= 3 * (size / 4);
        for (unsigned j = 0; j < size / 4; j++)
            for (unsigned at = j; at < n; at += size) {
                struct cword v[4];
                load(v, z + at, size / 4);
                gather(v, turn + 3 * j);
                store(v, z + at, size / 4);
            }
    }
    if (by_two_first(n)) {
        for (unsigned i = 0; i < last; i++) {
            struct cword back = turned_back(z[i + last], fft->halves[i]);
            untwist(fft, add(z[i], back), out, i, half);
            untwist(fft, subtract(z[i], back), out, i + last, half);
        }
    } else {
        for (unsigned j = 0; j < n / 4; j++) {
            struct cword v[4];
            load(v, z + j, n / 4);
            gather(v, fft->passes + 3 * j);
            for (unsigned i = 0; i < 4; i++)
                untwist(fft, v[i], out, j + i * (n / 4), half);
        }
    }
}

void fft_forward(const struct fft *fft, const word *in, struct cword *out)
{
    forward(fft, in, out, BOTH);
}

void fft_forward_first(const struct fft *fft, const word *in, struct cword *out)
{
    forward(fft, in, out, FIRST);
}

void fft_forward_last(const struct fft *fft, const word *in, struct cword *out)
{
    forward(fft, in, out, LAST);
}

void fft_inverse(const struct fft *fft, struct cword *in, word *out)
{
    inverse(fft, in, out, BOTH);
}

void fft_inverse_first(const struct fft *fft, struct cword *in, word *out)
{
    inverse(fft, in, out, FIRST);
}

void fft_inverse_last(const struct fft *fft, struct cword *in, word *out)
{
    inverse(fft, in, out, LAST);
}
