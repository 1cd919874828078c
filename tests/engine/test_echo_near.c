/* The echo canceller and everything that is not echo: near voices, noise, modems, tones, neighbours. */
#include "echo_lanes.h"
#include "echo_line.h"

#include <spandsp/telephony.h>

#include <spandsp/logging.h>
#include <spandsp/queue.h>

#include <spandsp/tone_generate.h>

#include <spandsp/super_tone_rx.h>

#include <spandsp/async.h>
#include <spandsp/complex.h>
#include <spandsp/fsk.h>
#include <spandsp/modem_connect_tones.h>
#include <spandsp/power_meter.h>
#include <spandsp/tone_detect.h>

static void comfort_noise_hides_what_is_left(void)
{
    clear();
    make_speech(sent, 2 * RATE, 6 * RATE, 4000, 1, 0);
    make_speech(heard, 0, 0, 0, 0, 0);
    double last = 0;
    for (int i = 0; i < 8 * RATE; i++) { /* noise of the line, a low-pass */
        last += 0.3 * (((int)random_number(20001) - 10000) / 5773.0 - last);
        heard[i] = (int16_t)lrint(last * 100);
    }
    double noise = rms_of(heard, 2 * RATE);
    add_echo(2 * RATE, 6 * RATE, NEAR_ONE);
    struct echo *echo = echo_create(1, 32);
    run_from(echo, 0, 8 * RATE);
    double left = 20 * log10(rms_of(out + 4 * RATE, 4 * RATE) / noise);
    CHECK(fabs(left) < 2, "%.1f dB from the noise", left);
    /* and the same colour */
    double product = 0, power = 0;
    for (int i = 4 * RATE; i < 8 * RATE; i++) {
        product += out[i] * out[i - 1];
        power += out[i] * out[i];
    }
    CHECK(fabs(product / power - 0.7) < 0.12, "%.2f", product / power);
    echo_destroy(echo);
}

static void a_near_voice_is_let_through(void)
{
    clear();
    make_speech(sent, 0, 4 * RATE, 4000, 1, 0);
    int16_t near[RATE];
    make_sine(near, RATE, 700, 1500, RATE, 0);
    memcpy(heard + 3 * RATE, near, sizeof near);
    add_echo(0, 4 * RATE, NEAR_ONE);
    struct echo *echo = echo_create(1, 32);
    run_from(echo, 0, 4 * RATE);
    CHECK(rms_of(out + 2 * RATE, RATE) < 5);
    double error = 0;
    for (int i = RATE / 50; i < RATE; i++)
        error += pow(out[3 * RATE + i] - near[i], 2);
    CHECK(sqrt(error / RATE) < 120, "%.0f", sqrt(error / RATE));
    echo_destroy(echo);
}

/* A line without a hybrid, or an exchange's own far away: a quiet voice while somebody talks loudly. */
static void a_quiet_voice_is_heard_where_no_echo_is(void)
{
    enum { COUNT = 6 * RATE, FROM = 3 * RATE };
    static int16_t near[COUNT];
    clear();
    memset(near, 0, sizeof near);
    make_speech(sent, 0, COUNT, 5000, 1, 0);
    make_speech(near, FROM, COUNT - FROM, 250, 1, 700);
    memcpy(heard, near, sizeof near);
    struct echo *echo = echo_create(1, 32);
    run_from(echo, 0, COUNT);
    double away = 0, power = 1;
    for (int i = FROM; i < COUNT; i++) {
        away += pow(out[i] - near[i], 2);
        power += pow(near[i], 2);
    }
    CHECK(10 * log10(away / power) < -20, "%.1f dB", 10 * log10(away / power));
    echo_destroy(echo);
}

static void make_modem_tone(int type, int count)
{
    modem_connect_tones_tx_state_t *tones = modem_connect_tones_tx_init(NULL, type);
    modem_connect_tones_tx(tones, sent, count);
    modem_connect_tones_tx_free(tones);
}

