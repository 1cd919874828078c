#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "score.h"
#include "tables.h"

#if !__has_include(<spandsp/g168models.h>)
void table_css(int tail_ms, enum coding coding, double dbm0, const char *only)
{
    (void)tail_ms, (void)coding, (void)dbm0, (void)only;
    puts("No hybrids D.2 .. D.9: install libspandsp-dev, whose spandsp/g168models.h has them.");
}
#else
#include <spandsp/g168models.h>

#define MODEL(N)                                                                                                       \
    {                                                                                                                  \
        line_model_d##N##_coeffs, sizeof line_model_d##N##_coeffs / sizeof(int32_t), LINE_MODEL_D##N##_GAIN            \
    }

static const struct {
    const int32_t *taps;
    int count;
    double gain;
} MODELS[] = {MODEL(2), MODEL(3), MODEL(4), MODEL(5), MODEL(6), MODEL(7), MODEL(8), MODEL(9)};

enum { MODEL_COUNT = 8, LONGEST = 128 * RATE, MOST_TAPS = 1024 };

static const double RETURN_LOSSES[] = {6, 10, 15, 20};

/* What one case is made of, each a whole signal. */
static double far[LONGEST], near[LONGEST], echo[LONGEST];
static int16_t sent[LONGEST], heard[LONGEST], out[LONGEST];

struct bench {
    int tail; /* taps */
    enum coding coding;
    double dbm0;
    const char *only;
};

/* A hybrid lies at the very end of the tail. Too long for it: only its beginning. */
static void through(const struct bench *bench, int model, double loss, double *to, int from, int count)
{
    static double h[MOST_TAPS];
    int taps = MODELS[model].count < bench->tail ? MODELS[model].count : bench->tail;
    memset(h, 0, sizeof h);
    for (int i = 0; i < taps; i++)
        h[bench->tail - taps + i] = MODELS[model].taps[i] * MODELS[model].gain * pow(10, -loss / 20);
    for (int i = from; i < from + count; i++) {
        double sum = 0;
        for (int k = bench->tail - taps; k < bench->tail && k <= i; k++)
            sum += h[k] * sent[i - k];
        to[i] = sum;
    }
}

static void speak(const struct bench *bench, double near_dbm0)
{
    struct random random = {1};
    css_make(far, LONGEST, css_c1, sizeof css_c1 / sizeof(int), true, bench->dbm0, &random);
    css_make(near, LONGEST, css_c3, sizeof css_c3 / sizeof(int), false, near_dbm0, &random);
    for (int i = 0; i < LONGEST; i++)
        sent[i] = coded(far[i], bench->coding);
}

/* heard = echo and near end in [near_from, near_to), coded. */
static void hear(const struct bench *bench, int count, int near_from, int near_to)
{
    for (int i = 0; i < count; i++)
        heard[i] = coded(echo[i] + (i >= near_from && i < near_to ? near[i] : 0), bench->coding);
}

static void cancel(const struct peer *peer, const struct bench *bench, bool nlp, int count)
{
    void *state = peer->make(bench->tail * 1000 / RATE, nlp);
    for (int at = 0; at + peer->step <= count; at += peer->step)
        peer->run(state, sent + at, heard + at, out + at);
    peer->end(state);
}

/* One row: what is done in each case is told by a function, which adds its figure for each peer. */
typedef double case_of(const struct bench *, const struct peer *, int model, double loss);

/* One row of some of the hybrids: each, or those `apart` models apart, for what takes minutes. */
static void row_of(const struct bench *bench, const char *name, case_of *run, bool high_is_bad, double failure,
                   int apart)
{
    if (!strstr(name, bench->only))
        return;
    printf("  %-34s", name);
    for (int p = 0; p < PEER_COUNT; p++) {
        struct tally tally = {.count = 0};
        int failed = 0;
        for (int model = 0; model < MODEL_COUNT; model += apart)
            for (int loss = 0; loss < 4; loss++) {
                double value = run(bench, &PEERS[p], model, RETURN_LOSSES[loss]);
                failed += failure > 0 && value >= failure;
                tally_add(&tally, value);
            }
        printf("  %7.2f /%7.2f", high_is_bad && failure > 0 ? tally_median(&tally) : tally_mean(&tally),
               high_is_bad ? tally_most(&tally) : tally_least(&tally));
        if (failed)
            printf(" %2d no", failed);
        else
            printf("      ");
        fflush(stdout);
    }
    putchar('\n');
}

static void row(const struct bench *bench, const char *name, case_of *run, bool high_is_bad, double failure)
{
    row_of(bench, name, run, high_is_bad, failure, 1);
}

