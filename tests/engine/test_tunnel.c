/* A TURN server reached by TCP: what comes is cut into packets wherever the
 * network cut it, what is sent leaves whole, and nonsense ends the connection.
 */
#include "scene.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtp.h"

enum { CHANNEL = 0x4001 };

struct scene {
    struct engine *engine;
    struct leg *leg;
    int server; /* its end of the connection */
    int lost, packets, octets;
};

static struct scene begin_scene(void)
{
    struct scene scene = {.engine = begin()};
    char error[ENGINE_TEXT];
    int ends[2];
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    scene.server = ends[0];
    scene.leg = leg_rtp(scene.engine, "0.0.0.0", 0, 0, 0, error);
    struct codec_map map = {0, (uint8_t)engine_codec("ulaw")};
    rtp_codecs(scene.leg, &map, 1, 0, map.codec, 0, 0, 20, 0);
    rtp_remote(scene.leg, "192.0.2.7", 4000, 4000);
    rtp_option(scene.leg, RTP_ASIDE, ASIDE_STUN);
    CHECK(rtp_tunnel(scene.leg, "192.0.2.50", 3478, ends[1]));
    CHECK(rtp_detour(scene.leg, "192.0.2.50", 3478, CHANNEL));
    engine_tick(scene.engine, 1);
    return scene;
}

static void hear(struct scene *scene)
{
    struct engine_event events[16];
    int count;
    while ((count = engine_events(scene->engine, events, 16)) > 0)
        for (int i = 0; i < count; i++) {
            if (events[i].kind == EVENT_TUNNEL_LOST)
                scene->lost++;
            if (events[i].kind == EVENT_PACKET) {
                scene->packets++;
                scene->octets += (int)events[i].b;
                CHECK(!strcmp(events[i].address, "192.0.2.50"));
                take_packet(scene->engine, &events[i]);
            }
            if (events[i].kind == EVENT_PLAYER_DONE)
                player_free(events[i].object);
            if (events[i].kind == EVENT_LEG_CLOSED)
                leg_free(events[i].object);
        }
}

static void end_scene(struct scene *scene)
{
    leg_close(scene->leg);
    engine_tick(scene->engine, 2);
    hear(scene);
    finish(scene->engine);
    close(scene->server);
}

/* A STUN message of `body` octets, or ChannelData that holds a packet of sound.
 */
static int make_message(uint8_t *at, int body)
{
    memset(at, 7, (size_t)(20 + body));
    at[0] = 0;
    at[1] = 1;
    at[2] = (uint8_t)(body >> 8);
    at[3] = (uint8_t)body;
    return 20 + body;
}

static int make_sound(uint8_t *at, int sequence, int sound)
{
    int count = RTP_HEADER + sound;
    memset(at, 0, (size_t)(4 + count + 3));
    at[0] = CHANNEL >> 8;
    at[1] = CHANNEL & 255;
    at[2] = (uint8_t)(count >> 8);
    at[3] = (uint8_t)count;
    at[4] = 0x80;
    at[7] = (uint8_t)sequence;
    return 4 + (count + 3) / 4 * 4;
}

static void packets_are_found_wherever_the_stream_is_cut(void)
{
    static uint8_t stream[65536];
    struct scene scene = begin_scene();
    int size = 0, messages = 0, octets = 0;
    for (int i = 0; i < 30; i++) {
        int body = 4 * (int)random_number(50);
        size += make_message(stream + size, body);
        octets += 20 + body;
        messages++;
        size += make_sound(stream + size, i, 160 + i % 4);
    }
    for (int at = 0; at < size;) {
        int some = 1 + (int)random_number(300);
        some = some > size - at ? size - at : some;
        CHECK(write(scene.server, stream + at, (size_t)some) == some);
        at += some;
        engine_tick(scene.engine, 1 + (int)random_number(2) * 10);
        hear(&scene);
    }
    CHECK(scene.packets == messages && scene.octets == octets, "%d messages of %d octets", scene.packets, scene.octets);
    CHECK(leg_figures(scene.leg)->rx_packets == 30, "%d packets of sound", (int)leg_figures(scene.leg)->rx_packets);
    CHECK(!scene.lost);
    end_scene(&scene);
}

static void what_is_sent_goes_by_the_connection(void)
{
    static uint8_t got[65536];
    struct scene scene = begin_scene();
    int local, port;
    char host[48];
    uint8_t message[24];
    make_message(message, 4);
    CHECK(rtp_send(scene.leg, 0, "192.0.2.50", 3478, message, 24));
    leg_tones(scene.leg, (const struct tone_item[]){{440, 0, 0, 0}}, 1, 0, 5000, 0);
    engine_tick(scene.engine, 50);
    CHECK(!engine_sent(scene.engine, &local, host, &port, got, sizeof(got)), "something was sent as a datagram");
    int have = (int)read(scene.server, got, sizeof(got)), at = 24, sounds = 0;
    CHECK(have > 24 && !memcmp(got, message, 24));
    for (; at + 4 <= have; at += 4 + (got[at + 2] << 8 | got[at + 3])) {
        CHECK((got[at] << 8 | got[at + 1]) == CHANNEL && got[at + 4] == 0x80);
        sounds++;
    }
    CHECK(at == have && sounds >= 22, "%d packets of sound", sounds);
    hear(&scene);
    end_scene(&scene);
}

static void nonsense_and_an_end_are_told_once(void)
{
    for (int how = 0; how < 2; how++) {
        struct scene scene = begin_scene();
        static const uint8_t nonsense[64] = {0xff};
        if (how)
            CHECK(write(scene.server, nonsense, 64) == 64);
        else
            shutdown(scene.server, SHUT_RDWR);
        engine_tick(scene.engine, 5);
        hear(&scene);
        leg_tones(scene.leg, (const struct tone_item[]){{440, 0, 0, 0}}, 1, 0, 5000, 0);
        engine_tick(scene.engine, 20);
        hear(&scene);
        CHECK(scene.lost == 1, "told %d times", scene.lost);
        end_scene(&scene);
    }
}

static void a_far_end_that_takes_nothing_costs_no_memory(void)
{
    struct scene scene = begin_scene();
    leg_tones(scene.leg, (const struct tone_item[]){{440, 0, 0, 0}}, 1, 0, 5000, 0);
    engine_tick(scene.engine, 20000);
    hear(&scene);
    CHECK(!scene.lost);
    end_scene(&scene);
}

int main(void)
{
    for (int number = 1; codec_at(number); number++)
        codec_load(number);
    RUN(packets_are_found_wherever_the_stream_is_cut);
    RUN(what_is_sent_goes_by_the_connection);
    RUN(nonsense_and_an_end_are_told_once);
    RUN(a_far_end_that_takes_nothing_costs_no_memory);
    return check_result();
}
