/* What lines signal by: caller-ID FSK, MF, R2. Each over levels, twist, noise
 * and the A-law of a line card; printed as a table of conditions. spandsp is
 * the other party where it speaks the same. */
#include "check.h"

#include <spandsp/telephony.h>

#include <spandsp/async.h>
#include <spandsp/logging.h>
#include <spandsp/queue.h>
#include <spandsp/tone_generate.h>

#include <spandsp/super_tone_rx.h>

#include <spandsp/dtmf.h>

#include <spandsp/bell_r2_mf.h>
#include <spandsp/fsk.h>

#include "fsk.h"
#include "g711.h"
#include "multitone.h"
#include "tone.h"

enum { ROOM = 8000 * 4, OCTETS = 96 };

struct line {
    double level_db; /* of the whole signal, dBm0 */
    double twist_db; /* high against low */
    double noise_db; /* below the signal; 0: none */
    bool alaw;
    int offset; /* samples before it begins */
};

static double gaussian(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += random_number(1 << 20) / (double)(1 << 20);
    return sum - 6;
}

/* 0 dBm0 is a sine 3.14 dB below full scale (A-law; G.711 Table 5). */
static double amplitude_dbm0(double db)
{
    return 32768 * pow(10, (db - 3.14) / 20);
}

/* A first-order shelf that favours high (or low) frequencies, pivoted at 1700
 * Hz. */
static void twist(double *sound, int n, double low_hz, double high_hz, double db)
{
    double best = 0, nearest = 1e9;
    for (double a = -0.95; a <= 0.95; a += 0.005) {
        double wl = 2 * M_PI * low_hz / 8000, wh = 2 * M_PI * high_hz / 8000;
        double low = 1 + 2 * a * cos(wl) + a * a, high = 1 + 2 * a * cos(wh) + a * a;
        double off = fabs(10 * log10(high / low) - db);
        if (off < nearest) {
            nearest = off;
            best = a;
        }
    }
    double before = 0;
    for (int i = 0; i < n; i++) {
        double now = sound[i];
        sound[i] = now + best * before;
        before = now;
    }
}

static int put_on_line(int16_t *sound, int n, const struct line *line, double low_hz, double high_hz)
{
    static double copy[ROOM];
    double power = 0;
    int from = line->offset, total = n + from + 800;
    for (int i = 0; i < n; i++)
        copy[i] = sound[i];
    if (line->twist_db != 0)
        twist(copy, n, low_hz, high_hz, line->twist_db);
    for (int i = 0; i < n; i++)
        power += copy[i] * copy[i];
    double wanted = amplitude_dbm0(line->level_db) / sqrt(2);
    double gain = wanted / sqrt(power / n);
    double noise = line->noise_db != 0 ? wanted * pow(10, -line->noise_db / 20) : 0;
    for (int i = total - 1; i >= 0; i--) {
        double value = i >= from && i < n + from ? copy[i - from] * gain : 0;
        value += gaussian() * noise;
        int16_t sample = (int16_t)lrint(fmax(-32767, fmin(32767, value)));
        sound[i] = line->alaw ? g711_alaw_linear[g711_to_alaw(sample)] : sample;
    }
    return total;
}

static void make_message(uint8_t *octets)
{
    for (int i = 0; i < OCTETS; i++)
        octets[i] = (uint8_t)random_number(256);
}

