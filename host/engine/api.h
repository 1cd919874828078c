/* What the control thread (Python, through cffi) may call. build.py reads this file as it is: no preprocessor beyond
 * the guard, no inline functions. Handles are opaque; every function returns at once and never waits for a tick. Text
 * results are written to an `error` buffer of ENGINE_TEXT bytes, empty when all is well. */
#ifndef OFFHOOK_API_H
#define OFFHOOK_API_H

#include <stdint.h>

enum { ENGINE_TEXT = 192, ENGINE_MAX_CODECS = 24 };

enum engine_mode { MODE_AUTO, MODE_STEER, MODE_POOL, MODE_LEG, MODE_SIMULATED };

enum event_kind {
    EVENT_NONE,
    EVENT_LEG_CLOSED,    /* object: leg, which may be freed now */
    EVENT_PLAYER_DONE,   /* object: player, a: enum end_reason */
    EVENT_PLAYER_FILE,   /* object: player, a: index of the file begun */
    EVENT_RECORDER_DONE, /* object: recorder, a: enum end_reason */
    EVENT_WATCH,         /* object: watch, a: 1 noise or 0 silence, b: ms of the opposite before it */
    EVENT_WATCH_CLOSED,  /* object: watch */
    EVENT_MIXER_CLOSED,  /* object: mixer */
    EVENT_DIGIT_BEGIN,   /* object: leg, a: character, b: enum digit_source */
    EVENT_DIGIT_END,     /* object: leg, a: character, b: enum digit_source, c: ms */
    EVENT_DIGITS_SENT,   /* object: leg: its queue of digits is empty */
    EVENT_TIMEOUT,       /* object: leg, a: 1 on hold, b: seconds */
    EVENT_QUIET,         /* object: leg, a: 1 something had been heard before, b: seconds without a packet */
    EVENT_ADDRESS,       /* object: leg, address: where packets come from now */
    EVENT_SOURCE,        /* object: leg, address, a: 1 nobody else is heard any more, 0 it is not heard (told once) */
    EVENT_RTCP_SENT,     /* object: leg, a: packet type */
    EVENT_RTCP_RECEIVED, /* object: leg, a: packet type */
    EVENT_DETECTED,      /* object: detector, a, b, c: see enum detector_kind */
    EVENT_DETECTOR_END,  /* object: detector, let go of */
    EVENT_EFFECT_END,    /* object: effect, let go of */
    EVENT_CODEC,         /* object: leg, a: codec that arrives now */
    EVENT_PACKET,        /* object: leg, address, a: enum packet_way, b: bytes, to be had by engine_packet */
    EVENT_LINE_LOST,     /* object: leg, a: errno; 0: the other end closed it */
    EVENT_STREAM,        /* object: leg, a: enum stream_news, b: the errno or, of nonsense, kind << 16 | length */
    EVENT_PICTURE,       /* object: leg: its far end wants a whole picture */
    EVENT_TUNNEL_LOST,   /* object: leg: its connection to the TURN server ended */
    EVENT_TRACE,         /* object: leg, address, a: 1 sent, 2 RTCP; b: type and payload, c: sequence and timestamp */
    EVENT_FREE           /* never handed out: what is freed travels with it */
};

/* RTP_JITTER: follow the stream (without limits, or with the least delay in ms), or keep to a delay in ms. */
enum playout_kind { PLAYOUT_USUAL, PLAYOUT_ADAPTIVE, PLAYOUT_FIXED };

enum end_reason { END_DONE, END_STOPPED, END_REPLACED, END_CLOSED, END_FAILED };
enum digit_source { DIGIT_RFC4733, DIGIT_INBAND };
enum line_law { LINE_ULAW, LINE_ALAW, LINE_LINEAR };
/* What a stream carries: sound alone (to us, from us, both), linear sound with the low byte first; or AudioSocket's
 * messages. */
enum stream_framing { STREAM_HEARD, STREAM_SPOKEN_TO, STREAM_BARE, STREAM_AUDIOSOCKET };
/* All that came before has been heard when it ends: the far end said so or closed; an error; a message that is none.
 * STREAM_QUIET: no byte either way for two seconds. */
