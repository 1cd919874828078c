/* Everything a network can send to legs: RTP, RTCP, STUN, DTLS and TURN's
 * ChannelData, to plain, secure, guarded and detoured legs that relay, decode
 * and detect. What is behind SRTP is reached by sealing broken packets
 * properly. */
#include "api.h"
#include "fuzz.h"
#include "secure.h"

enum { LEGS = 10, PICTURES = 8, MOST = 1600, STEPS = 200 };

static struct engine *engine;
static struct leg *legs[LEGS];
static struct secure *far; /* the other end of the secure legs */
static uint8_t keys[2][46];

static void set_codecs(struct leg *leg, const char *sends, int type)
{
    struct codec_map map[] = {{0, (uint8_t)engine_codec("ulaw")},
                              {8, (uint8_t)engine_codec("alaw")},
                              {9, (uint8_t)engine_codec("g722")},
                              {107, (uint8_t)engine_codec("opus")},
                              {96, CODEC_EVENTS + 1},
                              {97, CODEC_EVENTS + 6}};
    rtp_codecs(leg, map, sizeof(map) / sizeof(map[0]), type, engine_codec(sends), 101, 8000, 20, 13);
}

/* Pictures in the bundles of the first and the third leg, passed on. */
static void add_pictures(void)
{
    struct codec_map map = {100, (uint8_t)engine_codec("vp8")};
    for (int i = PICTURES; i < LEGS; i++) {
        rtp_codecs(legs[i], &map, 1, 100, map.codec, 0, 0, 0, 0);
        rtp_bundle(legs[i], legs[i == PICTURES ? 0 : 2]);
    }
    leg_connect(legs[PICTURES], legs[PICTURES + 1], 0);
}

static void build(void)
{
    char error[ENGINE_TEXT];
    struct engine_options options = {.mode = MODE_SIMULATED,
                                     .port_low = 10000,
                                     .port_high = 20000,
                                     .probation = 4,
                                     .rtcp_interval = 500,
                                     .digit_timeout = 150};
    struct secure_keys secure = {.suite = SRTP_AES_128_CM_80, .replay_protection = 1};
    engine = engine_new(&options, error);
    EXPECT(engine);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 46; k++)
            keys[i][k] = (uint8_t)(k * 7 + i);
    memcpy(secure.send, keys[0], sizeof(secure.send));
    memcpy(secure.receive, keys[1], sizeof(secure.receive));
    far = secure_make(secure.suite, keys[1], keys[0], 0, true);
    EXPECT(far);
    for (int i = 0; i < LEGS; i++) {
        legs[i] = leg_rtp(engine, "127.0.0.1", i >= 7, 0, 0, error);
        EXPECT(legs[i]);
        set_codecs(legs[i], i == 5 ? "alaw" : "ulaw", i == 5 ? 8 : 0);
        rtp_remote(legs[i], "192.0.2.1", 4000 + 2 * i, 4000 + 2 * i + (i & 1));
        rtp_option(legs[i], RTP_REPORT, 1);
    }
    for (int i = 2; i < 5; i++)
        EXPECT(rtp_secure(legs[i], &secure, error));
    rtp_option(legs[4], RTP_SYMMETRIC, 1);
    rtp_option(legs[4], RTP_ASIDE, ASIDE_STUN | ASIDE_DTLS);
    rtp_option(legs[6], RTP_GUARD, 1);
    rtp_option(legs[6], RTP_ASIDE, ASIDE_STUN | ASIDE_DTLS);
    rtp_option(legs[1], RTP_ASIDE, ASIDE_STUN);
    rtp_detour(legs[1], "192.0.2.50", 3478, 0x4001);
    leg_connect(legs[0], legs[2], 1); /* plain and secure, relayed */
    leg_connect(legs[3], legs[5], 1); /* secure, and of another codec */
    leg_connect(legs[1], legs[7], 1);
    add_pictures();
    rtp_option(legs[3], RTP_EXTENDED, EXTENDED_SUMMARY | EXTENDED_METRICS);
    leg_loopback(legs[4], 1);
    leg_detect_digits(legs[5], 1, 0);
    engine_tick(engine, 1);
}

static void take_events(void)
{
    struct engine_event events[16];
    uint8_t bytes[PACKET_MAX];
    int count;
    do {
        count = engine_events(engine, events, 16);
        for (int i = 0; i < count; i++)
            if (events[i].kind == EVENT_PACKET)
                EXPECT(engine_packet(engine, &events[i], bytes) == events[i].b);
    } while (count == 16);
}

static void take_sent(void)
{
    uint8_t bytes[2048];
    char host[48];
    int local, port;
    while (engine_sent(engine, &local, host, &port, bytes, sizeof(bytes)))
        continue;
}

static void inject(struct input *input, unsigned what)
{
    static const char *const hosts[] = {"192.0.2.1", "192.0.2.50", "2001:db8::1", "192.0.2.9"};
    unsigned where = take(input);
    size_t count;
    uint8_t *bytes = take_bytes(input, MOST, &count);
    int leg = (int)(where % LEGS), control = where >> 3 & 1;
    const char *host = hosts[where >> 4 & 3];
    int port = host == hosts[1] ? 3478 : 4000 + 2 * leg + control;
    uint8_t sealed[MOST + SRTP_TRAILER];
    const uint8_t *packet = bytes;
    if (what == 1 && count >= 12) {
        bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x3f));
        count = (size_t)secure_protect(far, bytes, (int)count, sealed);
        packet = sealed;
    } else if (what == 2 && count >= 8) {
        bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x3f));
        bytes[1] = (uint8_t)(192 + bytes[1] % 32);
        count = (size_t)secure_protect_control(far, bytes, (int)count, sealed);
        packet = sealed;
    }
    if (count && count <= MOST)
        engine_inject(engine, leg_port(legs[leg]) + control, host, port, packet, (int)count);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    build();
    engine_trace(engine, (int)size % 4, "", 0);
    for (int step = 0; step < STEPS && input.left; step++) {
        unsigned what = take(&input);
        if (what % 8 < 6)
            inject(&input, what % 8 < 3 ? what % 8 : 0);
        else
            engine_tick(engine, 1 + (int)(what >> 3) % 30);
        take_events();
    }
    engine_tick(engine, 60);
    take_events();
    take_sent();
    engine_stop(engine);
    take_events();
    for (int i = 0; i < LEGS; i++)
        leg_free(legs[i]);
    engine_free(engine);
    secure_free(far);
    return 0;
}
