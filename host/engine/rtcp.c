/* Sender and receiver reports (RFC 3550 6). */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "rtp.h"

enum { SENDER_REPORT = 200, RECEIVER_REPORT = 201, SOURCE_DESCRIPTION = 202, CNAME = 1, BLOCK = 24, ROOM = 128 };

static void put(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* NTP time of a monotonic time: the clock may be set meanwhile, differences stay true. */
static uint64_t ntp_of(const struct engine *engine, int64_t monotonic)
{
    uint64_t time = (uint64_t)(monotonic + engine->ntp_offset);
    uint64_t seconds = time / 1000000000u, rest = time % 1000000000u;
    return seconds << 32 | (rest << 32) / 1000000000u;
}

void rtcp_cname(const struct rtp *rtp, char cname[RTP_CNAME])
{
    /* random, not an address: RFC 7022 */
    snprintf(cname, RTP_CNAME, "%08x-%04x", rtp->leg->figures.ssrc ^ 0x5bd1e995u,
             (unsigned)(rtp->leg->figures.ssrc * 2654435761u >> 16));
}

static void sum_up(struct leg_figures *figures)
{
    uint32_t jitter = figures->rx_jitter;
    if (!figures->jitter_count || jitter < figures->min_rx_jitter)
        figures->min_rx_jitter = jitter;
    if (jitter > figures->max_rx_jitter)
        figures->max_rx_jitter = jitter;
    figures->jitter_count++;
    figures->sum_rx_jitter += jitter;
    figures->sum2_rx_jitter += (uint64_t)jitter * jitter;
}

static int write_block(struct rtp *rtp, uint8_t *at, int64_t now)
{
    struct reception *reception = &rtp->reception;
    struct leg_figures *figures = &rtp->leg->figures;
    uint32_t expected = figures->rx_expected - reception->expected_before;
    uint32_t received = reception->received - reception->received_before;
    uint32_t fraction = expected > received ? (expected - received) * 256 / expected : 0;
    reception->expected_before = figures->rx_expected;
    reception->received_before = reception->received;
    figures->rx_fraction = fraction > 255 ? 255 : fraction;
    put(at, reception->ssrc);
    put(at + 4, (figures->rx_lost & 0xffffff) | figures->rx_fraction << 24);
    put(at + 8, reception->cycles + reception->highest);
    put(at + 12, (uint32_t)reception->jitter);
    put(at + 16, rtp->rtcp.received_ntp);
    int64_t since = rtp->rtcp.received_ntp ? (now - rtp->rtcp.received_at) / 1000 : 0;
    put(at + 20, (uint32_t)(since * 65536 / 1000000));
    figures->report_lsr = rtp->rtcp.received_ntp;
    figures->report_dlsr = get(at + 20);
    figures->report_extended = reception->cycles + reception->highest;
    sum_up(figures);
    return BLOCK;
}

static int write_report(struct rtp *rtp, uint8_t *bytes, int *type)
{
    struct engine *engine = rtp->leg->engine;
    struct leg_figures *figures = &rtp->leg->figures;
    bool sender = (uint32_t)figures->tx_packets != rtp->rtcp.packets_before;
    int size = 8;
    *type = sender ? SENDER_REPORT : RECEIVER_REPORT;
    put(bytes + 4, figures->ssrc);
    if (sender) {
        uint64_t ntp = ntp_of(engine, engine->now);
        const struct codec *codec = codec_at(rtp->send_codec);
        figures->report_ntp = ntp;
        figures->report_rtp = rtp_timestamp(rtp, codec ? codec->clock : 8000);
        figures->report_packets = (uint32_t)figures->tx_packets;
        figures->report_octets = (uint32_t)figures->tx_octets;
        put(bytes + 8, (uint32_t)(ntp >> 32));
        put(bytes + 12, (uint32_t)ntp);
        put(bytes + 16, figures->report_rtp);
        put(bytes + 20, figures->report_packets);
        put(bytes + 24, figures->report_octets);
        size = 28;
    }
    rtp->rtcp.packets_before = (uint32_t)figures->tx_packets;
    bool block = rtp->reception.known;
    if (block)
        size += write_block(rtp, bytes + size, engine->now);
    bytes[0] = (uint8_t)(0x80 | block);
    bytes[1] = (uint8_t)*type;
    bytes[2] = 0;
    bytes[3] = (uint8_t)(size / 4 - 1);
    return size;
}

static int write_description(const struct rtp *rtp, uint8_t *bytes)
{
    char cname[RTP_CNAME];
    rtcp_cname(rtp, cname);
    int length = (int)strlen(cname);
    int size = (8 + 2 + length + 1 + 3) / 4 * 4; /* at least one null octet ends the list */
    memset(bytes, 0, (size_t)size);
    bytes[0] = 0x81;
    bytes[1] = SOURCE_DESCRIPTION;
    bytes[3] = (uint8_t)(size / 4 - 1);
    put(bytes + 4, rtp->leg->figures.ssrc);
    bytes[8] = CNAME;
    bytes[9] = (uint8_t)length;
    memcpy(bytes + 10, cname, (size_t)length);
    return size;
}

void rtcp_tick(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    if (!rtp->rtcp.due || engine->now < rtp->rtcp.due)
        return;
    rtp->rtcp.due = rtp->rtcp_interval ? engine->now + (int64_t)rtp->rtcp_interval * 1000000 : 0;
    if (!address_set(&rtp->remote_control) || (!rtp->leg->figures.tx_packets && !rtp->reception.known))
        return;
    uint8_t *bytes = engine_scratch(engine, ROOM);
    if (!bytes)
        return;
    int type;
    int size = write_report(rtp, bytes, &type);
    size += write_description(rtp, bytes + size);
    guard_send(rtp, true, bytes, size);
    if (type == SENDER_REPORT)
        rtp->leg->figures.sr_sent++;
    else
        rtp->leg->figures.rr_sent++;
    if (rtp->report)
        engine_tell_simple(engine, EVENT_RTCP_SENT, rtp->leg, type, 0, 0);
}

static void read_block(struct rtp *rtp, const uint8_t *at, int64_t arrival)
{
    struct engine *engine = rtp->leg->engine;
    struct leg_figures *figures = &rtp->leg->figures;
    const struct codec *codec = codec_at(rtp->send_codec);
    if (get(at) != figures->ssrc)
        return;
    uint32_t clock = codec && codec->clock ? codec->clock : 8000;
    figures->remote_fraction = at[4];
    rtp_set_loss(rtp, at[4]);
    figures->remote_lost = get(at + 4) & 0xffffff;
    figures->remote_jitter = (uint32_t)((uint64_t)get(at + 12) * 1000000 / clock);
    uint32_t lsr = get(at + 16), dlsr = get(at + 20);
    if (!lsr)
        return;
    uint32_t now = (uint32_t)(ntp_of(engine, arrival) >> 16);
    uint32_t trip = now - lsr - dlsr; /* in 1/65536 s */
    if (trip & 0x80000000u)
        return; /* the peer's delay is longer than the trip: its clock is coarse */
    uint32_t us = (uint32_t)((uint64_t)trip * 1000000 / 65536);
    figures->rtt = us;
    if (!figures->rtt_count || us < figures->min_rtt)
        figures->min_rtt = us;
    if (us > figures->max_rtt)
        figures->max_rtt = us;
    figures->rtt_count++;
    figures->sum_rtt += us;
    figures->sum2_rtt += (uint64_t)us * us;
}

void rtcp_receive(struct rtp *rtp, const uint8_t *bytes, int count, int64_t arrival)
{
    struct leg_figures *figures = &rtp->leg->figures;
    while (count >= 8 && (bytes[0] & 0xc0) == 0x80) {
        int type = bytes[1], blocks = bytes[0] & 0x1f;
        int size = ((bytes[2] << 8 | bytes[3]) + 1) * 4;
        int first = type == SENDER_REPORT ? 28 : 8;
        if (size > count)
            return;
        if (type == SENDER_REPORT && size >= first) {
            rtp->rtcp.received_ntp = get(bytes + 8) << 16 | get(bytes + 12) >> 16;
            rtp->rtcp.received_at = arrival;
            figures->sr_received++;
        }
        if (type == RECEIVER_REPORT)
            figures->rr_received++;
        if (type == SENDER_REPORT || type == RECEIVER_REPORT) {
            for (int i = 0; i < blocks && first + (i + 1) * BLOCK <= size; i++)
                read_block(rtp, bytes + first + i * BLOCK, arrival);
            if (rtp->report)
                engine_tell_simple(rtp->leg->engine, EVENT_RTCP_RECEIVED, rtp->leg, type, 0, 0);
        }
        bytes += size;
        count -= size;
    }
}
