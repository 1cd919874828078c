/* G.711: both laws to and from 16 bit linear, and into each other. */
#ifndef OFFHOOK_G711_H
#define OFFHOOK_G711_H

#include <stdint.h>
#include <string.h>

extern const int16_t g711_ulaw_linear[256];
extern const int16_t g711_alaw_linear[256];

/* Segment and four bits lie side by side in a float, as exponent and the highest bits of the mantissa: no search and no
 * branch, so that loops over samples become vectors. For magnitudes of 128 and more; one of 256 is in segment 1. */
static inline int32_t g711_segment(int32_t magnitude)
{
    float number = (float)magnitude;
    int32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return (bits >> 19) - (134 << 4);
}

/* G.711 table 2: magnitude plus bias 33 (of 14 bits), segment, four bits; all bits inverted. */
static inline uint8_t g711_to_ulaw(int sample)
{
    int32_t sign = sample >> 31, magnitude = (sample ^ sign) - sign;
    magnitude = magnitude > 32635 ? 32635 : magnitude;
    return (uint8_t) ~((sign & 0x80) | g711_segment(magnitude + 0x84));
}

/* G.711 table 1: magnitude of 13 bits, segment, four bits; even bits inverted. */
static inline uint8_t g711_to_alaw(int sample)
{
    int32_t sign = sample >> 31, magnitude = sample ^ sign;
    int32_t small = (magnitude - 256) >> 31;
    int32_t code = (magnitude >> 4 & small) | (g711_segment(magnitude) & ~small);
    return (uint8_t)(code ^ 0xd5 ^ (sign & 0x80));
}

/* Codes of one law by those of the other. */
extern uint8_t g711_ulaw_to_alaw[256], g711_alaw_to_ulaw[256];

/* Fills them (control thread; again does no harm). */
void g711_make_tables(void);

#endif
