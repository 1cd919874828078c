/* IAX2's voice on loopback sockets, with a clock that the test moves: what a bare socket sends and gets. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "engine.h"
#include "wire_iax.h"

enum { THEIRS = 0x0123, OURS = 0x0456, FRAME = 160 };

static struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};

struct bench {
    struct engine *engine;
    struct carrier *carrier;
    struct leg *leg;
    int far; /* the far end's socket */
    int far_port;
    struct sockaddr_in here;
    struct engine_event last;
    int asked; /* for full frames */
};

static int port_of(int descriptor, struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    CHECK(!getsockname(descriptor, (struct sockaddr *)address, &length));
    return ntohs(address->sin_port);
}

static void ulaw(struct leg *leg)
{
    struct codec_map map = {IAX_TYPE, (uint8_t)engine_codec("ulaw")};
    rtp_codecs(leg, &map, 1, IAX_TYPE, map.codec, 0, 8000, 20, 0);
}

static struct leg *new_leg(struct bench *bench, int ours, int theirs, int trunk, int timestamps)
{
    char error[ENGINE_TEXT];
    struct leg *leg = leg_iax(bench->carrier, error);
    CHECK(leg, "%s", error);
    ulaw(leg);
    CHECK(iax_call(leg, "127.0.0.1", bench->far_port, ours, theirs, 1000, trunk, timestamps));
    return leg;
}

static struct bench begin(int trunk, int timestamps)
{
    char error[ENGINE_TEXT];
    struct bench bench = {.engine = engine_new(&options, error)};
    bench.carrier = carrier_new(bench.engine, "127.0.0.1", 0, 0, error);
    CHECK(bench.carrier, "%s", error);
    port_of(carrier_socket(bench.carrier), &bench.here);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    bench.far = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CHECK(!bind(bench.far, (struct sockaddr *)&any, sizeof(any)));
    struct sockaddr_in there;
    bench.far_port = port_of(bench.far, &there);
    bench.leg = new_leg(&bench, OURS, THEIRS, trunk, timestamps);
    leg_loopback(bench.leg, 1);
    engine_tick(bench.engine, 1);
    return bench;
}

static void take_events(struct bench *bench)
{
    struct engine_event list[16];
    uint8_t bytes[PACKET_MAX];
    int count;
    while ((count = engine_events(bench->engine, list, 16)) > 0)
        for (int i = 0; i < count; i++) {
            if (list[i].kind == EVENT_LEG_CLOSED)
                leg_free(list[i].object);
            if (list[i].kind != EVENT_PACKET)
                continue;
            engine_packet(bench->engine, &list[i], bytes);
            bench->last = list[i];
            bench->asked++;
        }
}

static void finish(struct bench *bench)
{
    leg_close(bench->leg);
    carrier_close(bench->carrier);
    for (int i = 0; i < 4; i++) {
        engine_tick(bench->engine, 1);
        take_events(bench);
    }
    engine_stop(bench->engine);
    CHECK(bench->engine->slab.used == 0, "%zu", bench->engine->slab.used);
    engine_free(bench->engine);
    close(bench->far);
}

static void say(struct bench *bench, const uint8_t *bytes, int count)
{
    CHECK(sendto(bench->far, bytes, (size_t)count, 0, (struct sockaddr *)&bench->here, sizeof(bench->here)) == count);
}

static void say_mini(struct bench *bench, int call, int ms, uint8_t mark)
{
    uint8_t bytes[IAX_MINI + FRAME] = {(uint8_t)(call >> 8), (uint8_t)call, (uint8_t)(ms >> 8), (uint8_t)ms};
    memset(bytes + IAX_MINI, mark, FRAME);
    say(bench, bytes, sizeof(bytes));
}

static int hear(const struct bench *bench, uint8_t *bytes, int room)
{
    return (int)recv(bench->far, bytes, (size_t)room, 0);
}

