/* IAX2's voice (RFC 5456 8.1.2, 8.1.3): mini frames of many legs over one UDP port. The port has two sockets, and the
 * kernel tells packets apart by their first bit: full frames are the control thread's, which has that socket to itself;
 * mini frames and meta frames come here. To the rest of the engine such a leg is an RTP leg over another wire. */
#ifndef OFFHOOK_WIRE_IAX_H
#define OFFHOOK_WIRE_IAX_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "wire.h"

struct carrier;
struct command;
struct engine;
struct iax_seal;
struct iax_trunk;

enum {
    IAX_TYPE = 0,         /* the payload type that stands for whatever the last full voice frame said */
    IAX_MINI = 4,         /* octets of a mini frame's header */
    IAX_TRUNK_MTU = 1240, /* octets of a meta frame, as other implementations keep to */
    IAX_TRUNK_MS = 20,
    IAX_HEADROOM = 16,
    CARRIER_TABLE = 1024 /* a power of two */
};

/* One port. */
struct carrier {
    struct wire wire; /* first: a carrier is a wire */
    struct engine *engine;
    struct carrier *next;
    int socket, full_socket;
    bool mapped; /* an IPv6 socket that carries IPv4 too */
    bool closing;
    int legs; /* the control thread's count */
    struct iax_port *table[CARRIER_TABLE];
    struct iax_trunk *trunks;
    struct mmsghdr out[WIRE_BATCH];
    struct iovec out_parts[WIRE_BATCH][2];
    union address out_to[WIRE_BATCH];
    uint8_t out_header[WIRE_BATCH][IAX_MINI];
    int out_count;
    struct mmsghdr in[WIRE_BATCH];
    struct iovec in_parts[WIRE_BATCH];
    union address from[WIRE_BATCH];
    uint8_t bytes[WIRE_BATCH][IAX_HEADROOM + WIRE_PACKET];
};

/* The carrier's side of a leg. The control thread makes and frees it, the rest is the real-time thread's. */
struct iax_port {
    struct rtp *rtp;
    struct carrier *carrier;
    struct iax_port *next; /* of those with the same place in the table */
    bool listed;
    union address peer;
    uint16_t ours, theirs; /* call numbers; theirs 0: not known yet */
    int64_t epoch;         /* when the call's clock stood at 0 */
    struct iax_seal *seal, *unseal;

    /* out */
    struct iax_trunk *trunk; /* NULL: each frame by itself */
    bool opened;             /* a full voice frame has told codec and the upper half of the time */
    uint8_t codec;
    uint32_t full;
    bool mapped; /* the stream's time to the call's */
    uint32_t base, base_ms;

    /* in */
    bool known;
    uint32_t heard_ms, heard_at; /* the newest frame: in the call's time and in clock units */
    uint16_t sequence;
    bool trunk_known; /* frames without a time of their own: what their meta frame's lacks of the call's */
    uint32_t trunk_offset;
};

/* Where a leg's voice goes to and comes from, as the control thread orders it. */
struct iax_terms {
    union address peer;
    uint16_t ours, theirs;
    int32_t ms; /* the call's time now */
    bool trunk, timestamps;
};

/* Real-time thread: take what came and hand it to the legs, before the tick's sound; send what is due, at its end. */
void carriers_receive(struct engine *engine);
void carriers_flush(struct engine *engine);
void carriers_send(struct engine *engine);

void iax_aim(struct iax_port *port, const struct iax_terms *terms);

/* A voice frame of a leg; IAX_HEADROOM octets before the payload may be written to. */
void iax_hear(struct iax_port *port, uint32_t ms, uint8_t *payload, int count);

/* The leg of a mini frame, or NULL. */
struct iax_port *iax_find(struct carrier *carrier, const union address *from, int call);

/* A mini frame, sealed when the call is: sent with the next flush. */
void iax_send_mini(struct iax_port *port, uint32_t ms, const uint8_t *payload, int count);

/* One datagram, at once. */
void iax_send_now(struct carrier *carrier, const union address *to, const uint8_t *bytes, int count);

/* Know a carrier from now on, or forget it. */
void carrier_attach(struct engine *engine, struct carrier *carrier, bool on);

/* Carry out an order about a leg of a carrier. */
void iax_obey(struct engine *engine, const struct command *command);

/* Control thread: give it back, as soon as its last leg is gone. */
void carrier_destroy(struct carrier *carrier);

extern const struct wire_ops iax_ops;

/* iax_meta.c: frames of many calls in one (RFC 5456 8.1.3.1). */
void iax_meta_receive(struct carrier *carrier, struct datagram *packet);
struct iax_trunk *iax_trunk_join(struct iax_trunk **trunks, struct carrier *carrier, const union address *peer,
                                 bool timestamps);
void iax_trunk_leave(struct iax_trunk **trunks, struct carrier *carrier, struct iax_trunk *trunk);
void iax_trunk_add(struct iax_port *port, uint32_t ms, const uint8_t *payload, int count);
void iax_trunks_send(struct iax_trunk *trunks, struct carrier *carrier, int64_t now);

/* iax_seal.c: AES-128 with chained blocks behind 16 to 31 octets of padding (RFC 5456 10). */
enum { IAX_KEY = 16, IAX_PADDING = 32 };
struct iax_seal *iax_seal_make(const uint8_t key[IAX_KEY], bool encrypts);
void iax_seal_free(struct iax_seal *seal);

/* Seal count octets into out, which has room for IAX_PADDING more: how many they are then. */
int iax_seal(struct iax_seal *seal, const uint8_t *bytes, int count, uint8_t *out);

/* Open in place: where the clear octets begin, and *count; NULL when it cannot be so. */
uint8_t *iax_unseal(struct iax_seal *seal, uint8_t *bytes, int *count);

#endif
