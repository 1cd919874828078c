/* Streams, with a socket pair for the connection and a clock that the test moves: sound arrives whole at our pace
 * however it was sent, messages say what they are to say, and whatever else comes ends the stream and harms nothing. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "engine.h"
#include "g711.h"
#include "leg_stream.h"
#include "player.h"

static struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};

enum { MOST = 400000 };

/* A stream, joined to a pipe whose other half stands for the caller; what the caller hears is kept. */
struct scene {
    struct engine *engine;
    struct leg *stream, *near, *caller;
    int far; /* the other end of the connection */
    int news[4], detail;
    int digits_sent;
    int16_t heard[MOST];
    int count, rate;
};

static void events(struct scene *scene)
{
    struct engine_event list[16];
    int count;
    while ((count = engine_events(scene->engine, list, 16)) > 0)
        for (int i = 0; i < count; i++) {
            if (list[i].kind == EVENT_LEG_CLOSED)
                leg_free(list[i].object);
            if (list[i].kind == EVENT_PLAYER_DONE)
                player_free(list[i].object);
            if (list[i].kind == EVENT_RECORDER_DONE)
                recorder_free(list[i].object);
            if (list[i].kind == EVENT_DIGITS_SENT)
                scene->digits_sent++;
            if (list[i].kind == EVENT_STREAM) {
                scene->news[list[i].a]++;
                scene->detail = (int)list[i].b;
            }
        }
}

static void run(struct scene *scene, int ticks)
{
    for (int i = 0; i < ticks; i++) {
        engine_tick(scene->engine, 1);
        events(scene);
        struct block block = scene->caller->in;
        if (block.samples) {
            int n = block.rate / 100;
            scene->rate = block.rate;
            CHECK(scene->count + n <= MOST);
            memcpy(scene->heard + scene->count, block.samples, (size_t)n * sizeof(int16_t));
            scene->count += n;
        }
    }
}

static struct scene *begin(int framing, const char *codec)
{
    char error[ENGINE_TEXT];
    int pair[2];
    struct scene *scene = calloc(1, sizeof(*scene));
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    scene->engine = engine_new(&options, error);
    scene->stream = leg_stream(scene->engine, pair[1], framing, engine_codec(codec), 0, error);
    CHECK(scene->stream, "%s", error);
    close(pair[1]);
    scene->far = pair[0];
    CHECK(leg_pipe(scene->engine, &scene->near, &scene->caller));
    leg_connect(scene->stream, scene->near, 1);
    leg_record(scene->caller, "/dev/null", "raw", DIRECTION_IN, 0, 256); /* somebody listens */
    return scene;
}

static void finish(struct scene *scene)
{
    leg_close(scene->stream);
    leg_close(scene->near);
    leg_close(scene->caller);
    for (int i = 0; i < 4; i++) {
        engine_tick(scene->engine, 1);
        events(scene);
    }
    engine_stop(scene->engine);
    CHECK(scene->engine->slab.used == 0, "%zu", scene->engine->slab.used);
    engine_free(scene->engine);
    close(scene->far);
    free(scene);
}

static void send_message(const struct scene *scene, int kind, const void *bytes, int count)
{
    uint8_t message[3 + 65535] = {(uint8_t)kind, (uint8_t)(count >> 8), (uint8_t)count};
    if (count)
        memcpy(message + 3, bytes, (size_t)count);
    CHECK(write(scene->far, message, (size_t)count + 3) == count + 3);
}

/* Samples that tell where they stood, and are never 0. */
static void fill(int16_t *samples, int n, int from)
{
    for (int i = 0; i < n; i++)
        samples[i] = (int16_t)(1 + (from + i) % 30000);
}

/* Whether all of them were heard in order, from the first that was no silence; gaps of silence are allowed for. */
static bool heard_whole(const struct scene *scene, int n)
{
    int next = 0;
    for (int i = 0; i < scene->count; i++) {
        if (!scene->heard[i])
            continue;
        if (scene->heard[i] != (int16_t)(1 + next % 30000))
            return false;
        next++;
    }
    return next == n;
}

static void sound_in_messages_is_heard_whole(void)
{
    static const int rates[] = {8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000};
    static const char *codecs[] = {"slin",   "slin12", "slin16", "slin24", "slin32",
                                   "slin44", "slin48", "slin96", "slin192"};
    for (int kind = 0; kind < 9; kind++) {
        struct scene *scene = begin(STREAM_AUDIOSOCKET, codecs[kind]);
        int n = rates[kind] / 50;
        int16_t samples[3840];
        for (int i = 0; i < 20; i++) {
            fill(samples, n, i * n);
            send_message(scene, 0x10 + kind, samples, n * 2);
            run(scene, 2);
        }
        run(scene, 4);
        CHECK(scene->rate == rates[kind], "%d", scene->rate);
        CHECK(heard_whole(scene, 20 * n), "%s: %d heard", codecs[kind], scene->count);
        CHECK(stream_figures(scene->stream)->gaps == 1, "%u", stream_figures(scene->stream)->gaps); /* the end */
        finish(scene);
    }
}

