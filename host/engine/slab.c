#include "slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 256 * 1024, LARGEST = 48 * 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_MALLOC 1 /* let the sanitizer see each allocation */
#else
#define SLAB_MALLOC 0
#endif

/* Class sizes: 32, 48, 64, 96, 128, ... Returns the class of a size and its rounded size. */
static int class_of(size_t bytes, size_t *rounded)
{
    size_t size = 32;
    int kind = 0;
    while (size < bytes) {
        kind++;
        size = (size_t)(kind & 1 ? 48 : 32) << (kind / 2);
    }
    *rounded = size;
    return kind;
}

static void *map_bytes(struct slab *slab, size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    slab->mapped += bytes;
    return memory;
}

static char *carve(struct slab *slab, size_t size)
{
    if (slab->left < size) {
        char *chunk = map_bytes(slab, CHUNK);
        if (!chunk)
            return NULL;
        *(void **)chunk = slab->chunks;
        slab->chunks = chunk;
        slab->chunk = chunk + 64;
        slab->left = CHUNK - 64;
    }
    char *memory = slab->chunk;
    slab->chunk += size;
    slab->left -= size;
    return memory;
}

void *slab_get(struct slab *slab, size_t bytes)
{
    size_t size;
    int kind = class_of(bytes, &size);
    void *memory;
    if (SLAB_MALLOC) {
        memory = calloc(1, bytes);
        if (memory)
            slab->used += size;
        return memory;
    }
    if (size > LARGEST) {
        memory = map_bytes(slab, size); /* fresh pages are zero */
        if (memory)
            slab->used += size;
        return memory;
    }
    memory = slab->free[kind];
    if (memory) {
        slab->free[kind] = *(void **)memory;
        memset(memory, 0, bytes);
    } else {
        memory = carve(slab, size);
    }
    if (memory)
        slab->used += size;
    return memory;
}

void slab_put(struct slab *slab, void *memory, size_t bytes)
{
    if (!memory)
        return;
    size_t size;
    int kind = class_of(bytes, &size);
    slab->used -= size;
    if (SLAB_MALLOC) {
        free(memory);
    } else if (size > LARGEST) {
        munmap(memory, size);
        slab->mapped -= size;
    } else {
        *(void **)memory = slab->free[kind];
        slab->free[kind] = memory;
    }
}

void slab_end(struct slab *slab)
{
    void *chunk = slab->chunks;
    while (chunk) {
        void *next = *(void **)chunk;
        munmap(chunk, CHUNK);
        chunk = next;
    }
    memset(slab, 0, sizeof(*slab));
}
