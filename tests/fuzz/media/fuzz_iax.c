/* What a network can send to IAX2's voice: mini frames and meta frames, to plain, sealed and trunked legs that relay
 * and decode. They come by a real socket on loopback; what is sealed properly is reached by sealing broken frames. */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "fuzz.h"
#include "wire_iax.h"

enum { LEGS = 4, FIRST_CALL = 0x100, MOST = 1600, STEPS = 64 };

static struct engine *engine;
static struct carrier *carrier;
static struct leg *legs[LEGS];
static struct iax_seal *far;
static struct sockaddr_in here, there;
static int network;

static void set_codec(struct leg *leg, const char *name)
{
    struct codec_map map = {IAX_TYPE, (uint8_t)engine_codec(name)};
    rtp_codecs(leg, &map, 1, IAX_TYPE, map.codec, 0, 8000, 20, 0);
}

static void build(void)
{
    static const uint8_t key[IAX_KEY] = "sixteen octets..";
    static const char *const codecs[LEGS] = {"ulaw", "ulaw", "gsm", "alaw"};
    struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};
    char error[ENGINE_TEXT];
    socklen_t length = sizeof(here);
    engine = engine_new(&options, error);
    EXPECT(engine);
    carrier = carrier_new(engine, "127.0.0.1", 0, 0, error);
    EXPECT(carrier);
    EXPECT(!getsockname(carrier_socket(carrier), (struct sockaddr *)&here, &length));
    network = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    there = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    EXPECT(!bind(network, (struct sockaddr *)&there, sizeof(there)));
    length = sizeof(there);
    EXPECT(!getsockname(network, (struct sockaddr *)&there, &length));
    for (int i = 0; i < LEGS; i++) {
        legs[i] = leg_iax(carrier, error);
        EXPECT(legs[i]);
        set_codec(legs[i], codecs[i]);
        EXPECT(iax_call(legs[i], "127.0.0.1", ntohs(there.sin_port), 7 + i, FIRST_CALL + i, 1000, i == 3, i & 1));
        iax_opened(legs[i], 1000);
    }
    EXPECT(iax_key(legs[1], 0, key) && iax_key(legs[1], 1, key));
    far = iax_seal_make(key, true);
    EXPECT(far);
    leg_connect(legs[0], legs[1], 0);
    leg_connect(legs[2], legs[3], 0);
}

static void drain(void)
{
    struct engine_event events[16];
    uint8_t bytes[MOST];
    int count;
    while ((count = engine_events(engine, events, 16)) > 0)
        for (int i = 0; i < count; i++)
            if (events[i].kind == EVENT_PACKET)
                engine_packet(engine, &events[i], bytes);
    while (recv(network, bytes, sizeof(bytes), 0) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    if (!engine)
        build();
    for (int step = 0; step < STEPS && input.left; step++) {
        unsigned what = take(&input);
        uint8_t bytes[MOST], sealed[MOST + IAX_PADDING];
        int count = 0, room = 4 + (int)take(&input) * (what & 0x10 ? 4 : 1);
        int call = what & 8 ? 0 : FIRST_CALL + (int)(what & 3);
        bytes[count++] = (uint8_t)(call >> 8);
        bytes[count++] = (uint8_t)call;
        while (count < room && input.left)
            bytes[count++] = (uint8_t)take(&input);
        const uint8_t *packet = bytes;
        if (what & 0x20) {
            memcpy(sealed, bytes, 2);
            count = 2 + iax_seal(far, bytes + 2, count - 2, sealed + 2);
            packet = sealed;
        }
        sendto(network, packet, (size_t)count, 0, (struct sockaddr *)&here, sizeof(here));
        if (what & 0x40)
            iax_voice(legs[what & 3], (uint32_t)count * 1000, bytes, count);
        engine_tick(engine, 1 + (int)(what >> 7));
        drain();
    }
    return 0;
}
