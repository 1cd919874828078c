/* Sender and receiver reports (RFC 3550 6). */
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "quality.h"
#include "rtcp.h"
#include "rtp.h"

enum { CNAME = 1, BLOCK = 24 };

/* NTP time of a monotonic time: the clock may be set meanwhile, differences stay true. */
static uint64_t ntp_of(const struct engine *engine, int64_t monotonic)
{
    uint64_t time = (uint64_t)(monotonic + engine->ntp_offset);
    uint64_t seconds = time / 1000000000u, rest = time % 1000000000u;
    return seconds << 32 | (rest << 32) / 1000000000u;
}

void rtcp_cname(const struct rtp *rtp, char cname[RTP_CNAME])
{
    /* random, not an address: RFC 7022; one for all streams of a bundle */
    uint32_t ssrc = rtp->bundle.carrier ? rtp->bundle.carrier->leg->figures.ssrc : rtp->leg->figures.ssrc;
    snprintf(cname, RTP_CNAME, "%08x-%04x", ssrc ^ 0x5bd1e995u, (unsigned)(ssrc * 2654435761u >> 16));
}

/* The far end's stream since our last report, summed up. */
static void sum_up(struct rtp *rtp, uint32_t expected, uint32_t received)
{
    struct leg_figures *figures = &rtp->leg->figures;
    spread_add(&figures->jitter_spread, (float)figures->rx_jitter * 1e-6f);
    spread_add(&figures->lost_spread, expected > received ? (float)(expected - received) : 0);
    spread_add(&figures->score_spread, quality_score(&figures->rtt_spread, &figures->jitter_spread,
                                                     figures->jitter_spread.last, &figures->lost_spread));
}

static int write_block(struct rtp *rtp, uint8_t *at, int64_t now)
{
    struct reception *reception = &rtp->reception;
    struct leg_figures *figures = &rtp->leg->figures;
    struct rtcp_report *sent = &figures->sent;
    uint32_t expected = figures->rx_expected - reception->expected_before;
    uint32_t received = reception->received - reception->received_before;
    uint32_t fraction = expected > received ? (expected - received) * 256 / expected : 0;
    reception->expected_before = figures->rx_expected;
    reception->received_before = reception->received;
    sum_up(rtp, expected, received);
    int64_t since = rtp->rtcp.received_ntp ? (now - rtp->rtcp.received_at) / 1000 : 0;
    sent->source = reception->ssrc;
    sent->fraction = fraction > 255 ? 255 : fraction;
    sent->lost = figures->rx_lost & 0xffffff;
    sent->highest = reception->cycles + reception->highest;
    sent->jitter = (uint32_t)reception->jitter;
    sent->lsr = rtp->rtcp.received_ntp;
    sent->dlsr = (uint32_t)(since * 65536 / 1000000);
    const uint32_t words[] = {sent->source, sent->fraction << 24 | sent->lost, sent->highest, sent->jitter, sent->lsr,
                              sent->dlsr};
    for (int i = 0; i < BLOCK / 4; i++)
        rtcp_put(at + 4 * i, words[i]);
    return BLOCK;
}

