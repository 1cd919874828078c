#include "rtp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "digits.h"

enum { COMFORT_NOISE = 13, SECOND = 1000000000, OPUS_ROOM = 1276, DROPOUT = 3000 };

struct rtp *rtp_make(struct leg *leg)
{
    struct rtp *rtp = calloc(1, sizeof(*rtp));
    if (!rtp)
        return NULL;
    rtp->leg = leg;
    rtp->direction = DIRECTION_BOTH;
    rtp->strict = true;
    rtp->rtcp_interval = (uint32_t)leg->engine->options.rtcp_interval;
    rtp->port.sockets[0] = rtp->port.sockets[1] = -1;
    return rtp;
}

void rtp_begin(struct rtp *rtp, int64_t now)
{
    struct engine *engine = rtp->leg->engine;
    struct sending *sending = &rtp->sending;
    sending->next_sequence = (uint16_t)(engine_random(engine) & 0x7fff); /* room before the first wrap, for SRTP */
    sending->last_timestamp = engine_random(engine);
    sending->last_tick = engine->tick;
    rtp->heard = rtp->spoke = now;
}

static void end_jitter(struct rtp *rtp)
{
    if (!rtp->jitter)
        return;
    jitter_end(rtp->jitter, &rtp->leg->engine->slab);
    slab_put(&rtp->leg->engine->slab, rtp->jitter, sizeof(*rtp->jitter));
    rtp->jitter = NULL;
}

static void end_encoder(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    struct slab *slab = &rtp->leg->engine->slab;
    if (sending->codec)
        slab_put(slab, sending->encoder, codec_encoder_bytes(sending->codec));
    slab_put(slab, sending->line, (size_t)sending->room * sizeof(int16_t));
    sending->encoder = NULL;
    sending->line = NULL;
    sending->codec = CODEC_NONE;
    sending->have = sending->room = 0;
    sending->running = false;
}

void rtp_release(struct rtp *rtp)
{
    end_jitter(rtp);
    end_encoder(rtp);
}

void rtp_set_remote(struct rtp *rtp, const union address *remote, const union address *control)
{
    struct engine *engine = rtp->leg->engine;
    bool learned = rtp->symmetric && rtp->source.locked.any.sa_family && address_equal(remote, &rtp->sdp);
    if (!learned) { /* said again what was said before: what was learned since stays */
        rtp->remote = *remote;
        rtp->remote_control = *control;
    }
    rtp->sdp = *remote;
    rtp->mux = address_port(remote) == address_port(control);
    source_expect(rtp, remote, engine->now);
    rtp->event = (struct event_in){0};
    if (engine->wire->ops->aimed)
        engine->wire->ops->aimed(engine->wire, rtp);
    if (!rtp->rtcp.due && rtp->rtcp_interval)
        rtp->rtcp.due = engine->now + (int64_t)rtp->rtcp_interval * 1000000;
}

void rtp_set_codecs(struct rtp *rtp, const struct codec_setup *setup)
{
    memset(rtp->receive, 0, sizeof(rtp->receive));
    bool still = false;
    for (int i = 0; i < setup->count; i++) {
        rtp->receive[setup->receive[i].payload_type & 127] = setup->receive[i].codec;
        still = still || setup->receive[i].codec == rtp->rx_codec;
    }
    if (!still)
        rtp->rx_codec = setup->count ? setup->receive[0].codec : CODEC_NONE;
    rtp->send_type = setup->send_type;
    rtp->send_codec = setup->send_codec;
    rtp->digits_type = setup->digits_type;
    rtp->digits_clock = setup->digits_clock;
    rtp->noise_type = setup->noise_type;
    rtp->ptime = setup->ptime;
    rtp->leg->figures.tx_codec = rtp->send_codec;
    rtp->leg->figures.rx_codec = rtp->rx_codec;
}

