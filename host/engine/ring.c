#include "ring.h"

#include <stdlib.h>
#include <string.h>

bool ring_init(struct ring *ring, uint32_t count, uint32_t size)
{
    ring->elements = malloc((size_t)count * size);
    ring->count = count;
    ring->size = size;
    atomic_store(&ring->head, 0);
    atomic_store(&ring->tail, 0);
    return ring->elements != NULL;
}

void ring_end(struct ring *ring)
{
    free(ring->elements);
    ring->elements = NULL;
}

uint32_t ring_readable(const struct ring *ring)
{
    return atomic_load_explicit(&ring->tail, memory_order_acquire) -
           atomic_load_explicit(&ring->head, memory_order_relaxed);
}

uint32_t ring_writable(const struct ring *ring)
{
    return ring->count - (atomic_load_explicit(&ring->tail, memory_order_relaxed) -
                          atomic_load_explicit(&ring->head, memory_order_acquire));
}

bool ring_empty(const struct ring *ring)
{
    return atomic_load(&ring->tail) == atomic_load(&ring->head);
}

bool ring_push(struct ring *ring, const void *element)
{
    if (!ring_writable(ring))
        return false;
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    memcpy(ring->elements + (size_t)(tail & (ring->count - 1)) * ring->size, element, ring->size);
    atomic_store(&ring->tail, tail + 1);
    return true;
}

bool ring_pop(struct ring *ring, void *element)
{
    if (!ring_readable(ring))
        return false;
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    memcpy(element, ring->elements + (size_t)(head & (ring->count - 1)) * ring->size, ring->size);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

static void copy_in(struct ring *ring, uint32_t at, const void *bytes, uint32_t count)
{
    uint32_t start = at & (ring->count - 1);
    uint32_t first = count < ring->count - start ? count : ring->count - start;
    memcpy(ring->elements + start, bytes, first);
    memcpy(ring->elements, (const unsigned char *)bytes + first, count - first);
}

bool ring_write2(struct ring *ring, const void *a, uint32_t a_count, const void *b, uint32_t b_count)
{
    if (ring_writable(ring) < a_count + b_count)
        return false;
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    copy_in(ring, tail, a, a_count);
    if (b_count)
        copy_in(ring, tail + a_count, b, b_count);
    atomic_store_explicit(&ring->tail, tail + a_count + b_count, memory_order_release);
    return true;
}

bool ring_write(struct ring *ring, const void *bytes, uint32_t count)
{
    return ring_write2(ring, bytes, count, NULL, 0);
}

bool ring_peek(const struct ring *ring, void *bytes, uint32_t count)
{
    if (ring_readable(ring) < count)
        return false;
    uint32_t start = atomic_load_explicit(&ring->head, memory_order_relaxed) & (ring->count - 1);
    uint32_t first = count < ring->count - start ? count : ring->count - start;
    memcpy(bytes, ring->elements + start, first);
    memcpy((unsigned char *)bytes + first, ring->elements, count - first);
    return true;
}

void ring_skip(struct ring *ring, uint32_t count)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    atomic_store_explicit(&ring->head, head + count, memory_order_release);
}

bool ring_read(struct ring *ring, void *bytes, uint32_t count)
{
    if (!ring_peek(ring, bytes, count))
        return false;
    ring_skip(ring, count);
    return true;
}
