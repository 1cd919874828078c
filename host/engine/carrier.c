/* Carriers of IAX2's voice: the sockets of a port, and what the control thread orders of legs on it. */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "api.h"
#include "codec.h"
#include "engine.h"
#include "orders.h"
#include "rtp.h"
#include "wire_iax.h"

/* A classic BPF program picks the socket of the group: the first bound one takes full frames. */
static bool tell_apart(int descriptor)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x80),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x80, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 1),
    };
    struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
    return !setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof(filter));
}

static int bind_shared(const union address *local, int traffic_class)
{
    int on = 1, off = 0, family = local->any.sa_family;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (family == AF_INET6) {
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, address_any(local) ? &off : &on, sizeof(on));
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class));
    }
    setsockopt(descriptor, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class));
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (!bind(descriptor, &local->any, address_length(local)))
        return descriptor;
    int why = errno;
    close(descriptor);
    errno = why;
    return -1;
}

/* Both sockets of a port; false with errno. A port that somebody else has is not shared with him. */
static bool open_sockets(union address *local, int traffic_class, int *full, int *mini)
{
    int alone = wire_socket(local);
    if (alone < 0)
        return false;
    socklen_t length = sizeof(*local);
    getsockname(alone, &local->any, &length); /* the port, where any would do */
    close(alone);
    *full = bind_shared(local, traffic_class);
    *mini = *full < 0 ? -1 : bind_shared(local, traffic_class);
    if (*mini >= 0 && tell_apart(*full))
        return true;
    int why = errno;
    if (*mini >= 0)
        close(*mini);
    if (*full >= 0)
        close(*full);
    errno = why;
    return false;
}

struct carrier *carrier_new(struct engine *engine, const char *host, int port, int traffic_class, char *error)
{
    union address local;
    error[0] = 0;
    if (!address_parse(&local, host, port)) {
        snprintf(error, ENGINE_TEXT, "\"%.64s\" is no numeric IP address", host);
        return NULL;
    }
    struct carrier *carrier = calloc(1, sizeof(*carrier));
    if (!carrier || !open_sockets(&local, traffic_class, &carrier->full_socket, &carrier->socket)) {
        snprintf(error, ENGINE_TEXT, "UDP port %d of %.64s cannot be had: %s", port, host,
                 carrier ? strerror(errno) : "out of memory");
        free(carrier);
        return NULL;
    }
    carrier->wire.ops = &iax_ops;
    carrier->engine = engine;
    carrier->mapped = local.any.sa_family == AF_INET6;
    for (int i = 0; i < WIRE_BATCH; i++) {
        carrier->in_parts[i] = (struct iovec){carrier->bytes[i] + IAX_HEADROOM, WIRE_PACKET};
        carrier->in[i].msg_hdr.msg_iov = &carrier->in_parts[i];
        carrier->in[i].msg_hdr.msg_iovlen = 1;
        carrier->in[i].msg_hdr.msg_name = &carrier->from[i];
    }
    struct command command = {.kind = COMMAND_CARRIER, .a = 1, .object = carrier};
    engine_order(engine, &command);
    return carrier;
}

int carrier_socket(const struct carrier *carrier)
{
    return carrier->full_socket;
}

void carrier_close(struct carrier *carrier)
{
    struct command command = {.kind = COMMAND_CARRIER, .object = carrier};
    if (!carrier->engine->stopped)
        engine_order(carrier->engine, &command);
    else
        carrier_destroy(carrier);
}

void carrier_destroy(struct carrier *carrier)
{
    carrier->closing = true;
    if (!carrier->legs)
        carrier->wire.ops->end(&carrier->wire);
}

void carrier_attach(struct engine *engine, struct carrier *carrier, bool on)
{
    struct carrier **at = &engine->carriers;
    if (on) {
        carrier->next = engine->carriers;
        engine->carriers = carrier;
        atomic_fetch_add(&engine->carrier_count, 1);
        return;
    }
    while (*at && *at != carrier)
        at = &(*at)->next;
    if (*at)
        *at = carrier->next;
    atomic_fetch_sub(&engine->carrier_count, 1);
    engine_tell_simple(engine, EVENT_FREE, carrier, FREED_CARRIER, 0, 0);
}

/* Legs */

