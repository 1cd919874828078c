/* Meta frames: the voice of several calls between two exchanges in one datagram (RFC 5456 8.1.3.1). Where calls keep
 * their own time ("trunk timestamps") an entry is a length and a mini frame, else call number, length and voice. */
#include <string.h>

#include "engine.h"
#include "rtp.h"
#include "wire_iax.h"

enum { META_HEADER = 8, META_TRUNK = 1, ENTRY_PLAIN = 4, ENTRY_TIMED = 6, MS = 1000000, RESYNC_MS = 160 };

struct iax_trunk {
    struct iax_trunk *next;
    union address peer;
    bool timestamps;
    int members, fill;
    int64_t epoch, due;
    uint8_t bytes[IAX_TRUNK_MTU];
};

static int word(const uint8_t *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

static void put_word(uint8_t *bytes, int value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* In */

static uint32_t plain_time(struct iax_port *port, uint32_t trunk_ms)
{
    uint32_t ms = trunk_ms + port->trunk_offset;
    int32_t off = (int32_t)(ms - port->heard_ms);
    if (!port->trunk_known || (port->known && (off < -RESYNC_MS || off > 10000))) {
        port->trunk_known = true;
        port->trunk_offset = port->heard_ms + IAX_TRUNK_MS - trunk_ms;
        ms = trunk_ms + port->trunk_offset;
    }
    return ms;
}

static void entry(struct carrier *carrier, const union address *from, int call, bool timed, uint32_t ms,
                  const uint8_t *voice, int count)
{
    struct iax_port *port = iax_find(carrier, from, call);
    uint8_t *copy = port && count ? engine_scratch(carrier->engine, (size_t)count + IAX_HEADROOM) : NULL;
    if (!copy)
        return;
    memcpy(copy + IAX_HEADROOM, voice, (size_t)count);
    ms = timed ? port->heard_ms + (uint32_t)(int16_t)((uint16_t)ms - (uint16_t)port->heard_ms) : plain_time(port, ms);
    iax_hear(port, ms, copy + IAX_HEADROOM, count);
}

void iax_meta_receive(struct carrier *carrier, struct datagram *packet)
{
    const uint8_t *bytes = packet->bytes;
    int count = packet->count;
    if (count < META_HEADER || bytes[2] != META_TRUNK || bytes[3] > 1) {
        carrier->engine->packets_bad++;
        return;
    }
    bool timed = bytes[3];
    int header = timed ? ENTRY_TIMED : ENTRY_PLAIN;
    uint32_t trunk_ms = (uint32_t)word(bytes + 4) << 16 | (uint32_t)word(bytes + 6);
    for (int at = META_HEADER; at + header <= count;) {
        int length = timed ? word(bytes + at) : word(bytes + at + 2);
        int call = timed ? word(bytes + at + 2) : word(bytes + at);
        uint32_t ms = timed ? (uint32_t)word(bytes + at + 4) : trunk_ms;
        at += header;
        if (length > count - at) {
            carrier->engine->packets_bad++;
            return;
        }
        entry(carrier, &packet->from, call & 0x7fff, timed, ms, bytes + at, length);
        at += length;
    }
}

/* Out */

struct iax_trunk *iax_trunk_join(struct iax_trunk **trunks, struct carrier *carrier, const union address *peer,
                                 bool timestamps)
{
    struct engine *engine = carrier->engine;
    struct iax_trunk *trunk = *trunks;
    while (trunk && !address_equal(&trunk->peer, peer))
        trunk = trunk->next;
    if (!trunk) {
        trunk = slab_get(&engine->slab, sizeof(*trunk));
        if (!trunk)
            return NULL;
        *trunk = (struct iax_trunk){.next = *trunks, .peer = *peer, .epoch = engine->now, .due = engine->now};
        *trunks = trunk;
    }
    if (trunk->timestamps != timestamps && trunk->fill) {
        iax_send_now(carrier, &trunk->peer, trunk->bytes, trunk->fill);
        trunk->fill = 0;
    }
    trunk->timestamps = timestamps;
    trunk->members++;
    return trunk;
}

void iax_trunk_leave(struct iax_trunk **trunks, struct carrier *carrier, struct iax_trunk *trunk)
{
    if (--trunk->members)
        return;
    struct iax_trunk **at = trunks;
    while (*at && *at != trunk)
        at = &(*at)->next;
    if (*at)
        *at = trunk->next;
    slab_put(&carrier->engine->slab, trunk, sizeof(*trunk));
}

static void begin(struct iax_trunk *trunk, int64_t now)
{
    uint32_t ms = (uint32_t)((now - trunk->epoch) / MS);
    memset(trunk->bytes, 0, META_HEADER);
    trunk->bytes[2] = META_TRUNK;
    trunk->bytes[3] = trunk->timestamps;
    put_word(trunk->bytes + 4, (int)(ms >> 16));
    put_word(trunk->bytes + 6, (int)(ms & 0xffff));
    trunk->fill = META_HEADER;
}

void iax_trunk_add(struct iax_port *port, uint32_t ms, const uint8_t *payload, int count)
{
    struct carrier *carrier = port->carrier;
    struct iax_trunk *trunk = port->trunk;
    int header = trunk->timestamps ? ENTRY_TIMED : ENTRY_PLAIN;
    if (META_HEADER + header + count > IAX_TRUNK_MTU) {
        iax_send_mini(port, ms, payload, count);
        return;
    }
    if (trunk->fill + header + count > IAX_TRUNK_MTU) {
        iax_send_now(carrier, &trunk->peer, trunk->bytes, trunk->fill);
        trunk->fill = 0;
    }
    if (!trunk->fill)
        begin(trunk, carrier->engine->now);
    uint8_t *at = trunk->bytes + trunk->fill;
    if (trunk->timestamps) {
        put_word(at, count);
        put_word(at + 2, port->ours);
        put_word(at + 4, (int)(ms & 0xffff));
    } else {
        put_word(at, port->ours);
        put_word(at + 2, count);
    }
    memcpy(at + header, payload, (size_t)count);
    trunk->fill += header + count;
}

void iax_trunks_send(struct iax_trunk *trunks, struct carrier *carrier, int64_t now)
{
    for (struct iax_trunk *trunk = trunks; trunk; trunk = trunk->next) {
        if (!trunk->fill || now < trunk->due)
            continue;
        iax_send_now(carrier, &trunk->peer, trunk->bytes, trunk->fill);
        trunk->fill = 0;
        trunk->due += (int64_t)IAX_TRUNK_MS * MS;
        if (trunk->due <= now)
            trunk->due = now + (int64_t)IAX_TRUNK_MS * MS;
    }
}