static void what_comes_unevenly_is_heard_whole(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    int16_t samples[1600];
    int sent = 0;
    for (int tick = 0; tick < 400; tick++) {
        int due = 80 * (tick + 1) - sent;
        if (random_number(3) == 0 || tick == 399) { /* what is due by now, in messages of odd sizes */
            while (due > 0) {
                int n = 1 + (int)random_number(200);
                n = n < due ? n : due;
                fill(samples, n, sent);
                send_message(scene, 0x10, samples, n * 2);
                sent += n;
                due -= n;
            }
        }
        run(scene, 1);
    }
    send_message(scene, 0x00, NULL, 0);
    run(scene, 40);
    CHECK(heard_whole(scene, 32000), "%d", scene->count);
    CHECK(scene->news[STREAM_ENDED] == 1);
    finish(scene);
}

static void what_comes_all_at_once_is_held_back(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    int16_t samples[8000];
    int sent = 0, refused = 0;
    for (int second = 0; second < 20;) { /* as fast as it is taken */
        fill(samples, 8000, second * 8000);
        uint8_t message[16003] = {0x10, 16000 >> 8, 16000 & 255};
        memcpy(message + 3, samples, 16000);
        while (sent < 16003) {
            ssize_t count = write(scene->far, message + sent, (size_t)(16003 - sent));
            if (count < 0) {
                refused++;
                run(scene, 10);
            } else {
                sent += (int)count;
            }
        }
        sent = 0;
        second++;
    }
    close(scene->far);
    run(scene, 2100);
    CHECK(refused > 0);
    CHECK(scene->count == 160000 && heard_whole(scene, 160000), "%d", scene->count);
    CHECK(stream_figures(scene->stream)->cut == 0);
    CHECK(scene->news[STREAM_ENDED] == 1); /* closing is no error, and is told when all was heard */
    scene->far = open("/dev/null", O_RDONLY);
    finish(scene);
}

static void a_clock_that_is_too_fast_adds_no_delay(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    int16_t samples[160];
    make_sine(samples, 160, 400, 8000, 8000, 0);
    for (int tick = 0; tick < 6000; tick++) {
        if (tick % 2 == 0 || tick % 400 == 1) /* one message too many in 4 s, half a per cent */
            send_message(scene, 0x10, samples, 320);
        run(scene, 1);
        scene->count = 0;
    }
    const struct stream_figures *figures = stream_figures(scene->stream);
    CHECK(figures->cut >= 15 && figures->cut <= 32, "%u", figures->cut);
    CHECK(figures->held <= 2 * 1400, "%d", figures->held);
    finish(scene);
}

static void the_caller_is_sent_in_messages(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin16");
    const struct tone_item item = {.low = 440, .ms = 0};
    uint8_t bytes[643];
    leg_tones(scene->caller, &item, 1, -1, 8000, 0);
    run(scene, 10);
    int messages = 0;
    while (read(scene->far, bytes, 643) == 643) {
        CHECK(bytes[0] == 0x12 && bytes[1] == 640 >> 8 && bytes[2] == (640 & 255));
        messages++;
    }
    CHECK(messages >= 3 && messages <= 5, "%d", messages);
    int16_t samples[320];
    memcpy(samples, bytes + 3, sizeof(samples));
    CHECK(amplitude_of(samples, 320, 440, 16000) > 5000);
    finish(scene);
}

static void other_codecs_go_as_the_first_kind(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "ulaw");
    const struct tone_item item = {.low = 440, .ms = 0};
    uint8_t bytes[163];
    leg_tones(scene->caller, &item, 1, -1, 8000, 0);
    run(scene, 10);
    CHECK(read(scene->far, bytes, 163) == 163);
    CHECK(bytes[0] == 0x10 && bytes[1] == 0 && bytes[2] == 160);
    finish(scene);
}

static void digits_are_messages(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    uint8_t bytes[9];
    leg_digit(scene->stream, '5', 100);
    leg_digit(scene->stream, '#', 100);
    run(scene, 60);
    CHECK(read(scene->far, bytes, 9) == 8);
    CHECK(!memcmp(bytes,
                  "\x03\0\1"
                  "5\x03\0\1#",
                  8));
    CHECK(scene->digits_sent == 1);
    finish(scene);
}

