/* The echo canceller learns: on noise that is speech-like in level, through hybrids made here; figures in dB, no times.
 */
#include "echo_fft.h"
#include "echo_line.h"

static void a_transform_is_undone(void)
{
    for (unsigned n = 16; n <= 256; n *= 2) {
        struct fft *fft = fft_create(n);
        word *in = aligned_alloc(16, 2 * n * sizeof(word)), *back = aligned_alloc(16, 2 * n * sizeof(word));
        struct cword *z = aligned_alloc(16, n * sizeof *z);
        double power = 0, spectrum = 0, error = 0;
        for (unsigned i = 0; i < 2 * n; i++) {
            in[i] = all((float)random_number(2000) - 1000);
            power += in[i][0] * in[i][0];
        }
        fft_forward(fft, in, z);
        for (unsigned i = 0; i < n; i++)
            spectrum += z[i].re[2] * z[i].re[2] + z[i].im[2] * z[i].im[2];
        fft_inverse(fft, z, back);
        for (unsigned i = 0; i < 2 * n; i++)
            error += (in[i][3] - back[i][3]) * (in[i][3] - back[i][3]);
        CHECK(error < 1e-10 * power, "%u points", n);
        CHECK(fabs(spectrum / n / power - 1) < 1e-5, "%u points", n);
        free(in);
        free(back);
        free(z);
        fft_destroy(fft);
    }
}

static void it_converges_in_every_tail(void)
{
    for (unsigned tail = 8; tail <= 128; tail *= 2) {
        clear();
        make_speech(sent, 0, 4 * RATE, 4000, 1, 0);
        struct hybrid hybrid = NEAR_ONE;
        hybrid.delay = (int)tail * 8 - 60 < 0 ? 0 : (int)tail * 8 - 60;
        add_echo(0, 4 * RATE, hybrid);
        pass_companded(4 * RATE);
        struct echo *echo = plain(tail);
        CHECK(echo_tail_ms(echo) == tail);
        CHECK(echo_state(echo, 0) == ECHO_IDLE);
        run_from(echo, 0, 4 * RATE);
        double first = tail < 128 ? 0.6 : 1.2;
        CHECK(erle(first, first + 0.5) > 20, "%u ms: %.1f dB", tail, erle(first, first + 0.5));
        CHECK(erle(3, 4) > 31, "%u ms: %.1f dB", tail, erle(3, 4));
        CHECK(fabs(echo_erle_db(echo, 0) - erle(3, 4)) < 4, "%.1f dB", echo_erle_db(echo, 0));
        CHECK(fabs(echo_erl_db(echo, 0) - 10) < 6, "%.1f dB", echo_erl_db(echo, 0));
        CHECK(echo_state(echo, 0) == ECHO_CONVERGED);
        echo_destroy(echo);
    }
    CHECK(!echo_create(0, 32));
    CHECK(!echo_create(1, 0));
    CHECK(!echo_create(1, 129));
}

static void linear_samples_go_deeper(void)
{
    clear();
    make_speech(sent, 0, 5 * RATE, 4000, 1, 0);
    add_echo(0, 5 * RATE, NEAR_ONE);
    struct echo *echo = plain(32);
    run_from(echo, 0, 5 * RATE);
    CHECK(erle(4, 5) > 48, "%.1f dB", erle(4, 5));
    echo_destroy(echo);
}

static void double_talk_costs_nothing(void)
{
    clear();
    make_speech(sent, 0, 9 * RATE, 4000, 1, 0);
    make_speech(heard, 4 * RATE, 4 * RATE, 2500, 1, 700);
    add_echo(0, 9 * RATE, NEAR_ONE);
    pass_companded(9 * RATE);
    struct echo *echo = plain(32);
    run_from(echo, 0, 9 * RATE);
    double before = erle(3, 4), after = erle(8.05, 9);
    CHECK(after > before - 3, "%.1f dB before, %.1f after", before, after);
    echo_destroy(echo);
}

