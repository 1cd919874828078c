#include "wavefile.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t get(const uint8_t *at, int bytes)
{
    uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

bool wavefile_read(int descriptor, struct wavefile *wave)
{
    uint8_t head[12], chunk[8], format[16];
    struct stat status;
    memset(wave, 0, sizeof(*wave));
    if (fstat(descriptor, &status) || pread(descriptor, head, 12, 0) != 12 || memcmp(head, "RIFF", 4) ||
        memcmp(head + 8, "WAVE", 4))
        return false;
    int64_t at = 12;
    while (pread(descriptor, chunk, 8, at) == 8) {
        int64_t size = get(chunk + 4, 4);
        at += 8;
        if (!memcmp(chunk, "fmt ", 4) && size >= 16 && pread(descriptor, format, 16, at) == 16) {
            wave->tag = (int)get(format, 2);
            wave->channels = (int)get(format + 2, 2);
            wave->rate = (int)get(format + 4, 4);
            wave->bits = (int)get(format + 14, 2);
        } else if (!memcmp(chunk, "data", 4)) {
            wave->start = at;
            wave->size = size && at + size <= status.st_size ? size : status.st_size - at;
            return wave->tag != 0;
        }
        at += size + (size & 1);
    }
    return false;
}

bool wavefile_write(int descriptor, int tag, int rate, int64_t size)
{
    uint8_t header[WAVEFILE_GSM_HEADER] = {0};
    bool gsm = tag == WAVEFILE_GSM;
    int length = gsm ? WAVEFILE_GSM_HEADER : WAVEFILE_PCM_HEADER;
    uint32_t bytes = size > 0xfffff000 ? 0xfffff000u : (uint32_t)size;
    memcpy(header, "RIFF", 4);
    put(header + 4, (uint32_t)(length - 8) + bytes + (bytes & 1), 4);
    memcpy(header + 8, "WAVEfmt ", 8);
    put(header + 16, gsm ? 20 : 16, 4);
    put(header + 20, (uint32_t)tag, 2);
    put(header + 22, 1, 2);
    put(header + 24, (uint32_t)rate, 4);
    put(header + 28, gsm ? 1625 : (uint32_t)rate * 2, 4); /* bytes a second */
    put(header + 32, gsm ? 65 : 2, 2);
    put(header + 34, gsm ? 0 : 16, 2);
    if (gsm) {
        put(header + 36, 2, 2);
        put(header + 38, 320, 2); /* samples a block */
        memcpy(header + 40, "fact", 4);
        put(header + 44, 4, 4);
        put(header + 48, (uint32_t)(size / 65 * 320), 4);
    }
    memcpy(header + length - 8, "data", 4);
    put(header + length - 4, bytes, 4);
    if (bytes & 1 && pwrite(descriptor, "", 1, length + size) != 1)
        return false;
    return pwrite(descriptor, header, (size_t)length, 0) == length;
}
