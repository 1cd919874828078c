"""A simulated channel: what the daemon sees of it (LinePort), and the wire behind it with a party at its end."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from kernel_shims.line import SIGNALLINGS, Alarm, Happening, Hook, LineError, LineEvent, Termination, Voltages
from kernel_shims.simulator.sound import SILENCE, SILENT, STEP, STEP_MS, decode, encode

DEFAULT_CADENCE = (2000, 4000)
_HOOK_TIME_MS = 500
_FLASH_MS = 600
_DIGIT_MS = 140
_MOST_EVENTS = 64
_LONGEST_FRAME = 2048
_FRAMED = frozenset({SIGNALLINGS["hdlcfcs"], SIGNALLINGS["hardhdlc"], SIGNALLINGS["mtp2"]})


class Party(Protocol):
    """Who is at the far end of a simulated line."""

    def attached(self, port: SimulatedPort) -> None:
        """The line is there."""

    def hook(self, state: Hook) -> None:
        """The daemon did something to the loop."""

    def ringer(self, on: bool) -> None:
        """Ringing current begins or ends."""

    def digit(self, digit: str) -> None:
        """The driver dialled a digit (a train of pulses, or its own tones)."""

    def hear(self, samples: list[int]) -> None:
        """A step of sound of the daemon's."""

    def speak(self) -> list[int]:
        """A step of sound to the daemon."""

    def step(self) -> None:
        """A step of time."""

    def wires(self) -> Voltages:
        """What a meter would show."""


