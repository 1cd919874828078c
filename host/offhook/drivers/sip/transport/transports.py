"""The sockets SIP is spoken on: datagram sockets, listeners and connections, by transport section."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.drivers.sip.configuration.sections import Transport
from offhook.drivers.sip.transport.connections import Connection, StreamCarrier, set_quality_of_service
from offhook.drivers.sip.transport.flow import DEFAULT_PORTS, Carrier, Flow, host_port
from offhook.log import NOTICE
from offhook.sip.uri import split_host_port

if TYPE_CHECKING:
    from offhook.drivers.sip.transport.tls import TlsContexts

log = logging.getLogger(__name__)

MAX_DATAGRAM = 65535
RECEIVE_BUFFER = 1 << 20
FLOWS = 1024
"""Peers of a datagram socket whose flows are kept made."""
CONNECTIONS_A_SOURCE = 64
CONNECTIONS = 4096
CONNECT_SECONDS = 4.0
"""Three packets are sent within (RFC 6298); whoever has not answered then is down, and the next server's turn comes."""
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 32.0
"""How long an incoming connection may live without a whole message, or a message stay incomplete (64*T1)."""
SWEEP_SECONDS = 5.0


class UdpCarrier(Carrier):
    """A bound UDP socket."""

    __slots__ = ("_flows", "_loop", "_owner", "_room", "socket")

    protocol = "UDP"
    reliable = False

    def __init__(self, owner: Transports, section: Transport, sock: socket.socket) -> None:
        host, port = sock.getsockname()[:2]
        super().__init__(section.name, section, host, port)
        self.socket = sock
        self._owner = owner
        self._loop = owner.loop
        self._room = memoryview(bytearray(MAX_DATAGRAM))
        self._flows: dict[tuple[str, int], Flow] = {}
        self._loop.add_reader(sock.fileno(), self._readable)
        self.open = True

    def _readable(self) -> None:
        # One datagram a turn: the loop comes back for the next, and asking in vain would cost an exception.
        try:
            length, address = self.socket.recvfrom_into(self._room)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            log.debug("%s: %s", self.name, error)
            return
        if length > 4:  # shorter ones are keepalives (RFC 5626 4.4.1, RFC 5389 aside)
            flow = self._flows.get(address) or self.flow_to(address[0], address[1])
            self._owner.receive(bytes(self._room[:length]), flow)

    def flow_to(self, host: str, port: int) -> Flow:
        """The flow to an address, one for all transactions that go there."""
        flow = self._flows.get((host, port))
        if flow is None:
            if len(self._flows) >= FLOWS:
                self._flows.clear()
            flow = self._flows[host, port] = Flow(self, host, port)
        return flow

    def send(self, data: bytes, host: str, port: int) -> None:
        if not self.open:
            raise OSError(f"transport {self.name} is closed")
        try:
            self.socket.sendto(data, (host, port))
        except (BlockingIOError, InterruptedError):
            log.debug("%s: send buffer full, a datagram to %s is lost", self.name, host_port(host, port))

    def close(self, why: str = "") -> None:
        if self.open:
            self.open = False
            self._loop.remove_reader(self.socket.fileno())
            self.socket.close()
            self._owner.closed(self, why)


class Listener:
    """A listening TCP or TLS socket of a transport section; without a server, one that only makes connections."""

    __slots__ = ("contexts", "host", "port", "protocol", "section", "server")

    def __init__(
        self, section: Transport, protocol: str, server: asyncio.Server | None, contexts: TlsContexts | None
    ) -> None:
        self.section = section
        self.protocol = protocol
        self.server = server
        self.contexts = contexts
        self.host: str = server.sockets[0].getsockname()[0] if server else bind_address(section)[0]
        self.port: int = server.sockets[0].getsockname()[1] if server else 0


