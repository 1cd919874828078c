"""Addresses of a leg that only servers know: what STUN sees of it, and what TURN relays for it (RFC 8445 5.1.1.2)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from offhook.ice.candidate import Candidate, foundation_of, priority_of
from offhook.ice.servers import Query, Relay, Requests

if TYPE_CHECKING:
    from offhook.ice.stun import Address
    from offhook.media.ice_settings import IceSettings, Server
    from offhook.media.rtp import RtpLeg

log = logging.getLogger(__name__)

TCP_AFTER_S = 0.5
"""How long an answer by UDP is waited for before the TURN server is tried by TCP."""
PATIENCE_S = 2.0
"""How long a description waits for the servers."""


class Gathering:
    """Asks rtp.conf's servers about a leg. ``on_begun`` is called when their names are looked up and ``work`` has
    something to do, ``on_found(candidate)`` with each address, ``on_done`` at the end."""

    def __init__(
        self,
        leg: RtpLeg,
        settings: IceSettings,
        loop: asyncio.AbstractEventLoop,
        *,
        base: str,
        components: int,
        on_found: Callable[[Candidate], None],
        on_begun: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self.done = False
        self.relay: Relay | None = None
        self._leg, self._settings, self._loop = leg, settings, loop
        self._base, self._components = base, components
        self._on_found, self._on_begun, self._on_done = on_found, on_begun, on_done
        self._begun = False
        self._queries: dict[int, Query] = {}
        self._told: set[Address] = set()
        self._heard = asyncio.Event()
        """The TURN server has said something."""
        self._task = loop.create_task(self._begin())
        self._patience = loop.call_later(PATIENCE_S, self._finish)

    async def _begin(self) -> None:
        settings = self._settings
        try:
            if settings.stun is not None and settings.stun_allows(self._base):
                server = await self._look_up(settings.stun)
                for component in range(1, self._components + 1):
                    self._queries[component] = Query(server, self._loop.time())
            if settings.turn is not None:
                await self._reach_turn(settings.turn)
        except OSError as error:
            log.warning("the STUN or TURN server of rtp.conf cannot be found: %s", error)
        self._begun = True
        self._on_begun()

    async def _reach_turn(self, turn: Server) -> None:
        server = await self._look_up(turn)
        if turn.transport != "tcp":
            self.relay = Relay(server, turn.username, turn.password, self._loop.time())
            self._on_begun()
            if turn.transport == "udp":
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), TCP_AFTER_S)
                return
        await self._connect(server)
        self._relay_lost()
        self._leg.on_tunnel_lost = self._relay_lost
        self.relay = Relay(server, turn.username, turn.password, self._loop.time(), reliable=True)

    async def _connect(self, server: Address) -> None:
        """Let what goes to the server pass a connection; OSError."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(connection, server)
            self._leg.tunnel(server, connection.fileno())
        except BaseException:
            connection.close()
            raise
        connection.detach()

    def _relay_lost(self) -> None:
        if self.relay is not None:
            self.relay.lost()

    async def _look_up(self, server: Server) -> Address:
        found = await self._loop.getaddrinfo(server.host, server.port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        host, port = found[0][4][:2]
        return str(host), int(port)

    def _servers(self) -> Iterator[tuple[int, Requests]]:
        for component, query in self._queries.items():
            yield component, query.requests
        if self.relay is not None:
            yield 1, self.relay.requests

    def receive(self, component: int, data: bytes, source: Address) -> tuple[bool, tuple[bytes, Address] | None]:
        """Whether a packet came from one of the servers; with it, what TURN handed on: (packet, peer)."""
        now = self._loop.time()
        query, relay = self._queries.get(component), self.relay
        if query is not None and source == query.requests.server and query.receive(data, now):
            return True, None
        if relay is not None and source == relay.requests.server:
            self._heard.set()
            return True, relay.receive(data, now)
        return False, None

    def work(self) -> None:
        """Send what waits, and tell what was found."""
        now = self._loop.time()
        relay = self.relay
        if relay is not None and relay.next_timer is not None and relay.next_timer <= now:
            relay.timer(now)
        for component, requests in self._servers():
            due = requests.next_timer
            if due is not None and due <= now:
                requests.timer(now)
            for data in requests.datagrams():
                self._leg.send_packet(data, *requests.server, rtcp=component == 2)
        for component, query in self._queries.items():
            self._tell("srflx", component, query.mapped, query.requests.server[0])
        if relay is not None:
            if not relay.requests.reliable:  # else it is the connection's address, at which no datagram arrives
                self._tell("srflx", 1, relay.mapped, relay.requests.server[0])
            self._tell("relay", 1, relay.relayed, relay.requests.server[0])
        if self._begun and all(query.done for query in self._queries.values()) and (relay is None or relay.done):
            if relay is not None and relay.error and not self.done:
                log.warning("the TURN server relays nothing: %s", relay.error)
            self._finish()

    def _tell(self, kind: str, component: int, address: Address | None, server: str) -> None:
        port = self._leg.local_port + component - 1
        if address is None or address in self._told or address == (self._base, port):
            return
        self._told.add(address)
        related = (self._base, port)
        foundation = foundation_of(kind, self._base, server)
        self._on_found(Candidate(component, kind, *address, priority_of(kind, component), foundation, related))

    def _finish(self) -> None:
        self._patience.cancel()
        if not self.done:
            self.done = True
            self._on_done()

    @property
    def next_timer(self) -> float | None:
        """When ``work`` is due."""
        times = [requests.next_timer for _, requests in self._servers()]
        if self.relay is not None:
            times.append(self.relay.next_timer)
        return min((time for time in times if time is not None), default=None)

    def close(self) -> None:
        """Give back what TURN relays."""
        self._task.cancel()
        self._patience.cancel()
        if self.relay is not None:
            self.relay.release(self._loop.time())
            for data in self.relay.requests.datagrams():
                self._leg.send_packet(data, *self.relay.requests.server)
