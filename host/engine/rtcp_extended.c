/* Extended reports (RFC 3611): the statistics summary (4.6) and VoIP metrics (4.7) of what arrives, to those whose SDP
 * asks for them; and what the far end tells of what we send. */
#include <string.h>

#include "quality.h"
#include "rtcp.h"
#include "rtp.h"

enum {
    SUMMARY = 6,
    METRICS = 7,
    SUMMARY_BYTES = 40,
    METRICS_BYTES = 36,
    SUMMARY_LOSS = 0x80,
    SUMMARY_JITTER = 0x20,
    GAP_LEAST = 16, /* packets in order that end a burst (4.7.2) */
    UNKNOWN = 127,
    CONCEALS = 0x80, /* enhanced: what is missing is made of what was heard */
    ADAPTS = 0x30,
    FIXED = 0x20,
    DEEPEST_MS = 400
};

/* What was lost last is over: it was alone, or a burst. */
static void end_burst(struct bursts *bursts)
{
    bursts->lone += bursts->lost_in_burst == 1;
    bursts->bursts += bursts->lost_in_burst > 1;
}

void bursts_count(struct bursts *bursts, uint32_t lost)
{
    for (; lost; lost--) {
        if (bursts->row >= GAP_LEAST) {
            end_burst(bursts);
            bursts->lost_in_burst = 1;
            bursts->in_gaps += bursts->row;
        } else {
            bursts->lost_in_burst++;
            if (!bursts->row) {
                bursts->in_a_row++;
            } else {
                bursts->apart++;
                bursts->in_bursts += bursts->row - 1;
            }
        }
        bursts->row = 0;
    }
    bursts->row++;
}

static uint8_t share(double part, double whole)
{
    double of_256 = whole > 0 ? part * 256 / whole : 0;
    return of_256 > 255 ? 255 : (uint8_t)of_256;
}

/* RFC 3611 A.2's sums, as densities (in 1/256) and mean lengths. */
static void measure_bursts(struct bursts bursts, int packet_ms, struct voip_metrics *metrics)
{
    end_burst(&bursts);
    double gaps = bursts.in_gaps + bursts.row, lone = bursts.lone, times = bursts.bursts;
    double inside = bursts.in_bursts + bursts.apart, lost = bursts.apart + bursts.in_a_row + times;
    double leave = inside < 1 ? 1 : 1 - bursts.in_bursts / inside;
    double enter = lost < 1 ? 0 : bursts.apart / lost;
    double all = gaps + lone + times + inside + times + bursts.apart + bursts.in_a_row;
    metrics->gap_density = share(lone, gaps + lone);
    metrics->burst_density = times ? share(leave, leave + enter) : 0;
    double gap = times ? (gaps + lone + times) / times : gaps + lone;
    metrics->gap_ms = (uint32_t)(gap * packet_ms);
    metrics->burst_ms = times ? (uint32_t)((all / times - gap) * packet_ms) : 0;
}

static void measure(struct rtp *rtp, struct voip_metrics *metrics)
{
    const struct leg_figures *figures = &rtp->leg->figures;
    int packet_ms = rtp->rx_ms ? rtp->rx_ms : 20;
    uint32_t delay = figures->depth_ms + (uint32_t)packet_ms;
    double lost_percent = figures->rx_expected ? 100.0 * figures->rx_lost / figures->rx_expected : 0;
    double late_percent = figures->rx_expected ? 100.0 * figures->late / figures->rx_expected : 0;
    *metrics = (struct voip_metrics){.loss = share(figures->rx_lost, figures->rx_expected),
                                     .discard = share(figures->late, figures->rx_expected),
                                     .rtt_ms = figures->rtt / 1000,
                                     .delay_ms = delay};
    measure_bursts(rtp->reception.bursts, packet_ms, metrics);
    float still = quality_rating(0, (float)(lost_percent + late_percent));
    float talk = quality_rating((float)(metrics->rtt_ms / 2 + delay), (float)(lost_percent + late_percent));
    metrics->rating = (uint8_t)(talk + 0.5f);
    metrics->listening = (uint8_t)(quality_opinion(still) * 10 + 0.5f);
    metrics->conversation = (uint8_t)(quality_opinion(talk) * 10 + 0.5f);
}