enum stream_news { STREAM_ENDED, STREAM_FAILED, STREAM_NONSENSE, STREAM_QUIET };
enum leg_direction { DIRECTION_IN = 1, DIRECTION_OUT = 2, DIRECTION_BOTH = 3 };
/* PLAY_LOOP_LAST: with PLAY_LOOP, the last file goes on for ever */
enum play_flag { PLAY_LOOP = 1, PLAY_MIX = 2, PLAY_MUSIC = 4, PLAY_LOOP_LAST = 8 };
enum member_flag { MEMBER_HEARS = 1, MEMBER_HEARD = 2 };
enum player_order { PLAYER_STOP, PLAYER_PAUSE, PLAYER_RESUME, PLAYER_SEEK, PLAYER_SKIP };
enum recorder_order { RECORDER_STOP, RECORDER_PAUSE, RECORDER_RESUME };
/* What a detector listens for, and what its events say. */
enum detector_kind {
    DETECT_FSK,        /* Bell 202 and V.23. a: DETECTED_OCTETS, b: up to 8 octets, the first lowest, c: how many; or
                          DETECTED_CARRIER, b: 1 there, 0 gone */
    DETECT_TONES,      /* a: index of the tone, b: 1 it has lasted its ms, 0 it ended, c: ms it lasted */
    DETECT_R1,         /* a: signal as multitone.h names it, b: 1 begins, 0 ended, c: ms it lasted */
    DETECT_R2_FORWARD, /* the same */
    DETECT_R2_BACKWARD /* the same */
};
/* A tone that was told has ended when it was not there for so many blocks. */
enum { DETECTOR_SETTLES = 2 };
enum detected { DETECTED_OCTETS, DETECTED_CARRIER };
enum fsk_kind { FSK_KIND_BELL_202, FSK_KIND_V_23 };
enum rtp_option {
    RTP_SYMMETRIC,
    RTP_STRICT,
    RTP_INBAND_DIGITS,
    RTP_TIMEOUT,
    RTP_HOLD_TIMEOUT,
    RTP_KEEPALIVE,
    RTP_RTCP_INTERVAL,
    RTP_HOLD,
    RTP_DIRECTION, /* DIRECTION_IN: receive, DIRECTION_OUT: send */
    RTP_REPORT,    /* events for RTCP reports */
    RTP_GUARD,     /* nothing in the clear, either way */
    RTP_ASIDE,     /* enum aside_kind: what is handed to the control thread */
    RTP_WATCHDOG,  /* seconds without a packet after which EVENT_QUIET tells it; 0: never */
    RTP_EXTENDED,  /* enum extended_reports: what is sent beyond RTCP's usual reports */
    RTP_JITTER,    /* enum playout_kind, or one with the buffer's ms << 8 */
    RTP_SOURCES    /* EVENT_SOURCE tells who is heard and who is not */
};

/* RTP_STRICT: take packets from anywhere; from the address that proved to be the far end's, by their numbers and their
 * pace; by their numbers alone. */
enum strictness { STRICT_NO, STRICT_YES, STRICT_NUMBERS };

enum extended_reports { EXTENDED_SUMMARY = 1, EXTENDED_METRICS = 2 };

/* RTP_ASIDE. ASIDE_CHOSEN: ICE has found the way media is sent; what is of the far end's key is taken from anywhere. */
enum aside_kind { ASIDE_STUN = 1, ASIDE_DTLS = 2, ASIDE_CHOSEN = 4 };
enum trace_kind { TRACE_RTP = 1, TRACE_RTCP = 2 };
enum packet_way { PACKET_RTCP_PORT = 1, PACKET_RELAYED = 2 /* by the leg's detour */ };
enum secure_limits { PACKET_MAX = 1600, FINGERPRINT_TEXT = 192 };
enum dtls_state { DTLS_FAILED = -1, DTLS_GOING_ON, DTLS_DONE, DTLS_CLOSED };

struct engine;
struct leg;
struct player;
struct recorder;
struct watch;
struct mixer;
struct carrier;
struct dtls_context;
struct dtls;
struct detector;
struct effect;

struct engine_options {
    int32_t mode;
    int32_t port_low, port_high; /* inclusive */
    int32_t realtime;
    int32_t probation;
    int32_t rtcp_interval; /* ms */
    int32_t digit_timeout; /* ms without a packet after which an unended digit ends */
    int32_t checksums;
};