struct leg *leg_iax(struct carrier *carrier, char *error)
{
    struct leg *leg = leg_make(carrier->engine, LEG_RTP);
    error[0] = 0;
    if (leg)
        leg->rtp = rtp_make(leg);
    if (!leg || !leg->rtp) {
        free(leg);
        snprintf(error, ENGINE_TEXT, "out of memory");
        return NULL;
    }
    leg->rtp->wire = &carrier->wire;
    leg->rtp->strict = false; /* the carrier knows by address and call number whose a packet is */
    leg->rtp->rtcp_interval = 0;
    if (!iax_ops.open(&carrier->wire, leg->rtp, error)) {
        free(leg->rtp);
        free(leg);
        return NULL;
    }
    order_leg(leg, COMMAND_ADD, 0, 0, 0);
    return leg;
}

int iax_call(struct leg *leg, const char *host, int port, int ours, int theirs, int ms, int trunk, int timestamps)
{
    struct iax_terms *terms = malloc(sizeof(*terms));
    struct command command = {.kind = COMMAND_IAX_CALL, .leg = leg, .object = terms};
    if (!terms || leg->engine->stopped || !address_parse(&terms->peer, host, port)) {
        free(terms);
        return 0;
    }
    terms->ours = (uint16_t)ours;
    terms->theirs = (uint16_t)theirs;
    terms->ms = ms;
    terms->trunk = trunk;
    terms->timestamps = timestamps;
    engine_order(leg->engine, &command);
    return 1;
}

void iax_opened(struct leg *leg, uint32_t ms)
{
    order_leg(leg, COMMAND_IAX_OPENED, 0, ms, 0);
}

int iax_voice(struct leg *leg, uint32_t ms, const uint8_t *bytes, int count)
{
    struct letter *letter =
        count > 0 && count <= PACKET_MAX && !leg->engine->stopped ? malloc(sizeof(*letter) + (size_t)count) : NULL;
    struct command command = {.kind = COMMAND_IAX_VOICE, .a = (int32_t)ms, .leg = leg, .object = letter};
    if (!letter)
        return 0;
    letter->count = count;
    memcpy(letter->bytes, bytes, (size_t)count);
    engine_order(leg->engine, &command);
    return 1;
}

int iax_key(struct leg *leg, int sends, const uint8_t *key)
{
    struct iax_seal *seal = key ? iax_seal_make(key, sends) : NULL;
    struct command command = {.kind = COMMAND_IAX_KEY, .a = sends, .leg = leg, .object = seal};
    if (key && !seal)
        return 0;
    if (leg->engine->stopped)
        iax_seal_free(seal);
    else
        engine_order(leg->engine, &command);
    return 1;
}

/* The same orders, as the real-time thread carries them out. */

static void take_voice(struct iax_port *port, uint32_t ms, const struct letter *letter)
{
    uint8_t *copy = engine_scratch(port->carrier->engine, (size_t)letter->count + IAX_HEADROOM);
    if (!copy || port->rtp->leg->closing)
        return;
    memcpy(copy + IAX_HEADROOM, letter->bytes, (size_t)letter->count);
    iax_hear(port, ms, copy + IAX_HEADROOM, letter->count);
}

void iax_obey(struct engine *engine, const struct command *command)
{
    struct iax_port *port = command->leg->rtp->port.iax;
    struct iax_seal **seal = command->a ? &port->seal : &port->unseal;
    switch (command->kind) {
    case COMMAND_IAX_CALL:
        iax_aim(port, command->object);
        engine->plan_dirty = true;
        engine_tell_simple(engine, EVENT_FREE, command->object, FREED_LETTER, 0, 0);
        break;
    case COMMAND_IAX_OPENED:
        port->opened = true;
        port->full = (uint32_t)command->b;
        port->codec = port->rtp->send_codec;
        break;
    case COMMAND_IAX_VOICE:
        take_voice(port, (uint32_t)command->a, command->object);
        engine_tell_simple(engine, EVENT_FREE, command->object, FREED_LETTER, 0, 0);
        break;
    default: /* COMMAND_IAX_KEY */
        if (*seal)
            engine_tell_simple(engine, EVENT_FREE, *seal, FREED_IAX_SEAL, 0, 0);
        *seal = command->object;
        break;
    }
}
