/* The engine through the same calls the control thread makes: legs, events and
 * ports, and the threads of each way of sockets. What it does right is shown by
 * tests/unit/media. */
#include "scene.h"

#include <unistd.h>

static void a_thousand_legs_leave_nothing_behind(void)
{
    struct engine *engine = begin();
    char error[ENGINE_TEXT];
    for (int round = 0; round < 10; round++) {
        struct leg *legs[100];
        for (int i = 0; i < 100; i++) {
            legs[i] = leg_rtp(engine, "0.0.0.0", 0, 0, 0, error);
            CHECK(legs[i], "%s", error);
            set_codecs(legs[i], i % 4);
            rtp_remote(legs[i], "192.0.2.7", 4000, 4001);
            if (i & 1)
                leg_connect(legs[i - 1], legs[i], 1);
        }
        for (int packet = 0; packet < 20; packet++) {
            for (int i = 0; i < 100; i++)
                inject(engine, legs[i], 96 + i % 4, (uint16_t)packet, (uint32_t)packet * 160, 172);
            engine_tick(engine, 2);
            take_events(engine);
        }
        drop_sent(engine);
        for (int i = 0; i < 100; i++)
            leg_close(legs[i]);
        engine_tick(engine, 2);
        take_events(engine);
        engine_tick(engine, 2);
        take_events(engine);
        CHECK(engine->slab.used == 0, "%zu bytes", engine->slab.used);
        CHECK(engine->leg_count == 0);
    }
    CHECK(engine->slab.mapped < 4 << 20);
    finish(engine);
}

static void events_are_never_lost(void)
{
    struct engine *engine = begin();
    struct leg *leg = leg_null(engine, 8000);
    for (int i = 0; i < 2000; i++)
        CHECK(leg_watch(leg, 100, 100, 256));
    engine_tick(engine, 1);
    leg_close(leg);
    engine_tick(engine, 1);
    CHECK(engine->pending != NULL);
    int total = 0;
    for (int i = 0; i < 10; i++) {
        total += take_events(engine);
        engine_tick(engine, 1);
    }
    CHECK(total == 2001, "%d events", total);
    finish(engine);
}

static void no_port_is_an_error_and_ports_come_back(void)
{
    struct engine_options few = options;
    char error[ENGINE_TEXT];
    few.port_low = 10001;
    few.port_high = 10010;
    struct engine *engine = engine_new(&few, error);
    struct leg *legs[5];
    for (int i = 0; i < 4; i++) {
        legs[i] = leg_rtp(engine, "::", 0, 0, 0, error);
        CHECK(legs[i] && leg_port(legs[i]) % 2 == 0 && leg_port(legs[i]) >= 10002);
    }
    CHECK(!leg_rtp(engine, "::", 0, 0, 0, error) && strstr(error, "port"), "%s", error);
    CHECK(!leg_rtp(engine, "localhost", 0, 0, 0, error) && strstr(error, "numeric"), "%s", error);
    leg_close(legs[2]);
    for (int i = 0; i < 3; i++) {
        engine_tick(engine, 1);
        take_events(engine);
    }
    CHECK((legs[2] = leg_rtp(engine, "::", 0, 0, 0, error)) != NULL, "%s", error);
    finish(engine);
}

static void threads_start_and_stop(void)
{
    char error[ENGINE_TEXT];
    struct engine_options real = options;
    real.mode = MODE_LEG;
    for (int round = 0; round < 5; round++) {
        struct engine *engine = engine_new(&real, error);
        CHECK(engine && engine_start(engine, error), "%s", error);
        struct leg *legs[20];
        for (int i = 0; i < 20; i++) {
            legs[i] = leg_rtp(engine, "127.0.0.1", 0, 0, 0, error);
            CHECK(legs[i], "%s", error);
            set_codecs(legs[i], 0);
            if (i & 1) {
                rtp_remote(legs[i], "127.0.0.1", leg_port(legs[i - 1]), leg_port(legs[i - 1]) + 1);
                rtp_remote(legs[i - 1], "127.0.0.1", leg_port(legs[i]), leg_port(legs[i]) + 1);
            }
        }
        for (int i = 0; i < 20; i += 2)
            leg_tones(legs[i], (const struct tone_item[]){{440, 0, 0, 0}}, 1, 0, 5000, 0);
        for (int wait = 0; wait < 1000 && engine->packets_in <= 20; wait++)
            usleep(10000); /* a busy machine may take its time */
        for (int i = 0; i < 10; i++)
            leg_close(legs[i]);
        usleep(30000);
        take_events(engine);
        engine_stop(engine);
        take_events(engine);
        CHECK(engine->packets_in > 20, "%llu packets", (unsigned long long)engine->packets_in);
        engine_free(engine);
    }
}

int main(void)
{
    RUN(a_thousand_legs_leave_nothing_behind);
    RUN(events_are_never_lost);
    RUN(no_port_is_an_error_and_ports_come_back);
    RUN(threads_start_and_stop);
    return check_result();
}
