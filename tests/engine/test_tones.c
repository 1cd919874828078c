/* Tones and DTMF, with spandsp as the other party. */
#include "check.h"

#include <spandsp/telephony.h>

#include <spandsp/logging.h>
#include <spandsp/queue.h>
#include <spandsp/tone_generate.h>

#include <spandsp/super_tone_rx.h>

#include <spandsp/dtmf.h>

#include "dtmf.h"
#include "tone.h"

static const char DIGITS[] = "123A456B789C*0#D";

static void a_tone_has_its_frequencies_and_cadence(void)
{
    static const struct tone_part parts[] = {{440, 480, 200, 0}, {0, 0, 100, 0}};
    int16_t sound[8000];
    struct tone tone;
    for (int rate = 8000; rate <= 48000; rate += 40000) {
        int n = rate / 100, total = 0;
        tone_start(&tone, parts, 2, 0, 7219);
        for (int tick = 0; tick < 20 && total + n <= 8000; tick++, total += n)
            CHECK(tone_make(&tone, sound + total, n, rate));
        total = total / (rate / 40) * (rate / 40); /* whole turns of both */
        CHECK(fabs(amplitude_of(sound, total, 440, rate) - 7219) < 150);
        CHECK(fabs(amplitude_of(sound, total, 480, rate) - 7219) < 150);
    }
    tone_start(&tone, parts, 2, 0, 7219);
    for (int tick = 0; tick < 60; tick++) {
        CHECK(tone_make(&tone, sound, 80, 8000));
        bool sounding = tick % 30 < 20;
        CHECK(sounding == (rms_of(sound, 80) > 1000), "tick %d", tick);
    }
}

static void what_is_played_once_ends(void)
{
    static const struct tone_part parts[] = {{950, 0, 30, 0}, {1400, 0, 25, 0}};
    int16_t sound[80];
    struct tone tone;
    tone_start(&tone, parts, 2, -1, 5000);
    for (int tick = 0; tick < 6; tick++)
        CHECK(tone_make(&tone, sound, 80, 8000));
    CHECK(rms_of(sound + 40, 40) == 0); /* the rest of the last block */
    CHECK(!tone_make(&tone, sound, 80, 8000));
    CHECK(!tone_make(&tone, sound, 80, 8000));
}

static void the_repeated_part_follows_the_introduction(void)
{
    static const struct tone_part parts[] = {{600, 0, 50, 0}, {1000, 0, 50, 0}, {1500, 0, 50, 0}};
    int16_t sound[400];
    struct tone tone;
    tone_start(&tone, parts, 3, 1, 5000);
    static const double expected[] = {600, 1000, 1500, 1000, 1500, 1000};
    for (int i = 0; i < 6; i++) {
        tone_make(&tone, sound, 400, 8000);
        CHECK(amplitude_of(sound, 400, expected[i], 8000) > 4800, "part %d", i);
    }
}

static void a_modulated_tone_swings(void)
{
    static const struct tone_part part = {1000, 20, 0, 1};
    int16_t sound[8000];
    struct tone tone;
    tone_start(&tone, &part, 1, 0, 10000);
    tone_make(&tone, sound, 8000, 8000);
    double carrier = amplitude_of(sound, 8000, 1000, 8000), side = amplitude_of(sound, 8000, 1020, 8000);
    CHECK(fabs(side / carrier - 0.9 / 1.1 / 2) < 0.02, "%.3f", side / carrier);
}

struct heard {
    char digits[64];
    int count, ms[64];
};

static void hear(struct dtmf *dtmf, struct heard *heard, const int16_t *sound, int n)
{
    for (int at = 0; at < n; at += 80) {
        struct dtmf_result result = dtmf_feed(dtmf, sound + at, n - at < 80 ? n - at : 80);
        if (result.change == DTMF_BEGIN && heard->count < 63)
            heard->digits[heard->count++] = result.digit;
        if (result.change == DTMF_END && heard->count)
            heard->ms[heard->count - 1] = result.ms;
    }
}

/* One digit with changed frequencies, levels and length between silences; true
 * when it was heard exactly once. */
