/* One socket a family for every leg: the kernel steers the ports of living legs to it, and a raw socket sends from any
 * port. No descriptor a leg. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bpf.h"
#include "engine.h"
#include "rtp.h"
#include "wire.h"

enum { RECEIVE_BUFFER = 4 * 1024 * 1024, SEND_BUFFER = 1024 * 1024, HOPS = 64 };

struct heading {
    union {
        struct iphdr v4;
        struct ip6_hdr v6;
    };
    struct udphdr udp;
};

struct outgoing {
    struct heading heading;
    union address to;
    uint8_t priority;
    struct iovec parts[2];
};

struct steer {
    struct wire wire;
    struct steering steering;
    int receive4, receive6, claim;
    int senders[2][WIRE_PRIORITIES]; /* of each family; beyond the first made when a leg wants them, -1 before */
    struct rtp **legs;               /* by port / 2 */
    time_t bound_at;
    union address ours; /* an address this host had at that second */
    time_t ours_at;
    uint8_t bound[8192]; /* a bit for each port that some socket has */
    _Atomic uint64_t *packets_out;
    int queued[2];      /* of each family */
    unsigned urgent[2]; /* a bit for each priority among those queued */
    struct outgoing queue[2][WIRE_ROOM];
    struct mmsghdr messages[WIRE_ROOM];
    struct wire_buffers buffers;
};

static void read_bound(struct steer *steer, const char *table)
{
    char line[256];
    FILE *file = fopen(table, "re");
    while (file && fgets(line, sizeof(line), file)) {
        unsigned port;
        if (sscanf(line, " %*u: %*[0-9A-F]:%4x", &port) == 1)
            steer->bound[port / 8 & 8191] |= (uint8_t)(1 << port % 8);
    }
    if (file)
        fclose(file);
}

/* A socket somebody else has bound keeps its packets: such a port is not ours to take. Looked up at most once a second:
 * that is far cheaper than trying to bind each port. */
static bool unbound(struct steer *steer, int port)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != steer->bound_at) {
        steer->bound_at = now.tv_sec;
        memset(steer->bound, 0, sizeof(steer->bound));
        read_bound(steer, "/proc/net/udp");
        read_bound(steer, "/proc/net/udp6");
    }
    return !(steer->bound[port / 8] & 3 << port % 8);
}

/* Whether the host has that address. What it had this second is not tried again. */
static bool ours(struct steer *steer, const union address *local)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (address_any(local) || (now.tv_sec == steer->ours_at && address_same_host(local, &steer->ours)))
        return true;
    int probe = wire_socket(local);
    bool found = probe >= 0 || errno != EADDRNOTAVAIL;
    if (probe >= 0)
        close(probe);
    if (found) {
        steer->ours = *local;
        steer->ours_at = now.tv_sec;
    }
    return found;
}

static void enlarge(int descriptor, int option, int forced, int bytes)
{
    if (setsockopt(descriptor, SOL_SOCKET, forced, &bytes, sizeof(bytes)))
        setsockopt(descriptor, SOL_SOCKET, option, &bytes, sizeof(bytes));
}

static int sender(int family)
{
    int on = 1;
    int descriptor = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
    if (descriptor < 0)
        return -1;
    if (family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on));
    enlarge(descriptor, SO_SNDBUF, SO_SNDBUFFORCE, SEND_BUFFER);
    return descriptor;
}

/* The header carries the traffic class; what has a priority leaves by a socket of that priority. */
static void open_senders(struct steer *steer, int priority, char *error)
{
    for (int family = 0; family < 2; family++) {
        int *at = &steer->senders[family][priority];
        if (*at >= 0 || steer->senders[family][0] < 0)
            continue;
        *at = sender(family ? AF_INET6 : AF_INET);
        if (*at < 0)
            snprintf(error, ENGINE_TEXT, "RTP of priority %d cannot be sent: %s", priority, strerror(errno));
        else
            wire_mark(*at, (struct wire_marking){.priority = (uint8_t)priority}, error);
    }
}

