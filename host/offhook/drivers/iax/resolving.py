"""Where a host is: by address, by name, by SRV record."""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from offhook.drivers.iax.peers import USUAL_PORT
from offhook.iax.elements import Address

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)


async def resolve(pbx: Pbx, host: str, port: int | None, *, services: bool = False) -> Address | None:
    """The address of a host; None when there is none of that name. ``services``: SRV records count when no port is
    given."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return host, port or USUAL_PORT
    if services and not port:
        found: Address | None = await pbx.off_loop(_service, host)
        if found is not None:
            host, port = found
    try:
        places = await pbx.loop.getaddrinfo(host, port or USUAL_PORT, type=socket.SOCK_DGRAM)
    except OSError:
        return None
    usual = sorted(places, key=lambda place: place[0] != socket.AF_INET)
    return (str(usual[0][4][0]), int(usual[0][4][1])) if usual else None


def _service(host: str) -> Address | None:
    """The first of the SRV records of _iax._udp."""
    import dns.exception
    import dns.resolver

    try:
        records = sorted(dns.resolver.resolve(f"_iax._udp.{host}", "SRV"), key=lambda one: (one.priority, -one.weight))
    except dns.exception.DNSException:
        return None
    return (str(records[0].target).rstrip("."), int(records[0].port)) if records else None
