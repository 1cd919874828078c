"""A simulated telephone on an FXS port."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from kernel_shims.line import Happening, Hook, Voltages
from kernel_shims.simulator.port import SimulatedPort
from kernel_shims.simulator.sound import RATE, SILENCE, STEP, DigitListener, dtmf, sounds

_KEEP = 60 * RATE
_SET_OHM = 300


class Phone:
    """Goes off and on hook, flashes, dials tones or pulses, speaks, and remembers what it heard."""

    def __init__(self) -> None:
        self.is_off_hook = False
        self.ringer_on = False
        self.bursts = 0
        """Bursts of ringing so far."""
        self.battery_drops = 0
        """How often the exchange opened the loop of the phone off hook."""
        self.heard: deque[int] = deque(maxlen=_KEEP)
        """Samples since the last ``forget``, at most a minute."""
        self.heard_on_hook: list[int] = []
        """What came while on hook: caller ID and message waiting."""
        self.digits_heard = ""
        self.fault_ohm = 0
        """What bridges its wires when nothing should; 0: nothing."""
        self.echo = 0.0
        """How much of what it hears comes back at once, as a hybrid does (amplitude)."""
        self._port: SimulatedPort | None = None
        self._speech: deque[int] = deque()
        self._pulses: deque[tuple[int, str]] = deque()
        self._listener = DigitListener()
        self._last_heard: list[int] = [0] * STEP

    # ---- what a person does ----------------------------------------------------------------------------------

    @property
    def port(self) -> SimulatedPort:
        """The port that the phone is on."""
        assert self._port is not None, "the phone is on no line"
        return self._port

    def off_hook(self) -> None:
        """Lift the handset."""
        self.is_off_hook = True
        self.port.far_off_hook = True
        self.port.happen(Happening.OFF_HOOK)

    def on_hook(self) -> None:
        """Put the handset down."""
        self.is_off_hook = False
        self.port.far_off_hook = False
        self._speech.clear()
        self._pulses.clear()
        self.port.happen(Happening.ON_HOOK)

    def flash(self) -> None:
        """Press the hook for a moment."""
        self.port.happen(Happening.FLASH)

    def dial(self, digits: str) -> None:
        """Press keys."""
        self.say(dtmf(digits))

    def pulse(self, digits: str) -> None:
        """Turn the dial: 10 pulses a second, 700 ms between digits."""
        at = self._pulses[-1][0] if self._pulses else self.port.now_ms
        for digit in digits:
            self._pulses.append((at, ""))
            at += 100 * (int(digit) or 10)
            self._pulses.append((at, digit))
            at += 700

    def say(self, samples: Sequence[int]) -> None:
        """Speak; after what is being said."""
        self._speech.extend(samples)

    @property
    def speaking(self) -> bool:
        """Whether there is more to be said or dialled."""
        return bool(self._speech or self._pulses)

    @property
    def ringing(self) -> bool:
        """Whether it is being rung, in a pause of the cadence too."""
        return self.port.ringing

    def forget(self) -> None:
        """Begin to remember anew."""
        self.heard.clear()
        self.digits_heard = ""

    def hears(self, *frequencies: float, ms: int = 200) -> bool:
        """Whether the last sound is these frequencies and nothing else."""
        last = list(self.heard)[-ms * RATE // 1000 :]
        return len(last) >= ms * RATE // 1000 and sounds(last, frequencies)

    def hears_silence(self, ms: int = 200) -> bool:
        """Whether it has been quiet for that long."""
        last = list(self.heard)[-ms * RATE // 1000 :]
        return max(map(abs, last), default=0) < 100

    def wires(self) -> Voltages:
        """See Party: 48 V on hook; 20 mA through the set off hook, or through ``fault_ohm``."""
        if not (self.is_off_hook or self.fault_ohm):
            return Voltages(-2.6, -48.8, -51.9, 0.0)
        ohm = self.fault_ohm or _SET_OHM
        current = min(20.0, 48e3 / (ohm + 400))
        return Voltages(-5.0, -5.0 - current * ohm / 1000, -51.9, current)

    # ---- the line --------------------------------------------------------------------------------------------

    def attached(self, port: SimulatedPort) -> None:
        """See Party."""
        self._port = port

    def hook(self, state: Hook) -> None:
        """See Party."""
        if state is Hook.ON and self.is_off_hook:
            self.battery_drops += 1

    def ringer(self, on: bool) -> None:
        """See Party."""
        self.ringer_on = on
        self.bursts += on

    def digit(self, digit: str) -> None:
        """See Party: a phone takes no dialled digits."""

    def hear(self, samples: list[int]) -> None:
        """See Party."""
        self._last_heard = samples
        if self.is_off_hook:
            self.heard.extend(samples)
            self.digits_heard += self._listener.hear(samples)
        elif self.port.now_ms <= self.port.transfer_until:
            self.heard_on_hook += samples

    def speak(self) -> list[int]:
        """See Party."""
        if not self.is_off_hook or not (self._speech or self.echo):
            return SILENCE
        spoken = [self._speech.popleft() if self._speech else 0 for _ in range(STEP)]
        if self.echo:
            spoken = [said + round(self.echo * heard) for said, heard in zip(spoken, self._last_heard, strict=True)]
        return spoken

    def step(self) -> None:
        """See Party."""
        while self._pulses and self._pulses[0][0] <= self.port.now_ms:
            _, digit = self._pulses.popleft()
            self.port.happen(Happening.PULSE_DIGIT if digit else Happening.PULSE_START, digit)