static bool open_port(struct wire *wire, struct rtp *rtp, char *error)
{
    enum { TRIES = 256 };
    struct steer *steer = (struct steer *)wire;
    if (rtp->port.local.any.sa_family == AF_INET6 && steer->receive6 < 0) {
        snprintf(error, ENGINE_TEXT, "this host has no IPv6");
        return false;
    }
    if (!ours(steer, &rtp->port.local)) {
        snprintf(error, ENGINE_TEXT, "this host does not have the address an RTP leg was asked for");
        return false;
    }
    for (int i = 0; i < TRIES; i++) {
        int port = wire_pick_pair(wire);
        if (!port)
            break;
        if (unbound(steer, port)) {
            rtp->port.port = port;
            open_senders(steer, rtp->port.marking.priority, error);
            return true;
        }
        wire_drop_pair(wire, port);
    }
    snprintf(error, ENGINE_TEXT, "no RTP port is free between %d and %d", wire->settings.port_low,
             wire->settings.port_high);
    return false;
}

static void close_port(struct wire *wire, struct rtp *rtp)
{
    wire_drop_pair(wire, rtp->port.port);
}

static void attach(struct wire *wire, struct rtp *rtp)
{
    struct steer *steer = (struct steer *)wire;
    int port = rtp->port.port;
    steer->packets_out = &rtp->leg->engine->packets_out;
    steer->legs[port / 2] = rtp;
    steering_port(&steer->steering, port, true);
    steering_port(&steer->steering, port + 1, true);
}

static void detach(struct wire *wire, struct rtp *rtp)
{
    struct steer *steer = (struct steer *)wire;
    int port = rtp->port.port;
    steering_port(&steer->steering, port, false);
    steering_port(&steer->steering, port + 1, false);
    steer->legs[port / 2] = NULL;
}

/* The address packets to that destination leave from, which the checksum needs to know. */
static void aimed(struct wire *wire, struct rtp *rtp)
{
    (void)wire;
    struct wire_port *port = &rtp->port;
    union address to = rtp->remote;
    if (!address_set(&to) || (!address_any(&port->local) && port->local.any.sa_family == to.any.sa_family)) {
        port->source = port->local;
        return;
    }
    int probe = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(port->source);
    memset(&port->source, 0, sizeof(port->source));
    if (probe < 0)
        return;
    if (connect(probe, &to.any, address_length(&to)) || getsockname(probe, &port->source.any, &length))
        port->source.any.sa_family = 0;
    close(probe);
}

/* The port a packet was sent to, from the message's control data; 0: unknown. */
static int original_port(struct msghdr *message)
{
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        union address to;
        bool v4 = item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_ORIGDSTADDR;
        bool v6 = item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == 74 /* IPV6_ORIGDSTADDR */;
        if (!v4 && !v6)
            continue;
        memcpy(&to, CMSG_DATA(item), v4 ? sizeof(to.v4) : sizeof(to.v6));
        return address_port(&to);
    }
    return 0;
}

static int receive_family(struct steer *steer, int descriptor, struct datagram *batch, int filled, int count,
                          int64_t now, int *came)
{
    *came = descriptor >= 0 ? wire_buffers_receive(&steer->buffers, descriptor, filled, WIRE_BATCH) : 0;
    for (int k = filled; k < filled + *came; k++) {
        struct msghdr *message = &steer->buffers.messages[k].msg_hdr;
        int port = original_port(message);
        struct rtp *rtp = port ? steer->legs[port / 2] : NULL;
        if (!rtp)
            continue;
        batch[count++] = (struct datagram){.rtp = rtp,
                                           .bytes = steer->buffers.bytes[k],
                                           .count = (int)steer->buffers.messages[k].msg_len,
                                           .control = port & 1,
                                           .from = steer->buffers.from[k],
                                           .arrival = wire_arrival(&steer->wire, message, now)};
    }
    return count;
}

static int receive(struct wire *wire, struct datagram *batch, int64_t now)
{
    struct steer *steer = (struct steer *)wire;
    int came4, came6 = 0;
    int count = receive_family(steer, steer->receive4, batch, 0, 0, now, &came4);
    if (came4 < WIRE_BATCH)
        count = receive_family(steer, steer->receive6, batch, came4, count, now, &came6);
    return count;
}

static uint32_t sum_words(uint32_t sum, const void *bytes, int count)
{
    const uint8_t *at = bytes;
    uint64_t total = sum;
    for (; count >= 4; count -= 4, at += 4) {
        uint32_t word;
        memcpy(&word, at, 4);
        total += word;
    }
    if (count) {
        uint32_t word = 0;
        memcpy(&word, at, (size_t)count);
        total += word;
    }
    while (total >> 32)
        total = (total & 0xffffffff) + (total >> 32);
    return (uint32_t)total;
}

static uint16_t folded(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff ? 0xffff : (uint16_t)~sum; /* RFC 768: 0 means no checksum */
}