/* G.168 clause 7, with spandsp as the modem. */
static void a_modem_switches_it_off(void)
{
    static const struct {
        int type;
        bool disables;
    } tones[] = {{MODEM_CONNECT_TONES_ANS, false},
                 {MODEM_CONNECT_TONES_ANS_PR, true},
                 {MODEM_CONNECT_TONES_ANSAM, false},
                 {MODEM_CONNECT_TONES_ANSAM_PR, true},
                 {MODEM_CONNECT_TONES_FAX_CNG, false}};
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++)
        for (int side = 0; side < 2; side++) {
            clear();
            make_modem_tone(tones[i].type, 3 * RATE);
            if (side) {
                memcpy(heard, sent, sizeof sent);
                memset(sent, 0, sizeof sent);
            } else {
                add_echo(0, 3 * RATE, NEAR_ONE);
            }
            pass_companded(4 * RATE);
            struct echo *echo = echo_create(1, 32);
            bool disabled = false;
            for (int at = 0; at < 2 * RATE; at += RATE / 100) {
                run_from(echo, at, RATE / 100);
                disabled = disabled || echo_state(echo, 0) == ECHO_DISABLED;
            }
            CHECK(disabled == tones[i].disables, "tone %d side %d", tones[i].type, side);
            if (disabled) {
                CHECK(!memcmp(out + 3 * RATE / 2, heard + 3 * RATE / 2, RATE / 2));
                memset(sent + 2 * RATE, 0, 4 * RATE);
                memset(heard + 2 * RATE, 0, 4 * RATE);
                run_from(echo, 2 * RATE, RATE / 10);
                CHECK(echo_state(echo, 0) == ECHO_DISABLED, "a gap of 100 ms");
                run_from(echo, 2 * RATE + RATE / 10, RATE / 2);
                CHECK(echo_state(echo, 0) != ECHO_DISABLED);
            }
            echo_destroy(echo);
        }
}

static void lanes_are_strangers(void)
{
    enum { LINES = 6 };
    clear();
    make_speech(sent, 0, 2 * RATE, 4000, 1, 0);
    add_echo(0, 2 * RATE, NEAR_ONE);
    struct echo *many = echo_create(LINES, 16);
    for (unsigned lane = 0; lane < LINES; lane++)
        echo_nlp(many, lane, false);
    echo_switch(many, 5, false);
    int16_t x[LINES][ECHO_SAMPLES] = {0}, d[LINES][ECHO_SAMPLES], e[LINES][ECHO_SAMPLES];
    bool untouched = true, silent = true;
    double before = 0, after = 0;
    for (int at = 0; at < 2 * RATE; at += ECHO_SAMPLES) {
        for (int lane = 1; lane < LINES; lane++) { /* each another signal */
            memcpy(x[lane], sent + (at + lane * 400) % (2 * RATE), sizeof *x);
            memcpy(d[lane], heard + (at + lane * 400) % (2 * RATE), sizeof *d);
        }
        memset(d[0], 0, sizeof d[0]);
        echo_process(many, x, d, e);
        for (int i = 0; i < ECHO_SAMPLES; i++) {
            silent = silent && !e[0][i];
            before += at < RATE || at > 2 * RATE - 600 ? 0 : d[1][i] * d[1][i];
            after += at < RATE || at > 2 * RATE - 600 ? 0 : e[1][i] * e[1][i];
        }
        untouched = untouched && !memcmp(e[5], d[5], sizeof *e);
    }
    CHECK(silent);
    CHECK(10 * log10(before / after) > 40, "%.1f dB", 10 * log10(before / after));
    CHECK(untouched);
    CHECK(echo_state(many, 5) == ECHO_OFF);
    CHECK(echo_state(many, 4) == ECHO_CONVERGED);
    echo_reset(many, 4);
    for (int at = 0; at < RATE / 4; at += ECHO_SAMPLES) {
        memset(x, 0, sizeof x);
        memset(d, 0, sizeof d);
        echo_process(many, x, d, e);
    }
    CHECK(echo_state(many, 4) == ECHO_IDLE);
    CHECK(echo_state(many, 3) == ECHO_CONVERGED);
    echo_destroy(many);
}

/* A tone that slides about, 5000 loud; anew every 50 to 175 ms. */
static void make_chirps(int16_t *to, int count)
{
    double phase = 0, frequency = 0, slope = 0;
    for (int i = 0, left = 0; i < count; i++, left--) {
        if (left <= 0) {
            left = 400 + (int)random_number(1000);
            frequency = 300 + random_number(2200);
            slope = (int)random_number(4000) - 2000;
        }
        frequency += slope / RATE;
        phase += 2 * M_PI * frequency / RATE;
        to[i] = (int16_t)lrint(5000 * sin(phase));
    }
}