/* Octets of the message heard, in order, after the channel seizure. */
static int fsk_over(enum fsk_standard standard, const struct line *line, int seizure)
{
    static int16_t sound[ROOM];
    uint8_t message[OCTETS], heard[ROOM / 60];
    struct fsk_sender sender;
    struct fsk_receiver receiver;
    make_message(message);
    fsk_send_start(&sender, standard, message, OCTETS, seizure, 180, 8000);
    int n = 0, count = 0;
    while (fsk_send(&sender, sound + n, 80, 8000))
        n += 80;
    n = put_on_line(sound, n, line, standard == FSK_V_23 ? 1300 : 1200, standard == FSK_V_23 ? 2100 : 2200);
    fsk_receive_init(&receiver);
    for (int at = 0; at + 80 <= n; at += 80)
        count += fsk_receive(&receiver, sound + at, 80, heard + count, 16);
    int best = 0;
    for (int skip = 0; skip <= count; skip++) { /* what the seizure looks like */
        int good = 0;
        for (int i = 0; i < OCTETS && skip + i < count; i++)
            good += heard[skip + i] == message[i];
        best = good > best ? good : best;
    }
    CHECK(!receiver.carrier || line->noise_db != 0, "the carrier ends");
    return best;
}

static void fsk_is_read_over_lines(void)
{
    static const struct {
        const char *what;
        struct line line;
        int least; /* of 960 octets */
    } conditions[] = {
        {"-10 dBm0, clean", {-10, 0, 0, false, 0}, 960},
        {"-1 dBm0, A-law", {-1, 0, 0, true, 37}, 960},
        {"-40 dBm0, A-law", {-40, 0, 0, true, 3}, 960},
        {"-20 dBm0, twist +6 dB", {-20, 6, 0, true, 11}, 960},
        {"-20 dBm0, twist -6 dB", {-20, -6, 0, true, 11}, 960},
        {"-30 dBm0, twist -10 dB, S/N 25 dB", {-30, -10, 25, true, 50}, 950},
        {"-20 dBm0, S/N 20 dB", {-20, 0, 20, true, 5}, 960},
        {"-20 dBm0, S/N 15 dB", {-20, 0, 15, true, 5}, 955},
        {"-20 dBm0, S/N 12 dB", {-20, 0, 12, true, 5}, 900},
    };
    for (int standard = 0; standard < 2; standard++)
        for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
            int good = 0;
            for (int run = 0; run < 10; run++) {
                struct line line = conditions[i].line;
                line.offset += run * 13;
                good += fsk_over(standard, &line, run % 2 ? 300 : 0);
            }
            printf("    %-8s %-36s %4d of 960 octets\n", standard ? "V.23" : "Bell 202", conditions[i].what, good);
            CHECK(good >= conditions[i].least, "%s: %d", conditions[i].what, good);
        }
}

struct bits {
    uint8_t octets[OCTETS];
    int at, count;
};

static void spandsp_hears_octet(void *data, int octet)
{
    struct bits *bits = data;
    if (octet >= 0 && bits->count < OCTETS)
        bits->octets[bits->count++] = (uint8_t)octet;
}

static void spandsp_reads_our_fsk(void)
{
    for (int standard = 0; standard < 2; standard++) {
        uint8_t message[OCTETS];
        struct bits heard = {{0}, 0, 0};
        struct fsk_sender sender;
        int16_t sound[80];
        make_message(message);
        async_rx_state_t *octets = async_rx_init(NULL, 8, ASYNC_PARITY_NONE, 1, false, spandsp_hears_octet, &heard);
        fsk_rx_state_t *rx = fsk_rx_init(NULL, &preset_fsk_specs[standard == FSK_V_23 ? FSK_V23CH1 : FSK_BELL202],
                                         FSK_FRAME_MODE_ASYNC, async_rx_put_bit, octets);
        fsk_send_start(&sender, standard, message, OCTETS, 0, 180, 8000);
        while (fsk_send(&sender, sound, 80, 8000))
            fsk_rx(rx, sound, 80);
        memset(sound, 0, sizeof(sound));
        fsk_rx(rx, sound, 80);
        CHECK(heard.count == OCTETS && !memcmp(heard.octets, message, OCTETS), "%d octets", heard.count);
        fsk_rx_free(rx);
        async_rx_free(octets);
    }
}

static int spandsp_gives_bit(void *data)
{
    struct bits *bits = data;
    int octet = bits->at / 10, place = bits->at % 10;
    bits->at++;
    if (octet >= 20 + OCTETS)
        return -1;
    if (octet < 20)
        return 1;
    return place == 0 ? 0 : place == 9 ? 1 : bits->octets[octet - 20] >> (place - 1) & 1;
}

