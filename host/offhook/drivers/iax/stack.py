"""The stack: iax.conf in force, its ports, its peers, and the exchange that all calls go through."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from offhook.calls.sparing import Sparing
from offhook.drivers.iax.peers import USUAL_PORT, Peer
from offhook.drivers.iax.ports import Port
from offhook.drivers.iax.reading import Entry, Reading
from offhook.drivers.iax.realtime import Friends
from offhook.drivers.iax.resolving import resolve
from offhook.drivers.iax.watching import FrameWatch
from offhook.iax.elements import Address, Elements
from offhook.iax.exchange import Exchange
from offhook.iax.frames import Command, FullFrame
from offhook.media.errors import EngineError
from offhook.modules import LoadError

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.iax.session import Session
    from offhook.iax.association import Association

log = logging.getLogger(__name__)

_REFUSALS = 10
"""Lines about refused calls a source and minute."""
PART = "iax2"
REGISTRY = "IAX/Registry"
"""Where the database keeps who registered."""

Opener = Callable[["IaxStack", "Association", FullFrame, Elements], None]


class IaxStack:
    """See the text of this file."""

    def __init__(self, pbx: Pbx, reading: Reading) -> None:
        self.pbx = pbx
        self.reading = reading
        self.exchange = Exchange(self, self.now())
        self.exchange.tokens.life = reading.general["calltokenexpiration"]
        self.ports: list[Port] = []
        self.peers: dict[str, Peer] = {}
        self.sessions: dict[int, Session] = {}
        """Calls by our call number."""
        self.watch = FrameWatch(pbx)
        self.friends = Friends(self)
        self.on_new: Opener | None = None
        self.on_register: Opener | None = None
        self.last_methods = 0
        """How somebody was asked for proof last: strangers are asked the same, so that nobody learns who exists."""
        self.tokens_seen: set[str] = set()
        """Users that showed they know call tokens."""
        self.waiting: dict[str, int] = {}
        """Calls of a user that have not proven themselves."""
        self._by_address: dict[str, int] = {}
        self._sparing = Sparing()
        self._proven = False
        """Whether who was admitted last came with a token."""
        self._unproven: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None

    def now(self) -> float:
        """The clock of everything here."""
        return self.pbx.now()

    # ---- ports ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Bind the ports. Raises LoadError when none can be had."""
        general = self.reading.general
        for text in general["bindaddr"] or ("0.0.0.0",):
            host, port = _bind_address(text, general["bindport"])
            try:
                made = Port(self.pbx.engine, host, port, general["tos"])
            except EngineError as error:
                log.error("iax.conf: %s", error)
                continue
            index = len(self.ports)
            self.ports.append(made)
            made.listen(self.pbx.loop, partial(self._came, index))
        if not self.ports:
            raise LoadError("none of the addresses of iax.conf can be listened at")

    def port_for(self, text: str) -> int:
        """The index of the port of a source address; 0 when it is none of ours."""
        if text:
            host, number = _bind_address(text, 0)
            for index, port in enumerate(self.ports):
                if port.host == host and number in (0, port.port):
                    return index
            log.warning("sourceaddress %s is none that iax.conf listens at; the first one is used", text)
        return 0

    def _came(self, index: int, data: bytes, address: Address) -> None:
        self.exchange.receive(data, address, index, self.now())
        self.rearm()

    def rearm(self) -> None:
        """Be called when the exchange wants to know the time."""
        due = self.exchange.next_timer
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None and self.ports:
            self._timer = self.pbx.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer, self._due = None, None
        self.exchange.timer(self.now())
        self.rearm()

    def close(self) -> None:
        """End everything."""
        for session in list(self.sessions.values()):
            session.channel.far_end_hangup(0)
        for peer in self.peers.values():
            peer.stop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for port in self.ports:
            port.close()
        self.ports.clear()

    # ---- peers and users ------------------------------------------------------------------------------------------

    def configure(self, reading: Reading) -> None:
        """Take what the file says; calls and registrations of peers stay."""
        self.reading = reading
        for error in reading.errors:
            log.warning("%s", error)
        self.exchange.tokens.life = reading.general["calltokenexpiration"]
        wanted = {entry.name: entry for entry in reading.peers()}
        for name in [name for name, peer in self.peers.items() if name not in wanted and not peer.entry.realtime]:
            self.peers.pop(name).stop()
        for name, entry in wanted.items():
            known = self.peers.get(name)
            if known is not None and known.entry.dynamic != entry.dynamic:
                self.peers.pop(name).stop()
                known = None
            peer = known or Peer(self, entry)
            self.peers[name] = peer
            peer.configure(entry)
            self.place(peer)

    def place(self, peer: Peer) -> None:
        """Find out where a peer is: by its host, or as it registered before the last start."""
        entry = peer.entry
        if entry["defaultip"]:
            self._resolve(entry["defaultip"], entry["port"], lambda found: setattr(peer, "default_address", found))
        if not entry.dynamic and entry["host"]:
            self._resolve(entry["host"], entry["port"], peer.settle)
        elif entry.dynamic and peer.address is None:
            self._seed(peer)
        elif peer.address is not None:
            peer.ask()

    def _seed(self, peer: Peer) -> None:
        text = self.pbx.astdb.get(REGISTRY, peer.name)
        place, _, expiry = (text or "").rpartition(":")
        host, _, port = place.rpartition(":")
        if host and port.isdigit() and expiry.isdigit() and peer.address is None:
            peer.registered((host.strip("[]"), int(port)), int(expiry), peer.local)

    def _resolve(self, host: str, port: int | None, found: Callable[[Address | None], None]) -> None:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            self.pbx.spawn(self._look_up(host, port, found), f"address of {host}")
        else:
            found((host, port or USUAL_PORT))

    async def _look_up(self, host: str, port: int | None, found: Callable[[Address | None], None]) -> None:
        address = await resolve(self.pbx, host, port, services=self.reading.general["srvlookup"])
        if address is None:
            log.warning("iax.conf: there is no host %s", host)
        found(address)

    def user(self, name: str) -> Entry | None:
        """Who may call us by that name."""
        entry = self.reading.entries.get(name)
        return entry if entry is not None and entry.is_user else None

    def peer_at(self, address: Address) -> Peer | None:
        """The peer that is at an address."""
        return next((peer for peer in self.peers.values() if peer.address == address), None)

    def forget_registration(self, peer: Peer) -> None:
        """A registration is over: the database forgets it."""
        self.pbx.astdb.delete(REGISTRY, peer.name)

    # ---- Owner ------------------------------------------------------------------------------------------------

    def put(self, datagram: bytes, address: Address, local: int) -> None:
        """See Owner."""
        if local < len(self.ports):
            self.ports[local].send(datagram, address)

    def tell(self, frame: FullFrame, address: Address, *, sent: bool) -> None:
        """See Owner."""
        self.watch.tell(frame, address, sent=sent)

    def malformed(self, address: Address, why: str) -> None:
        """See Owner."""
        log.debug("IAX2: what came from %s:%d cannot be read: %s", *address, why)

    def needs_token(self, address: Address, username: str, command: int) -> bool:
        """See Owner (Asterisk's requirecalltoken and calltokenoptional)."""
        name = username or "guest"
        if command == Command.NEW:
            entry = self.user(name)
            seen = entry is not None and entry.name in self.tokens_seen
        else:
            peer = self.peers.get(name)
            entry = peer.entry if peer is not None else None
            seen = peer is not None and peer.tokens_seen
        wish = entry["requirecalltoken"] if entry is not None else ""
        if wish == "no" or (wish == "auto" and not seen):
            return False
        host = ipaddress.ip_address(address[0])
        optional = any(host in network for network in self.reading.tokens_optional)
        if optional and not wish:
            return False
        if not self._sparing.quiet(address[0], "no token", self.now(), _REFUSALS):
            log.error(
                "Call rejected, CallToken Support required. If unexpected, resolve by placing address %s in the "
                "calltokenoptional list or setting user %s requirecalltoken=no",
                address[0],
                name,
            )
        return True

    def has_token(self, username: str, command: int) -> None:
        """See Owner."""
        if command == Command.NEW:
            self.tokens_seen.add(username)
        elif username in self.peers:
            self.peers[username].tokens_seen = True

    def admits(self, address: Address, *, proven: bool) -> bool:
        """See Owner (maxcallnumbers)."""
        general = self.reading.general
        used = self._by_address.get(address[0], 0)
        if used >= self.limit(address[0]):
            if not self._sparing.quiet(address[0], "limit", self.now()):
                log.error("maxcallnumber limit of %d for %s has been reached!", self.limit(address[0]), address[0])
            return False
        if not proven and self.unproven >= general["maxcallnumbers_nonvalidated"]:
            if not self._sparing.quiet("", "limit", self.now()):
                log.error("maxcallnumbers_nonvalidated is reached: who comes without a call token is refused")
            return False
        self._proven = proven
        return True

    def limit(self, host: str) -> int:
        """How many calls an address may have: by its peer, by [callnumberlimits], or the usual number."""
        where = ipaddress.ip_address(host)
        for peer in self.peers.values():
            if peer.entry["maxcallnumbers"] and peer.address is not None and peer.address[0] == host:
                return int(peer.entry["maxcallnumbers"])
        for network, limit in self.reading.limits:
            if where in network:
                return limit
        return int(self.reading.general["maxcallnumbers"])

    @property
    def unproven(self) -> int:
        """Call numbers of those who came without a token."""
        return len(self._unproven)

    @property
    def call_numbers(self) -> dict[str, int]:
        """Call numbers in use, by address."""
        found: dict[str, int] = {}
        for association in self.exchange:
            found[association.address[0]] = found.get(association.address[0], 0) + 1
        return found

    def opened(self, association: Association, frame: FullFrame, elements: Elements, now: float) -> None:
        """See Owner."""
        host = association.address[0]
        self._by_address[host] = self._by_address.get(host, 0) + 1
        if not self._proven:
            self._unproven.add(association.number)
        opener = self.on_new if frame.subclass == Command.NEW else self.on_register
        if opener is not None:
            opener(self, association, frame, elements)

    def closed(self, association: Association, now: float) -> None:
        """See Owner."""
        host = association.address[0]
        self._unproven.discard(association.number)
        left = self._by_address.get(host, 0) - 1
        if left > 0:
            self._by_address[host] = left
        else:
            self._by_address.pop(host, None)


def _bind_address(text: str, port: int) -> Address:
    """Host and port of "1.2.3.4", "1.2.3.4:4569", "::1" or "[::1]:4569"."""
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        number = rest.removeprefix(":")
    elif text.count(":") == 1:
        host, _, number = text.partition(":")
    else:
        host, number = text, ""
    return host, int(number) if number.isdigit() else port
