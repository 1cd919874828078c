"""Locating SIP servers (RFC 3263) without I/O: a generator that asks DNS questions and hands out targets.

    steps = locate(uri)
    step = next(steps)
    while True:
        if isinstance(step, Query):
            step = steps.send(await resolve(step))     # a list of records, [] for none or failure
        else:
            if await attempt(step): break              # a Target; go on with the next when it fails
            step = next(steps)                         # StopIteration: nothing left to try

Names are looked up only when their turn comes, so a working first target costs no more than its own questions.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

from .uri import SipUri

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
SECURE = ("tls", "wss")


class Query(NamedTuple):
    """A DNS question: `type` is NAPTR, SRV, A or AAAA."""

    type: str
    name: str


class Naptr(NamedTuple):
    """A NAPTR answer (RFC 3403)."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    """An SRV answer (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class Address(NamedTuple):
    """An A or AAAA answer."""

    address: str


Record = Naptr | Srv | Address


class Target(NamedTuple):
    """Where to send: transport in lower case, IP address, port; `name` is what a TLS certificate must vouch for."""

    transport: str
    address: str
    port: int
    name: str


_SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls", "SIP+D2W": "ws", "SIPS+D2W": "wss"}
_SRV_ORDER = ("tls", "tcp", "udp", "wss", "ws")
"""Whose SRV records count first where no NAPTR record says it: RFC 3263 4.1 leaves it to us, Asterisk does it so."""
_SRV_PREFIX = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp.", "ws": "_sip._ws.", "wss": "_sips._ws."}

_LONGEST_ADDRESS = 64
"""An IPv6 address with a zone. What is longer is not kept."""

Steps = Generator[Query | Target, Sequence[Record] | None, None]


def is_address(host: str) -> bool:
    """Whether `host` is a numeric IPv4 or IPv6 address."""
    return len(host) <= _LONGEST_ADDRESS and _is_address(host)


@lru_cache(256)
def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def locate(
    uri: SipUri,
    *,
    transports: Sequence[str] = ("udp", "tcp", "tls"),
    families: Sequence[str] = ("A", "AAAA"),
    rng: random.Random | None = None,
) -> Steps:
    """Targets for a request to `uri` (its maddr, transport parameter, port, then NAPTR, SRV and addresses).

    `transports` are those we have, in our order of preference where no record decides; `families` the address records
    to ask for, in order.
    A sips URI is located over secure transports only. Yields nothing when nothing fits.
    """
    host = uri.params.get("maddr") or uri.host
    secure = uri.scheme == "sips"
    usable = [transport for transport in transports if not secure or transport in SECURE]
    wanted = uri.transport
    if wanted:
        if secure:
            wanted = {"tcp": "tls", "ws": "wss"}.get(wanted, wanted)
        usable = [transport for transport in usable if transport == wanted]
    if not usable:
        return
    if is_address(host):
        transport = usable[0]
        yield Target(transport, host, uri.port or DEFAULT_PORTS[transport], host)
        return
    if uri.port is not None:
        yield from _addresses(usable[0], host, uri.port, host, families)
        return
    found = False
    if wanted:
        services = [(wanted, _SRV_PREFIX[wanted] + host)]
    else:
        services = yield from _naptr(host, usable)
    for transport, name in services:
        records = (yield Query("SRV", name)) or ()
        for record in order_srv([r for r in records if isinstance(r, Srv)], rng):
            target = record.target.rstrip(".")
            found = True
            if target:  # "." says: no such service here
                # The certificate vouches for the domain that was asked for (RFC 5922 4), not for the SRV target.
                yield from _addresses(transport, target, record.port, host, families)
    if not found:
        transport = usable[0]
        yield from _addresses(transport, host, DEFAULT_PORTS[transport], host, families)


def _naptr(
    host: str, usable: Sequence[str]
) -> Generator[Query | Target, Sequence[Record] | None, list[tuple[str, str]]]:
    answers = (yield Query("NAPTR", host)) or ()
    records = [r for r in answers if isinstance(r, Naptr) and r.flags.lower() == "s"]
    records.sort(key=lambda record: (record.order, record.preference))
    services = []
    for record in records:
        transport = _SERVICES.get(record.service.upper())
        if transport is not None and transport in usable and record.replacement.rstrip("."):
            services.append((transport, record.replacement.rstrip(".")))
    return services or [(transport, _SRV_PREFIX[transport] + host) for transport in _SRV_ORDER if transport in usable]


def _addresses(transport: str, host: str, port: int, name: str, families: Iterable[str]) -> Steps:
    if is_address(host):
        yield Target(transport, host, port, name)
        return
    for family in families:
        answers = (yield Query(family, host)) or ()
        for answer in answers:
            if isinstance(answer, Address):
                yield Target(transport, answer.address, port, name)


def order_srv(records: Sequence[Srv], rng: random.Random | None = None) -> list[Srv]:
    """Records in the order to try: by priority, inside one by weighted chance (RFC 2782)."""
    pick = rng or random
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        # Zero weights first gives them their small chance (RFC 2782).
        left = sorted((r for r in records if r.priority == priority), key=lambda record: record.weight > 0)
        while len(left) > 1:
            mark = pick.randint(0, sum(record.weight for record in left))
            total = 0
            for index, record in enumerate(left):
                total += record.weight
                if total >= mark:
                    ordered.append(left.pop(index))
                    break
        ordered += left
    return ordered
