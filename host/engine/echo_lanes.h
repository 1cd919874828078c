/* The arithmetic of the echo canceller: four channels lie in the four lanes of a SIMD word (GCC vector types: NEON,
 * SSE), so no transform ever shuffles, and a decision is a mask. */
#ifndef OFFHOOK_ECHO_LANES_H
#define OFFHOOK_ECHO_LANES_H

#include <stdbool.h>
#include <stdint.h>

/* Samples: what comes at a time; what is transformed and judged at a time. */
enum { CHUNK = 8, BLOCK = 64 };

enum { LANES = 4 };

typedef float word __attribute__((vector_size(4 * LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES))); /* a lane is all ones or all zeros */

typedef uint32_t bits __attribute__((vector_size(4 * LANES)));

struct cword {
    word re, im;
};

static inline word all(float value)
{
    return (word){} + value;
}

static inline word choose(mask where, word yes, word no)
{
    return (word)((where & (mask)yes) | (~where & (mask)no));
}

/* A value where the mask holds, zero elsewhere. */
static inline word only(mask where, word value)
{
    return (word)(where & (mask)value);
}

static inline word larger(word a, word b)
{
    return choose(a > b, a, b);
}

static inline word smaller(word a, word b)
{
    return choose(a < b, a, b);
}

static inline bool any(mask where)
{
    int32_t found = 0;
    for (int lane = 0; lane < LANES; lane++)
        found |= where[lane];
    return found != 0;
}

/* Words of any kind, one behind the other, as they were before where the mask holds. */
static inline void put_back(void *now, const void *then, unsigned count, mask where)
{
    typedef float anything __attribute__((vector_size(4 * LANES), may_alias));
    anything *words = now;
    const anything *before = then;
    for (unsigned i = 0; i < count; i++)
        words[i] = choose(where, (word)before[i], (word)words[i]);
}

/* Square root of a value >= 0 by Newton's steps from the bits of the exponent: no call, the same on every machine. */
static inline word root(word value)
{
    word half = value * 0.5f;
    word inverse = (word)(0x5f3759dfu - ((bits)value >> 1));
    for (int i = 0; i < 3; i++)
        inverse *= 1.5f - half * inverse * inverse;
    return only(value > all(0), value * inverse);
}

#endif