struct engine_event {
    uint32_t kind;
    int32_t a;
    int64_t b, c;
    void *object;
    char address[48];
    int32_t port;
};

struct engine_figures {
    uint64_t ticks, late_ticks, packets_in, packets_out, packets_bad, commands, events, cpu_ns;
    uint64_t memory;
    int32_t legs, mode, realtime, descriptors;
};

/* Samples of one quantity. */
struct spread {
    float last, least, most, mean, deviation;
    uint32_t count;
};

/* An RTCP report as it was on the wire (RFC 3550 6.4): its sender's part (of a sender report), and the block about the
 * other side if there was one. */
struct rtcp_report {
    uint32_t ssrc, type, blocks;
    uint32_t ntp_seconds, ntp_fraction, rtp, packets, octets;
    uint32_t source, fraction, lost, highest, jitter, lsr, dlsr;
};

/* VoIP metrics (RFC 3611 4.7) of a stream: shares in 1/256, opinion scores times 10, 127 where unknown. */
struct voip_metrics {
    uint8_t loss, discard, burst_density, gap_density;
    uint8_t rating, listening, conversation;
    uint32_t burst_ms, gap_ms, rtt_ms, delay_ms;
};

/* Written by the engine, read at any time. Times in microseconds unless named otherwise; in spreads in seconds. */
struct leg_figures {
    uint32_t ssrc, remote_ssrc;
    uint64_t tx_packets, rx_packets, tx_octets, rx_octets;
    uint32_t rx_lost, remote_lost, rx_expected;
    uint32_t rx_jitter, remote_jitter, rtt;
    struct spread rtt_spread, jitter_spread, lost_spread, score_spread;          /* what we find */
    struct spread remote_jitter_spread, remote_lost_spread, remote_score_spread; /* what the far end finds */
    struct rtcp_report sent, received;
    struct voip_metrics metrics, remote_metrics; /* ours of what arrives, theirs of what we send */
    uint32_t concealed_ms, late, reordered, rejected, depth_ms;
    uint32_t sr_sent, rr_sent, sr_received, rr_received;
    int32_t rx_codec, tx_codec, relayed, learned_port;
    char learned[48];
    uint32_t forged; /* packets that were not of the far end's key, or came again */
    int32_t suite;
};

/* Of a line: reads and writes in blocks, levels as mean magnitude of 32767, depth in samples. */
struct line_figures {
    uint64_t blocks_in, blocks_out;
    uint32_t underruns;               /* the kernel had nothing more to send */
    uint32_t refused;                 /* the kernel took no more */
    uint32_t slips_in, slips_out;     /* ticks of sound dropped between the line's clock and ours */
    uint32_t starved_in, starved_out; /* ticks and blocks for which there was nothing */
    uint32_t events_first;            /* reads that had to wait for an event to be taken */
    int32_t depth, level_in, level_out;
};

/* Of a stream: bytes, messages that found no room, times that sound was waited for, blocks cut out; bytes that wait. */
struct stream_figures {
    uint64_t bytes_in, bytes_out;
    uint32_t dropped, gaps, cut;
    int32_t held;
};

struct tone_item {
    float low, high;
    int32_t ms;
    int32_t modulated;
};

struct secure_keys {
    int32_t suite;
    int32_t mki;               /* bytes of the identifier in the far end's packets */
    int32_t replay_protection; /* what comes again is dropped */
    int32_t rtcp_port;         /* only of what passes the RTCP port: DTLS without rtcp-mux (RFC 5764 3) */
    uint8_t send[46], receive[46];
};

struct host_address {
    char host[48];
    int32_t loopback;
};

/* Of a DTLS endpoint; "" is the default everywhere: a certificate of our own making, OpenSSL's ciphers, no authority.
 */
struct dtls_settings {
    const char *certificate, *key, *ciphers, *ca_file, *ca_path;
    const char *profiles; /* as SSL_CTX_set_tlsext_use_srtp takes them */
    int32_t verify_fingerprint, verify_certificate, mtu;
};

/* Both frequencies 0: any sound. ms: how long it must last. */
struct detector_tone {
    float low, high;
    int32_t ms;
};

/* What may be asked of an encoder; -1: as the codec has it by default. Each codec heeds what means something to it. */
struct codec_settings {
    int32_t bitrate;                                  /* bit/s */
    int32_t max_rate;                                 /* Hz that the far end plays */
    int32_t complexity, quality, vbr, dtx, fec, loss; /* loss: percent to be expected */
};