static void it_converges_in_double_talk(void)
{
    clear();
    make_speech(sent, 0, 5 * RATE, 4000, 1, 0);
    make_speech(heard, 0, 4 * RATE, 700, 1, 700);
    add_echo(0, 5 * RATE, NEAR_ONE);
    struct echo *echo = plain(32);
    run_from(echo, 0, 4 * RATE);
    run_from(echo, 4 * RATE, RATE / 5);
    CHECK(erle(4.01, 4.2) > 20, "%.1f dB", erle(4.01, 4.2));
    echo_destroy(echo);
}

static void a_changed_path_is_found(void)
{
    clear();
    make_speech(sent, 0, 7 * RATE, 4000, 1, 0);
    add_echo(0, 4 * RATE, NEAR_ONE);
    add_echo(4 * RATE, 3 * RATE, OTHER);
    pass_companded(7 * RATE);
    struct echo *echo = plain(32);
    run_from(echo, 0, 7 * RATE);
    CHECK(erle(5.2, 5.7) > 20, "%.1f dB", erle(5.2, 5.7));
    CHECK(erle(6.3, 7) > 30, "%.1f dB", erle(6.3, 7));
    echo_destroy(echo);
}

/* A driver that loses a millisecond, or repeats one. */
static void a_slip_is_followed(void)
{
    for (int slip = -8; slip <= 16; slip += 24) {
        clear();
        make_speech(sent, 0, 6 * RATE, 4000, 1, 0);
        struct hybrid hybrid = NEAR_ONE;
        add_echo(0, 4 * RATE, hybrid);
        hybrid.delay += slip;
        add_echo(4 * RATE, 2 * RATE, hybrid);
        pass_companded(6 * RATE);
        struct echo *echo = plain(32);
        run_from(echo, 0, 6 * RATE);
        CHECK(erle(4.12, 4.4) > 25, "%d samples: %.1f dB", slip, erle(4.12, 4.4));
        CHECK(erle(5, 6) > 30, "%d samples: %.1f dB", slip, erle(5, 6));
        echo_destroy(echo);
    }
}

/* G.168 test 6, and 4: neither a tone nor silence makes it forget. */
static void tones_and_silence_cost_nothing(void)
{
    clear();
    make_speech(sent, 0, 3 * RATE, 4000, 1, 0);
    make_sine(sent + 3 * RATE, 4 * RATE, 1336, 6000, RATE, 0);
    make_speech(sent, 9 * RATE, RATE, 4000, 1, 0);
    add_echo(0, 10 * RATE, NEAR_ONE);
    pass_companded(10 * RATE);
    struct echo *echo = plain(32);
    run_from(echo, 0, 10 * RATE);
    double before = erle(2, 3), tone = erle(3, 7), after = erle(9, 10);
    CHECK(tone > 20, "%.1f dB", tone);
    CHECK(after > before - 3, "%.1f dB before, %.1f after", before, after);
    echo_destroy(echo);
}

/* Whatever comes: it neither breaks nor stays broken. */
static void nothing_upsets_it(void)
{
    for (int kind = 0; kind < 5; kind++) {
        clear();
        for (int i = 0; i < 3 * RATE; i++) {
            static const int16_t ends[] = {-32768, 32767};
            int16_t loud = ends[random_number(2)];
            sent[i] = kind == 0 ? loud : kind == 1 ? 32767 : kind == 2 ? 0 : (int16_t)(i % 80 == 0 ? 32767 : 0);
            heard[i] = kind == 0   ? ends[random_number(2)]
                       : kind == 1 ? -32768
                       : kind == 2 ? loud
                       : kind == 3 ? 0
                                   : sent[i];
        }
        make_speech(sent, 4 * RATE, 4 * RATE, 3000, 1, 0);
        add_echo(4 * RATE, 4 * RATE, NEAR_ONE);
        struct echo *echo = plain(32);
        run_from(echo, 0, 8 * RATE);
        CHECK(erle(7, 8) > 20, "kind %d: %.1f dB", kind, erle(7, 8));
        echo_destroy(echo);
    }
}

int main(void)
{
    RUN(a_transform_is_undone);
    RUN(it_converges_in_every_tail);
    RUN(linear_samples_go_deeper);
    RUN(double_talk_costs_nothing);
    RUN(it_converges_in_double_talk);
    RUN(a_changed_path_is_found);
    RUN(a_slip_is_followed);
    RUN(tones_and_silence_cost_nothing);
    RUN(nothing_upsets_it);
    return check_result();
}
