#include "rtp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "quality.h"
#include "tunnel.h"

enum { SECOND = 1000000000, DROPOUT = 3000 };

struct rtp *rtp_make(struct leg *leg)
{
    struct rtp *rtp = calloc(1, sizeof(*rtp));
    if (!rtp)
        return NULL;
    rtp->leg = leg;
    rtp->wire = leg->engine->wire;
    rtp->direction = DIRECTION_BOTH;
    rtp->strict = STRICT_YES;
    rtp->source.state = SOURCE_LOCKED; /* on nobody, until there is an address to learn from */
    rtp->encoding = (struct codec_settings){-1, -1, -1, -1, -1, -1, -1, -1};
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
    rtp->guard.left = ASIDE_MOST;
}

static void end_jitter(struct rtp *rtp)
{
    if (!rtp->jitter)
        return;
    jitter_end(rtp->jitter, &rtp->leg->engine->slab);
    slab_put(&rtp->leg->engine->slab, rtp->jitter, sizeof(*rtp->jitter));
    rtp->jitter = NULL;
}

void rtp_release(struct rtp *rtp)
{
    bundle_end(rtp);
    tunnel_detach(rtp->guard.tunnel);
    end_jitter(rtp);
    rtp_end_encoder(rtp);
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
    if (rtp->wire->ops->aimed)
        rtp->wire->ops->aimed(rtp->wire, rtp);
    if (!rtp->rtcp.due && rtp->rtcp_interval)
        rtp->rtcp.due = engine->now + (int64_t)rtp->rtcp_interval * 1000000;
    bundle_aimed(rtp);
}

