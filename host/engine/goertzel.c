#include "goertzel.h"

#include <math.h>
#include <string.h>

void goertzel_init(struct goertzel *bank, const float *frequencies, int count, int block, int rate)
{
    memset(bank, 0, sizeof(*bank));
    bank->count = count < GOERTZEL_MOST ? count : GOERTZEL_MOST;
    bank->block = block;
    for (int k = 0; k < bank->count; k++)
        bank->coefficient[k] = 2 * cosf(2 * (float)M_PI * frequencies[k] / (float)rate);
}

static void finish(struct goertzel *bank)
{
    float scale = bank->energy > 0 ? 2.0f / (bank->energy * (float)bank->block) : 0;
    for (int k = 0; k < bank->count; k++) {
        float a = bank->past[k][0], b = bank->past[k][1];
        bank->share[k] = (a * a + b * b - bank->coefficient[k] * a * b) * scale;
    }
    bank->mean = bank->energy / (float)bank->block;
    bank->energy = 0;
    bank->filled = 0;
    memset(bank->past, 0, sizeof(bank->past));
}

int goertzel_feed(struct goertzel *bank, const int16_t *samples, int n, bool *whole)
{
    int some = bank->block - bank->filled < n ? bank->block - bank->filled : n;
    float energy = bank->energy;
    for (int i = 0; i < some; i++)
        energy += (float)samples[i] * samples[i];
    bank->energy = energy;
    for (int k = 0; k < bank->count; k++) {
        float c = bank->coefficient[k], a = bank->past[k][0], b = bank->past[k][1];
        for (int i = 0; i < some; i++) {
            float now = c * a - b + samples[i];
            b = a;
            a = now;
        }
        bank->past[k][0] = a;
        bank->past[k][1] = b;
    }
    bank->filled += some;
    *whole = bank->filled == bank->block;
    if (*whole)
        finish(bank);
    return some;
}