static void make_tone(int16_t *to, int count, double frequency)
{
    for (int i = 0; i < count; i++)
        to[i] = (int16_t)lrint(4000 * sin(2 * M_PI * frequency * i / RATE));
}

enum talk { WHITE, SYLLABLES, CHIRPS, TALKS };

static void make_talk(int16_t *to, int count, enum talk talk, int offset)
{
    if (talk == CHIRPS)
        make_chirps(to, count);
    else
        make_speech(to, 0, count, 2500, talk == SYLLABLES, offset);
}

/* Level of the difference below the first, dB. */
static double apart(const int16_t *one, const int16_t *other, int count)
{
    double error = 1e-3, power = 1;
    for (int i = 0; i < count; i++) {
        error += (one[i] - other[i]) * (one[i] - other[i]);
        power += one[i] * one[i];
    }
    return 10 * log10(error / power);
}

/* The loudest that 100 ms of output are over their input, dB. Faint noise counts as silence. */
static double louder(int count)
{
    double most = -99;
    for (int at = 0; at + RATE / 10 <= count; at += RATE / 20)
        most = fmax(most, 20 * log10((rms_of(out + at, RATE / 10) + 30) / (rms_of(heard + at, RATE / 10) + 30)));
    return most;
}

/* Both ends talk at one level from the first moment, the hybrid good, very good or not there at all. */
static void talk_from_the_start_does_no_harm(void)
{
    enum { COUNT = 4 * RATE };
    static int16_t near[COUNT];
    static const double losses[] = {6, 20, 40, 200};
    for (int talk = 0; talk < TALKS; talk++)
        for (int loss = 0; loss < 4; loss++)
            for (int nlp = 0; nlp < 2; nlp++) {
                clear();
                make_talk(sent, COUNT, talk, 0);
                make_talk(near, COUNT, talk, 700);
                memcpy(heard, near, sizeof near);
                add_echo(0, COUNT, (struct hybrid){40, 0.6 * pow(10, -losses[loss] / 20), 0.75});
                struct echo *echo = echo_create(1, 16);
                echo_nlp(echo, 0, nlp);
                run_from(echo, 0, COUNT);
                double before = apart(near, heard, COUNT), after = apart(near, out, COUNT);
                /* Two tones that slide alike may pass for an echo once; what the non-linear processor may hide are
                 * pauses of the near end. */
                double most = fmax(before + 1.5, talk == CHIRPS ? -15 : nlp ? -20 : -60);
                CHECK(after < most, "talk %d loss %.0f nlp %d: %.1f dB without, %.1f with", talk, losses[loss], nlp,
                      before, after);
                CHECK(louder(COUNT) < 1, "talk %d loss %.0f nlp %d: %.1f dB", talk, losses[loss], nlp, louder(COUNT));
                if (talk == SYLLABLES && loss == 0)
                    CHECK(after < before - 8, "%.1f dB without, %.1f with", before, after);
                echo_destroy(echo);
            }
}

/* Ringing sent, a dial tone heard, on a line without a hybrid. */
static void tones_pass_each_other(void)
{
    static const double pairs[][2] = {{425, 1004}, {440, 350}, {1004, 2600}};
    for (size_t pair = 0; pair < sizeof pairs / sizeof *pairs; pair++)
        for (int nlp = 0; nlp < 2; nlp++) {
            clear();
            make_tone(sent, 6 * RATE, pairs[pair][0]);
            make_tone(heard, 6 * RATE, pairs[pair][1]);
            struct echo *echo = echo_create(1, 32);
            echo_nlp(echo, 0, nlp);
            run_from(echo, 0, 6 * RATE);
            CHECK(fabs(erle(0, 6)) < 1, "%.0f Hz: %.1f dB", pairs[pair][1], erle(0, 6));
            CHECK(apart(heard, out, 6 * RATE) < -20, "%.0f Hz: %.1f dB", pairs[pair][1], apart(heard, out, 6 * RATE));
            CHECK(louder(6 * RATE) < 1);
            echo_destroy(echo);
        }
}