void rtp_set_codecs(struct rtp *rtp, const struct codec_setup *setup)
{
    memset(rtp->receive, 0, sizeof(rtp->receive));
    bool still = false;
    uint8_t first = CODEC_NONE;
    for (int i = 0; i < setup->count; i++) {
        uint8_t codec = setup->receive[i].codec;
        rtp->receive[setup->receive[i].payload_type & 127] = codec;
        still = still || codec == rtp->rx_codec;
        if (first == CODEC_NONE && codec < CODEC_EVENTS)
            first = codec;
    }
    if (!still)
        rtp->rx_codec = first;
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
        source_set_strictness(rtp, (enum strictness)value);
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
    case RTP_EXTENDED:
        rtp->extended = (uint8_t)value;
        break;
    case RTP_GUARD:
        rtp->guard.required = value;
        break;
    case RTP_ASIDE:
        rtp->guard.aside = (uint8_t)value;
        break;
    case RTP_WATCHDOG:
        rtp->watchdog = (uint16_t)value;
        rtp->heard = engine->now;
        rtp->quiet = false;
        break;
    case RTP_JITTER:
        rtp->playout = (struct playout){.kind = (enum playout_kind)(value & 0xff), .ms = value >> 8};
        if (rtp->jitter)
            rtp->jitter->playout = rtp->playout;
        break;
    case RTP_SOURCES:
        rtp->source.told = value;
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

/* RFC 3550 A.1, without its probation: source.c decides whom to believe. */
static void count_packet(struct rtp *rtp, uint16_t sequence, uint32_t ssrc)
{
    struct reception *reception = &rtp->reception;
    struct leg_figures *figures = &rtp->leg->figures;
    if (!reception->known || reception->ssrc != ssrc) {
        bool again = reception->known;
        *reception = (struct reception){
            .ssrc = ssrc, .known = true, .highest = sequence, .base = sequence, .summed_to = sequence};
        figures->remote_ssrc = ssrc;
        if (again && rtp->jitter)
            jitter_reset(rtp->jitter, &rtp->leg->engine->slab);
    } else {
        uint16_t ahead = (uint16_t)(sequence - reception->highest);
        if (ahead && ahead < DROPOUT) {
            if (sequence < reception->highest)
                reception->cycles += 0x10000;
            bursts_count(&reception->bursts, ahead - 1u);
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
        if (rtp->extended && magnitude < clock)
            spread_add(&reception->transits, (float)magnitude);
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
        rtp->jitter->playout = rtp->playout;
        rtp->jitter->narrow = !rtp->wide;
    }
    jitter_put(rtp->jitter, slab, codec, sequence, timestamp, payload, bytes);
}

/* RFC 3389: the far end is silent, and how much its silence hisses. */
static void take_noise(struct rtp *rtp, uint8_t *bytes, int count, int header)
{
    if (rtp->jitter)
        jitter_comfort_noise(rtp->jitter, bytes[header] & 0x7f);
    if (rtp->leg->relay_to)
        rtp_relay(rtp->leg->relay_to->rtp, bytes, count, header, CODEC_NONE);
}

static void take_media(struct rtp *rtp, uint8_t *bytes, int count, int header, uint32_t timestamp)
{
    struct leg *leg = rtp->leg;
    int type = bytes[1] & 0x7f;
    uint16_t sequence = (uint16_t)(bytes[2] << 8 | bytes[3]);
    int codec = rtp->receive[type];
    bool chosen = rtp->digits_type && type == rtp->digits_type;
    if (chosen || codec >= CODEC_EVENTS) {
        uint32_t clock = chosen ? rtp->digits_clock : (uint32_t)(codec - CODEC_EVENTS) * 8000;
        event_received(rtp, clock, timestamp, bytes + header, count - header, leg->engine->now);
        return;
    }
    if (!codec) {
        if ((type == RTP_COMFORT_NOISE || (rtp->noise_type && type == rtp->noise_type)) && count > header)
            take_noise(rtp, bytes, count, header);
        return;
    }
    const struct codec *format = codec_at(codec);
    bool planned = rtp->switched == leg->engine->tick; /* that costs too much to be done for each packet */
    int before = rtp->rx_ms;
    if (format->rate)
        rtp->rx_ms = (uint16_t)((int64_t)codec_samples(codec, bytes + header, count - header) * 1000 / format->rate);
    if (codec != rtp->rx_codec) {
        if (planned)
            return;
        rtp->switched = leg->engine->tick;
        use_codec(rtp, codec);
    } else if (before != rtp->rx_ms) {
        leg->engine->plan_dirty = true;
        if (!planned)
            engine_plan(leg->engine);
        rtp->switched = leg->engine->tick;
    }
    if (leg->want_in)
        take_sound(rtp, codec, sequence, timestamp, bytes + header, count - header);
    if (leg->relay_to) /* last: it rewrites the packet */
        rtp_relay(leg->relay_to->rtp, bytes, count, header, codec);
}

bool rtp_expects(const struct rtp *rtp, int type)
{
    return rtp->receive[type] || type == RTP_COMFORT_NOISE || (rtp->digits_type && type == rtp->digits_type) ||
           (rtp->noise_type && type == rtp->noise_type);
}

void rtp_receive(struct rtp *rtp, const struct datagram *packet)
{
    struct leg *leg = rtp->leg;
    struct engine *engine = leg->engine;
    uint8_t *bytes = packet->bytes;
    int count = packet->count;
    if (rtp->bundle.carried) { /* what is its comes to its carrier's port */
        engine->packets_bad++;
        return;
    }
    if (count > 0 && bytes[0] < 128) {
        aside_receive(rtp, packet);
        return;
    }
    bool report = count >= 8 && (bytes[0] & 0xc0) == 0x80 && bytes[1] >= 192 && bytes[1] <= 223; /* RFC 5761 4 */
    count = guard_open(rtp, packet, report);
    if (!count || (report && !source_accepts_report(rtp, packet))) {
        leg->figures.rejected++;
        return;
    }
    if (report) {
        if (engine->trace.kinds)
            trace_packet(rtp, false, true, &packet->from, bytes, count);
        rtcp_receive(rtp, bytes, count, packet->arrival);
        for (struct rtp *member = rtp->bundle.members; member; member = member->bundle.next)
            rtcp_receive(member, bytes, count, packet->arrival);
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
    if (engine->trace.kinds)
        trace_packet(rtp, false, false, &packet->from, bytes, count - header);
    rtp->heard = engine->now;
    rtp->timed_out = rtp->quiet = false;
    rtp = bundle_owner(rtp, bytes[1] & 0x7f, ssrc);
    if (!rtp_expects(rtp, bytes[1] & 0x7f) && rtp->reception.known && rtp->reception.ssrc != ssrc)
        return; /* another stream of a bundle (RFC 9143 9.2): it must not pass for this one begun anew */
    count_packet(rtp, sequence, ssrc);
    rtp->leg->figures.rx_octets += (uint64_t)(count - header);
    const struct codec *codec = codec_at(rtp->receive[bytes[1] & 0x7f]);
    if (codec)
        count_jitter(rtp, timestamp, packet->arrival, (int)codec->clock);
    if (rtp->direction & DIRECTION_IN && !rtp->leg->closing)
        take_media(rtp, bytes, count, header, timestamp);
}

struct block rtp_pull(struct rtp *rtp)
{
    struct block block = {.samples = NULL};
    struct engine *engine = rtp->leg->engine;
    if (!rtp->jitter)
        return block;
    int16_t *samples = engine_scratch(engine, RESAMPLE_MAX_BLOCK * sizeof(int16_t));
    if (samples && jitter_pull(rtp->jitter, &engine->slab, samples))
        block = (struct block){.samples = samples, .rate = rtp->jitter->rate};
    struct leg_figures *figures = &rtp->leg->figures;
    figures->concealed_ms = rtp->jitter->concealed_ms;
    figures->late = rtp->jitter->late;
    figures->depth_ms = (uint32_t)jitter_depth(rtp->jitter);
    return block;
}

void rtp_planned(struct rtp *rtp, bool wide)
{
    rtp->wide = wide;
    if (rtp->jitter)
        rtp->jitter->narrow = !wide;
    if (!rtp->leg->want_in)
        end_jitter(rtp);
    if (!rtp->leg->want_out || rtp->leg->relayed)
        rtp_end_encoder(rtp);
}

void rtp_tick(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    rtp->guard.left = ASIDE_MOST;
    int seconds = rtp->hold ? rtp->hold_timeout : rtp->timeout;
    if (seconds && !rtp->timed_out && engine->now - rtp->heard >= (int64_t)seconds * SECOND) {
        rtp->timed_out = true;
        engine_tell_simple(engine, EVENT_TIMEOUT, rtp->leg, rtp->hold, seconds, 0);
    }
    if (rtp->watchdog && !rtp->quiet && !rtp->hold && rtp->direction & DIRECTION_IN &&
        engine->now - rtp->heard >= (int64_t)rtp->watchdog * SECOND) {
        rtp->quiet = true;
        engine_tell_simple(engine, EVENT_QUIET, rtp->leg, rtp->leg->figures.rx_packets > 0, rtp->watchdog, 0);
    }
    if (rtp->keepalive && address_set(&rtp->remote) && engine->now - rtp->spoke >= (int64_t)rtp->keepalive * SECOND)
        rtp_keep_alive(rtp);
    event_timeout(rtp, engine->now);
    rtcp_tick(rtp);
}
