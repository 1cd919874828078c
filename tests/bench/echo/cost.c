/* cost PEER TAIL SECONDS: run one canceller (Offhook: four channels, a SIMD word) on noise and its echo; for counting
 * instructions. Prints how many channels it ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "signals.h"
#ifdef WITH_PEERS
#include "peers.h"
#endif

enum { CHANNELS = 4, DELAY = 40 };

static int16_t *sent, *heard;

static void make_signals(int count)
{
    struct random random = {5};
    sent = calloc((size_t)count, sizeof *sent);
    heard = calloc((size_t)count, sizeof *heard);
    for (int i = 0; i < count; i++) {
        double x = i / 1600 % 3 ? 3000 * (random_even(&random) + random_even(&random) - 1) : 0;
        sent[i] = coded(x, CODING_ALAW);
        double y = i < DELAY + 2 ? 0 : 0.3 * sent[i - DELAY] - 0.2 * sent[i - DELAY - 1] + 0.1 * sent[i - DELAY - 2];
        heard[i] = coded(y, CODING_ALAW);
    }
}

static int run_offhook(int tail, int count)
{
    struct echo *echo = echo_create(CHANNELS, (unsigned)tail);
    int16_t x[CHANNELS][ECHO_SAMPLES], d[CHANNELS][ECHO_SAMPLES], e[CHANNELS][ECHO_SAMPLES];
    for (int at = 0; at + ECHO_SAMPLES <= count; at += ECHO_SAMPLES) {
        for (int channel = 0; channel < CHANNELS; channel++) {
            memcpy(x[channel], sent + at, sizeof x[channel]);
            memcpy(d[channel], heard + at, sizeof d[channel]);
        }
        echo_process(echo, x, d, e);
    }
    echo_destroy(echo);
    return CHANNELS;
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 4) {
        fputs("usage: cost PEER TAIL SECONDS\n", stderr);
        return 2;
    }
    int tail = atoi(arguments[2]), count = atoi(arguments[3]) * RATE, channels = 0;
    make_signals(count);
    if (!strcmp(arguments[1], "Offhook"))
        channels = run_offhook(tail, count);
#ifdef WITH_PEERS
    for (int p = 1; p < PEER_COUNT && !channels; p++)
        if (!strcmp(arguments[1], PEERS[p].name)) {
            int16_t out[64];
            void *state = PEERS[p].make(tail, false);
            for (int at = 0; at + PEERS[p].step <= count; at += PEERS[p].step)
                PEERS[p].run(state, sent + at, heard + at, out);
            PEERS[p].end(state);
            channels = 1;
        }
#endif
    free(sent);
    free(heard);
    if (!channels)
        fprintf(stderr, "no canceller named %s\n", arguments[1]);
    else
        printf("%d\n", channels);
    return channels ? 0 : 1;
}
