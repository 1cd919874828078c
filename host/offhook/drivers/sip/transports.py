"""The sockets SIP is spoken on: datagram sockets, listeners and connections, by transport section."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

from offhook.drivers.sip.flow import DEFAULT_PORTS, Carrier, Flow
from offhook.drivers.sip.sections import Transport
from offhook.sip.uri import split_host_port

log = logging.getLogger(__name__)

Receive = Callable[[bytes, Flow], None]
MAX_DATAGRAM = 65535


class UdpCarrier(Carrier, asyncio.DatagramProtocol):
    """A bound UDP socket."""

    __slots__ = ("_receive", "_transport", "socket")

    protocol = "UDP"
    reliable = False

    def __init__(self, name: str, section: Transport, sock: socket.socket, receive: Receive) -> None:
        host, port = sock.getsockname()[:2]
        super().__init__(name, section, host, port)
        self.socket = sock
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.open = True

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, Flow(self, addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        log.debug("%s: %s", self.name, exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False

    def send(self, data: bytes, host: str, port: int) -> None:
        if self._transport is None or not self.open:
            raise OSError(f"transport {self.name} is closed")
        self._transport.sendto(data, (host, port))

    def close(self, why: str = "") -> None:
        self.open = False
        if self._transport is not None:
            self._transport.close()


class Transports:
    """Every socket of the stack."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive) -> None:
        self._loop = loop
        self._receive = receive
        self.carriers: dict[str, Carrier] = {}
        """Datagram sockets by transport name, in the order of the file."""

    async def open(self, section: Transport) -> Carrier:
        """Bind the section's socket. OSError when the address is taken or not ours, ValueError for a bad ``bind``."""
        host, port = bind_address(section)
        if section.protocol != "udp":
            raise ValueError(f"protocol {section.protocol} is not offered")
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.bind((host, port))
            carrier = UdpCarrier(section.name, section, sock, self._receive)
            await self._loop.create_datagram_endpoint(lambda: carrier, sock=sock)
        except OSError:
            sock.close()
            raise
        self.carriers[section.name] = carrier
        return carrier

    def close(self) -> None:
        """Close everything."""
        for carrier in self.carriers.values():
            carrier.close()
        self.carriers.clear()

    def for_protocol(self, protocol: str, ipv6: bool = False) -> Carrier | None:
        """The first open datagram socket of a protocol and address family."""
        for carrier in self.carriers.values():
            if carrier.protocol == protocol and carrier.open and carrier.ipv6 == ipv6:
                return carrier
        return None


def bind_address(section: Transport) -> tuple[str, int]:
    """Address and port of a transport's ``bind``; ValueError with a sentence when it is none."""
    text = section.bind.strip()
    if not text:
        raise ValueError("a transport needs bind = address[:port]")
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    host, port = split_host_port(text)
    return host, DEFAULT_PORTS[section.protocol.upper()] if port is None else port
