/* The control thread's side of api.h: check, allocate, order. */
#include "api.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "codec.h"
#include "codec_pool.h"
#include "cost.h"
#include "echo_bank.h"
#include "engine.h"
#include "gather.h"
#include "leg_line.h"
#include "leg_stream.h"
#include "level.h"
#include "orders.h"
#include "rtp.h"
#include "secure.h"
#include "soundfile.h"

/* Codecs */

int engine_codec(const char *name)
{
    return codec_named(name);
}

int engine_codec_usable(int number)
{
    return codec_load(number);
}

const char *engine_codec_name(int number)
{
    const struct codec *codec = codec_at(number);
    return codec ? codec->name : "";
}

void engine_codec_defaults(int number, const struct codec_settings *settings)
{
    codec_set_defaults(number, settings);
}

int engine_codec_knows_rate(int number, int rate)
{
    const struct codec *codec = codec_at(number);
    return codec &&
           ((int)codec->rate == rate || (codec->decode_half && codec->encode_half && (int)codec->rate == 2 * rate));
}

int64_t engine_codec_cost(int number, int rate, int encode)
{
    return codec_load(number) ? codec_cost(codec_at(number), rate, encode) : 0;
}

int64_t engine_exchange_cost(int from, int to)
{
    return codec_load(from) && codec_load(to) ? exchange_cost(from, to) : 0;
}

int64_t engine_resample_cost(int rate_in, int rate_out)
{
    return resample_cost(rate_in, rate_out);
}

int engine_sound_known(const char *extension)
{
    return soundfile_known(extension);
}

int engine_sound_readable(const char *extension)
{
    return soundfile_readable(extension);
}

int engine_trim(void)
{
    return malloc_trim(0);
}

int engine_gather(void)
{
    return heap_gather();
}

/* Legs */

static struct leg *announce(struct leg *leg)
{
    if (leg)
        order_leg(leg, COMMAND_ADD, 0, 0, 0);
    return leg;
}