static int write_report(struct rtp *rtp, uint8_t *bytes, int *type)
{
    struct engine *engine = rtp->leg->engine;
    struct leg_figures *figures = &rtp->leg->figures;
    bool sender = (uint32_t)figures->tx_packets != rtp->rtcp.packets_before;
    int size = 8;
    *type = sender ? RTCP_SENDER : RTCP_RECEIVER;
    struct rtcp_report *sent = &figures->sent;
    *sent = (struct rtcp_report){.ssrc = figures->ssrc, .type = (uint32_t)*type, .blocks = rtp->reception.known};
    rtcp_put(bytes + 4, figures->ssrc);
    if (sender) {
        uint64_t ntp = ntp_of(engine, engine->now);
        const struct codec *codec = codec_at(rtp->send_codec);
        sent->ntp_seconds = (uint32_t)(ntp >> 32);
        sent->ntp_fraction = (uint32_t)ntp;
        sent->rtp = rtp_timestamp(rtp, codec ? codec->clock : 8000);
        sent->packets = (uint32_t)figures->tx_packets;
        sent->octets = (uint32_t)figures->tx_octets;
        const uint32_t words[] = {sent->ntp_seconds, sent->ntp_fraction, sent->rtp, sent->packets, sent->octets};
        for (int i = 0; i < 5; i++)
            rtcp_put(bytes + 8 + 4 * i, words[i]);
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
    bytes[1] = RTCP_DESCRIPTION;
    bytes[3] = (uint8_t)(size / 4 - 1);
    rtcp_put(bytes + 4, rtp->leg->figures.ssrc);
    bytes[8] = CNAME;
    bytes[9] = (uint8_t)length;
    memcpy(bytes + 10, cname, (size_t)length);
    return size;
}

int rtcp_write_empty(const struct rtp *rtp, uint8_t *bytes)
{
    bytes[0] = 0x80;
    bytes[1] = RTCP_RECEIVER;
    bytes[2] = 0;
    bytes[3] = 1;
    rtcp_put(bytes + 4, rtp->leg->figures.ssrc);
    return 8 + write_description(rtp, bytes + 8);
}

void rtcp_tick(struct rtp *rtp)
{
    struct engine *engine = rtp->leg->engine;
    if (!rtp->rtcp.due || engine->now < rtp->rtcp.due)
        return;
    rtp->rtcp.due = rtp->rtcp_interval ? engine->now + (int64_t)rtp->rtcp_interval * 1000000 : 0;
    if (!address_set(&rtp->remote_control) || (!rtp->leg->figures.tx_packets && !rtp->reception.known))
        return;
    uint8_t *bytes = engine_scratch(engine, RTCP_ROOM);
    if (!bytes)
        return;
    int type;
    int size = write_report(rtp, bytes, &type);
    size += write_description(rtp, bytes + size);
    size += rtcp_write_extended(rtp, bytes + size);
    guard_send(rtp, true, bytes, size);
    if (type == RTCP_SENDER)
        rtp->leg->figures.sr_sent++;
    else
        rtp->leg->figures.rr_sent++;
    if (rtp->report)
        engine_tell_simple(engine, EVENT_RTCP_SENT, rtp->leg, type, 0, 0);
}

/* RFC 3550 6.4.1: how long a report of ours took there and back. */
static void measure_trip(struct rtp *rtp, uint32_t lsr, uint32_t dlsr, int64_t arrival)
{
    struct leg_figures *figures = &rtp->leg->figures;
    uint32_t now = (uint32_t)(ntp_of(rtp->leg->engine, arrival) >> 16);
    uint32_t trip = now - lsr - dlsr; /* in 1/65536 s */
    if (!lsr || trip & 0x80000000u)
        return; /* the peer's delay is longer than the trip: its clock is coarse */
    figures->rtt = (uint32_t)((uint64_t)trip * 1000000 / 65536);
    spread_add(&figures->rtt_spread, (float)trip / 65536);
}

static void read_block(struct rtp *rtp, const uint8_t *at, int64_t arrival)
{
    struct leg_figures *figures = &rtp->leg->figures;
    struct rtcp_report *received = &figures->received;
    const struct codec *codec = codec_at(rtp->send_codec);
    if (rtcp_word(at) != figures->ssrc)
        return;
    uint32_t clock = codec && codec->clock ? codec->clock : 8000;
    received->blocks = 1;
    received->source = rtcp_word(at);
    received->fraction = at[4];
    received->lost = rtcp_word(at + 4) & 0xffffff;
    received->highest = rtcp_word(at + 8);
    received->jitter = rtcp_word(at + 12);
    received->lsr = rtcp_word(at + 16);
    received->dlsr = rtcp_word(at + 20);
    rtp_set_loss(rtp, at[4]);
    figures->remote_lost = received->lost;
    figures->remote_jitter = (uint32_t)((uint64_t)received->jitter * 1000000 / clock);
    measure_trip(rtp, received->lsr, received->dlsr, arrival);
    spread_add(&figures->remote_jitter_spread, (float)received->jitter / (float)clock);
    spread_add(&figures->remote_lost_spread, (float)received->lost);
    spread_add(&figures->remote_score_spread,
               quality_score(&figures->rtt_spread, &figures->remote_jitter_spread, figures->remote_jitter_spread.last,
                             &figures->remote_lost_spread));
}

/* Whether a report is about a stream: of who sends it, or with a block about what is sent there. */
static bool concerns(const struct rtp *rtp, const uint8_t *bytes, int size, int first)
{
    bool bundled = rtp->bundle.carried || rtp->bundle.members;
    if (rtp->reception.known ? rtp->reception.ssrc == rtcp_word(bytes + 4) : !bundled)
        return true;
    for (int i = 0; i < (bytes[0] & 0x1f) && first + (i + 1) * BLOCK <= size; i++)
        if (rtcp_word(bytes + first + i * BLOCK) == rtp->leg->figures.ssrc)
            return true;
    return false;
}

static void read_report(struct rtp *rtp, const uint8_t *bytes, int size, int64_t arrival)
{
    struct leg_figures *figures = &rtp->leg->figures;
    struct rtcp_report *received = &figures->received;
    int type = bytes[1], blocks = bytes[0] & 0x1f, first = type == RTCP_SENDER ? 28 : 8;
    if (size < first || !concerns(rtp, bytes, size, first))
        return;
    *received = (struct rtcp_report){.ssrc = rtcp_word(bytes + 4), .type = (uint32_t)type};
    if (type == RTCP_SENDER) {
        received->ntp_seconds = rtcp_word(bytes + 8);
        received->ntp_fraction = rtcp_word(bytes + 12);
        received->rtp = rtcp_word(bytes + 16);
        received->packets = rtcp_word(bytes + 20);
        received->octets = rtcp_word(bytes + 24);
        rtp->rtcp.received_ntp = received->ntp_seconds << 16 | received->ntp_fraction >> 16;
        rtp->rtcp.received_at = arrival;
        figures->sr_received++;
    } else {
        figures->rr_received++;
    }
    for (int i = 0; i < blocks && first + (i + 1) * BLOCK <= size; i++)
        read_block(rtp, bytes + first + i * BLOCK, arrival);
    if (rtp->report)
        engine_tell_simple(rtp->leg->engine, EVENT_RTCP_RECEIVED, rtp->leg, type, 0, 0);
}

void rtcp_receive(struct rtp *rtp, const uint8_t *bytes, int count, int64_t arrival)
{
    while (count >= 8 && (bytes[0] & 0xc0) == 0x80) {
        int size = ((bytes[2] << 8 | bytes[3]) + 1) * 4;
        if (size > count)
            return;
        switch (bytes[1]) {
        case RTCP_SENDER:
        case RTCP_RECEIVER:
            read_report(rtp, bytes, size, arrival);
            break;
        case RTCP_LOST:
        case RTCP_PICTURE:
            rtcp_pass_feedback(rtp, bytes, size);
            break;
        case RTCP_REFRESH:
            rtcp_pass_refresh(rtp);
            break;
        case RTCP_EXTENDED:
            rtcp_read_extended(rtp, bytes, size);
            break;
        default:
            break;
        }
        bytes += size;
        count -= size;
    }
}
