"""The exchange: whose call a datagram belongs to, call numbers, what is answered without a call, and the timers of all.

``receive`` takes full frames, ``timer`` the time; what is to be sent goes out by ``Owner.put``.
"""

from __future__ import annotations

import heapq
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Protocol

from offhook.iax import elements as ies
from offhook.iax.association import Association
from offhook.iax.elements import Address, Elements
from offhook.iax.frames import MOST_CALLS, Command, FrameError, FullFrame, Kind, decode, numbers_of
from offhook.iax.proof import Tokens

_NOBODY = 1
"""The call number of answers that belong to no call (RFC 5457 3)."""
_FIRST_NUMBER = 2
REST = 10.0
"""Seconds before a number is used again: frames of the call before may still be on their way."""
_OPENING = frozenset({Command.NEW, Command.REGREQ, Command.REGREL})
_NOT_ANSWERED = frozenset({Command.INVAL, Command.ACK, Command.TXCNT, Command.TXACC, Command.VNAK, Command.CALLTOKEN})


class Timer:
    """Something that is due once."""

    __slots__ = ("due", "ring")

    def __init__(self, due: float, ring: Callable[[float], None]) -> None:
        self.due = due
        self.ring: Callable[[float], None] | None = ring

    def cancel(self) -> None:
        """It is not wanted any more."""
        self.ring = None


class Owner(Protocol):
    """Who has an exchange."""

    def put(self, datagram: bytes, address: Address, local: int) -> None:
        """Send a datagram by one of the sockets."""

    def tell(self, frame: FullFrame, address: Address, *, sent: bool) -> None:
        """A frame came or goes, for those who watch."""

    def malformed(self, address: Address, why: str) -> None:
        """What came cannot be read."""

    def needs_token(self, address: Address, username: str, command: int) -> bool:
        """Whether somebody who never heard of call tokens is refused."""

    def has_token(self, username: str, command: int) -> None:
        """Somebody came with a valid token."""

    def admits(self, address: Address, *, proven: bool) -> bool:
        """Whether an address may have one more call; ``proven``: it came with a token."""

    def opened(self, association: Association, frame: FullFrame, elements: Elements, now: float) -> None:
        """A call or registration begins: give the association its role. It gets the frame next."""

    def closed(self, association: Association, now: float) -> None:
        """An association is over."""


