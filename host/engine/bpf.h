/* An sk_lookup program that hands UDP packets for chosen ports to one socket a family, by raw bpf(2). */
#ifndef OFFHOOK_BPF_H
#define OFFHOOK_BPF_H

#include <stdbool.h>
#include <stdint.h>

struct steering {
    int link;                 /* descriptor that keeps the program attached */
    _Atomic uint64_t *wanted; /* shared with the program: a bit for each port */
};

/* Attach to this network namespace. socket6 may be -1. False with a sentence (room 192). */
bool steering_begin(struct steering *steering, int socket4, int socket6, char *error);
void steering_end(struct steering *steering);
void steering_port(struct steering *steering, int port, bool on);

#endif
