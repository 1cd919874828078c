#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"
#include "score.h"
#include "tables.h"

/* 12 s alone, 4 s of double talk with the near end 5 dB below the far end, 3 s alone in which the far end says again
 * what it said from 9 s on, then another hybrid. The joint is a click, with frequencies in it that nobody has spoken:
 * for the length of a tail it costs what is known of speech up to 20 dB, double talk or none; so what was lost is
 * measured a tail later, in what is said again as in what was said. */
enum {
    ALONE = 12 * RATE,
    AGAIN = 16 * RATE,
    CHANGE = 19 * RATE,
    END = 25 * RATE,
    REPEATED = 9 * RATE,
    MOST_TAPS = 1024
};

static double far[END], near[END], echo[END], changed[END];
static int16_t sent[END], heard[END], out[END];

enum figure { TO_20, FIRST_SECOND, DEPTH, LOST, CHANGED, FIGURES };

const char *coding_name(enum coding coding)
{
    return coding == CODING_ALAW ? "A-law" : coding == CODING_ULAW ? "mu-law" : "linear";
}

static void take(const struct sound *voice, double part, double *to)
{
    int from = (int)(part * voice->count);
    for (int i = 0; i < END; i++)
        to[i] = voice->samples[(from + i) % voice->count];
}

static void make_case(int tail, const struct sound *voices, int voice_count, int number, enum coding coding,
                      double dbm0)
{
    static double h[MOST_TAPS];
    struct random random = {(uint64_t)number * 7919 + (uint64_t)tail};
    for (int i = 0; i < 8; i++)
        random_even(&random);
    int talker = number % voice_count,
        listener = (number + 1 + (int)(random_even(&random) * (voice_count - 1))) % voice_count;
    take(&voices[talker], random_even(&random), far);
    take(&voices[listener], random_even(&random), near);
    memcpy(far + AGAIN, far + REPEATED, (CHANGE - AGAIN) * sizeof *far);
    scale_to(far, END, level_active(far, END), dbm0);
    scale_to(near, END, level_active(near, END), dbm0 - 5);
    for (int i = 0; i < END; i++)
        far[i] = sent[i] = coded(far[i], coding);
    hybrid_make(h, tail, 6 + 14 * random_even(&random), &random);
    convolve(echo, far, CHANGE, h, tail);
    hybrid_make(h, tail, 6 + 14 * random_even(&random), &random);
    convolve(changed, far, END, h, tail);
    for (int i = 0; i < END; i++)
        heard[i] = coded((i < CHANGE ? echo[i] : changed[i]) + (i >= ALONE && i < AGAIN ? near[i] : 0), coding);
}

static void judge(struct tally tally[FIGURES], int tail)
{
    int part = RATE * 3 / 2;
    tally_add(&tally[TO_20], time_to(heard, out, 0, ALONE, 20));
    tally_add(&tally[FIRST_SECOND], erle(heard, out, 0, RATE));
    tally_add(&tally[DEPTH], erle(heard, out, REPEATED, ALONE));
    tally_add(&tally[LOST],
              erle(heard, out, REPEATED + tail, REPEATED + part) - erle(heard, out, AGAIN + tail, AGAIN + part));
    tally_add(&tally[CHANGED], time_to(heard, out, CHANGE, END, 20));
}

static void row(int tail, const struct sound *voices, int voice_count, int cases, enum coding coding, double dbm0)
{
    struct tally tallies[8][FIGURES];
    memset(tallies, 0, sizeof tallies);
    for (int number = 0; number < cases; number++) {
        make_case(tail, voices, voice_count, number, coding, dbm0);
        for (int p = 0; p < PEER_COUNT; p++) {
            void *state = PEERS[p].make(tail * 1000 / RATE, false);
            for (int at = 0; at + PEERS[p].step <= END; at += PEERS[p].step)
                PEERS[p].run(state, sent + at, heard + at, out + at);
            PEERS[p].end(state);
            judge(tallies[p], tail);
        }
    }
    for (int p = 0; p < PEER_COUNT; p++) {
        struct tally *tally = tallies[p];
        printf("  %-6s %4.0f  %-8s %5.2f /%5.2f   %5.1f  %5.1f /%5.1f   %5.1f /%5.1f   %5.2f /%5.2f\n",
               coding_name(coding), dbm0, PEERS[p].name, tally_mean(&tally[TO_20]), tally_most(&tally[TO_20]),
               tally_mean(&tally[FIRST_SECOND]), tally_mean(&tally[DEPTH]), tally_least(&tally[DEPTH]),
               tally_mean(&tally[LOST]), tally_most(&tally[LOST]), tally_mean(&tally[CHANGED]),
               tally_most(&tally[CHANGED]));
    }
    fflush(stdout);
}

void table_speech(int tail_ms, char **names, int voice_count, int cases)
{
    struct sound *voices = calloc((size_t)voice_count + 1, sizeof *voices);
    int usable = 0;
    for (int i = 0; i < voice_count; i++)
        if (sound_append_wav(&voices[usable], names[i]) && voices[usable].count > 5 * RATE)
            usable++;
        else
            fprintf(stderr, "%s: no mono 16-bit WAV file of 5 s or more: left out\n", names[i]);
    if (usable < 2) {
        puts("Speech needs two voices at least.");
    } else {
        printf(
            "\nSpeech of %d voices through random hybrids (return loss 6 .. 20 dB), tail %d ms; %d cases a row, mean / "
            "worst\n"
            "  coding dBm0            20 dB after s   1st s   ERLE 9-12 s   lost in double talk   20 dB after change\n",
            usable, tail_ms, cases);
        for (int coding = CODING_LINEAR; coding <= CODING_ULAW; coding++)
            for (int dbm0 = -10; dbm0 >= -30; dbm0 -= 10)
                row(tail_ms * RATE / 1000, voices, usable, cases, (enum coding)coding, dbm0);
    }
    for (int i = 0; i <= voice_count; i++)
        sound_free(&voices[i]);
    free(voices);
}