static void we_read_spandsps_fsk(void)
{
    for (int standard = 0; standard < 2; standard++) {
        struct bits sent = {{0}, 0, 0};
        struct fsk_receiver receiver;
        uint8_t heard[OCTETS + 16];
        int16_t sound[80];
        int count = 0;
        make_message(sent.octets);
        fsk_tx_state_t *tx = fsk_tx_init(NULL, &preset_fsk_specs[standard == FSK_V_23 ? FSK_V23CH1 : FSK_BELL202],
                                         spandsp_gives_bit, &sent);
        fsk_receive_init(&receiver);
        while (fsk_tx(tx, sound, 80) == 80 && count < OCTETS)
            count += fsk_receive(&receiver, sound, 80, heard + count, 16);
        CHECK(count == OCTETS && !memcmp(heard, sent.octets, OCTETS), "%d octets", count);
        fsk_tx_free(tx);
    }
}

static void speech_and_noise_are_no_fsk(void)
{
    struct fsk_receiver receiver;
    uint8_t octets[16];
    int16_t sound[80];
    int carriers = 0, count = 0;
    fsk_receive_init(&receiver);
    for (int tick = 0; tick < 3000; tick++) {
        for (int i = 0; i < 80; i++)
            sound[i] = (int16_t)(gaussian() * 3000);
        count += fsk_receive(&receiver, sound, 80, octets, 16);
        carriers += receiver.carrier;
    }
    CHECK(!carriers && !count, "noise: %d ticks of carrier, %d octets", carriers, count);
    for (int at = 0; at < 8000; at += 80) { /* a dial tone */
        for (int i = 0; i < 80; i++)
            sound[i] =
                (int16_t)(5000 * sin(2 * M_PI * 350 * (at + i) / 8000) + 5000 * sin(2 * M_PI * 440 * (at + i) / 8000));
        count += fsk_receive(&receiver, sound, 80, octets, 16);
        carriers += receiver.carrier;
    }
    CHECK(!carriers && !count, "dial tone: %d, %d octets", carriers, count);
}

static const char *const signals[] = {"1234567890CA*B#", "1234567890BCDEF", "1234567890BCDEF"};
static const char *const system_names[] = {"MF R1", "R2 forward", "R2 backward"};

static int multitone_over(enum multitone_system system, const struct line *line, int ms, int gap_ms, int *wrong)
{
    static int16_t sound[ROOM];
    struct multitone multitone;
    int good = 0;
    for (int which = 0; which < 15; which++) {
        struct tone_part parts[2] = {{0, 0, 0, 0}, {0, 0, gap_ms, 0}};
        struct tone tone;
        char heard = 0;
        int begins = 0, told = 0;
        CHECK(multitone_of(system, signals[system][which], parts));
        parts[0].ms = ms;
        tone_start(&tone, parts, 1, -1, 6000);
        int n = ms * 8;
        tone_make(&tone, sound, n, 8000);
        n = put_on_line(sound, n, line, parts[0].low, parts[0].high);
        multitone_init(&multitone, system);
        for (int at = 0; at + 80 <= n; at += 80) {
            struct multitone_change change = multitone_feed(&multitone, sound + at, 80);
            if (change.signal && change.begins) {
                begins++;
                heard = change.signal;
            } else if (change.signal) {
                told = change.ms;
            }
        }
        if (begins == 1 && heard == signals[system][which])
            good++;
        else if (begins)
            (*wrong)++;
        if (begins == 1 && line->noise_db == 0)
            CHECK(abs(told - ms) <= 25, "%d ms told as %d", ms, told);
    }
    return good;
}

