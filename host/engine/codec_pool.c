#include "codec_pool.h"

#include <stdatomic.h>

#include "ring.h"

enum { POOLS = 16, RESERVE = 4, MOST_AHEAD = 64, RETURNED = 4096 };

struct pool {
    const struct codec *codec;
    bool encoder;
    struct ring fresh, returned; /* of pointers: to the real-time thread, and back */
    _Atomic int ahead;           /* made and not taken */
};

static struct pool pools[POOLS];
static _Atomic int count;

static struct pool *find(const struct codec *codec, bool encoder)
{
    int known = atomic_load(&count);
    for (int i = 0; i < known; i++)
        if (pools[i].codec == codec && pools[i].encoder == encoder)
            return &pools[i];
    return NULL;
}

static struct pool *found(const struct codec *codec, bool encoder)
{
    struct pool *pool = find(codec, encoder);
    int known = atomic_load(&count);
    if (pool || known == POOLS)
        return pool;
    pool = &pools[known];
    *pool = (struct pool){.codec = codec, .encoder = encoder};
    if (!ring_init(&pool->fresh, MOST_AHEAD, sizeof(void *)) || !ring_init(&pool->returned, RETURNED, sizeof(void *))) {
        ring_end(&pool->fresh);
        return NULL;
    }
    atomic_store(&count, known + 1);
    return pool;
}

static bool make_one(struct pool *pool)
{
    void *state = pool->codec->create(pool->codec, pool->encoder);
    if (!state)
        return false;
    if (!ring_push(&pool->fresh, &state)) {
        pool->codec->destroy(pool->codec, state, pool->encoder);
        return false;
    }
    atomic_fetch_add(&pool->ahead, 1);
    return true;
}

void codec_pool_expect(const struct codec *codec)
{
    for (int encoder = 0; codec->create && encoder < 2; encoder++) {
        struct pool *pool = found(codec, encoder);
        if (pool)
            make_one(pool);
    }
    codec_pool_tend();
}

void codec_pool_tend(void)
{
    void *state;
    for (int i = 0; i < atomic_load(&count); i++) {
        struct pool *pool = &pools[i];
        while (ring_pop(&pool->returned, &state))
            pool->codec->destroy(pool->codec, state, pool->encoder);
        while (atomic_load(&pool->ahead) < RESERVE && make_one(pool))
            ;
    }
}

void *codec_pool_take(const struct codec *codec, bool encoder)
{
    struct pool *pool = find(codec, encoder);
    void *state;
    if (!pool || !ring_pop(&pool->fresh, &state))
        return NULL;
    atomic_fetch_sub(&pool->ahead, 1);
    return state;
}

void codec_pool_give(const struct codec *codec, bool encoder, void *state)
{
    struct pool *pool = find(codec, encoder);
    /* Thousands at once without the control thread awake in between do not come; those beyond would stay unused. */
    if (pool)
        ring_push(&pool->returned, &state);
}