static int call_of(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

/* A mini frame is looped back; the engine asks for a full frame first, and again when the upper half of the time or the
 * codec changes. */
static void mini_frames_come_back(void)
{
    struct bench bench = begin(0, 0);
    uint8_t got[PACKET_MAX];
    say_mini(&bench, THEIRS, 1000, 0x11);
    engine_tick(bench.engine, 2);
    take_events(&bench);
    CHECK(bench.asked == 1 && bench.last.object == bench.leg && bench.last.b == FRAME, "%d", bench.asked);
    CHECK(bench.last.port >= 1000 && bench.last.port < 1100, "%d", bench.last.port);
    CHECK(hear(&bench, got, sizeof(got)) < 0);
    iax_opened(bench.leg, (uint32_t)bench.last.port);
    for (int i = 1; i < 6; i++) {
        say_mini(&bench, THEIRS, 1000 + 20 * i, (uint8_t)(0x11 + i));
        engine_tick(bench.engine, 2);
        CHECK(hear(&bench, got, sizeof(got)) == IAX_MINI + FRAME);
        CHECK(call_of(got) == OURS && got[IAX_MINI] == 0x11 + i);
        CHECK((got[2] << 8 | got[3]) == bench.last.port + 20 * i, "%d", got[2] << 8 | got[3]);
    }
    iax_call(bench.leg, "127.0.0.1", bench.far_port, OURS, THEIRS, 0xfff0, 0, 0);
    engine_tick(bench.engine, 4);
    say_mini(&bench, THEIRS, 1200, 0x33);
    engine_tick(bench.engine, 2);
    take_events(&bench);
    CHECK(bench.asked == 2 && bench.last.port >= 0x10000, "%d %x", bench.asked, bench.last.port);
    CHECK(leg_figures(bench.leg)->relayed && leg_figures(bench.leg)->rx_packets == 7);
    finish(&bench);
}

/* What was sent in another order is played in order, what is missing shows, strangers are not heard. */
static void order_is_told_by_time(void)
{
    struct bench bench = begin(0, 0);
    static const int sent[] = {1000, 1020, 1060, 1040, 1080, 1120, 1120};
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        say_mini(&bench, THEIRS, sent[i], 0x55);
        engine_tick(bench.engine, 2);
    }
    say_mini(&bench, THEIRS + 1, 1140, 0x55);
    uint8_t broken[] = {1}, empty[] = {0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 1, 0x23};
    say(&bench, broken, sizeof(broken));
    say(&bench, empty, sizeof(empty));
    engine_tick(bench.engine, 2);
    take_events(&bench);
    const struct leg_figures *figures = leg_figures(bench.leg);
    CHECK(figures->rx_packets == 7 && figures->reordered == 1, "%d", (int)figures->reordered);
    CHECK(figures->rx_expected == 7, "%u", figures->rx_expected);
    CHECK(bench.engine->packets_bad == 3, "%d", (int)bench.engine->packets_bad);
    finish(&bench);
}

/* Meta frames, with times of the calls' own and without, both ways; two calls share one. */
static void trunks(int timestamps)
{
    struct bench bench = begin(1, timestamps);
    struct leg *second = new_leg(&bench, OURS + 1, THEIRS + 1, 1, timestamps);
    leg_loopback(second, 1);
    iax_opened(bench.leg, 1000);
    iax_opened(second, 1000);
    engine_tick(bench.engine, 2);
    uint8_t got[PACKET_MAX];
    int met = 0;
    for (int i = 0; i < 10; i++) {
        uint8_t bytes[8 + 2 * (6 + FRAME)] = {
            0, 0, 1, (uint8_t)timestamps, 0, 0, (uint8_t)(i * 20 >> 8), (uint8_t)(i * 20)};
        int at = 8, ms = 1000 + 20 * i;
        for (int call = THEIRS; call <= THEIRS + 1; call++) {
            uint8_t timed[6] = {0, FRAME, (uint8_t)(call >> 8), (uint8_t)call, (uint8_t)(ms >> 8), (uint8_t)ms};
            uint8_t plain[4] = {(uint8_t)(call >> 8), (uint8_t)call, 0, FRAME};
            memcpy(bytes + at, timestamps ? timed : plain, timestamps ? 6 : 4);
            at += timestamps ? 6 : 4;
            memset(bytes + at, call & 0xff, FRAME);
            at += FRAME;
        }
        say(&bench, bytes, at);
        engine_tick(bench.engine, 2);
        int count = hear(&bench, got, sizeof(got));
        if (count < 0)
            continue;
        met++;
        CHECK(count == at && !call_of(got) && got[2] == 1 && got[3] == timestamps, "%d of %d", count, at);
        int first = timestamps ? call_of(got + 10) : call_of(got + 8);
        CHECK(first == OURS || first == OURS + 1, "%x", first);
    }
    CHECK(met >= 9, "%d", met);
    CHECK(leg_figures(bench.leg)->rx_packets == 10 && leg_figures(second)->rx_packets == 10);
    CHECK(leg_figures(bench.leg)->rx_lost == 0);
    leg_close(second);
    finish(&bench);
}