static bool heard_once(char digit, double detune, double low, double high, int ms, bool relaxed, int from)
{
    struct tone_part part;
    int16_t sound[8000] = {0};
    struct heard heard = {{0}, 0, {0}};
    struct dtmf dtmf;
    tone_of_digit(digit, &part);
    for (int i = 0; i < ms * 8; i++)
        sound[400 + from + i] = (int16_t)lrint(low * sin(2 * M_PI * part.low * (1 + detune) * i / 8000) +
                                               high * sin(2 * M_PI * part.high * (1 + detune) * i / 8000));
    dtmf_init(&dtmf, 8000, relaxed);
    hear(&dtmf, &heard, sound, 8000);
    CHECK(heard.count < 2, "%c heard %d times", digit, heard.count);
    return heard.count == 1 && heard.digits[0] == digit;
}

static void every_digit_is_heard_at_every_level(void)
{
    static const double levels[] = {12000, 7000, 2000, 700, 350};
    for (const char *digit = DIGITS; *digit; digit++)
        for (int i = 0; i < 5; i++)
            for (int from = 0; from < 102; from += 17)
                CHECK(heard_once(*digit, 0, levels[i], levels[i], 50, false, from), "%c at %.0f", *digit, levels[i]);
}

static void q24_limits_hold(void)
{
    for (const char *digit = DIGITS; *digit; digit++) {
        CHECK(heard_once(*digit, 0.015, 5000, 5000, 60, false, 0), "%c +1.5 %%", *digit);
        CHECK(heard_once(*digit, -0.015, 5000, 5000, 60, false, 0), "%c -1.5 %%", *digit);
        CHECK(!heard_once(*digit, 0.035, 5000, 5000, 60, false, 0), "%c +3.5 %%", *digit);
        CHECK(!heard_once(*digit, -0.035, 5000, 5000, 60, false, 0), "%c -3.5 %%", *digit);
        CHECK(heard_once(*digit, 0, 5000, 5000 * 0.66, 60, false, 0), "%c normal twist", *digit);
        CHECK(heard_once(*digit, 0, 5000 * 0.66, 5000, 60, false, 0), "%c reverse twist", *digit);
        CHECK(!heard_once(*digit, 0, 8000, 1200, 60, false, 0), "%c 16 dB twist", *digit);
        CHECK(!heard_once(*digit, 0, 5000, 0, 60, false, 0), "%c row alone", *digit);
        CHECK(!heard_once(*digit, 0, 0, 5000, 60, false, 0), "%c column alone", *digit);
        for (int from = 0; from < 102; from += 6) {
            CHECK(heard_once(*digit, 0, 5000, 5000, 40, false, from), "%c of 40 ms", *digit);
            CHECK(!heard_once(*digit, 0, 5000, 5000, 20, false, from), "%c of 20 ms", *digit);
        }
    }
}

static void what_spandsp_sends_we_hear(void)
{
    int16_t sound[8000 * 4];
    struct heard heard = {{0}, 0, {0}};
    struct dtmf dtmf;
    dtmf_tx_state_t *sender = dtmf_tx_init(NULL);
    dtmf_tx_put(sender, "123A456B789C*0#D", -1);
    int n = dtmf_tx(sender, sound, 8000 * 4);
    dtmf_tx_free(sender);
    dtmf_init(&dtmf, 8000, false);
    hear(&dtmf, &heard, sound, n);
    CHECK(!strcmp(heard.digits, DIGITS), "heard %s", heard.digits);
}

static void what_we_send_spandsp_hears(void)
{
    int16_t sound[80];
    char heard[32] = "";
    dtmf_rx_state_t *receiver = dtmf_rx_init(NULL, NULL, NULL);
    for (const char *digit = DIGITS; *digit; digit++) {
        struct tone_part parts[2] = {{0}};
        struct tone tone;
        CHECK(tone_of_digit(*digit, &parts[0]));
        parts[0].ms = 60;
        parts[1].ms = 60;
        tone_start(&tone, parts, 2, -1, 7219);
        while (tone_make(&tone, sound, 80, 8000))
            dtmf_rx(receiver, sound, 80);
    }
    dtmf_rx_get(receiver, heard, 31);
    dtmf_rx_free(receiver);
    CHECK(!strcmp(heard, DIGITS), "heard %s", heard);
    CHECK(!tone_of_digit('x', &(struct tone_part){0}) && !tone_of_digit(0, &(struct tone_part){0}));
}

