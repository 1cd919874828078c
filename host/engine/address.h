/* IPv4 and IPv6 socket addresses. */
#ifndef OFFHOOK_ADDRESS_H
#define OFFHOOK_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Read a numeric host ("fe80::1%eth0" too); false when it is none. */
bool address_parse(union address *address, const char *host, int port);

/* Write the host; returns the port. An IPv4 address mapped into IPv6 is written as IPv4. room >= 48. */
int address_format(const union address *address, char *host);

socklen_t address_length(const union address *address);
int address_port(const union address *address);
void address_set_port(union address *address, int port);
bool address_set(const union address *address); /* has a family and a port */
bool address_any(const union address *address); /* is a wildcard */
bool address_equal(const union address *a, const union address *b);
bool address_same_host(const union address *a, const union address *b);

#endif
