/* RTP (RFC 3550): one party's stream both ways, with RTCP, RFC 4733 events and the learning of its address. */
#ifndef OFFHOOK_RTP_H
#define OFFHOOK_RTP_H

#include <stdbool.h>
#include <stdint.h>

#include "aside.h"
#include "bundle.h"
#include "codec.h"
#include "engine.h"
#include "jitter.h"
#include "leg.h"
#include "wire.h"

enum { RTP_HEADER = 12, RTP_CNAME = 40, RTP_TIMER_TICKS = 10, RTP_COMFORT_NOISE = 13 };

enum source_state { SOURCE_OPEN, SOURCE_LEARN, SOURCE_LOCKED };

/* Where packets may come from. */
struct source {
    enum source_state state;
    union address locked, proposed;
    int left; /* packets of the proposed address until it is believed */
    uint16_t sequence;
    int64_t began, first;    /* first: of the packets that count; 0: none has come */
    bool told, refusal_told; /* whether EVENT_SOURCE is wanted; whether it has told of one that is not heard */
};

/* Packets lost in bursts and alone (RFC 3611 A.2): `row` arrived since the last that did not. */
struct bursts {
    uint32_t row, lost_in_burst;
    uint32_t lone, in_gaps; /* lost alone; arrived in gaps between bursts */
    uint32_t bursts, in_bursts, apart,
        in_a_row; /* arrived in bursts; lost there after others came, or one after another */
};

void bursts_count(struct bursts *bursts, uint32_t lost);

/* Counting what arrives (RFC 3550 A.1, A.3, A.8). */
struct reception {
    uint32_t ssrc;
    bool known;
    uint16_t highest;
    uint32_t cycles, base, received;
    uint32_t expected_before, received_before;
    uint32_t transit;
    double jitter; /* in clock units */
    int clock;
    bool timed;
    struct bursts bursts;
    struct spread transits; /* differences of transit in clock units, since the last summary */
    uint16_t summed_to;
    uint32_t summed_lost;
};

struct event_in {
    bool active, ended;
    char digit;
    uint16_t duration;
    uint32_t timestamp, clock;
    int64_t seen;
};

struct sending {
    uint32_t ssrc;
    uint16_t next_sequence;
    uint32_t last_timestamp, last_length;
    uint64_t last_tick;
    bool began;
    bool mark;
    /* packets passed on from another leg */
    bool relaying;
    uint32_t relay_ssrc, relay_timestamp;
    uint16_t relay_sequence, relay_first;
    /* sound encoded here */
    bool running;
    uint32_t run_timestamp;
    int16_t *line;
    int have, room, packet; /* samples: in line, and of a packet at the codec's rate */
    bool half;              /* line is at half the codec's rate */
    void *encoder;
    uint8_t codec; /* of the encoder */
};

struct rtcp {
    int64_t due;
    uint32_t received_ntp; /* middle 32 bits of the last SR's */
    int64_t received_at;
    uint32_t packets_before;
    int64_t pictured; /* when it was last told that a whole picture is wanted */
};

struct rtp {
    struct leg *leg;
    struct wire *wire;
    struct wire_port port;
    union address sdp, remote, remote_control;
    struct source source;
    uint8_t receive[128]; /* codec of a payload type */
    uint8_t send_type, send_codec, digits_type, noise_type, rx_codec;
    uint16_t ptime; /* asked for in SDP; 0: any */
    uint16_t rx_ms; /* length of what arrives */
    uint32_t digits_clock;
    uint8_t direction;
    uint8_t strict;   /* enum strictness */
    uint8_t extended; /* enum extended_reports the far end asked for */
    bool symmetric, inband_digits, hold, report, mux, timed_out;
    uint16_t timeout, hold_timeout, keepalive, watchdog;
    bool quiet; /* the watchdog has told */
    struct playout playout;
    uint32_t rtcp_interval; /* ms */
    int64_t heard, spoke;
    uint64_t switched; /* tick in which what arrives changed its codec or length last */
    struct reception reception;
    struct event_in event;
    struct sending sending;
    uint8_t lossy;                  /* percent that the far end misses */
    struct codec_settings encoding; /* asked for by the far end, or set for this leg */
    struct rtcp rtcp;
    struct guard guard;
    struct bundle bundle;
    bool wide; /* what arrives is heard by somebody who hears more than 8 kHz carry */
    struct jitter *jitter;
};