/* Of a payload type that may arrive: its codec, or CODEC_EVENTS plus the clock in units of 8000 Hz for telephone events
 * (those of the type given to rtp_codecs need not be listed). */
enum codec_events { CODEC_EVENTS = 0xf0 };

struct codec_map {
    uint8_t payload_type, codec;
};

/* The engine */
struct engine *engine_new(const struct engine_options *options, char *error);
/* What may change while it runs, for legs made from now on: ports, probation, rtcp_interval; digit_timeout for all. */
void engine_change(struct engine *engine, const struct engine_options *options);
int engine_start(struct engine *engine, char *error);
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine);
int engine_event_descriptor(const struct engine *engine);
int engine_events(struct engine *engine, struct engine_event *events, int max);
void engine_figures(struct engine *engine, struct engine_figures *figures);
/* Tell of every packet of these kinds (0: none any more), with a host "" for all, port 0 for all of a host. */
int engine_trace(struct engine *engine, int kinds, const char *host, int port);
const char *engine_notice(struct engine *engine); /* why a better mode or priority was not had; NULL at the end */

/* Simulated time: the caller moves the clock and carries the packets. */
void engine_tick(struct engine *engine, int ticks);
int engine_inject(struct engine *engine, int local_port, const char *host, int port, const uint8_t *bytes, int count);
int engine_sent(struct engine *engine, int *local_port, char *host, int *port, uint8_t *bytes, int room);

/* Codecs */
int engine_codec(const char *name);
int engine_codec_usable(int number);
const char *engine_codec_name(int number);
/* Encoders that begin from now on; those of a leg heed what is set for the leg first. */
void engine_codec_defaults(int number, const struct codec_settings *settings);
/* Whether it is encoded and decoded at that rate without resampling. */
int engine_codec_knows_rate(int number, int rate);
/* What a second of sound costs to encode or decode here and now, in ns (takes some of that time); 0: it cannot be. */
int64_t engine_codec_cost(int number, int rate, int encode);
/* The same for octets that are another codec's, one by one; 0: they have to be decoded. */
int64_t engine_exchange_cost(int from, int to);
int64_t engine_resample_cost(int rate_in, int rate_out);
/* Turn a sound file into one of the format that `extension` names: its length in ms, or -1. This one waits for the
 * disk: it is for a thread that may. */
int64_t engine_convert(const char *from, const char *to, const char *extension, char *error);
int engine_sound_known(const char *extension);    /* can be played and recorded */
int engine_sound_readable(const char *extension); /* can be played, if only as it is */
int engine_trim(void);   /* the process gives memory it has freed back to the system; 0: there was none */
int engine_gather(void); /* what lies in the heap as a whole is put on huge pages; how many (gather.h) */

/* Legs */
/* Packets are marked with a traffic class (DSCP << 2) and a priority (0 to 7). NULL with a sentence; a leg and a
 * sentence where they cannot be marked so. */
struct leg *leg_rtp(struct engine *engine, const char *address, int relay, int traffic_class, int priority,
                    char *error);
struct leg *leg_line(struct engine *engine, int descriptor, int law, int block, int ahead, int echo_ms, char *error);
struct leg *leg_null(struct engine *engine, int rate);
/* A leg on a descriptor that carries bytes (a connection, a pipe); it works on a copy, which is made non-blocking.
 * `codec` is what is sent; what is received bare is linear of the same rate, and then so is what is sent. `rate`: of
 * what is received bare, if it is another (22050 for a codec of 44100); 0: it is none. */
struct leg *leg_stream(struct engine *engine, int descriptor, int framing, int codec, int rate, char *error);
int leg_pipe(struct engine *engine, struct leg **first, struct leg **second);
struct leg *leg_snoop(struct leg *target, int spy, int whisper);
void leg_spy(struct leg *leg, int spy, int whisper);
void leg_close(struct leg *leg);
void leg_free(struct leg *leg);
int leg_port(const struct leg *leg);
const struct leg_figures *leg_figures(const struct leg *leg);
void leg_connect(struct leg *leg, struct leg *other, int digits);
void leg_disconnect(struct leg *leg);
void leg_loopback(struct leg *leg, int on);
void leg_gain(struct leg *leg, double in_db, double out_db);
void leg_mute(struct leg *leg, int direction, int on);
void leg_detect_digits(struct leg *leg, int on, int relaxed);
void leg_digit(struct leg *leg, int digit, int ms);
void leg_digit_begin(struct leg *leg, int digit);
void leg_digit_end(struct leg *leg, int digit, int ms);