static void end_of(const uint8_t *bytes, int count, int news, int detail)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    CHECK(write(scene->far, bytes, (size_t)count) == count);
    run(scene, 10);
    CHECK(scene->news[news] == 1 && scene->detail == detail, "%d: %d, %x", news, scene->news[news],
          (unsigned)scene->detail);
    run(scene, 300);
    CHECK(scene->news[STREAM_ENDED] + scene->news[STREAM_FAILED] + scene->news[STREAM_NONSENSE] == 1);
    CHECK(scene->news[STREAM_QUIET] == 0);
    finish(scene);
}

static void what_is_no_sound_ends_it(void)
{
    end_of((const uint8_t[]){0, 0, 0}, 3, STREAM_ENDED, 0);
    end_of((const uint8_t[]){0, 255, 255}, 3, STREAM_ENDED, 0);
    end_of((const uint8_t[]){0x10, 0, 1, 7, 0x10, 0, 2, 7, 7, 0, 0, 0}, 12, STREAM_ENDED, 0);
    end_of((const uint8_t[]){0x10, 0, 0}, 3, STREAM_NONSENSE, 0x10 << 16);
    end_of((const uint8_t[]){0x03, 0, 1, '5'}, 4, STREAM_NONSENSE, 0x03 << 16 | 1);
    end_of((const uint8_t[]){0x19, 0, 2}, 3, STREAM_NONSENSE, 0x19 << 16 | 2);
    end_of((const uint8_t[]){0xff, 1, 0}, 3, STREAM_NONSENSE, 0xff << 16 | 256);
}

static void nothing_for_two_seconds_is_told(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    int16_t samples[160] = {1};
    run(scene, 199);
    CHECK(scene->news[STREAM_QUIET] == 0);
    run(scene, 200);
    CHECK(scene->news[STREAM_QUIET] == 1);
    send_message(scene, 0x10, samples, 320);
    run(scene, 205);
    CHECK(scene->news[STREAM_QUIET] == 2);
    finish(scene);
}

static void who_takes_nothing_loses_sound_and_nothing_else(void)
{
    struct scene *scene = begin(STREAM_AUDIOSOCKET, "slin");
    const struct tone_item item = {.low = 440, .ms = 0};
    static uint8_t bytes[1000000];
    leg_tones(scene->caller, &item, 1, -1, 8000, 0);
    run(scene, 6000);
    const struct stream_figures *figures = stream_figures(scene->stream);
    CHECK(figures->dropped > 0);
    ssize_t count, total = 0;
    while ((count = read(scene->far, bytes + total, sizeof(bytes) - (size_t)total)) > 0 || total < 100000) {
        total += count > 0 ? count : 0;
        run(scene, 1);
        scene->count = 0;
        if (total > 600000)
            break;
    }
    for (ssize_t at = 0; at + 323 <= total; at += 323) /* messages stay whole */
        CHECK(bytes[at] == 0x10 && bytes[at + 1] == 1 && bytes[at + 2] == 64);
    finish(scene);
}

static void a_program_is_heard_to_its_end(void)
{
    char error[ENGINE_TEXT];
    struct scene *scene = begin(STREAM_HEARD, "slin16");
    int16_t samples[1234];
    fill(samples, 1234, 0);
    CHECK(!leg_stream(scene->engine, scene->far, STREAM_HEARD, engine_codec("gsm"), 0, error) && error[0]);
    CHECK(!leg_stream(scene->engine, -1, STREAM_HEARD, engine_codec("slin"), 0, error) && error[0]);
    CHECK(write(scene->far, samples, sizeof(samples)) == sizeof(samples));
    CHECK(write(scene->far, "x", 1) == 1); /* half a sample is none */
    close(scene->far);
    run(scene, 20);
    CHECK(scene->rate == 16000 && scene->count == 1280, "%d", scene->count);
    CHECK(heard_whole(scene, 1234));
    CHECK(scene->news[STREAM_ENDED] == 1);
    scene->far = open("/dev/null", O_RDONLY);
    finish(scene);
}

static void a_program_of_half_the_rate_is_heard(void)
{
    char error[ENGINE_TEXT];
    int pair[2];
    struct scene *scene = begin(STREAM_HEARD, "slin");
    static int16_t samples[22050];
    make_sine(samples, 22050, 1000, 8000, 22050, 0);
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    CHECK(!leg_stream(scene->engine, pair[1], STREAM_HEARD, engine_codec("slin48"), 22050, error) && error[0]);
    CHECK(!leg_stream(scene->engine, pair[1], STREAM_BARE, engine_codec("slin44"), 22050, error) && error[0]);
    struct leg *slow = leg_stream(scene->engine, pair[1], STREAM_HEARD, engine_codec("slin44"), 22050, error);
    CHECK(slow, "%s", error);
    leg_connect(slow, scene->near, 1);
    CHECK(write(pair[0], samples, sizeof(samples)) == sizeof(samples));
    close(pair[0]);
    close(pair[1]);
    run(scene, 120);
    CHECK(scene->rate == 44100 && scene->count == 44100, "%d", scene->count);
    CHECK(fabs(amplitude_of(scene->heard + 441, 22050, 1000, 44100) - 8000) < 200);
    CHECK(amplitude_of(scene->heard + 441, 22050, 21050, 44100) < 200);
    CHECK(scene->news[STREAM_ENDED] == 1);
    leg_close(slow);
    finish(scene);
}

