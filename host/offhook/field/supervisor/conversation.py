"""The host's side of the link, without port and clock: questions one after another, each repeated until answered.

``ask`` queues a question; ``receive`` takes bytes and tells what came; ``timer`` lets time pass; ``to_send`` hands out
what is to be sent. Times are monotonic seconds.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.frames import Decoder, Frame

ANSWER_S: Final = 0.3
"""A question without an answer is asked again after so long (a frame takes 22 ms at 115200 baud)."""
TRIES: Final = 4
REMEMBERED: Final = 64
"""Sequence numbers of news that are known, so that a repetition is acknowledged and not told again."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question was answered."""

    ticket: int
    result: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question was asked often enough."""

    ticket: int


@dataclass(frozen=True, slots=True)
class Told:
    """The supervisor tells something: a code (messages.STARTED and so on) and two numbers."""

    code: int
    a: int
    b: int

    def __str__(self) -> str:
        return sentence(self.code, self.a, self.b)


Event = Answered | Unanswered | Told


@dataclass(slots=True)
class _Question:
    ticket: int
    frame: Frame
    tries: int = 0
    again: float = 0.0


class Conversation:
    """Questions and answers over one link."""

    def __init__(self) -> None:
        self.decoder = Decoder()
        self.stray = 0
        """Frames that nobody had asked for."""
        self.repeated = 0
        """Questions that had to be sent again."""
        self._waiting: deque[_Question] = deque()
        self._under_way: _Question | None = None
        self._tickets = 0
        self._sequence = 0
        self._known: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED)
        self._out = bytearray()

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is to be called, None for not at all."""
        return self._under_way.again if self._under_way is not None else None

    def ask(self, kind: int, body: bytes, now: float, *, first: bool = False) -> int:
        """Queue a question (before all others with ``first``); the ticket that its answer will have."""
        self._tickets += 1
        self._sequence = self._sequence + 1 & 0xFF
        question = _Question(self._tickets, Frame(kind, self._sequence, body))
        if first:
            self._waiting.appendleft(question)
        else:
            self._waiting.append(question)
        self._go_on(now)
        return question.ticket

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Take bytes of the link."""
        events: list[Event] = []
        for frame in self.decoder.feed(data):
            if frame.kind == m.NEWS and len(frame.body) == 4:
                self._out += Frame(m.ACKNOWLEDGE, frame.sequence).encode()
                if (frame.sequence, frame.body) not in self._known:
                    self._known.append((frame.sequence, frame.body))
                    events.append(Told(*struct.unpack(">BBH", frame.body)))
                continue
            asked = self._under_way
            fits = asked is not None and (frame.kind, frame.sequence) == (asked.frame.kind | 0x80, asked.frame.sequence)
            if asked is None or not fits or not frame.body:
                self.stray += 1
                continue
            self._under_way = None
            events.append(Answered(asked.ticket, frame.body[0], frame.body[1:]))
        self._go_on(now)
        return events

    def timer(self, now: float) -> list[Event]:
        """Let time pass."""
        asked = self._under_way
        if asked is None or now < asked.again:
            return []
        if asked.tries >= TRIES:
            self._under_way = None
            self._go_on(now)
            return [Unanswered(asked.ticket)]
        self.repeated += 1
        self._send(asked, now)
        return []

    def to_send(self) -> bytes:
        """The bytes to send now."""
        data, self._out = bytes(self._out), bytearray()
        return data

    def restarted(self) -> None:
        """The supervisor has begun anew: so do the numbers of its news."""
        self._known.clear()

    def _go_on(self, now: float) -> None:
        if self._under_way is None and self._waiting:
            self._under_way = self._waiting.popleft()
            self._send(self._under_way, now)

    def _send(self, question: _Question, now: float) -> None:
        question.tries += 1
        question.again = now + ANSWER_S
        self._out += question.frame.encode()


# ---- in words --------------------------------------------------------------------------------------------


def sentence(code: int, a: int, b: int) -> str:
    """An event of the supervisor for people."""
    if code == m.STARTED:
        return f"the supervisor started {'the frozen firmware' if not a else f'slot {a}'}{', on trial' if b else ''}"
    if code == m.HOST_STATE:
        return f"host {_word(m.STATES, a)}{f', power cycled {b} times' if b else ''}"
    if code == m.RELAYS_CHANGED:
        free = [str(number + 1) for number in range(m.RELAYS) if not a >> number & 1]
        return f"lifeline connected on {', '.join(free)}" if free else "lifelines open, lines with the exchange"
    if code == m.TRIPPED:
        return f"{_word(m.SUPPLIES, a >> 4)} supply tripped: {_word(m.TRIPS, a & 15)} ({_measured(a & 15, b)})"
    if code == m.STOP_CHANGED:
        return "emergency stop" if a else "emergency stop ended"
    if code == m.POWER_CHANGED:
        return f"input power {'is failing' if a else 'is back'} ({b / 1000:.1f} V)"
    if code == m.BUTTON:
        return f"button {_word(m.BUTTONS, a)} {'held' if b == m.LONG else 'pressed'}"
    if code == m.CARD:
        return f"card in slot {(a >> 4) + 1}, identity {b:04x}" if a & 1 else f"card out of slot {(a >> 4) + 1}"
    if code == m.SUPPLY_CHANGED:
        return f"{_word(m.SUPPLIES, a)} supply {'on' if b else 'off'}"
    return f"event {code} {a} {b}"


def _word(words: tuple[str, ...], index: int) -> str:
    return words[index] if index < len(words) else str(index)


def _measured(reason: int, value: int) -> str:
    if reason == m.OVER_CURRENT:
        return f"{value} mA"
    return f"{value} degrees" if reason == m.OVER_TEMPERATURE else f"{value / 100:.1f} V"
