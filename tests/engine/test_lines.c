/* Lines, with a socket pair for the kernel and a clock that the test moves: sound passes whole and in step, whichever
 * clock is the faster one, and what is missing is counted and never shifts what went out against what came in. */
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"
#include "engine.h"
#include "g711.h"
#include "leg_line.h"
#include "level.h"

static struct engine_options options = {.mode = MODE_SIMULATED, .port_low = 10000, .port_high = 20000};

/* The far side of a line: a queue that plays a block a block. */
struct wire_end {
    int descriptor;
    struct leg *leg;
    struct engine *engine;
};

static struct wire_end begin(int law, int block, int ahead)
{
    char error[ENGINE_TEXT];
    int pair[2];
    struct wire_end end = {.engine = engine_new(&options, error)};
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    end.leg = leg_line(end.engine, pair[1], law, block, ahead, 0, error);
    CHECK(end.leg, "%s", error);
    close(pair[1]);
    end.descriptor = pair[0];
    return end;
}

static int events(struct engine *engine, uint32_t wanted)
{
    struct engine_event list[16];
    int found = 0, count;
    while ((count = engine_events(engine, list, 16)) > 0)
        for (int i = 0; i < count; i++) {
            found += list[i].kind == wanted;
            if (list[i].kind == EVENT_LEG_CLOSED)
                leg_free(list[i].object);
            if (list[i].kind == EVENT_WATCH_CLOSED)
                watch_free(list[i].object);
        }
    return found;
}

static void finish(struct wire_end *end)
{
    leg_close(end->leg);
    engine_tick(end->engine, 2);
    CHECK(events(end->engine, EVENT_LEG_CLOSED) == 1);
    engine_tick(end->engine, 1);
    events(end->engine, EVENT_NONE);
    engine_stop(end->engine);
    CHECK(end->engine->slab.used == 0);
    engine_free(end->engine);
    close(end->descriptor);
}

/* The wire moves by n samples: what is sent comes in, what the kernel holds goes out. */
static int move(struct wire_end *end, const uint8_t *in, uint8_t *out, int n)
{
    CHECK(write(end->descriptor, in, (size_t)n) == n);
    ssize_t count = read(end->descriptor, out, (size_t)n);
    return count < 0 ? 0 : (int)count;
}

static void sound_comes_back_whole_in(int law)
{
    struct wire_end end = begin(law, 80, 2);
    uint8_t heard[80 * 200], said[80];
    int total = 0;
    leg_loopback(end.leg, 1);
    engine_tick(end.engine, 1);
    for (int tick = 0; tick < 200; tick++) {
        for (int i = 0; i < 80; i++)
            said[i] = (uint8_t)(1 + (tick * 80 + i) * 7 % 120);
        total += move(&end, said, heard + total, 80);
        engine_tick(end.engine, 1);
    }
    const struct line_figures *figures = line_figures(end.leg);
    CHECK(total == 80 * 200, "%d", total);
    CHECK(figures->blocks_in == 200 && figures->refused == 0 && figures->underruns == 0);
    CHECK(figures->slips_in == 0 && figures->slips_out == 0);
    int at = 0; /* two blocks of silence, then what was said */
    while (at < 800 && heard[at] != 1)
        at++;
    CHECK(at >= 160 && at <= 320, "%d", at);
    int wrong = 0;
    for (int i = at; i < total; i++)
        wrong += heard[i] != (uint8_t)(1 + (i - at) * 7 % 120);
    CHECK(wrong == 0, "%d wrong of %d, from %d", wrong, total, at);
    finish(&end);
}

static void sound_comes_back_whole(void)
{
    sound_comes_back_whole_in(LINE_ULAW);
    sound_comes_back_whole_in(LINE_ALAW);
}

