/* The cancellers that are compared, behind one face: samples in, samples out, no change of time. */
#ifndef OFFHOOK_BENCH_PEERS_H
#define OFFHOOK_BENCH_PEERS_H

#include <stdbool.h>
#include <stdint.h>

struct peer {
    const char *name;
    int step; /* samples at a time */
    void *(*make)(int tail_ms, bool nlp);
    void (*run)(void *state, const int16_t *sent, const int16_t *heard, int16_t *out);
    void (*end)(void *state);
};

/* Offhook first. */
extern const struct peer PEERS[];
extern const int PEER_COUNT;

#endif