static void plain(const struct bench *bench, const struct peer *peer, int model, double loss, bool nlp)
{
    through(bench, model, loss, echo, 0, 10 * RATE);
    hear(bench, 10 * RATE, 0, 0);
    cancel(peer, bench, nlp, 10 * RATE);
}

static double to_20(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    plain(bench, peer, model, loss, false);
    return time_to(heard, out, 0, 10 * RATE, 20);
}

static double to_30(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    plain(bench, peer, model, loss, false);
    return time_to(heard, out, 0, 10 * RATE, 30);
}

static double depth(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    plain(bench, peer, model, loss, false);
    return erle(heard, out, 8 * RATE, 10 * RATE);
}

static double residual(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    plain(bench, peer, model, loss, false);
    return level(out, 8 * RATE, 10 * RATE);
}

static double test_2a(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    plain(bench, peer, model, loss, true);
    return peak_level(out, RATE, 10 * RATE);
}

/* 5 s alone, 5 s with both, 1 s alone: ERLE lost. */
static double double_talk(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    through(bench, model, loss, echo, 0, 11 * RATE);
    hear(bench, 11 * RATE, 5 * RATE, 10 * RATE);
    cancel(peer, bench, false, 11 * RATE);
    return erle(heard, out, 4 * RATE, 5 * RATE) - erle(heard, out, 10 * RATE, 10 * RATE + RATE / 5);
}

static double double_talk_first(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    through(bench, model, loss, echo, 0, 6 * RATE);
    hear(bench, 6 * RATE, 0, 5 * RATE);
    cancel(peer, bench, false, 6 * RATE);
    return erle(heard, out, 5 * RATE, 5 * RATE + RATE / 5);
}

static double path_change(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    through(bench, model, loss, echo, 0, 5 * RATE);
    through(bench, (model + 1) % MODEL_COUNT, loss, echo, 5 * RATE, 6 * RATE);
    hear(bench, 11 * RATE, 0, 0);
    cancel(peer, bench, false, 11 * RATE);
    return time_to(heard, out, 5 * RATE, 11 * RATE, 20);
}

/* Converging in Hoth noise of -40 dBm0 for 5 s; then it ends. */
static double in_noise(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    struct random random = {3};
    hoth_make(near, LONGEST, -40, &random);
    through(bench, model, loss, echo, 0, 6 * RATE);
    hear(bench, 6 * RATE, 0, 5 * RATE);
    cancel(peer, bench, false, 6 * RATE);
    return level(out, 5 * RATE, 5 * RATE + RATE / 4);
}

/* G.168 test 6: 5 s alone, 5 s each of ten tones, 1 s alone: ERLE lost. */
static double after_tones(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    static const double TONES[10][2] = {{697, 0},    {941, 0},    {1336, 0},   {1633, 0}, {697, 1209},
                                        {770, 1336}, {852, 1477}, {941, 1633}, {2100, 0}, {1000, 0}};
    double amplitude = rms_of_dbm0(bench->dbm0) * sqrt(2);
    for (int i = 5 * RATE; i < 55 * RATE; i++) {
        const double *tone = TONES[i / (5 * RATE) - 1];
        double x = sin(2 * M_PI * tone[0] * i / RATE);
        if (tone[1] > 0)
            x = (x + sin(2 * M_PI * tone[1] * i / RATE)) / 2;
        sent[i] = coded(amplitude * x, bench->coding);
    }
    through(bench, model, loss, echo, 0, 56 * RATE);
    hear(bench, 56 * RATE, 0, 0);
    cancel(peer, bench, false, 56 * RATE);
    return erle(heard, out, 4 * RATE, 5 * RATE) - erle(heard, out, 55 * RATE, 55 * RATE + RATE / 4);
}

/* G.168 test 4: 5 s alone, two minutes of silence, then the same again: ERLE lost. */
static double after_silence(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    memset(sent + 5 * RATE, 0, 120 * RATE * sizeof *sent);
    through(bench, model, loss, echo, 0, 126 * RATE);
    hear(bench, 126 * RATE, 0, 0);
    cancel(peer, bench, false, 126 * RATE);
    return erle(heard, out, 4 * RATE, 5 * RATE) - erle(heard, out, 125 * RATE, 125 * RATE + RATE / 4);
}

/* G.168 test 5: 5 s alone, then there is no path any more: what is passed on a second later. */
static double path_gone(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    through(bench, model, loss, echo, 0, 5 * RATE);
    memset(echo + 5 * RATE, 0, 5 * RATE * sizeof *echo);
    hear(bench, 10 * RATE, 0, 0);
    cancel(peer, bench, true, 10 * RATE);
    return fmax(peak_level(out, 6 * RATE, 10 * RATE), -90); /* below that is nothing */
}

