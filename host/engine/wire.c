/* What the ways of sending and receiving have in common. */
#include "wire.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api.h"

bool wire_init(struct wire *wire, const struct wire_ops *ops, const struct wire_settings *settings)
{
    wire->ops = ops;
    wire->settings = *settings;
    wire_set_range(wire, settings->port_low, settings->port_high);
    wire->ports = calloc(1, 65536 / 2 / 8);
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), 0) == sizeof(random))
        wire->next_pair = (int)(random & 0x7fff);
    return wire->ports != NULL;
}

struct wire *wire_polled(size_t size, const struct wire_ops *ops, const struct wire_settings *settings, int *epoll,
                         char *error)
{
    struct wire *wire = calloc(1, size);
    *epoll = epoll_create1(EPOLL_CLOEXEC);
    if (wire && *epoll >= 0 && wire_init(wire, ops, settings))
        return wire;
    snprintf(error, ENGINE_TEXT, "no epoll descriptor or memory: %s", strerror(errno));
    if (*epoll >= 0)
        close(*epoll);
    free(wire);
    return NULL;
}

void wire_set_range(struct wire *wire, int low, int high)
{
    wire->settings.port_low = (low + 1) / 2 * 2; /* RTP ports are even (RFC 3550 11) */
    wire->settings.port_high = high;
}

void wire_end(struct wire *wire)
{
    free(wire->ports);
    free(wire);
}

int wire_pick_pair(struct wire *wire)
{
    int low = wire->settings.port_low / 2, pairs = (wire->settings.port_high - 1) / 2 - low + 1;
    for (int i = 0; i < pairs; i++) {
        int pair = low + (wire->next_pair + i) % pairs;
        if (!(wire->ports[pair / 8] & 1 << pair % 8)) {
            wire->ports[pair / 8] |= (uint8_t)(1 << pair % 8);
            wire->next_pair = (wire->next_pair + i + 1) % pairs;
            return pair * 2;
        }
    }
    return 0;
}

void wire_drop_pair(struct wire *wire, int port)
{
    wire->ports[port / 16] &= (uint8_t) ~(1 << port / 2 % 8);
}

int wire_socket(const union address *local)
{
    int on = 1, off = 0;
    int family = local->any.sa_family;
    int descriptor = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    if (family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, address_any(local) ? &off : &on, sizeof(on));
    if (bind(descriptor, &local->any, address_length(local))) {
        int why = errno;
        close(descriptor);
        errno = why;
        return -1;
    }
    return descriptor;
}

bool wire_mark(int descriptor, struct wire_marking marking, char *error)
{
    int traffic_class = marking.traffic_class, priority = marking.priority;
    if (traffic_class) {
        /* of a socket for both families the second is what IPv4 goes by; one for IPv4 alone has only that */
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class));
        if (setsockopt(descriptor, IPPROTO_IP, IP_TOS, &traffic_class, sizeof(traffic_class))) {
            snprintf(error, ENGINE_TEXT, "RTP is not marked with type of service %d: %s", traffic_class,
                     strerror(errno));
            return false;
        }
    }
    /* after the type of service, from which the kernel guesses a priority */
    if (priority && setsockopt(descriptor, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority))) {
        snprintf(error, ENGINE_TEXT, "RTP is not sent with priority %d: %s; 7 takes CAP_NET_ADMIN", priority,
                 strerror(errno));
        return false;
    }
    return true;
}

int64_t wire_arrival(const struct wire *wire, struct msghdr *message, int64_t now)
{
    enum { OLDEST = 1000000000 };
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SO_TIMESTAMPNS)
            continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(item), sizeof(time));
        int64_t at = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec - wire->arrival_offset;
        /* the clock was set between arrival and now: better no fraction of a tick than a wrong one */
        return at > now || at < now - OLDEST ? now : at;
    }
    return now;
}

void wire_unmap(union address *address)
{
    if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        return;
    struct sockaddr_in plain = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port};
    memcpy(&plain.sin_addr, &address->v6.sin6_addr.s6_addr[12], 4);
    address->v4 = plain;
}

void wire_map(union address *address)
{
    if (address->any.sa_family != AF_INET)
        return;
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = address->v4.sin_port};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(&mapped.sin6_addr.s6_addr[12], &address->v4.sin_addr, 4);
    address->v6 = mapped;
}

static bool bind_pair(const union address *local, int pair, int sockets[2])
{
    union address address = *local;
    address_set_port(&address, pair);
    sockets[0] = wire_socket(&address);
    if (sockets[0] < 0)
        return false;
    address_set_port(&address, pair + 1);
    sockets[1] = wire_socket(&address);
    if (sockets[1] < 0) {
        int why = errno;
        close(sockets[0]);
        errno = why;
    }
    return sockets[1] >= 0;
}

static void leave_unsummed(const int sockets[2])
{
    int on = 1;
    for (int i = 0; i < 2; i++)
        setsockopt(sockets[i], SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
}

bool wire_open_sockets(struct wire *wire, struct wire_port *port, char *error)
{
    enum { TRIES = 4096 };
    errno = EADDRINUSE;
    for (int i = 0; i < TRIES && errno == EADDRINUSE; i++) {
        int pair = wire_pick_pair(wire);
        if (!pair)
            break;
        if (bind_pair(&port->local, pair, port->sockets)) {
            port->port = pair;
            if (!wire->settings.checksums)
                leave_unsummed(port->sockets);
            if (wire_mark(port->sockets[0], port->marking, error))
                wire_mark(port->sockets[1], port->marking, error);
            return true;
        }
        wire_drop_pair(wire, pair);
    }
    if (errno == EMFILE || errno == ENFILE)
        snprintf(error, ENGINE_TEXT, "no descriptor is left for an RTP socket: raise the limit of open files");
    else if (errno == EADDRINUSE)
        snprintf(error, ENGINE_TEXT, "no RTP port is free between %d and %d", wire->settings.port_low,
                 wire->settings.port_high);
    else
        snprintf(error, ENGINE_TEXT, "no RTP socket can be bound: %s", strerror(errno));
    return false;
}

void wire_buffers_init(struct wire_buffers *buffers)
{
    for (int i = 0; i < WIRE_BATCH; i++) {
        buffers->parts[i] = (struct iovec){buffers->bytes[i], WIRE_PACKET};
        buffers->messages[i].msg_hdr.msg_iov = &buffers->parts[i];
        buffers->messages[i].msg_hdr.msg_iovlen = 1;
        buffers->messages[i].msg_hdr.msg_name = &buffers->from[i];
        buffers->messages[i].msg_hdr.msg_control = buffers->control[i];
    }
}

int wire_buffers_receive(struct wire_buffers *buffers, int descriptor, int from, int most)
{
    if (most > WIRE_BATCH - from)
        most = WIRE_BATCH - from;
    for (int i = from; i < from + most; i++) {
        buffers->messages[i].msg_hdr.msg_namelen = sizeof(buffers->from[i]);
        buffers->messages[i].msg_hdr.msg_controllen = sizeof(buffers->control[i]);
    }
    int count = recvmmsg(descriptor, &buffers->messages[from], (unsigned)most, MSG_DONTWAIT, NULL);
    /* an ICMP error of an earlier send is reported here once; what follows it is read at the next tick */
    return count > 0 ? count : 0;
}