static void what_went_out_stays_in_step_with_what_comes_in(void)
{
    struct wire_end end = begin(LINE_ULAW, 40, 4);
    uint8_t held[40] = {0}, out[40 * 8];
    int wrong = 0, compared = 0;
    const struct tone_item item = {.low = 440, .ms = 0};
    struct player *player = leg_tones(end.leg, &item, 1, -1, 8000, 0);
    engine_tick(end.engine, 1);
    for (int tick = 0; tick < 500; tick++) {
        int blocks = tick % 97 == 50 ? 0 : tick % 97 == 51 ? 4 : 2; /* our clock stalls a tick now and then */
        if (tick == 300)
            blocks = 12; /* and once longer than what was written ahead */
        for (int i = 0; i < blocks; i++) {
            int count = (int)read(end.descriptor, out, 40);
            memset(held, 0xff, sizeof(held));
            if (count > 0)
                memcpy(held, out, (size_t)count);
            CHECK(write(end.descriptor, held, 40) == 40); /* a perfect echo */
        }
        engine_tick(end.engine, 1);
        const struct line *line = end.leg->line;
        for (int i = 0; i < line->taken && tick > 0; i++, compared++)
            wrong += abs(line->heard[i] - line->echoed[i]) > 1000;
    }
    const struct line_figures *figures = line_figures(end.leg);
    CHECK(wrong == 0, "%d of %d", wrong, compared);
    CHECK(compared > 30000);
    CHECK(figures->underruns >= 1, "%u", figures->underruns);
    player_order(player, PLAYER_STOP, 0);
    engine_tick(end.engine, 1);
    player_free(player);
    finish(&end);
}

/* The line takes two blocks in one of our ticks and none in the next, at the beginning of what is said and within. */
static void what_is_said_has_no_hole(void)
{
    struct wire_end end = begin(LINE_ULAW, 80, 3);
    uint8_t silence[160], out[160];
    int silent = 0, begun = 0;
    memset(silence, 0xff, sizeof(silence));
    const struct tone_item item = {.low = 440, .ms = 0};
    engine_tick(end.engine, 20);
    struct player *player = leg_tones(end.leg, &item, 1, -1, 8000, 0);
    for (int tick = 0; tick < 300; tick++) {
        int count = move(&end, silence, out, tick % 40 == 1 ? 160 : tick % 40 == 2 ? 0 : 80);
        for (int i = 0; i + 8 <= count; i += 8) {
            bool quiet = !memcmp(out + i, silence, 8);
            begun |= !quiet;
            silent += begun && quiet;
        }
        engine_tick(end.engine, 1);
    }
    CHECK(begun && silent == 0, "%d ms of silence", silent);
    CHECK(line_figures(end.leg)->starved_out == 0, "%u", line_figures(end.leg)->starved_out);
    player_order(player, PLAYER_STOP, 0);
    engine_tick(end.engine, 1);
    player_free(player);
    finish(&end);
}

static void a_faster_line_slips_whole_ticks(void)
{
    struct wire_end end = begin(LINE_ULAW, 80, 2);
    uint8_t said[88], heard[88];
    memset(said, 0x40, sizeof(said));
    leg_loopback(end.leg, 1);
    for (int tick = 0; tick < 400; tick++) {
        move(&end, said, heard, 88);
        engine_tick(end.engine, 1);
    }
    const struct line_figures *figures = line_figures(end.leg);
    CHECK(figures->slips_in > 20 && figures->slips_in < 60, "%u", figures->slips_in);
    CHECK(figures->refused == 0);
    finish(&end);
}

static void a_line_that_goes_away_is_told_once(void)
{
    struct wire_end end = begin(LINE_LINEAR, 80, 2);
    engine_tick(end.engine, 1);
    close(end.descriptor);
    end.descriptor = dup(0);
    signal(SIGPIPE, SIG_IGN);
    engine_tick(end.engine, 5);
    CHECK(events(end.engine, EVENT_LINE_LOST) == 1);
    finish(&end);
}

