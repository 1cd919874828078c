"""The UDP ports of IAX2: full frames are read and written here, voice is the engine's."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.iax.elements import Address
from offhook.media.iax import Carrier

if TYPE_CHECKING:
    import asyncio

    from offhook.media import Engine

_MOST = 2048
_AT_ONCE = 64
"""Datagrams read before others get their turn."""
_MAPPED = "::ffff:"


class Port:
    """One bound port."""

    def __init__(self, engine: Engine, host: str, port: int, traffic_class: int) -> None:
        """Raises EngineError when it cannot be had."""
        self.host, self.port = host, port
        self.carrier = Carrier(engine, host, port, traffic_class)
        self._socket = socket.socket(fileno=self.carrier.descriptor)
        self._both = self._socket.family == socket.AF_INET6
        self._loop: asyncio.AbstractEventLoop | None = None
        self._take: Callable[[bytes, Address], None] | None = None

    def listen(self, loop: asyncio.AbstractEventLoop, take: Callable[[bytes, Address], None]) -> None:
        """Have ``take`` called with each datagram that is a full frame."""
        self._loop, self._take = loop, take
        loop.add_reader(self.carrier.descriptor, self._readable)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, where = self._socket.recvfrom(_MOST)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier datagram is told once
            if self._take is not None:
                self._take(data, (where[0].removeprefix(_MAPPED), where[1]))

    def send(self, datagram: bytes, address: Address) -> None:
        """Send a datagram; one that cannot be sent is repeated by who wants it to arrive."""
        host, port = address
        if self._both and ":" not in host:
            host = _MAPPED + host
        with contextlib.suppress(OSError):
            self._socket.sendto(datagram, (host, port))

    def close(self) -> None:
        """Give the port back, with the last call on it."""
        if self._loop is not None:
            self._loop.remove_reader(self.carrier.descriptor)
        self._take = None
        self._socket.detach()
        self.carrier.close()