static void register_signals_are_read_over_lines(void)
{
    static const struct {
        const char *what;
        struct line line;
        int ms, least; /* of 75 */
    } conditions[] = {
        {"-10 dBm0, 68 ms", {-10, 0, 0, true, 0}, 68, 75},
        {"-3 dBm0, 100 ms", {-3, 0, 0, true, 0}, 100, 75},
        {"-32 dBm0, 68 ms", {-32, 0, 0, true, 0}, 68, 75},
        {"-15 dBm0, twist +6 dB, 68 ms", {-15, 6, 0, true, 0}, 68, 75},
        {"-15 dBm0, twist -6 dB, 68 ms", {-15, -6, 0, true, 0}, 68, 75},
        {"-15 dBm0, S/N 20 dB, 68 ms", {-15, 0, 20, true, 0}, 68, 75},
        {"-15 dBm0, S/N 15 dB, 68 ms", {-15, 0, 15, true, 0}, 68, 70},
    };
    for (int system = 0; system < 3; system++)
        for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
            int good = 0, wrong = 0;
            for (int run = 0; run < 5; run++) {
                struct line line = conditions[i].line;
                line.offset = run * 17;
                good += multitone_over(system, &line, conditions[i].ms, 68, &wrong);
            }
            printf("    %-11s %-32s %2d of 75, %d wrong\n", system_names[system], conditions[i].what, good, wrong);
            CHECK(good >= conditions[i].least && !wrong);
        }
}

static void a_short_click_is_no_register_signal(void)
{
    int wrong = 0;
    struct line line = {-10, 0, 0, true, 20};
    for (int system = 0; system < 3; system++)
        CHECK(multitone_over(system, &line, 10, 68, &wrong) == 0);
    CHECK(!wrong);
}

static void we_hear_what_spandsp_signals(void)
{
    for (int forward = 0; forward < 2; forward++) {
        r2_mf_tx_state_t *tx = r2_mf_tx_init(NULL, forward);
        for (const char *each = signals[MULTITONE_R2_FORWARD]; *each; each++) {
            struct multitone multitone;
            int16_t sound[80];
            char heard = 0;
            multitone_init(&multitone, forward ? MULTITONE_R2_FORWARD : MULTITONE_R2_BACKWARD);
            r2_mf_tx_put(tx, *each);
            for (int tick = 0; tick < 8; tick++) {
                r2_mf_tx(tx, sound, 80);
                struct multitone_change change = multitone_feed(&multitone, sound, 80);
                if (change.begins)
                    heard = change.signal;
            }
            CHECK(heard == *each, "R2 %s: %c heard as %c", forward ? "forward" : "backward", *each,
                  heard ? heard : '-');
        }
        r2_mf_tx_free(tx);
    }
}

static void spandsp_hears_what_we_signal(void)
{
    char heard[32] = "";
    bell_mf_rx_state_t *rx = bell_mf_rx_init(NULL, NULL, NULL);
    static int16_t sound[8000];
    for (const char *each = "*1234567890#ABC"; *each; each++) {
        struct tone_part parts[2] = {{0, 0, 0, 0}, {0, 0, 68, 0}};
        struct tone tone;
        multitone_of(MULTITONE_R1, *each, parts);
        parts[0].ms = *each == '*' ? 100 : 68;
        tone_start(&tone, parts, 2, -1, 6000);
        tone_make(&tone, sound, (parts[0].ms + 68) * 8, 8000);
        bell_mf_rx(rx, sound, (parts[0].ms + 68) * 8);
    }
    bell_mf_rx_get(rx, heard, 31);
    CHECK(!strcmp(heard, "*1234567890#ABC"), "%s", heard);
    bell_mf_rx_free(rx);
}

int main(void)
{
    RUN(fsk_is_read_over_lines);
    RUN(spandsp_reads_our_fsk);
    RUN(we_read_spandsps_fsk);
    RUN(speech_and_noise_are_no_fsk);
    RUN(register_signals_are_read_over_lines);
    RUN(a_short_click_is_no_register_signal);
    RUN(we_hear_what_spandsp_signals);
    RUN(spandsp_hears_what_we_signal);
    return check_result();
}