static void a_program_of_companded_sound_is_heard(void)
{
    struct scene *scene = begin(STREAM_HEARD, "alaw");
    static uint8_t bytes[20000];
    int16_t samples[20000];
    make_sine(samples, 20000, 1000, 8000, 8000, 0);
    for (int i = 0; i < 20000; i++)
        bytes[i] = g711_to_alaw(samples[i]);
    CHECK(write(scene->far, bytes, sizeof(bytes)) == sizeof(bytes));
    close(scene->far);
    run(scene, 300);
    CHECK(scene->rate == 8000 && scene->count == 20000, "%d", scene->count);
    CHECK(fabs(amplitude_of(scene->heard + 100, 19000, 1000, 8000) - 8000) < 200);
    CHECK(scene->news[STREAM_ENDED] == 1);
    scene->far = open("/dev/null", O_RDONLY);
    finish(scene);
}

/* Music of a program: whoever plays the stream hears it at the same time, until it closes. */
static void many_hear_one_program(void)
{
    char error[ENGINE_TEXT];
    int pair[2];
    struct scene *scene = begin(STREAM_HEARD, "slin");
    struct leg *speaker[2], *listener[2];
    int16_t samples[800];
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    struct leg *program = leg_stream(scene->engine, pair[1], STREAM_HEARD, engine_codec("slin"), 0, error);
    CHECK(program, "%s", error);
    for (int i = 0; i < 2; i++) {
        CHECK(leg_pipe(scene->engine, &speaker[i], &listener[i]));
        leg_record(listener[i], "/dev/null", "raw", DIRECTION_IN, 0, 256);
        CHECK(leg_relay(speaker[i], program, PLAY_MUSIC));
    }
    struct player *stopped = leg_relay(scene->near, program, PLAY_MUSIC);
    fill(samples, 800, 0);
    CHECK(write(pair[0], samples, sizeof(samples)) == sizeof(samples));
    for (int tick = 0; tick < 20; tick++) {
        run(scene, 1);
        for (int i = 0; i < 80 && listener[0]->in.samples; i++)
            CHECK(listener[1]->in.samples[i] == listener[0]->in.samples[i]);
        if (tick == 16)
            player_order(stopped, PLAYER_STOP, 0);
    }
    CHECK(heard_whole(scene, 800), "%d", scene->count);
    CHECK(speaker[0]->music && program->want_in);
    leg_close(listener[0]);
    leg_close(speaker[0]); /* one listener goes before the program, one after */
    run(scene, 2);
    CHECK(program->listeners && !program->listeners->next_listener);
    leg_close(program);
    close(pair[0]);
    close(pair[1]);
    run(scene, 2);
    CHECK(!speaker[1]->music);
    leg_close(listener[1]);
    leg_close(speaker[1]);
    finish(scene);
}

static void a_program_that_is_spoken_to_may_go(void)
{
    struct scene *scene = begin(STREAM_SPOKEN_TO, "slin");
    const struct tone_item item = {.low = 440, .ms = 0};
    int16_t samples[800];
    leg_tones(scene->caller, &item, 1, -1, 8000, 0);
    run(scene, 20);
    CHECK(read(scene->far, samples, sizeof(samples)) == sizeof(samples));
    CHECK(amplitude_of(samples + 400, 400, 440, 8000) > 5000);
    close(scene->far);
    run(scene, 10);
    CHECK(scene->news[STREAM_FAILED] == 1 && scene->detail == EPIPE);
    scene->far = open("/dev/null", O_RDONLY);
    finish(scene);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    RUN(sound_in_messages_is_heard_whole);
    RUN(what_comes_unevenly_is_heard_whole);
    RUN(what_comes_all_at_once_is_held_back);
    RUN(a_clock_that_is_too_fast_adds_no_delay);
    RUN(the_caller_is_sent_in_messages);
    RUN(other_codecs_go_as_the_first_kind);
    RUN(digits_are_messages);
    RUN(what_is_no_sound_ends_it);
    RUN(nothing_for_two_seconds_is_told);
    RUN(who_takes_nothing_loses_sound_and_nothing_else);
    RUN(a_program_is_heard_to_its_end);
    RUN(a_program_of_half_the_rate_is_heard);
    RUN(a_program_of_companded_sound_is_heard);
    RUN(many_hear_one_program);
    RUN(a_program_that_is_spoken_to_may_go);
    return check_result();
}
