/* Memory of the real-time thread: power-of-two and three-quarter classes on free lists, carved from mapped chunks.
 * One thread only; never locks and never calls malloc once a class is warm. Chunks go back when the slab ends. */
#ifndef OFFHOOK_SLAB_H
#define OFFHOOK_SLAB_H

#include <stddef.h>

enum { SLAB_CLASSES = 24 };

struct slab {
    void *free[SLAB_CLASSES];
    char *chunk;
    size_t left;
    void *chunks;
    size_t mapped; /* bytes taken from the system */
    size_t used;   /* bytes handed out now */
};

/* A slab is ready when zeroed. */
void slab_end(struct slab *slab);

/* Zeroed memory of that many bytes (16-byte aligned), or NULL when the system has none. */
void *slab_get(struct slab *slab, size_t bytes);

/* Give back what slab_get(bytes) returned; NULL is allowed. */
void slab_put(struct slab *slab, void *memory, size_t bytes);

#endif
