"""Full frames between two call numbers, reliably and in order (RFC 5456 6.5, 7.1): numbers, acknowledgements,
repetition, encryption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from offhook.iax import elements as ies
from offhook.iax.elements import Address, Elements
from offhook.iax.frames import Command, FrameError, FullFrame, Kind, decode
from offhook.iax.seal import Seal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.iax.exchange import Exchange, Timer

MOST_TRIES = 4
"""How often a frame is repeated before the far end counts as gone."""
FIRST_WAIT = 1.0
LEAST_WAIT, MOST_WAIT = 0.1, 10.0
_WAIT_GROWS = 10.0
MOST_TRANSFER_WAIT = 1.0
_WINDOW = 256
_STEP = 3
"""Ms between two frames that were sent at once: every frame has a time of its own."""
_UNNUMBERED = frozenset({Command.ACK, Command.INVAL, Command.TXCNT, Command.TXACC, Command.VNAK})
"""Commands that take no sequence number of their own (RFC 5456 7.1)."""
_ANY_NUMBER = frozenset({Command.TXREADY, Command.TXREL, Command.UNQUELCH})
"""Commands after which numbers may begin anew."""
_ECHOES = frozenset({Command.ACK, Command.PONG, Command.LAGRP})
"""Commands whose time is not their sender's."""


class Role(Protocol):
    """What an association is for: a call, a registration, a question whether somebody is there."""

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """The next frame, in order; ``elements`` of IAX frames."""

    def keyed(self) -> None:
        """Encryption has begun, or goes on with another key."""

    def lost(self, now: float) -> None:
        """The far end does not acknowledge any more; the association is over."""

    def invalid(self, now: float) -> None:
        """The far end knows nothing of this; the association is over."""

    def finished(self, now: float) -> None:
        """Our last frame has been acknowledged, or its time is up; the association is over."""


@dataclass(slots=True)
class _Waiting:
    """A frame that is not acknowledged yet."""

    frame: FullFrame
    wait: float
    tries: int
    final: bool
    transfer: bool
    seal: Seal | None
    timer: Timer | None = None


