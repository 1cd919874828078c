/* The addresses of this host that a far end may be told of. */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "api.h"

static bool is_link_local(const union address *address)
{
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->v6.sin6_addr);
}

int host_addresses(struct host_address *found, int most)
{
    struct ifaddrs *all;
    int count = 0;
    if (getifaddrs(&all))
        return 0;
    for (struct ifaddrs *each = all; each && count < most; each = each->ifa_next) {
        union address address = {0};
        if (!each->ifa_addr || !(each->ifa_flags & IFF_UP))
            continue;
        int family = each->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6)
            continue;
        memcpy(&address, each->ifa_addr, family == AF_INET ? sizeof(address.v4) : sizeof(address.v6));
        if (is_link_local(&address))
            continue;
        address_format(&address, found[count].host);
        found[count].loopback = each->ifa_flags & IFF_LOOPBACK ? 1 : 0;
        count++;
    }
    freeifaddrs(all);
    return count;
}
