/* The short form, where there is no libFuzzer: inputs made up from a seed, the same in every run.  invented COUNT */
#include "fuzz.h"

static uint32_t state = 1;

static uint32_t chance(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

int main(int count, char **arguments)
{
    enum { MOST = 4096 };
    int inputs = count > 1 ? atoi(arguments[1]) : 1000;
    for (int i = 0; i < inputs; i++) {
        size_t size = 1 + chance(i % 8 ? 400 : MOST);
        uint8_t *data = malloc(size);
        if (!data)
            return 1;
        for (size_t k = 0; k < size; k++)
            data[k] = (uint8_t)(chance(4) ? chance(256) : (uint32_t[]){0x80, 0, 22, 200}[chance(4)]);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
    }
    printf("  %d inputs, nothing found\n", inputs);
    return 0;
}
