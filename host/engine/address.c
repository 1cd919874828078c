#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool address_parse(union address *address, const char *host, int port)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return true;
    }
    char text[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t length = zone ? (size_t)(zone - host) : strlen(host);
    if (length >= sizeof(text))
        return false;
    memcpy(text, host, length);
    text[length] = 0;
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1)
        return false;
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons((uint16_t)port);
    if (zone) {
        address->v6.sin6_scope_id = if_nametoindex(zone + 1);
        if (!address->v6.sin6_scope_id)
            address->v6.sin6_scope_id = (uint32_t)strtoul(zone + 1, NULL, 10);
    }
    return true;
}

int address_format(const union address *address, char *host)
{
    host[0] = 0;
    if (address->any.sa_family == AF_INET)
        inet_ntop(AF_INET, &address->v4.sin_addr, host, 48);
    else if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr))
        inet_ntop(AF_INET, &address->v6.sin6_addr.s6_addr[12], host, 48);
    else if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, 48);
    return address_port(address);
}

socklen_t address_length(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

int address_port(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void address_set_port(union address *address, int port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons((uint16_t)port);
    else
        address->v4.sin_port = htons((uint16_t)port);
}

bool address_set(const union address *address)
{
    return address->any.sa_family && address_port(address) && !address_any(address);
}

bool address_any(const union address *address)
{
    if (address->any.sa_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
    return address->v4.sin_addr.s_addr == 0;
}

bool address_same_host(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, 16);
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

bool address_equal(const union address *a, const union address *b)
{
    return address_same_host(a, b) && address_port(a) == address_port(b);
}
