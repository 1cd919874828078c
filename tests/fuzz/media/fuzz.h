/* What the fuzzers of the media engine share: an input is read off piece by piece. */
#ifndef OFFHOOK_FUZZ_H
#define OFFHOOK_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static inline unsigned take(struct input *input)
{
    if (!input->left)
        return 0;
    input->left--;
    return *input->at++;
}

/* At most that many bytes of the input, copied to the end of a fresh block: reading past it is noticed. */
static inline uint8_t *take_bytes(struct input *input, size_t most, size_t *count)
{
    *count = take(input) << 3 | (take(input) & 7);
    if (*count > most)
        *count = most;
    if (*count > input->left)
        *count = input->left;
    uint8_t *bytes = malloc(*count ? *count : 1);
    if (!bytes)
        abort();
    memcpy(bytes, input->at, *count);
    input->at += *count;
    input->left -= *count;
    return bytes;
}

#define EXPECT(CONDITION)                                                                                              \
    do {                                                                                                               \
        if (!(CONDITION)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #CONDITION);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
