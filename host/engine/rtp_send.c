/* What a leg sends: packets passed on from another leg, sound encoded here, and the numbers that make one stream of
 * them. */
#include <string.h>

#include "codec.h"
#include "digits.h"
#include "rtp.h"

enum { OPUS_ROOM = 1276 };

void rtp_end_encoder(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    struct slab *slab = &rtp->leg->engine->slab;
    if (sending->codec)
        codec_state_put(slab, codec_at(sending->codec), true, sending->encoder);
    slab_put(slab, sending->line, (size_t)sending->room * sizeof(int16_t));
    sending->encoder = NULL;
    sending->line = NULL;
    sending->codec = CODEC_NONE;
    sending->have = sending->room = 0;
    sending->running = false;
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
    guard_send(rtp, false, bytes, header + payload);
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
    if (!codec)
        return rtp->noise_type ? rtp->noise_type : RTP_COMFORT_NOISE;
    if (rtp->send_codec == codec)
        return rtp->send_type;
    if (rtp->leg->relay_only)
        for (int type = 0; type < 128; type++)
            if (rtp->receive[type] == codec)
                return type;
    return -1;
}

/* Pass a packet on as it is, in this leg's own numbers. Loss and reordering stay visible to the far end. */
void rtp_relay(struct rtp *rtp, uint8_t *bytes, int count, int header, int codec)
{
    struct sending *sending = &rtp->sending;
    const uint8_t *exchange = rtp->leg->relay_only ? NULL : codec_exchange(codec, rtp->send_codec);
    if (exchange)
        codec = rtp->send_codec;
    int type = type_for(rtp, codec);
    const struct codec *format = codec_at(codec ? codec : rtp->send_codec);
    if (type < 0 || !format || !rtp_can_send(rtp) || digits_use_packets(rtp->leg->digits))
        return;
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    uint32_t timestamp = 0, ssrc = 0;
    for (int i = 0; i < 4; i++) {
        timestamp = timestamp << 8 | bytes[4 + i];
        ssrc = ssrc << 8 | bytes[8 + i];
    }
    bool marker = bytes[1] & 0x80;
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
            format->rate && codec
                ? (uint32_t)((int64_t)codec_samples(codec, bytes + header, payload) * format->clock / format->rate)
                : 0;
        if ((uint16_t)(sequence - sending->relay_first) > 0x4000)
            sending->relay_first = (uint16_t)(sequence - 0x1000);
    }
    sending->began = true;
    for (int i = header; exchange && i < count; i++)
        bytes[i] = exchange[bytes[i]];
    bytes += header - RTP_HEADER; /* contributing sources and extensions are not ours to pass on */
    write_header(bytes, type, marker, out, timestamp + sending->relay_timestamp, rtp->leg->figures.ssrc);
    hand_over(rtp, bytes, payload, RTP_HEADER);
}

static void configure_encoder(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    const struct codec *codec = codec_at(sending->codec);
    if (!codec || !codec->set || !sending->encoder)
        return;
    struct codec_settings settings = codec_settings_for(sending->codec, &rtp->encoding);
    if (rtp->lossy > settings.loss)
        settings.loss = rtp->lossy;
    codec->set(sending->encoder, &settings);
}

void rtp_set_loss(struct rtp *rtp, int fraction)
{
    enum { STEP = 2 }; /* a percent up or down is not worth it */
    int percent = (fraction * 100 + 128) / 256;
    if (percent > rtp->lossy - STEP && percent < rtp->lossy + STEP)
        return;
    rtp->lossy = (uint8_t)percent;
    configure_encoder(rtp);
}

void rtp_set_encoding(struct rtp *rtp, const struct codec_settings *settings)
{
    rtp->encoding = *settings;
    configure_encoder(rtp);
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
    rtp_end_encoder(rtp);
    struct slab *slab = &rtp->leg->engine->slab;
    bool ready;
    sending->codec = rtp->send_codec;
    sending->packet = packet;
    sending->room = packet + (int)codec->rate / 100;
    sending->line = slab_get(slab, (size_t)sending->room * sizeof(int16_t));
    sending->encoder = codec_state_get(slab, codec, true, &ready);
    if (!sending->line || !ready) {
        rtp_end_encoder(rtp);
        return false;
    }
    configure_encoder(rtp);
    return true;
}