static void lengths_are_told_and_a_gap_separates(void)
{
    int16_t sound[8000] = {0};
    struct heard heard = {{0}, 0, {0}};
    struct dtmf dtmf;
    for (int part = 0; part < 2; part++)
        for (int i = 0; i < 2400; i++)
            sound[800 + part * 3200 + i] =
                (int16_t)(5000 * sin(2 * M_PI * 770 * i / 8000) + 5000 * sin(2 * M_PI * 1336 * i / 8000));
    dtmf_init(&dtmf, 8000, false);
    hear(&dtmf, &heard, sound, 8000);
    CHECK(heard.count == 2 && !strcmp(heard.digits, "55"), "heard %s", heard.digits);
    CHECK(abs(heard.ms[0] - 300) <= 26 && abs(heard.ms[1] - 300) <= 26, "%d and %d ms", heard.ms[0], heard.ms[1]);
}

static void wideband_works_too(void)
{
    struct dtmf dtmf;
    int16_t sound[160];
    char got = 0;
    dtmf_init(&dtmf, 16000, false);
    for (int at = 0; at < 1600; at += 160) {
        for (int i = 0; i < 160; i++)
            sound[i] = (int16_t)(5000 * sin(2 * M_PI * 941 * (at + i) / 16000) +
                                 5000 * sin(2 * M_PI * 1477 * (at + i) / 16000));
        struct dtmf_result result = dtmf_feed(&dtmf, sound, 160);
        if (result.change == DTMF_BEGIN)
            got = result.digit;
    }
    CHECK(got == '#', "heard %c", got ? got : '-');
}

static void noise_and_vowels_are_no_digits(void)
{
    struct dtmf dtmf;
    struct heard heard = {{0}, 0, {0}};
    int16_t sound[80];
    dtmf_init(&dtmf, 8000, false);
    for (int tick = 0; tick < 60 * 100; tick++) { /* a minute of noise, then of gliding vowels: harmonics shaped
                                                     by two wandering formants */
        for (int i = 0; i < 80; i++)
            sound[i] = (int16_t)((int)random_number(20000) - 10000);
        hear(&dtmf, &heard, sound, 80);
    }
    double turn = 0;
    for (int tick = 0; tick < 60 * 100; tick++) {
        double at = tick / 100.0, pitch = 130 + 50 * sin(at * 3), first = 500 + 350 * sin(at * 1.7);
        double second = 1500 + 600 * sin(at * 1.1);
        for (int i = 0; i < 80; i++) {
            double value = 0;
            turn += 2 * M_PI * pitch / 8000;
            for (int k = 1; k * pitch < 3600; k++) {
                double low = (k * pitch - first) / 120, high = (k * pitch - second) / 150;
                value += sin(k * turn) * (exp(-low * low) + 0.6 * exp(-high * high) + 0.01);
            }
            sound[i] = (int16_t)(4000 * value);
        }
        hear(&dtmf, &heard, sound, 80);
    }
    CHECK(heard.count <= 2, "%d digits in two minutes: %s", heard.count, heard.digits);
}

int main(void)
{
    RUN(a_tone_has_its_frequencies_and_cadence);
    RUN(what_is_played_once_ends);
    RUN(the_repeated_part_follows_the_introduction);
    RUN(a_modulated_tone_swings);
    RUN(every_digit_is_heard_at_every_level);
    RUN(q24_limits_hold);
    RUN(what_spandsp_sends_we_hear);
    RUN(what_we_send_spandsp_hears);
    RUN(lengths_are_told_and_a_gap_separates);
    RUN(wideband_works_too);
    RUN(noise_and_vowels_are_no_digits);
    return check_result();
}
