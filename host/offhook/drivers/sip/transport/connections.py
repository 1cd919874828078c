"""Stream connections that carry SIP: framing, keepalive, limits, and an end that nothing outlives."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, cast

from offhook.drivers.sip.configuration.sections import Transport
from offhook.drivers.sip.transport.flow import Carrier, Flow, host_port
from offhook.sip.errors import SIPError
from offhook.sip.framing import PING, PONG, StreamFraming

if TYPE_CHECKING:
    from offhook.drivers.sip.transport.transports import Transports

log = logging.getLogger(__name__)

MAX_UNSENT = 1 << 20
"""Bytes a peer may leave unread before its connection is given up."""
LINGER_SECONDS = 5.0
"""How long a closed connection may take to deliver what was sent."""


class StreamCarrier(Carrier):
    """What every connection has, whatever frames its messages.

    Its end is one step on the loop: ``open`` turns false, what is bound to it (contacts) goes, its transactions fail.
    """

    __slots__ = (
        "_owner",
        "flow",
        "heard",
        "incoming",
        "message_seen",
        "opened_at",
        "peer_name",
        "protocol",
        "stalled_since",
    )

    reliable = True

    def __init__(
        self, owner: Transports, name: str, section: Transport, protocol: str, *, incoming: bool, peer_name: str = ""
    ) -> None:
        super().__init__(name, section, "", 0)
        self.protocol = protocol
        self.incoming = incoming
        self.peer_name = peer_name
        """The domain an outgoing TLS connection was made for."""
        self.flow = Flow(self, "", 0)
        self.opened_at = 0.0
        self.heard = 0.0
        self.message_seen = False
        self.stalled_since = 0.0
        """Since when a message is incomplete; 0 when none is."""
        self._owner = owner

    def _begin(self, remote: tuple[str, int]) -> None:
        self.flow = Flow(self, *remote)
        self.opened_at = self.heard = self._owner.now()
        self.open = True
        self._owner.opened(self)

    def _end(self, why: str) -> None:
        if self.open:
            self.open = False
            self._owner.closed(self, why)


class Connection(StreamCarrier, asyncio.Protocol):
    """One TCP or TLS connection."""

    __slots__ = ("_framing", "_transport")

    def __init__(
        self, owner: Transports, name: str, section: Transport, protocol: str, *, incoming: bool, peer_name: str = ""
    ) -> None:
        super().__init__(owner, name, section, protocol, incoming=incoming, peer_name=peer_name)
        self._framing = StreamFraming()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        local = transport.get_extra_info("sockname")
        remote = transport.get_extra_info("peername")
        if local is None or remote is None:  # reset before we saw it
            self._transport.abort()
            return
        self.host = local[0]
        self.wildcard = False
        self.port = self._owner.listening_port(self.name) or local[1]
        sock = transport.get_extra_info("socket")
        if sock is not None:
            set_stream_options(sock, self.section)
        self._begin(remote[:2])

    def check_identity(self, name: str, *, wildcards: bool) -> None:
        """End a TLS connection whose certificate does not vouch for ``name``; OSError then."""
        from offhook.drivers.sip.transport.tls import identity_fault  # TLS is there, so the module is

        assert self._transport is not None
        certificate = self._transport.get_extra_info("peercert") or {}
        why = identity_fault(certificate, name, wildcards=wildcards)
        if why:
            self.close(why)
            raise OSError(why)

    def data_received(self, data: bytes) -> None:
        if not self.open:
            return
        self.heard = now = self._owner.now()
        framing = self._framing
        try:
            messages = framing.feed(data)
        except SIPError as error:
            self._owner.garbage(self.flow, str(error))
            self.close(f"unreadable stream: {error}")
            return
        for message in messages:
            self.message_seen = True
            self._owner.receive(message, self.flow)
            if not self.open:
                return
        if not framing.pending:
            self.stalled_since = 0.0
        elif messages or not self.stalled_since:
            self.stalled_since = now
        if framing.pings:
            framing.pings = 0
            self.message_seen = True
            self._write(PONG)

    def eof_received(self) -> bool | None:
        self.close("closed by peer")
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "closed by peer")

    def send(self, data: bytes, host: str = "", port: int = 0) -> None:
        if not self.open:
            raise OSError(f"connection to {host_port(self.flow.host, self.flow.port)} is closed")
        self._write(data)

    @property
    def socket(self) -> socket.socket | None:
        """Its socket, for options of TCP; None when there is none any more."""
        found = self._transport.get_extra_info("socket") if self._transport is not None and self.open else None
        return cast("socket.socket | None", found)

    def ping(self) -> None:
        """Keep the connection alive (RFC 5626 4.4.1)."""
        if self.open:
            self._write(PING)

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise OSError(f"connection to {host_port(self.flow.host, self.flow.port)} is closing")
        transport.write(data)
        if transport.get_write_buffer_size() > MAX_UNSENT:
            transport.abort()
            self._end("the peer does not read")

    def close(self, why: str = "") -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.close()
            if transport.get_write_buffer_size():  # a peer that does not read must not keep the socket
                self._owner.loop.call_later(LINGER_SECONDS, transport.abort)
        self._end(why)


def set_stream_options(sock: socket.socket, section: Transport) -> None:
    """TCP_NODELAY, keepalive and type of service as the transport section says."""
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if section.tcp_keepalive_enable:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, section.tcp_keepalive_idle_time)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, section.tcp_keepalive_interval_time)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, section.tcp_keepalive_probe_count)
        set_quality_of_service(sock, section)
    except OSError as error:
        log.debug("socket options of %s: %s", section.name, error)


def set_quality_of_service(sock: socket.socket, section: Transport) -> None:
    """The transport's tos and cos on a socket."""
    if section.tos:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, section.tos)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, section.tos)
    if section.cos:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, section.cos)