class SimulatedPort:
    """See LinePort. ``party`` is the far end; ``happen`` is how it makes events."""

    def __init__(self, number: int, span: int, signalling: int, law: str, notify: Callable[[SimulatedPort], None]):
        self.number = number
        self.name = f"SIM/{span}/{number}"
        self.span = span
        self.signalling = signalling
        self.capabilities = signalling
        self.law = law
        self.party: Party | None = None
        self.is_open = False
        self.far_off_hook = False
        """What ``off_hook`` tells."""
        self.now_ms = 0
        self.reversed = False
        self.waiting_messages = 0
        self.hooks: list[Hook] = []
        """Everything the daemon did to the loop."""
        self.termination = Termination(0)
        self.times: dict[str, int] = {}
        self.gains = {"rx": 0.0, "tx": 0.0}
        self.transfer_until = 0
        self.alarm_bits = Alarm.NONE
        self.looped = False
        self.abcd = self.sent_abcd = 0
        self._sounding = False
        """The daemon takes sound; before, nobody would."""
        self._lamps: frozenset[str] = frozenset()
        self._notify = notify
        self._events: deque[LineEvent] = deque(maxlen=_MOST_EVENTS)
        self._near: socket.socket | None = None
        self._far: socket.socket | None = None
        self._cadence: tuple[int, ...] = DEFAULT_CADENCE
        self._last_given = b""
        self._ringing_since = -1
        self._ringer = False
        self._due: list[tuple[int, LineEvent]] = []
        self._dialing: deque[tuple[int, str]] = deque()

    # ---- the daemon's side ---------------------------------------------------------------------------------

    def opened(self) -> None:
        """The system opens the port."""
        self.is_open = True
        kind = socket.SOCK_SEQPACKET if self.framed else socket.SOCK_STREAM
        self._near, self._far = socket.socketpair(socket.AF_UNIX, kind)
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._last_given = b""
        self._events.clear()
        self._due.clear()

    @property
    def descriptor(self) -> int:
        """See LinePort."""
        return self._near.fileno() if self._near is not None else -1

    def _here(self) -> None:
        if not self.is_open:
            raise LineError(f"channel {self.number}: it is not open, or its span was removed")

    def hook(self, state: Hook) -> None:
        """See LinePort."""
        self._here()
        self.hooks.append(state)
        if state is Hook.RING:
            self._ringing_since = self.now_ms
            self._set_ringer(True)
        elif state in (Hook.RINGOFF, Hook.ON, Hook.OFF) and self._ringing_since >= 0:
            self._ringing_since = -1
            self._set_ringer(False)
        if state in (Hook.ON, Hook.WINK, Hook.FLASH):
            self.later(_FLASH_MS if state is Hook.FLASH else _HOOK_TIME_MS, LineEvent(Happening.HOOK_COMPLETE))
        if self.party is not None:
            self.party.hook(state)

    def off_hook(self) -> bool:
        """See LinePort."""
        self._here()
        return self.far_off_hook

    def cadence(self, times_ms: Sequence[int]) -> None:
        """See LinePort."""
        self._here()
        self._cadence = tuple(map(abs, times_ms)) or DEFAULT_CADENCE

    def ready_audio(self, block: int) -> None:
        """See LinePort. The wire moves in steps whatever the block."""
        self._here()
        self._sounding = True
        for end in (self._near, self._far):
            with contextlib.suppress(BlockingIOError):
                while end is not None and end.recv(4096):
                    pass

    def ready_frames(self) -> None:
        """See LinePort."""
        self._here()

    def voice(self, on: bool) -> None:
        """See LinePort."""
        self._here()

    def loop(self, on: bool) -> None:
        """See LinePort."""
        self._here()
        self.looped = on

    def dial(self, digits: str) -> None:
        """See LinePort."""
        self._here()
        way, numbers = digits[:1], digits[1:]
        at = self.now_ms
        for digit in numbers:
            pulses = 100 * (10 if digit == "0" else int(digit)) + 700 if way == "P" and digit.isdigit() else _DIGIT_MS
            at += 500 if digit in "wW" else pulses
            if digit not in "wW":
                self._dialing.append((at, digit))
        self.later(at - self.now_ms, LineEvent(Happening.DIAL_COMPLETE))

    def dialing(self) -> bool:
        """See LinePort."""
        return bool(self._dialing)

    def on_hook_transfer(self, ms: int) -> None:
        """See LinePort."""
        self._here()
        self.transfer_until = self.now_ms + ms

    def polarity(self, reversed_: bool) -> None:
        """See LinePort."""
        self._here()
        self.reversed = reversed_

    def message_waiting(self, count: int) -> None:
        """See LinePort."""
        self._here()
        self.waiting_messages = count if self._lamps else 0

    def message_lamp(self, kinds: frozenset[str]) -> None:
        """See LinePort."""
        self._lamps = kinds

    def timing(self, times_ms: Mapping[str, int]) -> None:
        """See LinePort."""
        self._here()
        self.times.update(times_ms)

    def hardware_gain(self, db: float, *, transmit: bool) -> None:
        """See LinePort."""
        self._here()
        self.gains["tx" if transmit else "rx"] = db

    def voltages(self) -> Voltages:
        """See LinePort: what the party's wires are like."""
        self._here()
        if self.party is None:
            raise LineError(f"channel {self.number}: nothing is on its wires")
        return self.party.wires()

    def terminate(self, how: Termination) -> None:
        """See LinePort."""
        self._here()
        self.termination = how

    def alarms(self) -> int:
        """See LinePort."""
        return self.alarm_bits

    def bits(self) -> int:
        """See LinePort."""
        return self.abcd

    def set_bits(self, value: int) -> None:
        """See LinePort."""
        self._here()
        self.sent_abcd = value

    def next_event(self) -> LineEvent | None:
        """See LinePort."""
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        """See LinePort."""
        if self.is_open:
            self.is_open = self._sounding = False
            self._ringing_since = -1
            self._set_ringer(False)
            for end in (self._near, self._far):
                if end is not None:
                    end.close()
            self._near = self._far = None

    # ---- the wire's side -----------------------------------------------------------------------------------

    @property
    def framed(self) -> bool:
        """Whether it is a D channel or a signalling link."""
        return self.signalling in _FRAMED

    @property
    def repeating(self) -> bool:
        """Whether it is a signalling link: the last frame is repeated, and one that came before does not come again."""
        return self.signalling == SIGNALLINGS["mtp2"]

    def take_frame(self) -> bytes:
        """A frame that the daemon sent on a D channel; empty when there is none."""
        if self._far is not None:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                return self._far.recv(_LONGEST_FRAME)
        return b""

    def give_frame(self, frame: bytes) -> None:
        """A frame for the daemon; lost while the port is closed."""
        if self.repeating and frame == self._last_given:
            return
        if self._far is not None:
            self._last_given = frame
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self._far.send(frame)

    def attach(self, party: Party) -> None:
        """Put somebody at the far end."""
        self.party = party
        party.attached(self)

    def happen(self, kind: Happening, digit: str = "") -> None:
        """An event for the daemon. Lost while the port is closed, as on hardware."""
        if self.is_open:
            self._events.append(LineEvent(kind, digit))
            self._notify(self)

    def later(self, ms: int, event: LineEvent) -> None:
        """An event after that time."""
        self._due.append((self.now_ms + ms, event))

    @property
    def ringing(self) -> bool:
        """Whether ringing was ordered and not ended, in a pause of the cadence too."""
        return self._ringing_since >= 0

    def _set_ringer(self, on: bool) -> None:
        if on != self._ringer:
            self._ringer = on
            self.happen(Happening.RINGER_ON if on else Happening.RINGER_OFF)
            if self.party is not None:
                self.party.ringer(on)

    def _ring(self) -> None:
        total = sum(self._cadence)
        place = (self.now_ms - self._ringing_since) % total if total else 0
        on = True
        for ms in self._cadence:
            if place < ms:
                break
            place -= ms
            on = not on
        self._set_ringer(on)

    def step(self) -> None:
        """10 ms pass: cadence, what is due, the party, and a step of sound both ways."""
        self.now_ms += STEP_MS
        if self._ringing_since >= 0:
            self._ring()
        while self._dialing and self._dialing[0][0] <= self.now_ms:
            _, digit = self._dialing.popleft()
            if self.party is not None:
                self.party.digit(digit)
        for due, event in [entry for entry in self._due if entry[0] <= self.now_ms]:
            self._due.remove((due, event))
            self.happen(event.kind, event.digit)
        if self.party is not None:
            self.party.step()
            self._sound(self.party)

    def _sound(self, party: Party) -> None:
        if self._far is None or not self._sounding or self.framed:
            return
        spoken = party.speak()
        if self.looped:
            party.hear(list(spoken) + [0] * (STEP - len(spoken)))
            return
        heard = b""
        with contextlib.suppress(BlockingIOError):
            heard = self._far.recv(STEP)
        with contextlib.suppress(BlockingIOError):
            self._far.send(SILENT[self.law] if spoken is SILENCE else encode(spoken, self.law))
        samples = decode(heard, self.law) if heard != SILENT[self.law] else SILENCE
        party.hear(samples + [0] * (STEP - len(samples)))
