"""A cable between two simulated spans: sound, frames of D channels and signalling bits cross over."""

from __future__ import annotations

from collections import deque

from kernel_shims.line import SIGNALLINGS, Happening, Hook, Voltages
from kernel_shims.simulator.port import SimulatedPort
from kernel_shims.simulator.sound import SILENCE, STEP

_MOST_WAITING = 4 * STEP
_TIES = frozenset({SIGNALLINGS["em"], SIGNALLINGS["em_e1"], SIGNALLINGS["sf"]})
_LONGEST_WINK_MS = 300
"""What is off hook no longer is a wink; the kernel tells of a seizure when it is past (DAHDI_DEFAULT_RXWINKTIME)."""


class CableEnd:
    """One wire of the cable at one port (see Party). ``other`` is its other end."""

    def __init__(self) -> None:
        self.other: CableEnd | None = None
        self.cut = False
        """Nothing passes."""
        self._port: SimulatedPort | None = None
        self._coming: deque[int] = deque(maxlen=_MOST_WAITING)
        self._last = b""
        """The frame that a signalling link repeats."""
        self._seized_ms = -1
        """When this end went off hook, until the other is told."""

    def attached(self, port: SimulatedPort) -> None:
        """See Party."""
        self._port = port

    def hook(self, state: Hook) -> None:
        """See Party: the hook of a tie line is seen at its other end."""
        other = self.other._port if self.other is not None and not self.cut else None
        if other is None or other.signalling not in _TIES:
            return
        if state is Hook.OFF and not other.far_off_hook:
            other.far_off_hook = True
            self._seized_ms = other.now_ms
        elif state is Hook.ON:
            other.far_off_hook = False
            other.happen(Happening.FLASH if self._seized_ms >= 0 else Happening.ON_HOOK)
            self._seized_ms = -1
        elif state in (Hook.WINK, Hook.FLASH):
            other.happen(Happening.FLASH)

    def _tell_seizure(self) -> None:
        other = self.other._port if self.other is not None else None
        if self._seized_ms >= 0 and other is not None:
            if other.now_ms - self._seized_ms < other.times.get("rxwink", _LONGEST_WINK_MS):
                return
            self._seized_ms = -1
            other.happen(Happening.OFF_HOOK)

    def ringer(self, on: bool) -> None:
        """See Party: nothing rings here."""

    def digit(self, digit: str) -> None:
        """See Party: a train of pulses is seen at the other end."""
        other = self.other._port if self.other is not None and not self.cut else None
        if other is not None:
            other.happen(Happening.PULSE_DIGIT, digit)

    def hear(self, samples: list[int]) -> None:
        """See Party."""
        if self.other is not None and not self.cut:
            self.other._coming.extend(samples)

    def wires(self) -> Voltages:
        """See Party: there is no voltage on a cable between spans."""
        return Voltages(0.0, 0.0, 0.0)

    def speak(self) -> list[int]:
        """See Party."""
        if not self._coming:
            return SILENCE
        return [self._coming.popleft() if self._coming else 0 for _ in range(STEP)]

    def step(self) -> None:
        """See Party: frames and signalling bits cross over."""
        self._tell_seizure()
        port, other = self._port, self.other
        if port is not None and port.signalling == SIGNALLINGS["cas"] and other is not None and other._port is not None:
            self._bits(port.sent_abcd, other._port)
        while port is not None and port.framed and other is not None and (frame := port.take_frame()):
            self._last = frame
            if other._port is not None and not self.cut:
                other._port.give_frame(frame)
        if port is not None and port.repeating and other is not None and other._port is not None and not self.cut:
            other._port.give_frame(self._last)

    def _bits(self, sent: int, far: SimulatedPort) -> None:
        if far.abcd != sent and not self.cut:
            far.abcd = sent
            far.happen(Happening.BITS_CHANGED)


def join(one: SimulatedPort, two: SimulatedPort) -> tuple[CableEnd, CableEnd]:
    """Lay a wire between two ports."""
    first, second = CableEnd(), CableEnd()
    first.other, second.other = second, first
    one.attach(first)
    two.attach(second)
    return first, second
