#include "tone.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { TABLE = 1024 };

static int16_t sine[TABLE + 1];

static void make_table(void)
{
    for (int i = 0; i <= TABLE; i++)
        sine[i] = (int16_t)lrint(32767 * sin(2 * M_PI * i / TABLE));
}

void tone_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_table);
}

void tone_start(struct tone *tone, const struct tone_part *parts, int count, int repeat, int level)
{
    tone_prepare();
    *tone = (struct tone){.parts = parts, .count = count, .repeat = repeat, .level = level, .at = -1};
}

/* Interpolated: a phase of 32 bits is a full turn. */
int tone_sine(uint32_t phase)
{
    uint32_t index = phase >> 22, part = phase >> 6 & 0xffff;
    return sine[index] + (((sine[index + 1] - sine[index]) * (int)part) >> 16);
}

uint32_t tone_step(double frequency, int rate)
{
    return (uint32_t)(frequency / rate * 4294967296.0 + 0.5);
}

/* Enter the next part; false when there is none. A list of parts without length in which nothing lasts ends too. */
static bool next_part(struct tone *tone)
{
    tone->at++;
    if (tone->at >= tone->count) {
        if (tone->repeat < 0 || tone->repeat >= tone->count) {
            tone->at = tone->count;
            return false;
        }
        tone->at = tone->repeat;
    }
    const struct tone_part *part = &tone->parts[tone->at];
    tone->left = part->ms > 0 ? (int64_t)part->ms * tone->rate / 1000 : INT64_MAX;
    tone->phase[0] = tone->phase[1] = 0;
    tone->step[0] = tone_step(part->low, tone->rate);
    tone->step[1] = tone_step(part->high, tone->rate);
    return true;
}

static void fill(struct tone *tone, int16_t *out, int n)
{
    const struct tone_part *part = &tone->parts[tone->at];
    int level = tone->level;
    for (int i = 0; i < n; i++) {
        int low = part->low > 0 ? (tone_sine(tone->phase[0]) * level) >> 15 : 0;
        int high = part->high > 0 ? tone_sine(tone->phase[1]) : 0;
        int sum;
        if (part->modulated) /* 90 %: the amplitude swings between a tenth and the whole */
            sum = low * (18022 + ((high * 14746) >> 15)) >> 15;
        else
            sum = low + ((high * level) >> 15);
        out[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
        tone->phase[0] += tone->step[0];
        tone->phase[1] += tone->step[1];
    }
}

bool tone_make(struct tone *tone, int16_t *out, int n, int rate)
{
    if (tone->rate != rate) { /* first use, or the leg's format changed: the rest of the part in new samples */
        int64_t left = tone->left;
        int old = tone->rate;
        tone->rate = rate;
        if (tone->at >= 0 && tone->at < tone->count) {
            tone->left = left == INT64_MAX ? left : left * rate / old;
            tone->step[0] = tone_step(tone->parts[tone->at].low, rate);
            tone->step[1] = tone_step(tone->parts[tone->at].high, rate);
        }
    }
    int made = 0;
    while (made < n) {
        if (tone->left <= 0 && !next_part(tone))
            break;
        int64_t some = n - made < tone->left ? n - made : tone->left;
        fill(tone, out + made, (int)some);
        made += (int)some;
        if (tone->left != INT64_MAX)
            tone->left -= some;
    }
    memset(out + made, 0, (size_t)(n - made) * sizeof(*out));
    return made > 0;
}

bool tone_of_digit(char digit, struct tone_part *part)
{
    static const char digits[] = "123A456B789C*0#D";
    static const float rows[4] = {697, 770, 852, 941}, columns[4] = {1209, 1336, 1477, 1633};
    const char *found = digit ? strchr(digits, digit >= 'a' && digit <= 'd' ? digit - 32 : digit) : NULL;
    if (!found)
        return false;
    int at = (int)(found - digits);
    *part = (struct tone_part){.low = rows[at / 4], .high = columns[at % 4]};
    return true;
}
