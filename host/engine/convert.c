/* A sound file turned into one of another format. */
#include "api.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resample.h"
#include "soundfile.h"

enum { LONGEST_BLOCK = RESAMPLE_MAX_BLOCK };

static bool copy(struct soundfile *in, struct soundfile *out, struct resampler *resampler, int64_t *samples)
{
    int16_t block[LONGEST_BLOCK], other[LONGEST_BLOCK];
    int rate = soundfile_rate(in), n = rate / 100, got;
    while ((got = soundfile_read(in, block, n)) > 0) {
        memset(block + got, 0, (size_t)(n - got) * sizeof(*block));
        int16_t *made = block;
        int count = got;
        if (resampler->filter) {
            resampler_run(resampler, block, other);
            made = other;
            count = (int)((int64_t)got * soundfile_rate(out) / rate);
        }
        if (!soundfile_write(out, made, count))
            return false;
        *samples += count;
    }
    return got == 0;
}

int64_t engine_convert(const char *from, const char *to, const char *extension, char *error)
{
    char why[SOUNDFILE_ERROR];
    struct soundfile *in = soundfile_read_open(from, why), *out = NULL;
    struct resampler resampler = {0};
    struct slab slab = {0};
    int64_t samples = 0, ms = -1;
    error[0] = 0;
    if (!in) {
        snprintf(error, ENGINE_TEXT, "%s", why);
    } else if (soundfile_coded(in)) {
        snprintf(error, ENGINE_TEXT, "%.150s cannot be decoded here", from);
    } else if (!(out = soundfile_write_open(to, extension, false, why))) {
        snprintf(error, ENGINE_TEXT, "%s", why);
    } else {
        int rate = soundfile_rate(in);
        bool same = rate == soundfile_rate(out);
        if (!same && (rate % 100 || !resampler_init(&resampler, &slab, rate, soundfile_rate(out))))
            snprintf(error, ENGINE_TEXT, "%d Hz cannot be converted to %d Hz", rate, soundfile_rate(out));
        else if (!copy(in, out, &resampler, &samples))
            snprintf(error, ENGINE_TEXT, "reading or writing failed");
        else
            ms = samples * 1000 / soundfile_rate(out);
    }
    if (out && !soundfile_finish(out, 0) && ms >= 0) {
        snprintf(error, ENGINE_TEXT, "%.150s could not be written to its end", to);
        ms = -1;
    }
    if (ms < 0 && out)
        unlink(to);
    if (in)
        soundfile_close(in);
    resampler_end(&resampler, &slab);
    slab_end(&slab);
    return ms;
}
