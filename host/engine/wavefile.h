/* The header of a WAVE file. */
#ifndef OFFHOOK_WAVEFILE_H
#define OFFHOOK_WAVEFILE_H

#include <stdbool.h>
#include <stdint.h>

enum { WAVEFILE_PCM = 1, WAVEFILE_ALAW = 6, WAVEFILE_ULAW = 7, WAVEFILE_GSM = 49 };
enum { WAVEFILE_PCM_HEADER = 44, WAVEFILE_GSM_HEADER = 60 };

struct wavefile {
    int tag, rate, channels, bits;
    int64_t start, size; /* of the data chunk, in bytes */
};

/* Find format and data; false when it is no WAVE file. A data size that is wrong (0, too large) becomes the rest of
 * the file: recordings cut off by a power loss stay readable. */
bool wavefile_read(int descriptor, struct wavefile *wave);

/* Write the header before `size` bytes of mono sound. */
bool wavefile_write(int descriptor, int tag, int rate, int64_t size);

#endif