/* Control thread: state with nothing negotiated. The wire's port is opened by the caller. */
struct rtp *rtp_make(struct leg *leg);

/* Real-time thread. */
void rtp_begin(struct rtp *rtp, int64_t now);
void rtp_release(struct rtp *rtp);
void rtp_set_remote(struct rtp *rtp, const union address *remote, const union address *control);
void rtp_set_codecs(struct rtp *rtp, const struct codec_setup *setup);
void rtp_set_option(struct rtp *rtp, int option, int value);

/* Whether packets of a payload type were agreed on. */
bool rtp_expects(const struct rtp *rtp, int type);

/* A packet came. */
void rtp_receive(struct rtp *rtp, const struct datagram *packet);

/* Sound of this tick from the jitter buffer. */
struct block rtp_pull(struct rtp *rtp);

/* Sound of this tick to be sent; samples NULL ends the talk spurt. */
void rtp_push(struct rtp *rtp, struct block block);

/* The plan changed: give back what is not needed any more. wide: somebody hears more than 8 kHz carry. */
void rtp_planned(struct rtp *rtp, bool wide);

/* Every RTP_TIMER_TICKS: timeouts, keepalive, unended digits, RTCP. */
void rtp_tick(struct rtp *rtp);

/* The codec that arrives, or will: what was received last, else the first agreed. */
int rtp_rx_codec(const struct rtp *rtp);

/* Whether media can be sent: negotiated, allowed, and an address is known. */
bool rtp_can_send(const struct rtp *rtp);

/* Timestamp for something that begins now, continuing what was sent. */
uint32_t rtp_timestamp(const struct rtp *rtp, uint32_t clock);

/* Send what stands in bytes after RTP_HEADER bytes of room; length is in clock units. */
void rtp_transmit(struct rtp *rtp, int payload_type, bool marker, uint32_t timestamp, uint32_t length, uint8_t *bytes,
                  int payload);

/* Pass a packet of another leg on as it is (it is rewritten in place); CODEC_NONE: it is comfort noise. */
void rtp_relay(struct rtp *rtp, uint8_t *bytes, int count, int header, int codec);

/* One packet of the quietest comfort noise. */
void rtp_keep_alive(struct rtp *rtp);

/* The far end tells how much it misses (in 1/256): encoders that can spend more on that. */
void rtp_set_loss(struct rtp *rtp, int fraction);

/* Settings of the encoder, from now on. */
void rtp_set_encoding(struct rtp *rtp, const struct codec_settings *settings);

/* Give the encoder back. */
void rtp_end_encoder(struct rtp *rtp);

/* source.c. True when the packet may be used. */
bool source_accepts(struct rtp *rtp, const union address *from, uint16_t sequence, int64_t now);
bool source_accepts_report(struct rtp *rtp, const struct datagram *packet);
void source_expect(struct rtp *rtp, const union address *remote, int64_t now);
void source_set_strictness(struct rtp *rtp, enum strictness strictness);

/* rtp_event.c (RFC 4733) */
void event_received(struct rtp *rtp, uint32_t clock, uint32_t timestamp, const uint8_t *payload, int bytes,
                    int64_t now);
void event_timeout(struct rtp *rtp, int64_t now);

/* rtcp.c */
void rtcp_receive(struct rtp *rtp, const uint8_t *bytes, int count, int64_t arrival);
void rtcp_tick(struct rtp *rtp);
void rtcp_cname(const struct rtp *rtp, char cname[RTP_CNAME]);

#endif