/* Lines: samples of 8000 Hz, `block` (8 to 160, in eights) a read and a write, `ahead` blocks kept written ahead, an
 * echo of up to `echo_ms` cancelled (0: none is). leg_line works on a copy of the descriptor, which is made
 * non-blocking. line_echo_state is NULL where no echo is cancelled. */
const struct line_figures *line_figures(const struct leg *leg);
void line_gain(struct leg *leg, double in_db, double out_db);
/* Dynamic range compression by these ratios (up to 10; below 1: none), before the gain. */
void line_range(struct leg *leg, double in, double out);
void line_echo(struct leg *leg, int on);
const char *line_echo_state(const struct leg *leg, double *erl_db, double *erle_db);

/* NULL for a leg that is no stream. */
const struct stream_figures *stream_figures(const struct leg *leg);

/* RTP */
int rtp_remote(struct leg *leg, const char *host, int port, int rtcp_port);
/* Let another leg's port, keys and far end be this one's as well (BUNDLE); NULL: it has its own again. */
void rtp_bundle(struct leg *leg, struct leg *carrier);
void rtp_ask_picture(struct leg *leg); /* ask the far end for a whole one, by RTCP */
void rtp_codecs(struct leg *leg, const struct codec_map *receive, int count, int send_type, int send_codec,
                int digits_type, int digits_clock, int ptime, int noise_type);
void rtp_encoding(struct leg *leg, const struct codec_settings *settings);
void rtp_option(struct leg *leg, int option, int value);
void rtp_identity(const struct leg *leg, char *cname);

/* Secure media. Suites by their names of RFC 4568, 6188 and 7714; 0 for one not known. */
int secure_suite(const char *name);
int secure_bytes(int suite);      /* master key and salt */
int secure_key_length(int suite); /* the key alone */

const char *secure_suite_name(int suite);

/* Secure both directions from now on (suite 0: neither). Returns 0 with a sentence when libcrypto is missing. */
int rtp_secure(struct leg *leg, const struct secure_keys *keys, char *error);

/* DTLS for SRTP's keys (RFC 5764): datagrams in, datagrams out. A handshake may take milliseconds. */
struct dtls_context *dtls_context(const struct dtls_settings *settings, char *error);
void dtls_context_free(struct dtls_context *context);
int dtls_fingerprint(const struct dtls_context *context, const char *hash, char *text);
struct dtls *dtls_make(struct dtls_context *context, int active);
void dtls_free(struct dtls *dtls);
int dtls_work(struct dtls *dtls); /* enum dtls_state; begins the handshake where we are active */
int dtls_receive(struct dtls *dtls, const uint8_t *bytes, int count);
int dtls_take(struct dtls *dtls, uint8_t *bytes, int room); /* the next datagram to be sent; 0: none */
int dtls_timeout(struct dtls *dtls);                        /* ms until dtls_expired is due; -1: never */
int dtls_expired(struct dtls *dtls);
int dtls_rekey(struct dtls *dtls); /* a new handshake over the association */
int dtls_peer_fingerprint(const struct dtls *dtls, const char *hash, char *text);
int dtls_keys(struct dtls *dtls, int active, uint8_t *send, uint8_t *receive); /* the suite; 0: none agreed */
void dtls_close(struct dtls *dtls);                                            /* a farewell to be taken and sent */
const char *dtls_error(const struct dtls *dtls);

/* Addresses of the interfaces that are up, without link-local ones */
int host_addresses(struct host_address *found, int most);

/* IAX2 (RFC 5456): a UDP port whose mini and meta frames the engine carries, with a leg for each call. Full frames are
 * for whoever reads carrier_socket, which stays the carrier's. NULL with a sentence when the port cannot be had. */
