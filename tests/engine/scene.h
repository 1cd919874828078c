/* An engine in simulated time, and what most tests of it need: legs with
 * codecs, packets in and out, events that free what is told as over. */
#ifndef OFFHOOK_SCENE_H
#define OFFHOOK_SCENE_H

#include "check.h"

#include "api.h"
#include "engine.h"

static const struct engine_options options = {.mode = MODE_SIMULATED,
                                              .port_low = 10000,
                                              .port_high = 20000,
                                              .probation = 4,
                                              .rtcp_interval = 1000,
                                              .digit_timeout = 150,
                                              .checksums = 1};

static inline struct engine *begin(void)
{
    char error[ENGINE_TEXT];
    struct engine *engine = engine_new(&options, error);
    CHECK(engine, "%s", error);
    return engine;
}

static inline void take_packet(struct engine *engine, const struct engine_event *event)
{
    uint8_t bytes[PACKET_MAX];
    CHECK(engine_packet(engine, event, bytes) == event->b);
}

/* Take events; free what is told as over. */
static inline int take_events(struct engine *engine)
{
    struct engine_event events[16];
    int count, total = 0;
    while ((count = engine_events(engine, events, 16)) > 0) {
        total += count;
        for (int i = 0; i < count; i++) {
            switch (events[i].kind) {
            case EVENT_LEG_CLOSED:
                leg_free(events[i].object);
                break;
            case EVENT_PLAYER_DONE:
                player_free(events[i].object);
                break;
            case EVENT_RECORDER_DONE:
                recorder_free(events[i].object);
                break;
            case EVENT_WATCH_CLOSED:
                watch_free(events[i].object);
                break;
            case EVENT_MIXER_CLOSED:
                mixer_free(events[i].object);
                break;
            case EVENT_PACKET:
                take_packet(engine, &events[i]);
                break;
            default:
                break;
            }
        }
    }
    return total;
}

static inline void drop_sent(struct engine *engine)
{
    int local, port;
    char host[48];
    uint8_t bytes[4096];
    while (engine_sent(engine, &local, host, &port, bytes, sizeof(bytes)))
        CHECK(port > 0 && host[0]);
}

static inline void finish(struct engine *engine)
{
    engine_tick(engine, 2);
    take_events(engine);
    engine_stop(engine);
    take_events(engine);
    CHECK(engine->slab.used == 0, "%zu bytes of the slab are still used", engine->slab.used);
    engine_free(engine);
}

static const char *const NAMES[] = {"ulaw", "alaw", "g722", "gsm", "slin16", "opus", "g729", "h264"};

static inline void set_codecs(struct leg *leg, int choice)
{
    struct codec_map map[8];
    for (int i = 0; i < 8; i++) {
        map[i].payload_type = (uint8_t)(96 + i);
        map[i].codec = (uint8_t)engine_codec(NAMES[i]);
    }
    rtp_codecs(leg, map, 8, 96 + choice, engine_codec(NAMES[choice]), random_number(2) ? 101 : 0, 8000,
               random_number(2) ? 20 : 0, 13);
}

static inline void inject(struct engine *engine, struct leg *leg, int type, uint16_t sequence, uint32_t time, int bytes)
{
    uint8_t packet[1500] = {0x80, (uint8_t)type};
    packet[2] = (uint8_t)(sequence >> 8);
    packet[3] = (uint8_t)sequence;
    for (int i = 0; i < 4; i++)
        packet[4 + i] = (uint8_t)(time >> (24 - 8 * i));
    for (int i = 12; i < bytes; i++)
        packet[i] = (uint8_t)random_number(256);
    engine_inject(engine, leg_port(leg), "192.0.2.7", 4000, packet, bytes);
}

#endif
