/* Single-producer, single-consumer rings: of fixed-size elements, and of bytes. Lock-free, wait-free. */
#ifndef OFFHOOK_RING_H
#define OFFHOOK_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    _Atomic uint32_t head; /* written by the consumer */
    _Atomic uint32_t tail; /* written by the producer */
    uint32_t count;        /* a power of two */
    uint32_t size;
    unsigned char *elements;
};

/* count must be a power of two. Returns false when there is no memory. */
bool ring_init(struct ring *ring, uint32_t count, uint32_t size);
void ring_end(struct ring *ring);

bool ring_push(struct ring *ring, const void *element);
bool ring_pop(struct ring *ring, void *element);
bool ring_empty(const struct ring *ring);

/* Bytes that can be read, and that can be written. Byte rings have size 1. */
uint32_t ring_readable(const struct ring *ring);
uint32_t ring_writable(const struct ring *ring);

/* All or nothing. peek does not consume. */
bool ring_write(struct ring *ring, const void *bytes, uint32_t count);
bool ring_read(struct ring *ring, void *bytes, uint32_t count);
bool ring_peek(const struct ring *ring, void *bytes, uint32_t count);
void ring_skip(struct ring *ring, uint32_t count);

/* Two parts written as one (a header and its samples). */
bool ring_write2(struct ring *ring, const void *a, uint32_t a_count, const void *b, uint32_t b_count);

#endif
