#include "pitch.h"

#include <math.h>
#include <string.h>

enum { WINDOW_MS = 40, MARGIN = 4 };

void pitch_init(struct pitch *pitch, double factor, int rate)
{
    memset(pitch, 0, sizeof(*pitch));
    pitch->factor = (float)(factor < 0.1 ? 0.1 : factor > 4 ? 4 : factor);
    int window = rate * WINDOW_MS / 1000;
    pitch->window = (float)(window < PITCH_LINE / 2 ? window : PITCH_LINE / 2);
}

static float read_behind(const struct pitch *pitch, float behind)
{
    float whole = floorf(behind), part = behind - whole;
    uint32_t index = pitch->written - 1 - MARGIN - (uint32_t)whole;
    float newer = pitch->line[index % PITCH_LINE], older = pitch->line[(index - 1) % PITCH_LINE];
    return newer + (older - newer) * part;
}

void pitch_run(struct pitch *pitch, int16_t *samples, int n)
{
    for (int i = 0; i < n; i++) {
        pitch->line[pitch->written++ % PITCH_LINE] = samples[i];
        float other = pitch->at + pitch->window / 2;
        if (other >= pitch->window)
            other -= pitch->window;
        /* each is loud in the middle of its run and silent where it jumps */
        float share = 1 - fabsf(2 * pitch->at / pitch->window - 1);
        float value = read_behind(pitch, pitch->at) * share + read_behind(pitch, other) * (1 - share);
        samples[i] = (int16_t)lrintf(value);
        pitch->at += 1 - pitch->factor;
        while (pitch->at < 0)
            pitch->at += pitch->window;
        while (pitch->at >= pitch->window)
            pitch->at -= pitch->window;
    }
}