static void put16(uint8_t *at, uint32_t value)
{
    value = value > 0xffff ? 0xffff : value;
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static int begin_block(uint8_t *at, int type, int specific, int bytes, uint32_t source)
{
    memset(at, 0, (size_t)bytes);
    at[0] = (uint8_t)type;
    at[1] = (uint8_t)specific;
    put16(at + 2, (uint32_t)bytes / 4 - 1);
    rtcp_put(at + 4, source);
    return bytes;
}

static int write_summary(struct rtp *rtp, uint8_t *at)
{
    struct reception *reception = &rtp->reception;
    struct spread *transits = &reception->transits;
    uint32_t lost = rtp->leg->figures.rx_lost;
    int bytes = begin_block(at, SUMMARY, SUMMARY_LOSS | SUMMARY_JITTER, SUMMARY_BYTES, reception->ssrc);
    put16(at + 8, reception->summed_to);
    put16(at + 10, (uint16_t)(reception->highest + 1));
    rtcp_put(at + 12, lost > reception->summed_lost ? lost - reception->summed_lost : 0);
    const float jitter[] = {transits->least, transits->most, transits->mean, transits->deviation};
    for (int i = 0; i < 4; i++)
        rtcp_put(at + 20 + 4 * i, (uint32_t)jitter[i]);
    reception->summed_to = (uint16_t)(reception->highest + 1);
    reception->summed_lost = lost;
    *transits = (struct spread){0};
    return bytes;
}

static int write_metrics(struct rtp *rtp, uint8_t *at)
{
    struct voip_metrics *metrics = &rtp->leg->figures.metrics;
    uint32_t depth = rtp->leg->figures.depth_ms;
    int bytes = begin_block(at, METRICS, 0, METRICS_BYTES, rtp->reception.ssrc);
    measure(rtp, metrics);
    at[8] = metrics->loss;
    at[9] = metrics->discard;
    at[10] = metrics->burst_density;
    at[11] = metrics->gap_density;
    put16(at + 12, metrics->burst_ms);
    put16(at + 14, metrics->gap_ms);
    put16(at + 16, metrics->rtt_ms);
    put16(at + 18, metrics->delay_ms);
    at[20] = at[21] = at[22] = UNKNOWN; /* levels and echo */
    at[23] = GAP_LEAST;
    at[24] = metrics->rating;
    at[25] = UNKNOWN;
    at[26] = metrics->listening;
    at[27] = metrics->conversation;
    at[28] = CONCEALS | (rtp->playout.kind == PLAYOUT_FIXED ? FIXED : ADAPTS);
    put16(at + 30, depth);
    put16(at + 32, depth > DEEPEST_MS ? depth : DEEPEST_MS);
    put16(at + 34, DEEPEST_MS);
    return bytes;
}

int rtcp_write_extended(struct rtp *rtp, uint8_t *bytes)
{
    int size = 8;
    if (!rtp->extended || !rtp->reception.known)
        return 0;
    if (rtp->extended & EXTENDED_SUMMARY)
        size += write_summary(rtp, bytes + size);
    if (rtp->extended & EXTENDED_METRICS)
        size += write_metrics(rtp, bytes + size);
    bytes[0] = 0x80;
    bytes[1] = RTCP_EXTENDED;
    put16(bytes + 2, (uint32_t)size / 4 - 1);
    rtcp_put(bytes + 4, rtp->leg->figures.ssrc);
    return size;
}

static void read_metrics(struct rtp *rtp, const uint8_t *at)
{
    rtp->leg->figures.remote_metrics = (struct voip_metrics){.loss = at[8],
                                                             .discard = at[9],
                                                             .burst_density = at[10],
                                                             .gap_density = at[11],
                                                             .burst_ms = get16(at + 12),
                                                             .gap_ms = get16(at + 14),
                                                             .rtt_ms = get16(at + 16),
                                                             .delay_ms = get16(at + 18),
                                                             .rating = at[24],
                                                             .listening = at[26],
                                                             .conversation = at[27]};
}

void rtcp_read_extended(struct rtp *rtp, const uint8_t *bytes, int size)
{
    for (int at = 8; at + 8 <= size;) {
        int block = ((int)get16(bytes + at + 2) + 1) * 4;
        if (at + block > size)
            return;
        if (bytes[at] == METRICS && block >= METRICS_BYTES && rtcp_word(bytes + at + 4) == rtp->leg->figures.ssrc)
            read_metrics(rtp, bytes + at);
        at += block;
    }
}
