#include "echo_fft.h"

#include <math.h>
#include <stdlib.h>

struct turn {
    float re, im;
};

struct fft {
    unsigned points;
    struct turn *twist;  /* exp(-i pi t / 2n): half a bin down */
    struct turn *halves; /* of the pass by two, where n is no power of four */
    struct turn *passes; /* three a butterfly, pass after pass, the widest first */
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
    struct fft *fft = calloc(1, sizeof *fft + (1 + 1 + 2) * points * sizeof(struct turn));
    if (!fft)
        return NULL;
    fft->points = points;
    fft->twist = fft->storage;
    fft->halves = fft->storage + points;
    fft->passes = fft->storage + 2 * points;
    for (unsigned i = 0; i < points; i++) {
        fft->twist[i] = turn_of(i / (4.0 * points));
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

/* Four values `step` apart, frequencies last to first bit: the turns come after the sums. */
static inline void spread(struct cword *z, unsigned step, const struct turn *by)
{
    struct cword sum = add(z[0], z[2 * step]), difference = subtract(z[0], z[2 * step]);
    struct cword sum2 = add(z[step], z[3 * step]), difference2 = times_i(subtract(z[step], z[3 * step]));
    z[0] = add(sum, sum2);
    struct cword one = subtract(difference, difference2), two = subtract(sum, sum2),
                 three = add(difference, difference2);
    z[step] = by ? turned(one, by[0]) : one;
    z[2 * step] = by ? turned(two, by[1]) : two;
    z[3 * step] = by ? turned(three, by[2]) : three;
}

static inline void gather(struct cword *z, unsigned step, const struct turn *by)
{
    struct cword one = by ? turned_back(z[step], by[0]) : z[step];
    struct cword two = by ? turned_back(z[2 * step], by[1]) : z[2 * step];
    struct cword three = by ? turned_back(z[3 * step], by[2]) : z[3 * step];
    struct cword sum = add(z[0], two), difference = subtract(z[0], two);
    struct cword sum2 = add(one, three), difference2 = times_i(subtract(one, three));
    z[0] = add(sum, sum2);
    z[step] = add(difference, difference2);
    z[2 * step] = subtract(sum, sum2);
    z[3 * step] = subtract(difference, difference2);
}

void fft_forward(const struct fft *fft, const word *in, struct cword *z)
{
    unsigned n = fft->points, size = n;
    for (unsigned i = 0; i < n; i++)
        z[i] = turned((struct cword){in[i], -in[i + n]}, fft->twist[i]);
    if (by_two_first(n)) {
        size = n / 2;
        for (unsigned i = 0; i < size; i++) {
            struct cword sum = add(z[i], z[i + size]), difference = subtract(z[i], z[i + size]);
            z[i] = sum;
            z[i + size] = turned(difference, fft->halves[i]);
        }
    }
    const struct turn *turn = fft->passes;
    for (; size > 4; size /= 4)
        for (unsigned j = 0; j < size / 4; j++, turn += 3)
            for (unsigned at = j; at < n; at += size)
                spread(z + at, size / 4, turn);
    for (unsigned at = 0; at < n; at += 4)
        spread(z + at, 1, NULL);
}

void fft_inverse(const struct fft *fft, struct cword *z, word *out)
{
    unsigned n = fft->points, last = by_two_first(n) ? n / 2 : n;
    for (unsigned at = 0; at < n; at += 4)
        gather(z + at, 1, NULL);
    /* The turns lie widest pass first: n/4 butterflies of the widest, a quarter of that for the next. */
    const struct turn *turn = fft->passes;
    for (unsigned size = last; size > 4; size /= 4)
        turn += 3 * (size / 4);
    for (unsigned size = 16; size <= last; size *= 4) {
        turn -= 3 * (size / 4);
        for (unsigned j = 0; j < size / 4; j++)
            for (unsigned at = j; at < n; at += size)
                gather(z + at, size / 4, turn + 3 * j);
    }
    if (last < n)
        for (unsigned i = 0; i < last; i++) {
            struct cword back = turned_back(z[i + last], fft->halves[i]);
            z[i + last] = subtract(z[i], back);
            z[i] = add(z[i], back);
        }
    float scale = 1.0f / (float)n;
    for (unsigned i = 0; i < n; i++) {
        struct cword x = turned_back(z[i], fft->twist[i]);
        out[i] = x.re * scale;
        out[i + n] = x.im * -scale;
    }
}