struct carrier *carrier_new(struct engine *engine, const char *host, int port, int traffic_class, char *error);
int carrier_socket(const struct carrier *carrier);
void carrier_close(struct carrier *carrier); /* it goes with its last leg */
struct leg *leg_iax(struct carrier *carrier, char *error);
/* Where the call's frames go and come from: call numbers (theirs 0: not known yet), the call's time now, and whether
 * they travel in trunk frames, there with a time of their own or without. Formats are set by rtp_codecs, both ways as
 * payload type 0. */
int iax_call(struct leg *leg, const char *host, int port, int ours, int theirs, int ms, int trunk, int timestamps);
/* EVENT_PACKET of such a leg is voice that has to go in a full frame, its time in `port`; iax_opened tells that one
 * went. iax_voice is what came in one. */
void iax_opened(struct leg *leg, uint32_t ms);
int iax_voice(struct leg *leg, uint32_t ms, const uint8_t *bytes, int count);
/* AES-128 of mini frames sent, or received, from now on; NULL: in the clear. 0 when libcrypto is missing. */
int iax_key(struct leg *leg, int sends, const uint8_t *key);

/* Packets that are no RTP */
int engine_packet(struct engine *engine, const struct engine_event *event, uint8_t *bytes);
int rtp_send(struct leg *leg, int way, const char *host, int port, const uint8_t *bytes, int count);
int rtp_detour(struct leg *leg, const char *server, int port, int channel); /* channel 0: none */
/* Let everything between a leg and a TURN server go by a connected, non-blocking TCP socket, which is the leg's from
 * now on (the caller's still when 0 is returned: no memory, or no address). */
int rtp_tunnel(struct leg *leg, const char *server, int port, int descriptor);

/* Sound */
struct player *leg_play(struct leg *leg, const char *const *paths, int count, int64_t offset_ms, int flags);
struct player *leg_tones(struct leg *leg, const struct tone_item *items, int count, int repeat, int level, int flags);
/* what another leg hears (that of a stream: many can hear it at once), until it closes */
struct player *leg_relay(struct leg *leg, struct leg *from, int flags);
struct player *leg_fsk(struct leg *leg, int kind, const uint8_t *octets, int count, int seizure_bits, int mark_bits,
                       int level, int flags);
void player_order(struct player *player, int order, int64_t value);
int64_t player_position(const struct player *player);
int player_index(const struct player *player);
const char *player_error(const struct player *player);
void player_free(struct player *player);
struct recorder *leg_record(struct leg *leg, const char *path, const char *extension, int direction, int append,
                            int threshold);
void recorder_order(struct recorder *recorder, int order, int64_t truncate_ms);
int64_t recorder_duration(const struct recorder *recorder);
int64_t recorder_silence(const struct recorder *recorder);
int64_t recorder_talking(const struct recorder *recorder);
const char *recorder_error(const struct recorder *recorder);
void recorder_free(struct recorder *recorder);
struct watch *leg_watch(struct leg *leg, int silence_ms, int noise_ms, int threshold);
void watch_close(struct watch *watch);
void watch_free(struct watch *watch);
/* Noise reduction, a level that is kept (agc: 1 to 32768, 0 for none) and another pitch (1 for none) for one direction
 * of a leg, at a sample rate; it takes the place of the one before. NULL and a sentence in error when it cannot be had.
 */
struct effect *leg_effect(struct leg *leg, int direction, int rate, int denoise, int agc, double pitch, int invert,
                          char *error);
void effect_close(struct effect *effect);
void effect_free(struct effect *effect);

/* direction: DIRECTION_IN or DIRECTION_OUT. tones, block_ms (10 to 40: narrower filters take longer) and purity (0 to
 * 1: how much of the sound must be the tone) are for DETECT_TONES. NULL when out of memory, or when asked for nonsense.
 */
struct detector *leg_detector(struct leg *leg, int kind, int direction, const struct detector_tone *tones, int count,
                              int block_ms, double purity);
void detector_close(struct detector *detector);
void detector_free(struct detector *detector);

/* Mixers */
/* rate 0: the best of the members', but no more than `most` (0: any). */
struct mixer *mixer_new(struct engine *engine, int rate, int most);
void mixer_add(struct mixer *mixer, struct leg *leg, int flags);
void mixer_remove(struct mixer *mixer, struct leg *leg);
void mixer_close(struct mixer *mixer);
void mixer_free(struct mixer *mixer);

#endif