static void send_tone(const struct bench *bench, double frequency, int count)
{
    for (int i = 0; i < count; i++)
        sent[i] = coded(rms_of_dbm0(bench->dbm0) * sqrt(2) * sin(2 * M_PI * frequency * i / RATE), bench->coding);
}

/* G.168 test 7: two minutes of a tone on a line of which nothing is known: what is passed on in the end, over what
 * came. */
static double tone_from_the_start(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    send_tone(bench, 1004, 120 * RATE);
    through(bench, model, loss, echo, 0, 120 * RATE);
    hear(bench, 120 * RATE, 0, 0);
    cancel(peer, bench, false, 120 * RATE);
    return -erle(heard, out, 110 * RATE, 120 * RATE);
}

/* G.168 test 8, signals of the line: a near tone while another is sent, and what is lost of it. */
static double near_tone(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    send_tone(bench, 2400, 10 * RATE);
    for (int i = 0; i < 10 * RATE; i++)
        near[i] = rms_of_dbm0(bench->dbm0) * sqrt(2) * sin(2 * M_PI * 2600 * i / RATE);
    through(bench, model, loss, echo, 0, 10 * RATE);
    hear(bench, 10 * RATE, 0, 10 * RATE);
    cancel(peer, bench, true, 10 * RATE);
    return bench->dbm0 - level(out, 5 * RATE, 10 * RATE);
}

/* G.168 test 9: noise of the line at -50 dBm0, after 15 s at -40: how far comfort noise is off, worse of both. */
static double comfort(const struct bench *bench, const struct peer *peer, int model, double loss)
{
    struct random random = {3};
    hoth_make(near, 30 * RATE, -40, &random);
    for (int i = 0; i < 15 * RATE; i++)
        near[i] *= pow(10, -0.5);
    through(bench, model, loss, echo, 0, 30 * RATE);
    hear(bench, 30 * RATE, 0, 30 * RATE);
    cancel(peer, bench, true, 30 * RATE);
    return fmax(fabs(level(out, 10 * RATE, 15 * RATE) + 50), fabs(level(out, 25 * RATE, 30 * RATE) + 40));
}

void table_css(int tail_ms, enum coding coding, double dbm0, const char *only)
{
    struct bench bench = {tail_ms * RATE / 1000, coding, dbm0, only};
    printf(
        "\nComposite source signal, D.2 .. D.9 at return losses of 6, 10, 15, 20 dB at the end of a tail of %d ms, %s, "
        "%.0f dBm0.\nMean (times: median) / worst of 32 cases (of 8 where it says 2 min); \"n no\": it was never "
        "reached in n of them\n",
        tail_ms, coding_name(coding), dbm0);
    printf("  %-34s", "");
    for (int p = 0; p < PEER_COUNT; p++)
        printf("  %-22s", PEERS[p].name);
    putchar('\n');
    speak(&bench, dbm0);
    row(&bench, "20 dB after s", to_20, true, 10);
    row(&bench, "30 dB after s", to_30, true, 10);
    row(&bench, "ERLE after 8 s, dB", depth, false, 0);
    row(&bench, "left after 8 s, dBm0", residual, true, 0);
    row(&bench, "peak after 1 s with NLP, dBm0", test_2a, true, 0);
    row(&bench, "lost in double talk, near 0 dB", double_talk, true, 0);
    speak(&bench, dbm0 - 15);
    row(&bench, "lost in double talk, near -15 dB", double_talk, true, 0);
    row(&bench, "ERLE converged in it, near -15 dB", double_talk_first, false, 0);
    speak(&bench, dbm0 - 5);
    row(&bench, "ERLE converged in it, near -5 dB", double_talk_first, false, 0);
    row(&bench, "20 dB after a path change, s", path_change, true, 6);
    row(&bench, "left, converged in noise, dBm0", in_noise, true, 0);
    speak(&bench, dbm0);
    row(&bench, "comfort noise off by, dB", comfort, true, 0);
    speak(&bench, dbm0);
    row(&bench, "peak with no path any more, dBm0", path_gone, true, 0);
    row_of(&bench, "lost in 2 min of silence, dB", after_silence, true, 0, 4);
    speak(&bench, dbm0);
    row(&bench, "lost in 50 s of tones, dB", after_tones, true, 0);
    row_of(&bench, "2 min of a first tone, left dB", tone_from_the_start, true, 0, 4);
    row(&bench, "lost of a near tone, dB", near_tone, true, 0);
}
#endif
