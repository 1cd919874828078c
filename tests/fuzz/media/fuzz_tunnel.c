/* What a TURN server reached by TCP can send: STUN messages and ChannelData that the network cut anywhere, and
 * nonsense; to a leg whose sound is relayed, and to one whose sound is decoded. */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "fuzz.h"

enum { LEGS = 4, TUNNELS = 2, MOST = 2000, STEPS = 100, CHANNEL = 0x4001, SERVER = 3478 };

struct scene {
    struct engine *engine;
    struct leg *legs[LEGS]; /* the first ones by a tunnel, the others hear them */
    int servers[TUNNELS];
    int lost[TUNNELS];
};

static void build(struct scene *scene)
{
    struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};
    char error[ENGINE_TEXT];
    *scene = (struct scene){.engine = engine_new(&options, error)};
    EXPECT(scene->engine);
    for (int i = 0; i < LEGS; i++) {
        struct codec_map map = {i == 3 ? 8 : 0, (uint8_t)engine_codec(i == 3 ? "alaw" : "ulaw")};
        scene->legs[i] = leg_rtp(scene->engine, "0.0.0.0", 0, 0, 0, error);
        EXPECT(scene->legs[i]);
        rtp_codecs(scene->legs[i], &map, 1, map.payload_type, map.codec, 101, 8000, 20, 13);
        rtp_remote(scene->legs[i], "192.0.2.7", 4000 + 2 * i, 4001 + 2 * i);
    }
    for (int i = 0; i < TUNNELS; i++) {
        int ends[2];
        EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
        scene->servers[i] = ends[0];
        rtp_option(scene->legs[i], RTP_ASIDE, ASIDE_STUN | ASIDE_DTLS);
        EXPECT(rtp_tunnel(scene->legs[i], "192.0.2.50", SERVER, ends[1]));
        EXPECT(rtp_detour(scene->legs[i], "192.0.2.50", SERVER, CHANNEL));
        leg_connect(scene->legs[i], scene->legs[TUNNELS + i], 1);
    }
    engine_tick(scene->engine, 1);
}

static void run(struct scene *scene, int ticks)
{
    struct engine_event events[16];
    uint8_t bytes[PACKET_MAX];
    char host[48];
    int count, local, port;
    engine_tick(scene->engine, ticks);
    while ((count = engine_events(scene->engine, events, 16)) > 0)
        for (int i = 0; i < count; i++) {
            if (events[i].kind == EVENT_PACKET)
                EXPECT(engine_packet(scene->engine, &events[i], bytes) == events[i].b);
            for (int k = 0; k < TUNNELS; k++)
                scene->lost[k] += events[i].kind == EVENT_TUNNEL_LOST && events[i].object == scene->legs[k];
        }
    while (engine_sent(scene->engine, &local, host, &port, bytes, sizeof(bytes)))
        continue;
}

/* Bytes of the input, mostly behind a head that says how many they are. */
static void send_some(struct input *input, int descriptor)
{
    unsigned what = take(input);
    size_t count;
    uint8_t *bytes = take_bytes(input, MOST, &count);
    size_t head = what & 1 ? 4 : 20;
    if (what & 6 && count >= head) {
        size_t said = what & 0x40 ? count - head + (what >> 4 & 3) : count - head;
        bytes[0] = (uint8_t)(what & 1 ? CHANNEL >> 8 : bytes[0] & 0x3f);
        if (what & 1)
            bytes[1] = (uint8_t)(CHANNEL & 255);
        bytes[2] = (uint8_t)(said >> 8);
        bytes[3] = (uint8_t)said;
        if (what & 1 && count > head + 1 && what & 8) { /* sound */
            bytes[head] = 0x80;
            bytes[head + 1] &= 0x80;
        }
    }
    ssize_t done = write(descriptor, bytes, count);
    (void)done;
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct scene scene;
    signal(SIGPIPE, SIG_IGN);
    build(&scene);
    for (int step = 0; step < STEPS && input.left; step++) {
        unsigned what = take(&input), which = what & 1;
        send_some(&input, scene.servers[which]);
        run(&scene, (int)(what >> 1) % 4);
        if (what & 0x40) {
            uint8_t heard[4096];
            while (read(scene.servers[which], heard, sizeof(heard)) > 0)
                continue;
        }
        if (what == 0xff) /* another connection instead */
            rtp_tunnel(scene.legs[which], "192.0.2.50", SERVER, dup(scene.servers[which]));
    }
    for (int i = 0; i < TUNNELS; i++)
        shutdown(scene.servers[i], SHUT_RDWR);
    run(&scene, 3);
    EXPECT(scene.lost[0] && scene.lost[1]); /* whatever came, that it is over is told */
    engine_stop(scene.engine);
    run(&scene, 0);
    for (int i = 0; i < LEGS; i++)
        leg_free(scene.legs[i]);
    engine_free(scene.engine);
    for (int i = 0; i < TUNNELS; i++)
        close(scene.servers[i]);
    return 0;
}