/* Five lines, each with an echo of its own. What went out comes back 6 dB weaker and 5 ms later. */
static void echo_is_taken_out_of_every_line(void)
{
    enum { LINES = 5, DELAY = 40 };
    char error[ENGINE_TEXT];
    struct engine *engine = engine_new(&options, error);
    struct leg *legs[LINES];
    struct player *players[LINES];
    int ends[LINES];
    uint8_t past[LINES][DELAY + 80];
    double sent = 0, left = 0;
    memset(past, 0xff, sizeof(past));
    for (int i = 0; i < LINES; i++) {
        int pair[2];
        CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
        legs[i] = leg_line(engine, pair[1], LINE_ULAW, 80, 2, 32, error);
        CHECK(legs[i], "%s", error);
        close(pair[1]);
        ends[i] = pair[0];
        struct tone_item items[8];
        for (int part = 0; part < 8; part++)
            items[part] =
                (struct tone_item){.low = (float)(300 + (part * 7 + i) % 8 * 350), .high = 220, .ms = 70 + 10 * part};
        players[i] = leg_tones(legs[i], items, 8, 0, 6000, 0);
        leg_watch(legs[i], 100, 100, 256);
    }
    engine_tick(engine, 1);
    for (int tick = 0; tick < 1500; tick++) {
        for (int i = 0; i < LINES; i++) {
            uint8_t came[80], back[80];
            memset(came, 0xff, sizeof(came));
            (void)!read(ends[i], came, 80);
            memcpy(past[i] + DELAY, came, 80);
            for (int n = 0; n < 80; n++) {
                int value = g711_ulaw_linear[past[i][n]] / 2;
                back[n] = g711_to_ulaw(value);
                if (tick > 1000)
                    sent += (double)value * value;
            }
            memmove(past[i], past[i] + 80, DELAY);
            CHECK(write(ends[i], back, 80) == 80);
        }
        engine_tick(engine, 1);
        for (int i = 0; tick > 1000 && i < LINES; i++)
            for (int n = 0; n < legs[i]->line->taken; n++)
                left += (double)legs[i]->line->heard[n] * legs[i]->line->heard[n];
    }
    CHECK(10 * log10(sent / (left + 1)) > 20, "%.1f dB", 10 * log10(sent / (left + 1)));
    double erl, erle;
    CHECK(line_echo_state(legs[0], &erl, &erle) && fabs(erl - 6) < 3, "%.1f", erl);
    for (int i = 0; i < LINES; i++) {
        leg_close(legs[i]);
        close(ends[i]);
    }
    engine_tick(engine, 2);
    CHECK(events(engine, EVENT_LEG_CLOSED) == LINES);
    for (int i = 0; i < LINES; i++)
        player_free(players[i]);
    engine_tick(engine, 1);
    events(engine, EVENT_NONE);
    engine_stop(engine);
    CHECK(!engine->echo_banks);
    engine_free(engine);
}

static void nonsense_is_refused(void)
{
    char error[ENGINE_TEXT];
    struct engine *engine = engine_new(&options, error);
    CHECK(!leg_line(engine, 0, LINE_ULAW, 81, 2, 0, error) && strstr(error, "81"), "%s", error);
    CHECK(!leg_line(engine, 0, LINE_ULAW, 80, 0, 0, error) && error[0]);
    CHECK(!leg_line(engine, 9999, LINE_ULAW, 80, 2, 0, error) && strstr(error, "9999"), "%s", error);
    engine_stop(engine);
    engine_free(engine);
}

/* Quiet is four times as loud, full scale stays, and the order of levels is kept; beside chan_dahdi's own formula. */
static void quiet_becomes_louder(void)
{
    int16_t samples[] = {0, 100, -100, 5000, -5000, 20000, 32767, -32768};
    int last = -1;
    level_compress(samples, 8, 4 * UNITY);
    CHECK(samples[0] == 0 && samples[1] == 400 && samples[2] == -400);
    CHECK(samples[3] == 20000 && samples[4] == -20000, "%d %d", samples[3], samples[4]);
    CHECK(abs(samples[5] - 29575) <= 1 && samples[6] == 32767 && samples[7] <= -32767, "%d %d %d", samples[5],
          samples[6], samples[7]);
    for (int level = 0; level <= 32767; level += 7) {
        int16_t one = (int16_t)level;
        level_compress(&one, 1, 10 * UNITY);
        CHECK(one >= last && one >= level, "%d becomes %d", level, one);
        last = one;
    }
}

int main(void)
{
    RUN(sound_comes_back_whole);
    RUN(what_went_out_stays_in_step_with_what_comes_in);
    RUN(what_is_said_has_no_hole);
    RUN(a_faster_line_slips_whole_ticks);
    RUN(a_line_that_goes_away_is_told_once);
    RUN(echo_is_taken_out_of_every_line);
    RUN(quiet_becomes_louder);
    RUN(nonsense_is_refused);
    return check_result();
}