static void trunks_with_times(void)
{
    trunks(1);
}

static void trunks_without_times(void)
{
    trunks(0);
}

/* A sealed call: what is not of its key is not heard, and frames of the same sound do not look alike. */
static void sealed_frames(void)
{
    struct bench bench = begin(0, 0);
    static const uint8_t to[IAX_KEY] = "what we send....", from[IAX_KEY] = "what they send..";
    struct iax_seal *far = iax_seal_make(from, true), *far_open = iax_seal_make(to, false);
    CHECK(iax_key(bench.leg, 1, to) && iax_key(bench.leg, 0, from));
    iax_opened(bench.leg, 1000);
    engine_tick(bench.engine, 1);
    say_mini(&bench, THEIRS, 1000, 0x66); /* in the clear */
    engine_tick(bench.engine, 1);
    CHECK(leg_figures(bench.leg)->rx_packets == 0 && leg_figures(bench.leg)->forged == 1);
    uint8_t before[PACKET_MAX] = {0}, got[PACKET_MAX];
    for (int i = 0; i < 5; i++) {
        int ms = 1020 + 20 * i;
        uint8_t clear[2 + FRAME] = {(uint8_t)(ms >> 8), (uint8_t)ms}, sealed[2 + 2 + FRAME + IAX_PADDING];
        memset(clear + 2, 0x77, FRAME);
        sealed[0] = THEIRS >> 8;
        sealed[1] = THEIRS & 0xff;
        int count = iax_seal(far, clear, sizeof(clear), sealed + 2);
        say(&bench, sealed, 2 + count);
        engine_tick(bench.engine, 2);
        count = hear(&bench, got, sizeof(got)) - 2;
        CHECK(count > 16 && count % 16 == 0 && call_of(got) == OURS, "%d", count);
        CHECK(memcmp(before, got + 2, 16));
        memcpy(before, got + 2, 16);
        uint8_t *open = iax_unseal(far_open, got + 2, &count);
        CHECK(open && count == 2 + FRAME && open[2] == 0x77 && open[1 + FRAME] == 0x77);
    }
    CHECK(leg_figures(bench.leg)->rx_packets == 5);
    iax_key(bench.leg, 1, NULL);
    iax_key(bench.leg, 0, NULL);
    iax_seal_free(far);
    iax_seal_free(far_open);
    finish(&bench);
}

/* Full frames never come here, and their voice comes by the control thread. */
static void full_frames_are_the_control_threads(void)
{
    struct bench bench = begin(0, 0);
    uint8_t full[12] = {0x81, 0x23, 0, 0}, got[64];
    say(&bench, full, sizeof(full));
    engine_tick(bench.engine, 1);
    CHECK(recv(carrier_socket(bench.carrier), got, sizeof(got), MSG_DONTWAIT) == sizeof(full));
    say_mini(&bench, THEIRS, 1000, 1);
    CHECK(recv(carrier_socket(bench.carrier), got, sizeof(got), MSG_DONTWAIT) < 0);
    uint8_t voice[FRAME];
    memset(voice, 0x12, sizeof(voice));
    CHECK(iax_voice(bench.leg, 5000, voice, FRAME));
    engine_tick(bench.engine, 1);
    CHECK(leg_figures(bench.leg)->rx_packets == 2);
    finish(&bench);
}

/* A port is taken only once. */
static void nobody_shares_the_port(void)
{
    struct bench bench = begin(0, 0);
    char error[ENGINE_TEXT];
    CHECK(!carrier_new(bench.engine, "127.0.0.1", ntohs(bench.here.sin_port), 0, error));
    CHECK(strstr(error, "cannot be had"), "%s", error);
    finish(&bench);
}

int main(void)
{
    RUN(mini_frames_come_back);
    RUN(order_is_told_by_time);
    RUN(trunks_with_times);
    RUN(trunks_without_times);
    RUN(sealed_frames);
    RUN(full_frames_are_the_control_threads);
    RUN(nobody_shares_the_port);
    return check_result();
}
