/* The slab and the rings. */
#include "check.h"

#include <pthread.h>

#include "ring.h"
#include "slab.h"

static void memory_is_zeroed_aligned_and_comes_back(void)
{
    struct slab slab = {0};
    void *kept[200];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++) {
            size_t bytes = (size_t)i * 97 + 1;
            unsigned char *memory = slab_get(&slab, bytes);
            CHECK(memory && (uintptr_t)memory % 16 == 0);
            for (size_t k = 0; k < bytes; k++)
                CHECK(memory[k] == 0);
            memset(memory, 0xa5, bytes);
            kept[i] = memory;
        }
        for (int i = 0; i < 200; i++)
            slab_put(&slab, kept[i], (size_t)i * 97 + 1);
        CHECK(slab.used == 0);
    }
    slab_put(&slab, NULL, 100);
    slab_end(&slab);
}

static void large_memory_is_given_back_at_once(void)
{
    struct slab slab = {0};
    char *large = slab_get(&slab, 300000);
    CHECK(large);
    large[299999] = 1;
    slab_put(&slab, large, 300000);
    CHECK(slab.mapped == 0);
    slab_end(&slab);
}

enum { MESSAGES = 200000 };

static void *produce(void *argument)
{
    struct ring *ring = argument;
    for (uint32_t i = 0; i < MESSAGES;)
        if (ring_push(ring, &i))
            i++;
    return NULL;
}

static void elements_pass_between_threads_in_order(void)
{
    struct ring ring;
    pthread_t thread;
    CHECK(ring_init(&ring, 64, sizeof(uint32_t)));
    pthread_create(&thread, NULL, produce, &ring);
    for (uint32_t i = 0, value; i < MESSAGES;) {
        if (!ring_pop(&ring, &value))
            continue;
        if (value != i) {
            CHECK(value == i, "%u instead of %u", value, i);
            break;
        }
        i++;
    }
    pthread_join(thread, NULL);
    CHECK(ring_empty(&ring));
    ring_end(&ring);
}

static void bytes_wrap_around_and_are_all_or_nothing(void)
{
    struct ring ring;
    char text[8];
    CHECK(ring_init(&ring, 16, 1));
    for (int i = 0; i < 50; i++) {
        CHECK(ring_write2(&ring, "abc", 3, "defgh", 5));
        CHECK(!ring_write(&ring, "123456789", 9));
        CHECK(ring_readable(&ring) == 8 && ring_writable(&ring) == 8);
        CHECK(ring_peek(&ring, text, 8) && !memcmp(text, "abcdefgh", 8));
        ring_skip(&ring, 3);
        CHECK(ring_read(&ring, text, 5) && !memcmp(text, "defgh", 5));
        CHECK(!ring_read(&ring, text, 1));
    }
    ring_end(&ring);
}

int main(void)
{
    RUN(memory_is_zeroed_aligned_and_comes_back);
    RUN(large_memory_is_given_back_at_once);
    RUN(elements_pass_between_threads_in_order);
    RUN(bytes_wrap_around_and_are_all_or_nothing);
    return check_result();
}