struct leg *leg_rtp(struct engine *engine, const char *address, int relay, int traffic_class, int priority, char *error)
{
    struct leg *leg = leg_make(engine, LEG_RTP);
    error[0] = 0;
    if (leg)
        leg->rtp = rtp_make(leg);
    if (!leg || !leg->rtp) {
        free(leg);
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    leg->relay_only = relay;
    leg->rtp->port.marking = (struct wire_marking){(uint8_t)traffic_class, (uint8_t)(priority % WIRE_PRIORITIES)};
    bool opened = address_parse(&leg->rtp->port.local, address, 0);
    if (!opened)
        snprintf(error, ENGINE_TEXT, "\"%.64s\" is no numeric IP address", address);
    else
        opened = engine->wire->ops->open(engine->wire, leg->rtp, error);
    if (!opened) {
        free(leg->rtp);
        free(leg);
        return NULL;
    }
    if (getrandom(&leg->figures.ssrc, sizeof(leg->figures.ssrc), 0) != sizeof(leg->figures.ssrc))
        leg->figures.ssrc = (uint32_t)(uintptr_t)leg;
    return announce(leg);
}

static int own_descriptor(int descriptor)
{
    int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    int flags = own < 0 ? -1 : fcntl(own, F_GETFL);
    if (flags >= 0 && !fcntl(own, F_SETFL, flags | O_NONBLOCK))
        return own;
    if (own >= 0)
        close(own);
    return -1;
}

struct leg *leg_line(struct engine *engine, int descriptor, int law, int block, int ahead, int echo_ms, char *error)
{
    error[0] = 0;
    if (block < LINE_CHUNK || block > LINE_MOST_BLOCK || block % LINE_CHUNK || ahead < 1 ||
        ahead * block > LINE_ROOM - LINE_MOST_BLOCK || echo_ms < 0 || echo_ms > ECHO_MAX_TAIL_MS) {
        snprintf(error, ENGINE_TEXT, "a line cannot be read in blocks of %d samples, %d ahead", block, ahead);
        return NULL;
    }
    int own = own_descriptor(descriptor);
    if (own < 0) {
        snprintf(error, ENGINE_TEXT, "the line's descriptor %d cannot be used: %s", descriptor, strerror(errno));
        return NULL;
    }
    struct leg *leg = leg_make(engine, LEG_LINE);
    if (leg)
        leg->line = line_make(leg, own, law, block, ahead);
    if (leg && leg->line && echo_ms && !bank_take(engine, leg->line, echo_ms)) {
        free(leg->line);
        leg->line = NULL;
    }
    if (!leg || !leg->line) {
        close(own);
        free(leg);
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    return announce(leg);
}

struct leg *leg_stream(struct engine *engine, int descriptor, int number, int codec, int rate, char *error)
{
    const struct framing *framing = framing_named((enum stream_framing)number);
    error[0] = 0;
    if (!framing || !codec_load(codec) || !codec_at(codec)->frame_samples ||
        (framing->hears && number != STREAM_AUDIOSOCKET && strncmp(codec_at(codec)->name, "slin", 4) &&
         !(number == STREAM_HEARD && stream_law(codec)))) {
        snprintf(error, ENGINE_TEXT, "a stream cannot carry %s", codec_at(codec) ? codec_at(codec)->name : "that");
        return NULL;
    }
    int whole = (int)codec_at(codec)->rate;
    rate = rate ? rate : whole;
    if (rate < 1000 || whole % rate || (rate != whole && number != STREAM_HEARD)) {
        snprintf(error, ENGINE_TEXT, "a stream of %s cannot be heard at %d Hz", codec_at(codec)->name, rate);
        return NULL;
    }
    codec_pool_expect(codec_at(codec));
    int own = own_descriptor(descriptor);
    if (own < 0) {
        snprintf(error, ENGINE_TEXT, "the stream's descriptor %d cannot be used: %s", descriptor, strerror(errno));
        return NULL;
    }
    struct leg *leg = leg_make(engine, LEG_STREAM);
    if (leg)
        leg->stream = stream_make(leg, own, framing, codec, whole / rate);
    if (!leg || !leg->stream) {
        close(own);
        free(leg);
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    return announce(leg);
}

struct leg *leg_null(struct engine *engine, int rate)
{
    struct leg *leg = leg_make(engine, LEG_NULL);
    if (leg && rate >= 8000 && rate <= RESAMPLE_MAX_BLOCK * 100 && rate % 100 == 0)
        leg->rate = rate;
    return announce(leg);
}

int leg_pipe(struct engine *engine, struct leg **first, struct leg **second)
{
    *first = leg_make(engine, LEG_PIPE);
    *second = leg_make(engine, LEG_PIPE);
    if (!*first || !*second) {
        free(*first);
        free(*second);
        return 0;
    }
    (*first)->other = *second;
    (*second)->other = *first;
    announce(*first);
    announce(*second);
    return 1;
}

struct leg *leg_snoop(struct leg *target, int spy, int whisper)
{
    struct leg *leg = leg_make(target->engine, LEG_SNOOP);
    if (!leg)
        return NULL;
    leg->other = target;
    leg->spy = spy;
    leg->whisper = whisper;
    return announce(leg);
}

void leg_close(struct leg *leg)
{
    order_leg(leg, COMMAND_CLOSE, 0, 0, 0);
}

int leg_port(const struct leg *leg)
{
    return leg->rtp ? leg->rtp->port.port : 0;
}

const struct leg_figures *leg_figures(const struct leg *leg)
{
    return &leg->figures;
}

void leg_connect(struct leg *leg, struct leg *other, int digits)
{
    struct command command = {.kind = COMMAND_CONNECT, .a = digits, .leg = leg, .object = other};
    engine_order(leg->engine, &command);
}

void leg_disconnect(struct leg *leg)
{
    order_leg(leg, COMMAND_DISCONNECT, 0, 0, 0);
}

void leg_loopback(struct leg *leg, int on)
{
    order_leg(leg, COMMAND_LOOPBACK, on, 0, 0);
}

void leg_gain(struct leg *leg, double in_db, double out_db)
{
    order_leg(leg, COMMAND_GAIN, 0, level_gain(in_db), level_gain(out_db));
}

void leg_mute(struct leg *leg, int direction, int on)
{
    order_leg(leg, COMMAND_MUTE, direction, on, 0);
}

void leg_spy(struct leg *leg, int spy, int whisper)
{
    order_leg(leg, COMMAND_SPY, spy, whisper, 0);
}

void leg_detect_digits(struct leg *leg, int on, int relaxed)
{
    order_leg(leg, COMMAND_DETECT, on, relaxed, 0);
}

void leg_digit(struct leg *leg, int digit, int ms)
{
    order_leg(leg, COMMAND_DIGIT, digit, ms, 0);
}

void leg_digit_begin(struct leg *leg, int digit)
{
    order_leg(leg, COMMAND_DIGIT_BEGIN, digit, 0, 0);
}

void leg_digit_end(struct leg *leg, int digit, int ms)
{
    order_leg(leg, COMMAND_DIGIT_END, digit, ms, 0);
}

/* Lines */

const struct line_figures *line_figures(const struct leg *leg)
{
    return leg->line ? &leg->line->figures : NULL;
}

void line_gain(struct leg *leg, double in_db, double out_db)
{
    if (leg->line)
        order_leg(leg, COMMAND_LINE_GAIN, 0, level_gain(in_db), level_gain(out_db));
}

static int range(double ratio)
{
    return ratio < 1 ? 0 : (int)(UNITY * (ratio > 10 ? 10 : ratio));
}

void line_range(struct leg *leg, double in, double out)
{
    if (leg->line)
        order_leg(leg, COMMAND_LINE_RANGE, 0, range(in), range(out));
}

void line_echo(struct leg *leg, int on)
{
    if (leg->line)
        order_leg(leg, COMMAND_LINE_ECHO, on, 0, 0);
}

const char *line_echo_state(const struct leg *leg, double *erl_db, double *erle_db)
{
    if (!leg->line || !leg->line->bank)
        return NULL;
    const struct echo *echo = leg->line->bank->echo;
    *erl_db = echo_erl_db(echo, leg->line->lane);
    *erle_db = echo_erle_db(echo, leg->line->lane);
    return echo_state_name(echo_state(echo, leg->line->lane));
}

const struct stream_figures *stream_figures(const struct leg *leg)
{
    return leg->stream ? &leg->stream->figures : NULL;
}

/* RTP */

int rtp_remote(struct leg *leg, const char *host, int port, int rtcp_port)
{
    struct command command = {.kind = COMMAND_REMOTE, .leg = leg};
    if (!address_parse(&command.addresses[0], host, port) || !address_parse(&command.addresses[1], host, rtcp_port))
        return 0;
    engine_order(leg->engine, &command);
    return 1;
}

void rtp_ask_picture(struct leg *leg)
{
    order_leg(leg, COMMAND_PICTURE, 0, 0, 0);
}

void rtp_bundle(struct leg *leg, struct leg *carrier)
{
    struct command command = {.kind = COMMAND_BUNDLE, .leg = leg, .object = carrier ? carrier->rtp : NULL};
    engine_order(leg->engine, &command);
}

void rtp_codecs(struct leg *leg, const struct codec_map *receive, int count, int send_type, int send_codec,
                int digits_type, int digits_clock, int ptime, int noise_type)
{
    struct command command = {.kind = COMMAND_CODECS, .leg = leg};
    if (count > ENGINE_MAX_CODECS)
        count = ENGINE_MAX_CODECS;
    for (int i = 0; i < count; i++) {
        if (codec_load(receive[i].codec)) /* here, where it may take time */
            codec_pool_expect(codec_at(receive[i].codec));
        command.codecs.receive[i] = receive[i];
    }
    if (codec_load(send_codec))
        codec_pool_expect(codec_at(send_codec));
    command.codecs.count = (uint8_t)count;
    command.codecs.send_type = (uint8_t)send_type;
    command.codecs.send_codec = (uint8_t)send_codec;
    command.codecs.digits_type = (uint8_t)digits_type;
    command.codecs.digits_clock = (uint32_t)digits_clock;
    command.codecs.ptime = (uint16_t)ptime;
    command.codecs.noise_type = (uint8_t)noise_type;
    engine_order(leg->engine, &command);
}

void rtp_encoding(struct leg *leg, const struct codec_settings *settings)
{
    struct command command = {.kind = COMMAND_ENCODING, .leg = leg, .encoding = *settings};
    engine_order(leg->engine, &command);
}

void rtp_option(struct leg *leg, int option, int value)
{
    order_leg(leg, COMMAND_OPTION, option, value, 0);
}

void rtp_identity(const struct leg *leg, char *cname)
{
    rtcp_cname(leg->rtp, cname);
}

/* Simulated time */

int engine_inject(struct engine *engine, int local_port, const char *host, int port, const uint8_t *bytes, int count)
{
    union address from;
    return engine->options.mode == MODE_SIMULATED && address_parse(&from, host, port) &&
           wire_inject(engine->wire, local_port, &from, bytes, count);
}

int engine_sent(struct engine *engine, int *local_port, char *host, int *port, uint8_t *bytes, int room)
{
    union address to;
    if (engine->options.mode != MODE_SIMULATED)
        return 0;
    int count = wire_take(engine->wire, local_port, &to, bytes, room);
    if (count)
        *port = address_format(&to, host);
    return count;
}
