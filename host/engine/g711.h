/* G.711: both laws to and from 16 bit linear. */
#ifndef OFFHOOK_G711_H
#define OFFHOOK_G711_H

#include <stdint.h>

extern const int16_t g711_ulaw_linear[256];
extern const int16_t g711_alaw_linear[256];

/* G.711 table 2: magnitude plus bias 33 (of 14 bits), segment, four bits; all bits inverted. */
static inline uint8_t g711_to_ulaw(int sample)
{
    int sign = sample < 0 ? 0x80 : 0;
    int magnitude = sample < 0 ? -sample : sample;
    if (magnitude > 32635)
        magnitude = 32635;
    magnitude += 0x84;
    int segment = 24 - __builtin_clz((unsigned)magnitude);
    return (uint8_t) ~(sign | segment << 4 | ((magnitude >> (segment + 3)) & 0x0f));
}

/* G.711 table 1: magnitude of 13 bits, segment, four bits; even bits inverted. */
static inline uint8_t g711_to_alaw(int sample)
{
    int mask = sample < 0 ? 0x55 : 0xd5;
    int magnitude = sample < 0 ? ~sample : sample;
    if (magnitude < 256)
        return (uint8_t)((magnitude >> 4) ^ mask);
    int segment = 24 - __builtin_clz((unsigned)magnitude);
    return (uint8_t)((segment << 4 | ((magnitude >> (segment + 3)) & 0x0f)) ^ mask);
}

#endif