class Association:
    """One pair of call numbers. Made by an Exchange; ``local`` is the socket it speaks by."""

    __slots__ = (
        "_acknowledged",
        "_answered",
        "_in",
        "_last_time",
        "_out",
        "_queue",
        "address",
        "began",
        "dead",
        "exchange",
        "first_command",
        "frames_received",
        "frames_sent",
        "held",
        "last_command",
        "local",
        "number",
        "peer_number",
        "retransmitted",
        "role",
        "round_trip",
        "seal",
        "token",
        "transfer",
        "transfer_number",
        "unseal",
        "unseals",
    )

    def __init__(self, exchange: Exchange, number: int, address: Address, local: int, now: float) -> None:
        self.exchange = exchange
        self.number = number
        self.peer_number = 0
        self.address = address
        self.local = local
        self.began = now
        self.role: Role | None = None
        self.dead = False
        self.seal: Seal | None = None
        self.unseal: Seal | None = None
        self.unseals: Iterable[Seal] | None = None
        """Seals of which one will open what comes next."""
        self.transfer: Address | None = None
        """Who may speak besides the far end, because the call is about to go there."""
        self.transfer_number = 0
        self.round_trip = FIRST_WAIT
        self.token: Elements | None = None
        """What a frame was sent with that a token may be asked for."""
        self.held: list[tuple[int, int, bytes]] = []
        self.first_command: tuple[int, bool] | None = None
        self.last_command: tuple[int, bool] | None = None
        """IAX frames, and whether we sent them."""
        self.frames_received = self.frames_sent = self.retransmitted = 0
        self._out = self._acknowledged = 0
        self._in = self._answered = 0
        self._last_time = 0
        self._queue: list[_Waiting] = []

    # ---- what is shown --------------------------------------------------------------------------------------

    @property
    def sequence(self) -> tuple[int, int]:
        """The next number out, and the next expected."""
        return self._out, self._in

    @property
    def waiting(self) -> int:
        """Frames that are not acknowledged."""
        return len(self._queue)

    @property
    def final_waiting(self) -> int:
        """Of them, those that end the association."""
        return sum(waiting.final for waiting in self._queue)

    # ---- sending --------------------------------------------------------------------------------------------

    def elapsed(self, now: float) -> int:
        """The call's time in ms."""
        return max(0, int((now - self.began) * 1000)) & 0xFFFFFFFF

    def stamp(self, now: float) -> int:
        """A time for the next frame, later than that of the one before."""
        time = self.elapsed(now)
        if time <= self._last_time:
            time = self._last_time + _STEP
        self._last_time = time
        return time

    def command(self, command: int, elements: Elements | None, now: float, *, final: bool = False) -> FullFrame | None:
        """Send an IAX frame reliably. After a ``final`` one there is nothing more to say."""
        return self.send(Kind.IAX, command, elements.encode() if elements is not None else b"", now, final=final)

    def send(
        self,
        kind: int,
        subclass: int,
        payload: bytes,
        now: float,
        *,
        time: int | None = None,
        final: bool = False,
        transfer: bool = False,
    ) -> FullFrame | None:
        """Send a frame until it is acknowledged; ``time`` where it is not now, ``transfer`` to whom the call goes."""
        if self.dead:
            return None
        numbered = not (kind == Kind.IAX and subclass in _UNNUMBERED)
        frame = FullFrame(
            self.number,
            self.transfer_number if transfer else self.peer_number,
            self.stamp(now) if time is None else time,
            self._out,
            self._in,
            kind,
            subclass,
            payload,
        )
        if numbered:
            self._out = (self._out + 1) % _WINDOW
        self._answered = self._in
        wait = min(MOST_WAIT, max(LEAST_WAIT, self.round_trip * 2))
        if transfer:
            wait = min(wait, MOST_TRANSFER_WAIT)
        waiting = _Waiting(frame, wait, 0, final, transfer, None if transfer else self.seal)
        self._queue.append(waiting)
        self._transmit(waiting)
        waiting.timer = self.exchange.after(wait, lambda later: self._repeat(waiting, later), now)
        return frame

    def immediate(self, command: int, time: int, now: float) -> None:
        """Send an IAX frame once, without a number of its own."""
        if self.dead:
            return
        frame = FullFrame(self.number, self.peer_number, time, self._out, self._in, Kind.IAX, command)
        self._answered = self._in
        self._put(frame, self.seal, self.address)

    def reset(self) -> None:
        """Begin numbers and times anew: the call has another far end now. Nothing is repeated any more."""
        self._forget(list(self._queue))
        self._out = self._acknowledged = self._in = self._answered = 0
        self._last_time = 0
        self.round_trip = FIRST_WAIT

    def forget_transfers(self) -> None:
        """Stop what was being repeated towards whom the call was to go."""
        self._forget([waiting for waiting in self._queue if waiting.transfer])

    def _forget(self, gone: list[_Waiting]) -> None:
        for waiting in gone:
            if waiting.timer is not None:
                waiting.timer.cancel()
            self._queue.remove(waiting)

    def _put(self, frame: FullFrame, seal: Seal | None, to: Address) -> None:
        datagram = frame.encode()
        self.frames_sent += 1
        self._note(frame.subclass if frame.is_command else -1, sent=True)
        self.exchange.tell(frame, to, sent=True)
        self.exchange.put(seal.close(datagram) if seal is not None else datagram, to, self.local)

    def _transmit(self, waiting: _Waiting) -> None:
        to = self.transfer if waiting.transfer else self.address
        if to is not None:
            self._put(waiting.frame, waiting.seal, to)

    def _again(self, waiting: _Waiting) -> None:
        waiting.frame.again = True
        waiting.frame.expected = self._in
        if not waiting.transfer:
            waiting.frame.destination = self.peer_number
        self.retransmitted += 1
        self._transmit(waiting)

    def _repeat(self, waiting: _Waiting, now: float) -> None:
        waiting.timer = None
        if self.dead or waiting not in self._queue:
            return
        if waiting.tries >= MOST_TRIES:
            self._queue.remove(waiting)
            if waiting.final:
                self.end(now, lost=False)
            elif not waiting.transfer:
                self.end(now, lost=True)
            return
        waiting.tries += 1
        self._again(waiting)
        most = MOST_TRANSFER_WAIT if waiting.transfer else MOST_WAIT
        waiting.wait = min(most, waiting.wait * _WAIT_GROWS)
        waiting.timer = self.exchange.after(waiting.wait, lambda later: self._repeat(waiting, later), now)

    def repeat_with_token(self, token: bytes, now: float) -> None:
        """The far end wants to see a token first: send the last frame anew with it (RFC 5457 3.2)."""
        if not self._queue or self.token is None:
            return
        last = self._queue[-1]
        command = last.frame.subclass
        elements = self.token.without("calltoken").add("calltoken", token)
        final = last.final
        self._forget([last])
        self._out = self._acknowledged = self._in = self._answered = 0
        self.token = None
        self.command(command, elements, now, final=final)

    # ---- receiving ------------------------------------------------------------------------------------------

    def open(self, datagram: bytes) -> FullFrame:
        """Decrypt and read what came. Raises FrameError."""
        if self.unseals is not None:
            for seal in self.unseals:
                try:
                    frame = decode(seal.open(datagram))
                    ies.decode(frame.payload)
                    Command(frame.subclass)
                except ValueError:
                    continue
                if not frame.is_command:
                    continue
                self.seal = self.unseal = seal
                self.unseals = None
                if self.role is not None:
                    self.role.keyed()
                return frame
            raise FrameError("encrypted with none of the secrets")
        return decode(self.unseal.open(datagram) if self.unseal is not None else datagram)

    def receive(self, frame: FullFrame, elements: Elements, source: Address, now: float) -> None:
        """Take a frame of this call."""
        command = frame.subclass if frame.is_command else -1
        own = source == self.address
        self.frames_received += 1
        if command == Command.CALLTOKEN:
            if own and elements.get("calltoken"):
                self.repeat_with_token(elements.get("calltoken"), now)
            return
        if own and command not in (Command.TXCNT, Command.TXACC) and frame.source != self.peer_number:
            self.exchange.renumber(self, frame.source)
        if not self._in_order(frame, command, now):
            return
        if own and command != Command.INVAL:
            self._acknowledge(frame.expected, now)
        if self.dead or (not own and command not in (Command.TXCNT, Command.TXACC)):
            return
        if command == Command.INVAL:
            self.end(now, invalid=True)
            return
        if command == Command.VNAK:
            self._vnak(frame.expected)
            return
        if frame.is_command and self.held:
            self._release(now)
        self._note(command, sent=False)
        if self.role is not None:
            self.role.received(frame, elements, now)
        if not self.dead and command not in _UNNUMBERED and self._answered != self._in:
            self.immediate(Command.ACK, frame.time, now)

    def _note(self, command: int, *, sent: bool) -> None:
        if command > 0:
            self.last_command = (command, sent)
            self.first_command = self.first_command or self.last_command

    def acknowledge_now(self, frame: FullFrame, now: float) -> None:
        """Acknowledge before what the frame asks for is done."""
        self.immediate(Command.ACK, frame.time, now)

    def _in_order(self, frame: FullFrame, command: int, now: float) -> bool:
        if frame.out == self._in or (not self._in and command in _UNNUMBERED | _ANY_NUMBER):
            if command not in _UNNUMBERED:
                self._in = (self._in + 1) % _WINDOW
            return True
        if command in _UNNUMBERED or command in _ANY_NUMBER:
            return True
        if (self._in - frame.out) % _WINDOW < _WINDOW // 2:
            self.immediate(Command.ACK, frame.time, now)  # seen already
        else:
            self.immediate(Command.VNAK, self.elapsed(now), now)
        return False

    def _acknowledge(self, expected: int, now: float) -> None:
        """Everything before ``expected`` has arrived, if that is within what was sent."""
        if (expected - self._acknowledged) % _WINDOW > (self._out - self._acknowledged) % _WINDOW:
            return
        self._acknowledged = expected
        done = [
            waiting
            for waiting in self._queue
            if not waiting.transfer and (expected - 1 - waiting.frame.out) % _WINDOW < _WINDOW // 2
        ]
        self._forget(done)
        if any(waiting.final for waiting in done):
            self.end(now)

    def _vnak(self, expected: int) -> None:
        for waiting in list(self._queue):
            if (waiting.frame.out - expected) % _WINDOW < _WINDOW // 2:
                self._again(waiting)

    # ---- frames that wait until the far end has answered ------------------------------------------------------

    def hold_back(self, kind: int, subclass: int, payload: bytes, now: float) -> None:
        """Send now when the far end's call number is known, else as soon as it is."""
        if self.peer_number:
            self.send(kind, subclass, payload, now)
        else:
            self.held.append((kind, subclass, payload))

    def _release(self, now: float) -> None:
        held, self.held = self.held, []
        for kind, subclass, payload in held:
            self.send(kind, subclass, payload, now)

    # ---- the end --------------------------------------------------------------------------------------------

    def end(self, now: float, *, lost: bool = False, invalid: bool = False) -> None:
        """Forget it all. Harmless twice."""
        if self.dead:
            return
        self.dead = True
        self._forget(list(self._queue))
        self.exchange.forget(self, now)
        role, self.role = self.role, None
        if role is None:
            return
        if lost:
            role.lost(now)
        elif invalid:
            role.invalid(now)
        else:
            role.finished(now)
