/* Everything that the far end of a stream can send: AudioSocket's messages, broken ones, at any pace, and bare sound.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "fuzz.h"

enum { MOST = 2000, STEPS = 100 };

static struct engine *engine;

static struct engine *running(void)
{
    char error[ENGINE_TEXT];
    struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};
    if (!engine) {
        signal(SIGPIPE, SIG_IGN);
        engine = engine_new(&options, error);
    }
    EXPECT(engine);
    return engine;
}

static void run(int ticks, int *ends)
{
    struct engine_event list[16];
    int count;
    engine_tick(engine, ticks);
    while ((count = engine_events(engine, list, 16)) > 0)
        for (int i = 0; i < count; i++) {
            if (list[i].kind == EVENT_LEG_CLOSED)
                leg_free(list[i].object);
            if (list[i].kind == EVENT_STREAM && list[i].a != STREAM_QUIET)
                ++*ends;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    char error[ENGINE_TEXT];
    int pair[2], ends = 0;
    unsigned first = take(&input);
    const char *codecs[] = {"slin", "slin16", "slin44", "slin192"};
    EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    struct leg *leg = leg_stream(running(), pair[1], first & 1 ? STREAM_BARE : STREAM_AUDIOSOCKET,
                                 engine_codec(codecs[first >> 1 & 3]), 0, error);
    EXPECT(leg);
    close(pair[1]);
    leg_loopback(leg, 1);
    for (int step = 0; step < STEPS && input.left; step++) {
        unsigned what = take(&input);
        size_t count = 0;
        uint8_t *bytes = take_bytes(&input, MOST, &count);
        if (count > 3 && what & 3) { /* something like a message */
            bytes[0] = (uint8_t)(0x10 + bytes[0] % 10);
            bytes[1] = (uint8_t)(bytes[1] % 4);
        }
        ssize_t done = write(pair[0], bytes, count);
        (void)done;
        free(bytes);
        run((int)(what >> 2) % 8, &ends);
        if (what & 0x80) {
            uint8_t heard[4096];
            while (read(pair[0], heard, sizeof(heard)) > 0) {
            }
        }
        if (what == 0x7f)
            leg_digit(leg, '1' + (int)count % 9, 40);
    }
    close(pair[0]);
    run(700, &ends);
    EXPECT(ends == 1); /* whatever came, its end is told, once */
    leg_close(leg);
    run(3, &ends);
    return 0;
}