class Exchange:
    """All associations of one set of sockets."""

    def __init__(self, owner: Owner, now: float) -> None:
        self.owner = owner
        self.tokens = Tokens()
        self.trace = False
        self._now = now
        self._by_number: dict[int, Association] = {}
        self._by_peer: dict[tuple[Address, int], Association] = {}
        self._resting: OrderedDict[int, float] = OrderedDict()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = 0

    # ---- timers -----------------------------------------------------------------------------------------------

    def after(self, seconds: float, ring: Callable[[float], None], now: float) -> Timer:
        """Have something called with the time then."""
        timer = Timer(now + seconds, ring)
        self._order += 1
        heapq.heappush(self._timers, (timer.due, self._order, timer))
        return timer

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is wanted next; None: never."""
        while self._timers and self._timers[0][2].ring is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def timer(self, now: float) -> None:
        """Time has passed."""
        while (due := self.next_timer) is not None and due <= now:
            timer = heapq.heappop(self._timers)[2]
            ring, timer.ring = timer.ring, None
            if ring is not None:
                ring(now)

    # ---- associations -------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Association]:
        return iter(list(self._by_number.values()))

    def __len__(self) -> int:
        return len(self._by_number)

    def find(self, number: int) -> Association | None:
        """The association of one of our call numbers."""
        return self._by_number.get(number)

    def begin(self, address: Address, local: int, now: float) -> Association | None:
        """An association with a fresh call number; None when all are in use."""
        number = self._fresh(now)
        if not number:
            return None
        association = Association(self, number, address, local, now)
        self._by_number[number] = association
        return association

    def _fresh(self, now: float) -> int:
        while self._resting:
            number, until = next(iter(self._resting.items()))
            if until > now:
                break
            del self._resting[number]
        room = MOST_CALLS - _FIRST_NUMBER
        if len(self._by_number) + len(self._resting) >= room:
            return 0
        start = secrets.randbelow(room)
        for step in range(room):
            number = _FIRST_NUMBER + (start + step) % room
            if number not in self._by_number and number not in self._resting:
                return number
        return 0

    def renumber(self, association: Association, peer_number: int) -> None:
        """The far end's call number is known, or another one."""
        self._unlist(association)
        association.peer_number = peer_number
        if peer_number:
            self._by_peer[association.address, peer_number] = association

    def move(self, association: Association, address: Address, peer_number: int) -> None:
        """The call has another far end."""
        self._unlist(association)
        association.address = address
        self.renumber(association, peer_number)

    def _unlist(self, association: Association) -> None:
        key = (association.address, association.peer_number)
        if self._by_peer.get(key) is association:
            del self._by_peer[key]

    def forget(self, association: Association, now: float) -> None:
        """An association is over; its number rests."""
        self._unlist(association)
        if self._by_number.pop(association.number, None) is not None:
            self._resting[association.number] = now + REST
            self.owner.closed(association, now)

    # ---- what comes and goes --------------------------------------------------------------------------------------

    def put(self, datagram: bytes, address: Address, local: int) -> None:
        """Send a datagram."""
        self.owner.put(datagram, address, local)

    def tell(self, frame: FullFrame, address: Address, *, sent: bool) -> None:
        """Tell those who watch."""
        if self.trace:
            self.owner.tell(frame, address, sent=sent)

    def receive(self, datagram: bytes, address: Address, local: int, now: float) -> None:
        """Take a datagram that is a full frame, from an address, by one of the sockets."""
        self._now = now
        try:
            source, destination = numbers_of(datagram)
            association = self._whose(source, destination, address)
            frame = association.open(datagram) if association is not None else decode(datagram)
            elements = ies.decode(frame.payload) if frame.is_command else Elements()
        except FrameError as error:
            self.owner.malformed(address, str(error))
            return
        self.tell(frame, address, sent=False)
        if association is None:
            self._stray(frame, elements, address, local, now)
        else:
            association.receive(frame, elements, address, now)

    def _whose(self, source: int, destination: int, address: Address) -> Association | None:
        if destination > _NOBODY:
            found = self._by_number.get(destination)
            if found is None or address not in (found.address, found.transfer):
                return None
            return found
        return self._by_peer.get((address, source)) if not destination else None

    def _stray(self, frame: FullFrame, elements: Elements, address: Address, local: int, now: float) -> None:
        """A frame of no call: one may begin with it."""
        command = frame.subclass if frame.is_command else -1
        if command == Command.POKE:
            self.answer(frame, Command.PONG, None, address, local)
            return
        if command in _OPENING and not frame.destination:
            self._open(frame, elements, address, local, now)
        elif command == Command.FWDOWNL or command == Command.PROVISION:
            self.answer(frame, Command.UNSUPPORT, Elements(iax_unknown=command), address, local)
        elif command not in _NOT_ANSWERED and frame.destination:
            self.answer(frame, Command.INVAL, None, address, local, source=frame.destination)

    def _open(self, frame: FullFrame, elements: Elements, address: Address, local: int, now: float) -> None:
        command, username = frame.subclass, elements.text("username")
        token = elements.get("calltoken")
        proven = False
        if token is not None and not token:
            given = Elements(calltoken=self.tokens.give(address, now))
            self.answer(frame, Command.CALLTOKEN, given, address, local)
            return
        if token:
            proven = self.tokens.fits(token, address, now)
            refused = not proven
            if proven:
                self.owner.has_token(username, command)
        else:
            refused = self.owner.needs_token(address, username, command)
        association = None
        if not refused and self.owner.admits(address, proven=proven):
            association = self.begin(address, local, now)
        if association is None:
            self.answer(frame, Command.REJECT if command == Command.NEW else Command.REGREJ, None, address, local)
            return
        self.renumber(association, frame.source)
        self.owner.opened(association, frame, elements, now)
        association.receive(frame, elements, address, now)

    def answer(
        self,
        frame: FullFrame,
        command: int,
        elements: Elements | None,
        address: Address,
        local: int,
        *,
        source: int = _NOBODY,
    ) -> None:
        """Answer a frame without a call of its own."""
        payload = elements.encode() if elements is not None else b""
        expected = (frame.out + 1) & 0xFF
        reply = FullFrame(source, frame.source, frame.time, 0, expected, Kind.IAX, command, payload)
        if command == Command.INVAL:
            reply.out = frame.expected
        self.tell(reply, address, sent=True)
        self.put(reply.encode(), address, local)