static void write_v4(struct outgoing *outgoing, const struct wire_port *port, bool checksums, const uint8_t *bytes,
                     int count)
{
    struct heading *heading = &outgoing->heading;
    heading->v4 = (struct iphdr){.version = 4,
                                 .ihl = 5,
                                 .tos = port->marking.traffic_class,
                                 .frag_off = htons(IP_DF),
                                 .ttl = HOPS,
                                 .protocol = IPPROTO_UDP,
                                 .saddr = port->source.v4.sin_addr.s_addr,
                                 .daddr = outgoing->to.v4.sin_addr.s_addr};
    heading->v4.tot_len = htons((uint16_t)(sizeof(struct iphdr) + sizeof(struct udphdr) + (size_t)count));
    if (checksums) {
        uint32_t sum = sum_words(0, &heading->v4.saddr, 8);
        sum = sum_words(sum, &(uint32_t){htonl((uint32_t)IPPROTO_UDP << 16 | ntohs(heading->udp.len))}, 4);
        sum = sum_words(sum, &heading->udp, 8);
        heading->udp.check = folded(sum_words(sum, bytes, count));
    }
}

static void write_v6(struct outgoing *outgoing, const struct wire_port *port, const uint8_t *bytes, int count)
{
    struct heading *heading = &outgoing->heading;
    memset(&heading->v6, 0, sizeof(heading->v6));
    heading->v6.ip6_flow = htonl(6u << 28 | (uint32_t)port->marking.traffic_class << 20);
    heading->v6.ip6_plen = heading->udp.len;
    heading->v6.ip6_nxt = IPPROTO_UDP;
    heading->v6.ip6_hlim = HOPS;
    heading->v6.ip6_src = port->source.v6.sin6_addr;
    heading->v6.ip6_dst = outgoing->to.v6.sin6_addr;
    uint32_t sum = sum_words(0, &heading->v6.ip6_src, 32);
    sum = sum_words(sum, &(uint32_t){htonl(ntohs(heading->udp.len))}, 4);
    sum = sum_words(sum, &(uint32_t){htonl(IPPROTO_UDP)}, 4);
    sum = sum_words(sum, &heading->udp, 8);
    heading->udp.check = folded(sum_words(sum, bytes, count));
}

