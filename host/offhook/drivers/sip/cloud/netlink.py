"""What the kernel tells of links, addresses and routes (rtnetlink(7)): changes that may bring a trunk back.

``parse`` is pure; ``Watch`` has the socket and tells once things have settled.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Final, NamedTuple

NETLINK_ROUTE: Final = 0
GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""RTMGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE."""
SETTLE_S: Final = 0.3
"""A link that comes up tells several times: link, address, route."""
_HEADER = struct.Struct("=IHHII")
_KINDS: Final = {16: "link", 17: "link gone", 20: "address", 21: "address gone", 24: "route", 25: "route gone"}
_IFF_RUNNING: Final = 0x40


class Change(NamedTuple):
    """One thing the kernel told: what, and on which link, address or network."""

    kind: str
    subject: str


def parse(data: bytes) -> Iterator[Change]:
    """The changes of one datagram; what is cut short or unknown is passed over."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            return
        body = data[at + _HEADER.size : at + length]
        word = _KINDS.get(kind)
        if word is not None and (change := _change(word, body)) is not None:
            yield change
        at += length + 3 & ~3


def _change(kind: str, body: bytes) -> Change | None:
    if kind.startswith("link"):
        if len(body) < 16:
            return None
        _, _, _, flags, _ = struct.unpack_from("=BxHiII", body)
        name = _attributes(body[16:]).get(3, b"?").rstrip(b"\0").decode("ascii", "replace")
        return Change(kind if flags & _IFF_RUNNING or "gone" in kind else "link down", name)
    if kind.startswith("address"):
        if len(body) < 8:
            return None
        found = _attributes(body[8:])
        return Change(kind, _address(found.get(2) or found.get(1, b"")))
    if len(body) < 12:
        return None
    table, scope_length = body[4], body[1]
    if table != 254:  # RT_TABLE_MAIN
        return None
    network = _address(_attributes(body[12:]).get(1, b""))
    return Change(kind, f"{network}/{scope_length}" if network else "default")


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4 or at + length > len(data):
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def _address(data: bytes) -> str:
    return str(ip_address(data)) if len(data) in (4, 16) else ""


class Watch:
    """Listens to the kernel; ``changed`` gets what has happened, once it has settled. OSError where that cannot be."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[list[Change]], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._seen: list[Change] = []
        self._timer: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
        self._socket.setblocking(False)
        try:
            self._socket.bind((0, GROUPS))
        except OSError:
            self._socket.close()
            raise
        loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: more happened than fitted; something changed for certain
            data = b""
            self._seen.append(Change("route", "many"))
        self._seen += parse(data)
        if self._seen and self._timer is None:
            self._timer = self._loop.call_later(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._timer = None
        seen, self._seen = self._seen, []
        self._changed(seen)

    def close(self) -> None:
        """Listen no longer."""
        if self._timer is not None:
            self._timer.cancel()
        with suppress(OSError):
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
