#include "peers.h"

#include <speex/speex_echo.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

static void *offhook_make(int tail_ms, bool nlp)
{
    struct echo *echo = echo_create(1, (unsigned)tail_ms);
    echo_nlp(echo, 0, nlp);
    return echo;
}

static void offhook_run(void *state, const int16_t *sent, const int16_t *heard, int16_t *out)
{
    int16_t sent_now[1][ECHO_SAMPLES], heard_now[1][ECHO_SAMPLES], clean[1][ECHO_SAMPLES];
    memcpy(sent_now, sent, sizeof sent_now);
    memcpy(heard_now, heard, sizeof heard_now);
    echo_process(state, sent_now, heard_now, clean);
    memcpy(out, clean, sizeof clean);
}

static void offhook_end(void *state)
{
    echo_destroy(state);
}

/* Its residual suppressor is part of its preprocessor, which also changes near speech: left off. */
enum { SPEEX_FRAME = 64 };

static void *speex_make(int tail_ms, bool nlp)
{
    (void)nlp;
    int rate = 8000;
    SpeexEchoState *state = speex_echo_state_init(SPEEX_FRAME, tail_ms * 8);
    speex_echo_ctl(state, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
    return state;
}

static void speex_run(void *state, const int16_t *sent, const int16_t *heard, int16_t *out)
{
    speex_echo_cancellation(state, heard, sent, out);
}

static void speex_end(void *state)
{
    speex_echo_state_destroy(state);
}

#ifdef WITH_OSLEC
#include "oslec.h"

static void *oslec_make(int tail_ms, bool nlp)
{
    return oslec_create(tail_ms * 8, ECHO_CAN_USE_ADAPTION | (nlp ? ECHO_CAN_USE_NLP | ECHO_CAN_USE_CLIP : 0));
}

static void oslec_run(void *state, const int16_t *sent, const int16_t *heard, int16_t *out)
{
    *out = oslec_update(state, *sent, *heard);
}

static void oslec_end(void *state)
{
    oslec_free(state);
}
#endif

const struct peer PEERS[] = {
    {"Offhook", ECHO_SAMPLES, offhook_make, offhook_run, offhook_end},
    {"Speex", SPEEX_FRAME, speex_make, speex_run, speex_end},
#ifdef WITH_OSLEC
    {"OSLEC", 1, oslec_make, oslec_run, oslec_end},
#endif
};
const int PEER_COUNT = sizeof PEERS / sizeof *PEERS;