class Transports:
    """Every socket of the stack.

    ``receive`` gets each whole message; ``on_closed`` every carrier that has just been closed; ``garbage`` what cannot
    be read.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        receive: Callable[[bytes, Flow], None],
        on_closed: Callable[[Carrier, str], None] = lambda carrier, why: None,
        garbage: Callable[[Flow, str], None] = lambda flow, why: None,
    ) -> None:
        self.loop = loop
        self.now = loop.time
        self.receive = receive
        self.garbage = garbage
        self.datagram: dict[str, UdpCarrier] = {}
        """Datagram sockets by transport name, in the order of the file."""
        self.listeners: dict[str, Listener] = {}
        self.sections: dict[str, Transport] = {}
        """The sections in use, by name: datagram, stream and WebSocket ones."""
        self.connections: dict[StreamCarrier, None] = {}
        self.on_opened: list[Callable[[Carrier], None]] = []
        self.keep_alive_interval = 0.0
        self._on_closed = on_closed
        self._by_peer: dict[tuple[str, str, int, str], StreamCarrier] = {}
        self._by_source: dict[str, int] = {}
        self._connecting: dict[tuple[str, str, int, str], asyncio.Task[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._pinged = 0.0

    # ---- opening ------------------------------------------------------------------------------------

    async def open(self, section: Transport) -> None:
        """Bind the section's socket; harmless when it is open as it is.

        OSError when the address is taken or not ours, ValueError with a sentence for settings that cannot work.
        """
        protocol = section.protocol
        if protocol in ("ws", "wss", "flow"):
            self.sections[section.name] = section  # carried by the HTTP server, or by another transport
            return
        host, port = bind_address(section)
        if protocol == "udp":
            self.datagram[section.name] = self._bind_datagram(section, host, port)
        else:
            contexts = None
            if protocol == "tls":
                from offhook.drivers.sip.transport.tls import TlsContexts

                contexts = TlsContexts(section)
            server = await self._listen(section, host, port, contexts) if section.listen else None
            self.listeners[section.name] = Listener(section, protocol.upper(), server, contexts)
        self.sections[section.name] = section

    def _bind_datagram(self, section: Transport, host: str, port: int) -> UdpCarrier:
        sock = _socket(host, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            set_quality_of_service(sock, section)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        return UdpCarrier(self, section, sock)

    async def _listen(self, section: Transport, host: str, port: int, contexts: TlsContexts | None) -> asyncio.Server:
        sock = _socket(host, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
            protocol = section.protocol.upper()

            def accept() -> asyncio.Protocol:
                return Connection(self, section.name, section, protocol, incoming=True)

            return await self.loop.create_server(
                accept,
                sock=sock,
                backlog=128,
                ssl=contexts.server if contexts else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if contexts else None,
            )
        except OSError:
            sock.close()
            raise

    def refresh_certificate(self, name: str) -> None:
        """Use a TLS transport's certificate files again when they have changed, for connections to come."""
        listener = self.listeners.get(name)
        if listener is None or listener.contexts is None:
            return
        try:
            changed = listener.contexts.refresh()
        except (OSError, ValueError) as error:
            log.error("transport %s keeps its old certificate: %s", name, error)
            return
        if changed:
            log.log(NOTICE, "transport %s uses its new certificate", name)

    async def connect(self, section: Transport, host: str, port: int, name: str = "") -> StreamCarrier:
        """An open connection to an address over a stream transport, an existing one when there is one.

        ``name`` is the domain that a TLS certificate must vouch for. OSError when it cannot be made in time.
        """
        protocol = section.protocol.upper()
        key = (protocol, host, port, name if protocol == "TLS" else "")
        existing = self.existing(protocol, host, port, name)
        if existing is not None:
            return existing
        task = self._connecting.get(key)
        if task is None:
            task = self.loop.create_task(
                self._connect(section, host, port, name), name=f"connect {host_port(host, port)}"
            )
            self._connecting[key] = task
            task.add_done_callback(lambda done: self._connected(key, done))
        return await asyncio.shield(task)

    def _connected(self, key: tuple[str, str, int, str], task: asyncio.Task[Connection]) -> None:
        self._connecting.pop(key, None)
        if not task.cancelled() and task.exception() is None:
            connection = task.result()
            if connection.open:
                self._by_peer[key] = connection

    async def _connect(self, section: Transport, host: str, port: int, name: str) -> Connection:
        protocol = section.protocol.upper()
        contexts = None
        if protocol == "TLS":
            listener = self.listeners.get(section.name)
            if listener is None or listener.contexts is None:
                raise OSError(f"transport {section.name} has no TLS")
            contexts = listener.contexts
        local_host, _ = bind_address(section)
        sock = _socket(host, socket.SOCK_STREAM)
        try:
            if local_host not in ("0.0.0.0", "::"):
                sock.bind((local_host, 0))
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.loop.sock_connect(sock, (host, port))
            connection = Connection(self, section.name, section, protocol, incoming=False, peer_name=name)
            await self.loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=contexts.client if contexts else None,
                server_hostname=(name or host) if contexts else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if contexts else None,
            )
            if contexts and section.verify_server:
                connection.check_identity(name or host, wildcards=section.allow_wildcard_certs)
        except TimeoutError:
            sock.close()
            raise OSError(f"no connection to {host_port(host, port)} within {CONNECT_SECONDS:.0f} s") from None
        except OSError:
            sock.close()
            raise
        except asyncio.CancelledError:
            sock.close()
            raise
        return connection

    # ---- finding ------------------------------------------------------------------------------------

    def existing(self, protocol: str, host: str, port: int, name: str = "") -> StreamCarrier | None:
        """The open connection to an address, made by us or by the peer."""
        protocol = _lane(protocol)
        found = self._by_peer.get((protocol, host, port, name if protocol == "TLS" else ""))
        if found is None and name:
            found = self._by_peer.get((protocol, host, port, ""))
        return found if found is not None and found.open else None

    def listening_port(self, name: str) -> int:
        """The port a transport listens on, 0 when it does not."""
        listener = self.listeners.get(name)
        return listener.port if listener else 0

    def section_for(self, protocol: str, ipv6: bool) -> Transport | None:
        """The first transport in use of a protocol and address family."""
        wanted = protocol.lower()
        for section in self.sections.values():
            if section.protocol == wanted and (wanted in ("ws", "wss") or self.is_ipv6(section) == ipv6):
                return section
        return None

    @staticmethod
    def is_ipv6(section: Transport) -> bool:
        """Whether a section's transport speaks IPv6."""
        return ":" in bind_address(section)[0]

    def local(self, section: Transport) -> tuple[str, int]:
        """The bound address and port of a section in use."""
        carrier = self.datagram.get(section.name)
        if carrier is not None:
            return carrier.host, carrier.port
        listener = self.listeners.get(section.name)
        if listener is not None:
            return listener.host, listener.port
        return bind_address(section)

    # ---- what connections report --------------------------------------------------------------------

    def opened(self, connection: StreamCarrier) -> None:
        """A connection is up: admit it, or end it when its source or the machine has too many."""
        source = connection.flow.host
        count = self._by_source.get(source, 0) + 1
        self._by_source[source] = count
        self.connections[connection] = None
        if connection.incoming and (count > CONNECTIONS_A_SOURCE or len(self.connections) > CONNECTIONS):
            self.garbage(connection.flow, "too many connections")
            connection.close("too many connections")
            return
        self._by_peer[(_lane(connection.protocol), source, connection.flow.port, "")] = connection
        for listener in self.on_opened:
            listener(connection)
        if self._sweeper is None:
            self._pinged = self.now()
            self._sweep_later()

    def closed(self, carrier: Carrier, why: str) -> None:
        """A carrier has ended: nothing that was bound to it outlives this call."""
        if isinstance(carrier, StreamCarrier):
            if carrier in self.connections:
                del self.connections[carrier]
                source = carrier.flow.host
                left = self._by_source[source] - 1
                if left:
                    self._by_source[source] = left
                else:
                    del self._by_source[source]
            for key in [key for key in self._peer_keys(carrier) if self._by_peer.get(key) is carrier]:
                del self._by_peer[key]
        bound, carrier.bound = carrier.bound, {}
        for each in bound:
            each.carrier_closed()
        self._on_closed(carrier, why)

    @staticmethod
    def _peer_keys(connection: StreamCarrier) -> list[tuple[str, str, int, str]]:
        flow = connection.flow
        plain = (_lane(connection.protocol), flow.host, flow.port, "")
        return [plain, (*plain[:3], connection.peer_name)] if connection.peer_name else [plain]

    def _sweep(self) -> None:
        self._sweeper = None
        now = self.now()
        ping = self.keep_alive_interval and now - self._pinged >= self.keep_alive_interval
        if ping:
            self._pinged = now
        for connection in list(self.connections):
            silent = connection.incoming and not connection.message_seen and now - connection.opened_at > IDLE_SECONDS
            if silent or (connection.stalled_since and now - connection.stalled_since > IDLE_SECONDS):
                connection.close("no whole message in time")
            elif ping and isinstance(connection, Connection):
                try:
                    connection.ping()
                except OSError as error:
                    connection.close(str(error))
        if self.connections:
            self._sweep_later()

    def _sweep_later(self) -> None:
        due = self._pinged + self.keep_alive_interval - self.now() if self.keep_alive_interval else SWEEP_SECONDS
        self._sweeper = self.loop.call_later(min(SWEEP_SECONDS, max(due, 0.0)), self._sweep)

    # ---- closing ------------------------------------------------------------------------------------

    def close_section(self, name: str) -> None:
        """Close a transport: its socket and the connections that came in or went out through it."""
        carrier = self.datagram.pop(name, None)
        if carrier is not None:
            carrier.close("transport removed")
        listener = self.listeners.pop(name, None)
        if listener is not None and listener.server is not None:
            listener.server.close()
        for connection in [each for each in self.connections if each.name == name]:
            connection.close("transport removed")
        self.sections.pop(name, None)

    def close(self) -> None:
        """Close everything."""
        for task in list(self._connecting.values()):
            task.cancel()
        for name in list(self.sections):
            self.close_section(name)
        for connection in list(self.connections):
            connection.close("shutdown")
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None


def _lane(protocol: str) -> str:
    """The protocol under which a connection is found again: URIs say "ws" for secure WebSockets too (RFC 7118 5.5)."""
    return "WS" if protocol == "WSS" else protocol


def _socket(host: str, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    sock.setblocking(False)
    if ":" in host:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def bind_address(section: Transport) -> tuple[str, int]:
    """Address and port of a transport's ``bind``; ValueError with a sentence when it is none."""
    text = section.bind.strip()
    if not text:
        raise ValueError("a transport needs bind = address[:port]")
    if text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    host, port = split_host_port(text)
    return host, DEFAULT_PORTS[section.protocol.upper()] if port is None else port