void rtp_set_option(struct rtp *rtp, int option, int value)
{
    struct engine *engine = rtp->leg->engine;
    switch (option) {
    case RTP_SYMMETRIC:
        rtp->symmetric = value;
        break;
    case RTP_STRICT:
        rtp->strict = value;
        if (!value)
            rtp->source.state = SOURCE_OPEN;
        else if (address_set(&rtp->sdp))
            source_expect(rtp, &rtp->sdp, engine->now);
        break;
    case RTP_INBAND_DIGITS:
        rtp->inband_digits = value;
        break;
    case RTP_TIMEOUT:
        rtp->timeout = (uint16_t)value;
        rtp->heard = engine->now;
        break;
    case RTP_HOLD_TIMEOUT:
        rtp->hold_timeout = (uint16_t)value;
        break;
    case RTP_KEEPALIVE:
        rtp->keepalive = (uint16_t)value;
        break;
    case RTP_RTCP_INTERVAL:
        rtp->rtcp_interval = (uint32_t)value;
        rtp->rtcp.due = value ? engine->now + (int64_t)value * 1000000 : 0;
        break;
    case RTP_HOLD:
        rtp->hold = value;
        rtp->heard = engine->now;
        rtp->timed_out = false;
        break;
    case RTP_DIRECTION:
        rtp->direction = (uint8_t)value;
        break;
    case RTP_REPORT:
        rtp->report = value;
        break;
    default:
        break;
    }
}

int rtp_rx_codec(const struct rtp *rtp)
{
    return rtp->rx_codec;
}

bool rtp_can_send(const struct rtp *rtp)
{
    return rtp->send_codec && rtp->direction & DIRECTION_OUT && address_set(&rtp->remote);
}

uint32_t rtp_timestamp(const struct rtp *rtp, uint32_t clock)
{
    const struct sending *sending = &rtp->sending;
    uint64_t ticks = rtp->leg->engine->tick - sending->last_tick;
    uint32_t elapsed = (uint32_t)(ticks * clock / (1000 / TICK_MS));
    return sending->last_timestamp + (elapsed > sending->last_length ? elapsed : sending->last_length);
}