static void send_line(struct rtp *rtp)
{
    struct sending *sending = &rtp->sending;
    const struct codec *codec = codec_at(sending->codec);
    int room = codec->frame_bytes ? sending->packet / codec->frame_samples * codec->frame_bytes : OPUS_ROOM;
    uint8_t *bytes = engine_scratch(rtp->leg->engine, (size_t)(RTP_HEADER + room));
    uint32_t length = (uint32_t)((int64_t)sending->packet * codec->clock / codec->rate);
    int samples = sending->packet >> sending->half;
    bool sent = true;
    if (bytes) {
        __typeof__(codec->encode) encode = sending->half ? codec->encode_half : codec->encode;
        int payload = encode(codec, sending->encoder, sending->line, samples, bytes + RTP_HEADER);
        if (payload) /* else the encoder has nothing to say: silence */
            rtp_transmit(rtp, rtp->send_type, sending->mark, sending->run_timestamp, length, bytes, payload);
        sent = payload > 0;
        /* the packet began when its first sample did */
        uint64_t ticks = (uint64_t)(length * 100 / codec->clock);
        sending->last_tick = rtp->leg->engine->tick + 1 > ticks ? rtp->leg->engine->tick + 1 - ticks : 0;
    }
    sending->mark = !sent;
    sending->run_timestamp += length;
    sending->have -= samples;
    memmove(sending->line, sending->line + samples, (size_t)sending->have * sizeof(int16_t));
}

/* Coded frames of a file, as they are. */
static void send_coded(struct rtp *rtp, struct block block)
{
    struct sending *sending = &rtp->sending;
    const struct codec *codec = codec_at(block.codec);
    uint8_t *bytes = block.coded ? engine_scratch(rtp->leg->engine, (size_t)(RTP_HEADER + block.coded_bytes)) : NULL;
    if (!bytes)
        return;
    if (!sending->running) {
        sending->running = true;
        sending->mark = true;
        sending->run_timestamp = rtp_timestamp(rtp, codec->clock);
    }
    int samples = codec_samples(block.codec, block.coded, block.coded_bytes);
    uint32_t length = (uint32_t)((int64_t)samples * codec->clock / codec->rate);
    memcpy(bytes + RTP_HEADER, block.coded, (size_t)block.coded_bytes);
    rtp_transmit(rtp, rtp->send_type, sending->mark, sending->run_timestamp, length, bytes, block.coded_bytes);
    sending->mark = false;
    sending->run_timestamp += length;
}

void rtp_push(struct rtp *rtp, struct block block)
{
    struct sending *sending = &rtp->sending;
    if (block.codec && block.codec == rtp->send_codec && rtp_can_send(rtp) && !digits_use_packets(rtp->leg->digits)) {
        send_coded(rtp, block);
        return;
    }
    if (!block.samples || !rtp_can_send(rtp) || digits_use_packets(rtp->leg->digits) || !set_encoder(rtp)) {
        sending->running = false;
        sending->have = 0;
        return;
    }
    const struct codec *codec = codec_at(sending->codec);
    if (!sending->have)
        sending->half = codec->encode_half && 2 * block.rate == (int)codec->rate;
    block = leg_at_rate(rtp->leg->engine, &rtp->leg->resampler, block, (int)codec->rate >> sending->half);
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
    while (sending->have >= sending->packet >> sending->half)
        send_line(rtp);
}

void rtp_keep_alive(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    uint8_t *bytes = engine_scratch(engine, RTP_HEADER + 1);
    if (!bytes)
        return;
    bytes[RTP_HEADER] = 0x7f; /* the quietest comfort noise */
    const struct codec *codec = codec_at(rtp->send_codec);
    uint32_t clock = codec && codec->clock ? codec->clock : 8000;
    rtp_transmit(rtp, rtp->noise_type ? rtp->noise_type : RTP_COMFORT_NOISE, false, rtp_timestamp(rtp, clock), 0, bytes,
                 1);
}