static void send_all(struct steer *steer, int descriptor, int count)
{
    for (int sent = 0; sent < count;) {
        int some = sendmmsg(descriptor, steer->messages + sent, (unsigned)(count - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (some > 0)
            atomic_fetch_add_explicit(steer->packets_out, (uint64_t)some, memory_order_relaxed);
        sent += some > 0 ? some : 1; /* one that cannot be sent does not hold up the rest */
    }
}

static void flush_family(struct steer *steer, int family)
{
    for (unsigned left = steer->urgent[family]; left;) {
        int priority = 31 - __builtin_clz(left), count = 0; /* the urgent first */
        left &= ~(1u << priority);
        for (int i = 0; i < steer->queued[family]; i++) {
            struct outgoing *outgoing = &steer->queue[family][i];
            if (outgoing->priority == priority)
                steer->messages[count++].msg_hdr = (struct msghdr){.msg_name = &outgoing->to,
                                                                   .msg_namelen = address_length(&outgoing->to),
                                                                   .msg_iov = outgoing->parts,
                                                                   .msg_iovlen = 2};
        }
        send_all(steer, steer->senders[family][priority], count);
    }
    steer->queued[family] = 0;
    steer->urgent[family] = 0;
}

static void flush(struct wire *wire)
{
    struct steer *steer = (struct steer *)wire;
    for (int family = 0; family < 2; family++)
        if (steer->queued[family])
            flush_family(steer, family);
}

static void send_packet(struct wire *wire, struct rtp *rtp, bool control, const union address *to, const uint8_t *bytes,
                        int count)
{
    struct steer *steer = (struct steer *)wire;
    const struct wire_port *port = &rtp->port;
    int family = to->any.sa_family == AF_INET6;
    if (port->source.any.sa_family != to->any.sa_family || steer->senders[family][port->marking.priority] < 0)
        return;
    if (steer->queued[family] == WIRE_ROOM)
        flush_family(steer, family);
    struct outgoing *outgoing = &steer->queue[family][steer->queued[family]++];
    struct heading *heading = &outgoing->heading;
    outgoing->to = *to;
    outgoing->priority = port->marking.priority;
    steer->urgent[family] |= 1u << outgoing->priority;
    heading->udp = (struct udphdr){.source = htons((uint16_t)(port->port + control)),
                                   .dest = htons((uint16_t)address_port(to)),
                                   .len = htons((uint16_t)(count + (int)sizeof(struct udphdr)))};
    address_set_port(&outgoing->to, 0);
    if (family)
        write_v6(outgoing, port, bytes, count);
    else
        write_v4(outgoing, port, wire->settings.checksums, bytes, count);
    /* the IPv4 header is shorter than its union: the part begins so that it meets the UDP header */
    size_t ip = family ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    if (!family)
        memmove((uint8_t *)heading + sizeof(struct iphdr), &heading->udp, sizeof(struct udphdr));
    outgoing->parts[0] = (struct iovec){heading, ip + sizeof(struct udphdr)};
    outgoing->parts[1] = (struct iovec){(void *)(uintptr_t)bytes, (size_t)count};
}

static int descriptors(const struct wire *wire)
{
    const struct steer *steer = (const struct steer *)wire;
    int count = 3 + (steer->receive6 >= 0); /* the receiving socket, the link, the claim */
    for (int family = 0; family < 2; family++)
        for (int priority = 0; priority < WIRE_PRIORITIES; priority++)
            count += steer->senders[family][priority] >= 0;
    return count;
}

static void drop(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

static void end(struct wire *wire)
{
    struct steer *steer = (struct steer *)wire;
    steering_end(&steer->steering);
    drop(steer->receive4);
    drop(steer->receive6);
    for (int priority = 0; priority < WIRE_PRIORITIES; priority++) {
        drop(steer->senders[0][priority]);
        drop(steer->senders[1][priority]);
    }
    drop(steer->claim);
    free(steer->legs);
    wire_end(wire);
}

static const struct wire_ops ops = {.mode = MODE_STEER,
                                    .open = open_port,
                                    .close = close_port,
                                    .attach = attach,
                                    .detach = detach,
                                    .aimed = aimed,
                                    .receive = receive,
                                    .send = send_packet,
                                    .flush = flush,
                                    .descriptors = descriptors,
                                    .end = end};

static int receiver(int family)
{
    int on = 1;
    union address any = {.any = {.sa_family = (sa_family_t)family}};
    int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    if (family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    enlarge(descriptor, SO_RCVBUF, SO_RCVBUFFORCE, RECEIVE_BUFFER);
    int failed = family == AF_INET6
                     ? setsockopt(descriptor, IPPROTO_IPV6, 74 /* IPV6_RECVORIGDSTADDR */, &on, sizeof(on))
                     : setsockopt(descriptor, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
    if (failed || bind(descriptor, &any.any, address_length(&any))) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* Two engines steering in one network namespace would take each other's packets: the first claims the name. */
static int claim_namespace(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    static const char text[] = "offhook-rtp-steering"; /* abstract: gone with the descriptor */
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(name.sun_path + 1, text, sizeof(text) - 1);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(text));
    if (descriptor >= 0 && bind(descriptor, (struct sockaddr *)&name, length)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

struct wire *wire_steer(const struct wire_settings *settings, char *error)
{
    struct steer *steer = calloc(1, sizeof(*steer));
    if (!steer || !wire_init(&steer->wire, &ops, settings)) {
        snprintf(error, ENGINE_TEXT, "out of memory");
        free(steer);
        return NULL;
    }
    steer->steering.link = -1;
    steer->receive6 = -1;
    memset(steer->senders, -1, sizeof(steer->senders));
    steer->legs = calloc(65536 / 2, sizeof(*steer->legs)); /* only the pages of the range are touched */
    steer->receive4 = receiver(AF_INET);
    steer->claim = claim_namespace();
    bool good = false;
    if (steer->claim < 0) {
        snprintf(error, ENGINE_TEXT, "another process steers RTP in this network namespace");
    } else if (steer->receive4 < 0 || !steer->legs) {
        snprintf(error, ENGINE_TEXT, "the receiving socket cannot be made: %s", strerror(errno));
    } else if ((steer->senders[0][0] = sender(AF_INET)) < 0) {
        snprintf(error, ENGINE_TEXT, "the raw sending socket cannot be made (%s); it takes CAP_NET_RAW",
                 strerror(errno));
    } else {
        steer->receive6 = receiver(AF_INET6);
        steer->senders[1][0] = steer->receive6 >= 0 ? sender(AF_INET6) : -1;
        wire_buffers_init(&steer->buffers);
        good = steering_begin(&steer->steering, steer->receive4, steer->receive6, error);
    }
    if (good)
        return &steer->wire;
    end(&steer->wire);
    return NULL;
}