/* What happens beside a lane: other voices that come and go, paths that change, calls that end; never twice alike. */
static void run_beside(struct echo *many, int count, bool busy, int16_t *first)
{
    for (int at = 0; at < count; at += ECHO_SAMPLES) {
        int16_t x[LANES][ECHO_SAMPLES] = {0}, d[LANES][ECHO_SAMPLES] = {0}, e[LANES][ECHO_SAMPLES];
        memcpy(x[0], sent + at, sizeof *x);
        memcpy(d[0], heard + at, sizeof *d);
        for (int lane = 1; busy && lane < LANES; lane++) {
            int there = (at + lane * 5000) % (count - ECHO_SAMPLES), turn = at / (RATE / 2) + lane;
            if (turn % 3)
                memcpy(x[lane], sent + there, sizeof *x);
            memcpy(d[lane], (turn % 5 ? heard : sent) + (there + turn % 2 * 200) % (count - ECHO_SAMPLES), sizeof *d);
            if (random_number(RATE / 8) == 0)
                echo_reset(many, (unsigned)lane);
        }
        echo_process(many, (const int16_t(*)[ECHO_SAMPLES])x, (const int16_t(*)[ECHO_SAMPLES])d, e);
        memcpy(first + at, e[0], sizeof *e);
    }
}

/* To the bit: a call sounds the same whoever else telephones. */
static void neighbours_change_nothing(void)
{
    enum { COUNT = 6 * RATE };
    static int16_t alone[COUNT], among[COUNT];
    for (int kind = 0; kind < 6; kind++) {
        unsigned tail = kind % 3 == 0 ? 8 : kind % 3 == 1 ? 32 : 128;
        clear();
        if (kind / 3) {
            make_chirps(sent + RATE, COUNT - RATE);
            make_chirps(heard, COUNT);
        } else {
            make_speech(sent, 0, COUNT, 4000, 1, 0);
            make_speech(heard, 3 * RATE, RATE, 2500, 1, 700);
            add_echo(0, 4 * RATE, NEAR_ONE);
            add_echo(4 * RATE, 2 * RATE, OTHER);
        }
        struct echo *quiet = echo_create(LANES, tail), *many = echo_create(LANES, tail);
        for (int call = 0; call < 2; call++) {
            run_beside(quiet, COUNT, false, alone);
            run_beside(many, COUNT, true, among);
            int same = 0;
            while (same < COUNT && alone[same] == among[same])
                same++;
            CHECK(same == COUNT, "kind %d, call %d: another at %d", kind, call, same);
            CHECK(echo_state(many, 0) == echo_state(quiet, 0), "kind %d", kind);
            echo_reset(quiet, 0);
            echo_reset(many, 0);
        }
        echo_destroy(quiet);
        echo_destroy(many);
    }
}

/* After a reset there is nothing left of the call before: the same call sounds the same. */
static void a_reset_forgets_everything(void)
{
    enum { COUNT = 4 * RATE, PAUSE = 4096 };
    static int16_t calls[2][COUNT];
    struct echo *echo = echo_create(1, 32);
    for (int call = 0; call < 3; call++) {
        clear();
        if (call == 1) {
            make_chirps(sent, COUNT);
            make_chirps(heard, COUNT);
            for (int i = 0; i < COUNT; i++)
                heard[i] += 200; /* and an offset */
            run_from(echo, 0, COUNT - 8 * 100);
        } else {
            make_speech(sent, 0, COUNT, 4000, 1, 0);
            make_speech(heard, 2 * RATE, RATE, 2500, 1, 700);
            add_echo(0, COUNT, NEAR_ONE);
            run_from(echo, 0, COUNT);
            memcpy(calls[call / 2], out, sizeof calls[0]);
        }
        clear();
        run_from(echo, 0, PAUSE); /* as long as what was sent is remembered */
        echo_reset(echo, 0);
        run_from(echo, 0, PAUSE);
    }
    double error = 1, power = 1;
    for (int i = 0; i < COUNT; i++) {
        error += pow(calls[1][i] - calls[0][i], 2);
        power += pow(calls[0][i], 2);
    }
    CHECK(10 * log10(error / power) < -30, "%.1f dB", 10 * log10(error / power));
    echo_destroy(echo);
}

int main(void)
{
    RUN(comfort_noise_hides_what_is_left);
    RUN(a_near_voice_is_let_through);
    RUN(a_quiet_voice_is_heard_where_no_echo_is);
    RUN(a_modem_switches_it_off);
    RUN(lanes_are_strangers);
    RUN(talk_from_the_start_does_no_harm);
    RUN(tones_pass_each_other);
    RUN(neighbours_change_nothing);
    RUN(a_reset_forgets_everything);
    return check_result();
}