static void write_header(uint8_t *bytes, int payload_type, bool marker, uint16_t sequence, uint32_t timestamp,
                         uint32_t ssrc)
{
    bytes[0] = 0x80;
    bytes[1] = (uint8_t)(payload_type | (marker ? 0x80 : 0));
    bytes[2] = (uint8_t)(sequence >> 8);
    bytes[3] = (uint8_t)sequence;
    for (int i = 0; i < 4; i++) {
        bytes[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
        bytes[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    }
}

static void hand_over(struct rtp *rtp, const uint8_t *bytes, int payload, int header)
{
    struct leg *leg = rtp->leg;
    struct engine *engine = leg->engine;
    engine->wire->ops->send(engine->wire, rtp, false, &rtp->remote, bytes, header + payload);
    leg->figures.tx_packets++;
    leg->figures.tx_octets += (uint64_t)payload;
    rtp->spoke = engine->now;
}

void rtp_transmit(struct rtp *rtp, int payload_type, bool marker, uint32_t timestamp, uint32_t length, uint8_t *bytes,
                  int payload)
{
    struct sending *sending = &rtp->sending;
    if (!address_set(&rtp->remote))
        return;
    write_header(bytes, payload_type, marker, sending->next_sequence++, timestamp, rtp->leg->figures.ssrc);
    if (sending->last_timestamp != timestamp || !sending->began) {
        sending->last_timestamp = timestamp;
        sending->last_tick = rtp->leg->engine->tick;
    }
    sending->last_length = length;
    sending->began = true;
    sending->relaying = false;
    hand_over(rtp, bytes, payload, RTP_HEADER);
}

/* Payload type under which a leg sends a codec; -1 when it does not. */
static int type_for(const struct rtp *rtp, int codec)
{
    if (rtp->send_codec == codec)
        return rtp->send_type;
    if (rtp->leg->relay_only)
        for (int type = 0; type < 128; type++)
            if (rtp->receive[type] == codec)
                return type;
    return -1;
}

/* Pass a packet on as it is, in this leg's own numbers. Loss and reordering stay visible to the far end. */
static void relay(struct rtp *rtp, uint8_t *bytes, int count, int header, int codec)
{
    struct sending *sending = &rtp->sending;
    int type = type_for(rtp, codec);
    if (type < 0 || !rtp_can_send(rtp) || digits_use_packets(rtp->leg->digits))
        return;
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    uint32_t timestamp = 0, ssrc = 0;
    for (int i = 0; i < 4; i++) {
        timestamp = timestamp << 8 | bytes[4 + i];
        ssrc = ssrc << 8 | bytes[8 + i];
    }
    bool marker = bytes[1] & 0x80;
    const struct codec *format = codec_at(codec);
    if (!sending->relaying || ssrc != sending->relay_ssrc) {
        sending->relaying = true;
        sending->relay_ssrc = ssrc;
        sending->relay_first = sequence;
        sending->relay_sequence = (uint16_t)(sending->next_sequence - sequence);
        sending->relay_timestamp = rtp_timestamp(rtp, format->clock) - timestamp;
        marker = marker || format->rate;
    }
    if ((int16_t)(sequence - sending->relay_first) < 0 && (int16_t)(sequence - sending->relay_first) > -100)
        return; /* from before we began: its number is taken */
    uint16_t out = (uint16_t)(sequence + sending->relay_sequence);
    int payload = count - header;
    if ((int16_t)(out - sending->next_sequence) >= 0) {
        sending->next_sequence = (uint16_t)(out + 1);
        sending->last_timestamp = timestamp + sending->relay_timestamp;
        sending->last_tick = rtp->leg->engine->tick;
        sending->last_length =
            format->rate
                ? (uint32_t)((int64_t)codec_samples(codec, bytes + header, payload) * format->clock / format->rate)
                : 0;
        if ((uint16_t)(sequence - sending->relay_first) > 0x4000)
            sending->relay_first = (uint16_t)(sequence - 0x1000);
    }
    sending->began = true;
    bytes += header - RTP_HEADER; /* contributing sources and extensions are not ours to pass on */
    write_header(bytes, type, marker, out, timestamp + sending->relay_timestamp, rtp->leg->figures.ssrc);
    hand_over(rtp, bytes, payload, RTP_HEADER);
}

/* RFC 3550 A.1, without its probation: source.c decides whom to believe. */
static void count_packet(struct rtp *rtp, uint16_t sequence, uint32_t ssrc)
{
    struct reception *reception = &rtp->reception;
    struct leg_figures *figures = &rtp->leg->figures;
    if (!reception->known || reception->ssrc != ssrc) {
        bool again = reception->known;
        *reception = (struct reception){.ssrc = ssrc, .known = true, .highest = sequence, .base = sequence};
        figures->remote_ssrc = ssrc;
        if (again && rtp->jitter)
            jitter_reset(rtp->jitter, &rtp->leg->engine->slab);
    } else {
        uint16_t ahead = (uint16_t)(sequence - reception->highest);
        if (ahead && ahead < DROPOUT) {
            if (sequence < reception->highest)
                reception->cycles += 0x10000;
            reception->highest = sequence;
        } else if (ahead && ahead < 0x10000 - 100) { /* the sender began anew */
            reception->base = sequence;
            reception->highest = sequence;
            reception->cycles = 0;
            reception->received = 0;
            reception->expected_before = reception->received_before = 0;
        } else if (ahead) {
            figures->reordered++;
        }
    }
    reception->received++;
    uint32_t expected = reception->cycles + reception->highest - reception->base + 1;
    figures->rx_expected = expected;
    figures->rx_lost = expected > reception->received ? expected - reception->received : 0;
    figures->rx_packets++;
}

/* RFC 3550 A.8 */
static void count_jitter(struct rtp *rtp, uint32_t timestamp, int64_t arrival, int clock)
{
    struct reception *reception = &rtp->reception;
    struct leg_figures *figures = &rtp->leg->figures;
    if (!clock)
        return;
    if (clock != reception->clock) {
        reception->clock = clock;
        reception->timed = false;
    }
    uint32_t here = (uint32_t)(arrival / 1000 * clock / 1000000);
    uint32_t transit = here - timestamp;
    if (reception->timed) {
        int32_t difference = (int32_t)(transit - reception->transit);
        double magnitude = difference < 0 ? -(double)difference : difference;
        if (magnitude < clock) /* a jump of the sender's clock is not jitter */
            reception->jitter += (magnitude - reception->jitter) / 16;
    }
    reception->timed = true;
    reception->transit = transit;
    figures->rx_jitter = (uint32_t)(reception->jitter * 1e6 / clock);
}

static void use_codec(struct rtp *rtp, int codec)
{
    rtp->rx_codec = (uint8_t)codec;
    rtp->leg->figures.rx_codec = codec;
    engine_tell_simple(rtp->leg->engine, EVENT_CODEC, rtp->leg, codec, 0, 0);
    engine_plan(rtp->leg->engine);
}

static void take_sound(struct rtp *rtp, int codec, uint16_t sequence, uint32_t timestamp, const uint8_t *payload,
                       int bytes)
{
    struct slab *slab = &rtp->leg->engine->slab;
    if (!rtp->jitter) {
        rtp->jitter = slab_get(slab, sizeof(*rtp->jitter));
        if (!rtp->jitter)
            return;
        jitter_init(rtp->jitter);
    }
    jitter_put(rtp->jitter, slab, codec, sequence, timestamp, payload, bytes);
}

static void take_media(struct rtp *rtp, uint8_t *bytes, int count, int header, uint32_t timestamp)
{
    struct leg *leg = rtp->leg;
    int type = bytes[1] & 0x7f;
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    if (rtp->digits_type && type == rtp->digits_type) {
        event_received(rtp, timestamp, bytes + header, count - header, leg->engine->now);
        return;
    }
    int codec = rtp->receive[type];
    if (!codec) {
        if ((type == COMFORT_NOISE || (rtp->noise_type && type == rtp->noise_type)) && rtp->jitter && count > header)
            jitter_comfort_noise(rtp->jitter, bytes[header] & 0x7f);
        return;
    }
    if (codec != rtp->rx_codec)
        use_codec(rtp, codec);
    const struct codec *format = codec_at(codec);
    if (format->rate) {
        int ms = (int)((int64_t)codec_samples(codec, bytes + header, count - header) * 1000 / format->rate);
        if (ms != rtp->rx_ms) {
            rtp->rx_ms = (uint16_t)ms;
            leg->engine->plan_dirty = true;
        }
    }
    if (leg->want_in)
        take_sound(rtp, codec, sequence, timestamp, bytes + header, count - header);
    if (leg->relay_to) /* last: it rewrites the packet */
        relay(leg->relay_to->rtp, bytes, count, header, codec);
}

void rtp_receive(struct rtp *rtp, const struct datagram *packet)
{
    struct leg *leg = rtp->leg;
    struct engine *engine = leg->engine;
    uint8_t *bytes = packet->bytes;
    int count = packet->count;
    if (rtp->strict && packet->control && address_set(&rtp->remote) &&
        !address_same_host(&packet->from, &rtp->remote)) {
        leg->figures.rejected++;
        return;
    }
    if (count >= 8 && (bytes[0] & 0xc0) == 0x80 && bytes[1] >= 192 && bytes[1] <= 223) { /* RFC 5761 4 */
        rtcp_receive(rtp, bytes, count, packet->arrival);
        return;
    }
    if (packet->control || count < RTP_HEADER || (bytes[0] & 0xc0) != 0x80) {
        engine->packets_bad++;
        return;
    }
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    if (!source_accepts(rtp, &packet->from, sequence, packet->arrival)) {
        leg->figures.rejected++;
        return;
    }
    int header = RTP_HEADER + (bytes[0] & 0x0f) * 4;
    if (bytes[0] & 0x10) {
        if (header + 4 > count) {
            engine->packets_bad++;
            return;
        }
        header += 4 + (bytes[header + 2] << 8 | bytes[header + 3]) * 4;
    }
    int padding = bytes[0] & 0x20 ? bytes[count - 1] : 0;
    if (header + padding > count) {
        engine->packets_bad++;
        return;
    }
    count -= padding;
    uint32_t timestamp = 0, ssrc = 0;
    for (int i = 0; i < 4; i++) {
        timestamp = timestamp << 8 | bytes[4 + i];
        ssrc = ssrc << 8 | bytes[8 + i];
    }
    count_packet(rtp, sequence, ssrc);
    leg->figures.rx_octets += (uint64_t)(count - header);
    const struct codec *codec = codec_at(rtp->receive[bytes[1] & 0x7f]);
    if (codec)
        count_jitter(rtp, timestamp, packet->arrival, (int)codec->clock);
    rtp->heard = engine->now;
    rtp->timed_out = false;
    if (rtp->direction & DIRECTION_IN && !leg->closing)
        take_media(rtp, bytes, count, header, timestamp);
}

struct block rtp_pull(struct rtp *rtp)
{
    struct block block = {NULL, 0};
    struct engine *engine = rtp->leg->engine;
    if (!rtp->jitter)
        return block;
    int16_t *samples = engine_scratch(engine, RESAMPLE_MAX_BLOCK * sizeof(int16_t));
    if (samples && jitter_pull(rtp->jitter, &engine->slab, samples))
        block = (struct block){samples, rtp->jitter->rate};
    struct leg_figures *figures = &rtp->leg->figures;
    figures->concealed_ms = rtp->jitter->concealed_ms;
    figures->late = rtp->jitter->late;
    figures->depth_ms = (uint32_t)jitter_depth(rtp->jitter);
    return block;
}

void rtp_planned(struct rtp *rtp)
{
    if (!rtp->leg->want_in)
        end_jitter(rtp);
    if (!rtp->leg->want_out || rtp->leg->relayed)
        end_encoder(rtp);
}

/* Encoder and line for the codec and packet time that are negotiated now. */
static bool set_encoder(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    const struct codec *codec = codec_at(rtp->send_codec);
    if (!codec_usable(rtp->send_codec))
        return false;
    int ms = rtp->ptime ? rtp->ptime : 20;
    int packet = (int)codec->rate * ms / 1000;
    packet = (packet + codec->frame_samples - 1) / codec->frame_samples * codec->frame_samples;
    if (sending->codec == rtp->send_codec && sending->packet == packet)
        return true;
    end_encoder(rtp);
    struct slab *slab = &rtp->leg->engine->slab;
    size_t state = codec_encoder_bytes(rtp->send_codec);
    sending->codec = rtp->send_codec;
    sending->packet = packet;
    sending->room = packet + (int)codec->rate / 100;
    sending->line = slab_get(slab, (size_t)sending->room * sizeof(int16_t));
    sending->encoder = state ? slab_get(slab, state) : NULL;
    if (!sending->line || (state && !sending->encoder)) {
        end_encoder(rtp);
        return false;
    }
    if (codec->encoder_init)
        codec->encoder_init(codec, sending->encoder);
    return true;
}

static void send_line(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    const struct codec *codec = codec_at(sending->codec);
    int room = codec->frame_bytes ? sending->packet / codec->frame_samples * codec->frame_bytes : OPUS_ROOM;
    uint8_t *bytes = engine_scratch(rtp->leg->engine, (size_t)(RTP_HEADER + room));
    uint32_t length = (uint32_t)((int64_t)sending->packet * codec->clock / codec->rate);
    if (bytes) {
        int payload = codec->encode(codec, sending->encoder, sending->line, sending->packet, bytes + RTP_HEADER);
        rtp_transmit(rtp, rtp->send_type, sending->mark, sending->run_timestamp, length, bytes, payload);
        /* the packet began when its first sample did */
        uint64_t ticks = (uint64_t)(length * 100 / codec->clock);
        sending->last_tick = rtp->leg->engine->tick + 1 > ticks ? rtp->leg->engine->tick + 1 - ticks : 0;
    }
    sending->mark = false;
    sending->run_timestamp += length;
    sending->have -= sending->packet;
    memmove(sending->line, sending->line + sending->packet, (size_t)sending->have * sizeof(int16_t));
}

void rtp_push(struct rtp *rtp, struct block block)
{
    struct sending *sending = &rtp->sending;
    if (!block.samples || !rtp_can_send(rtp) || digits_use_packets(rtp->leg->digits) || !set_encoder(rtp)) {
        sending->running = false;
        sending->have = 0;
        return;
    }
    const struct codec *codec = codec_at(sending->codec);
    block = leg_at_rate(rtp->leg->engine, &rtp->leg->resampler, block, (int)codec->rate);
    if (!block.samples)
        return;
    if (!sending->running) {
        sending->running = true;
        sending->mark = true;
        sending->run_timestamp = rtp_timestamp(rtp, codec->clock);
    }
    int n = block.rate / 100;
    memcpy(sending->line + sending->have, block.samples, (size_t)n * sizeof(int16_t));
    sending->have += n;
    while (sending->have >= sending->packet)
        send_line(rtp);
}

static void keep_alive(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    uint8_t *bytes = engine_scratch(engine, RTP_HEADER + 1);
    if (!bytes)
        return;
    bytes[RTP_HEADER] = 0x7f; /* the quietest comfort noise */
    const struct codec *codec = codec_at(rtp->send_codec);
    uint32_t clock = codec && codec->clock ? codec->clock : 8000;
    rtp_transmit(rtp, rtp->noise_type ? rtp->noise_type : COMFORT_NOISE, false, rtp_timestamp(rtp, clock), 0, bytes, 1);
}

void rtp_tick(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    int seconds = rtp->hold ? rtp->hold_timeout : rtp->timeout;
    if (seconds && !rtp->timed_out && engine->now - rtp->heard >= (int64_t)seconds * SECOND) {
        rtp->timed_out = true;
        engine_tell_simple(engine, EVENT_TIMEOUT, rtp->leg, rtp->hold, seconds, 0);
    }
    if (rtp->keepalive && address_set(&rtp->remote) && engine->now - rtp->spoke >= (int64_t)rtp->keepalive * SECOND)
        keep_alive(rtp);
    event_timeout(rtp, engine->now);
    rtcp_tick(rtp);
}
