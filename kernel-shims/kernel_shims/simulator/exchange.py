"""A simulated line from an exchange, on an FXO port: battery, ringing, caller ID, dial tone, and who answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from kernel_shims.line import Alarm, Happening, Hook, Termination, Voltages
from kernel_shims.simulator.port import SimulatedPort
from kernel_shims.simulator.sound import (
    RATE,
    SILENCE,
    STEP,
    STEP_MS,
    DigitListener,
    caller_id,
    japanese_caller_id,
    sounds,
    tone,
)

DIAL_TONE = (350.0, 440.0)
RING_TONE = (440.0, 480.0)
BUSY_TONE = (480.0, 620.0)
STATES = ("idle", "alerting", "telling", "ringing", "dialtone", "dialing", "ringback", "busy", "talking", "ended")
_ALERTING = (500, 500)
"""Short ringing, for which a line lifts to be told who calls."""
_SETTLE = [0] * (RATE // 10)


def _mismatch(fits: Termination, how: Termination) -> float:
    """The share of what a port says that comes back to it."""
    if how == fits:
        return 0.01
    return 0.1 if how.impedance == fits.impedance else 0.4


@dataclass(slots=True)
class Manners:
    """How the exchange behaves; times in ms."""

    rings: tuple[int, ...] = (2000, 4000)
    """Bursts of ringing and the pauses after them, again and again."""
    number_ends_after: int = 1500
    """A dialled number is complete when no digit came for that long."""
    answers_after: int = 2000
    """The dialled party answers after that long; -1: never."""
    busy: bool = False
    """The dialled party is busy."""
    reverse_on_answer: bool = False
    drop_ms: int = 800
    """How long battery is away when the far end hangs up; 0: it is not taken away."""
    busy_after_hangup: bool = False
    """Busy tone follows when the far end hangs up."""


class Exchange:
    """The exchange's end of a line. ``state``: one of STATES."""

    def __init__(self, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self.state = "idle"
        self.seized = False
        self.dialed = ""
        self.flashes = 0
        self.heard: deque[int] = deque(maxlen=60 * RATE)
        self.digits_heard = ""
        """DTMF heard in a call."""
        self.caller: tuple[str, str] | None = None
        self.volts = 48.0
        """Between the wires on hook."""
        self.fits: Termination | None = None
        """Which termination meets its line; a port that meets it otherwise hears what it says come back."""
        self._back: list[int] = SILENCE
        self._port: SimulatedPort | None = None
        self._speech: deque[int] = deque()
        self._since = 0
        self._tone_at = 0
        self._burst = False
        self._sent_id = False
        self._battery_back = -1
        self._listener = DigitListener()

    @property
    def port(self) -> SimulatedPort:
        """The port that the line ends on."""
        assert self._port is not None, "the line ends nowhere"
        return self._port

    def _go(self, state: str) -> None:
        self.state = state
        self._since = self.port.now_ms
        self._tone_at = 0

    # ---- what the far end does -------------------------------------------------------------------------------

    def ring(self, number: str | None = None, name: str = "") -> None:
        """Call the line; with a number, caller ID (Bell 202) comes after the first burst."""
        self.caller = None if number is None else (number, name)
        self._sent_id = False
        self._go("ringing")

    def alert(self, number: str) -> None:
        """Call the line as NTT's exchanges do: a reversal, short ringing until it lifts, caller ID, and ringing in
        earnest once it was put down."""
        self.caller = (number, "")
        self._sent_id = True
        self.reverse()
        self._go("alerting")

    def stop_ringing(self) -> None:
        """The caller gives up."""
        self._end_burst()
        self._go("idle")

    def answer(self) -> None:
        """The dialled party answers."""
        self._go("talking")
        if self.manners.reverse_on_answer:
            self.port.happen(Happening.POLARITY)

    def hang_up(self) -> None:
        """The far end hangs up."""
        self._go("ended")
        if self.manners.reverse_on_answer:
            self.port.happen(Happening.POLARITY)
        if self.manners.drop_ms:
            self.drop_battery(self.manners.drop_ms)

    def drop_battery(self, ms: int) -> None:
        """Take battery away for a time."""
        self.port.happen(Happening.ON_HOOK)
        self._battery_back = self.port.now_ms + ms

    def unplug(self) -> None:
        """The line is pulled out."""
        self.port.alarm_bits = Alarm.RED
        self.port.happen(Happening.ALARM)

    def plug(self) -> None:
        """The line is back."""
        self.port.alarm_bits = Alarm.NONE
        self.port.happen(Happening.NO_ALARM)

    def reverse(self) -> None:
        """Reverse the battery."""
        self.port.happen(Happening.POLARITY)

    def say(self, samples: Sequence[int]) -> None:
        """Speak; after what is being said."""
        self._speech.extend(samples)

    def interrupt(self) -> None:
        """Say nothing more of what was to be said."""
        self._speech.clear()

    def hears(self, *frequencies: float, ms: int = 200) -> bool:
        """Whether the last sound from the daemon is these frequencies and nothing else."""
        last = list(self.heard)[-ms * RATE // 1000 :]
        return len(last) >= ms * RATE // 1000 and sounds(last, frequencies)

    def wires(self) -> Voltages:
        """See Party: the voltage between its wires."""
        between = self.volts if not self.seized else 7.0 * (1 if self.volts > 0 else -1 if self.volts < 0 else 0)
        return Voltages(between, between, between)

    # ---- the line --------------------------------------------------------------------------------------------

    def attached(self, port: SimulatedPort) -> None:
        """See Party."""
        self._port = port
        port.far_off_hook = False

    def hook(self, state: Hook) -> None:
        """See Party."""
        if state is Hook.FLASH:
            self.flashes += 1
        elif state in (Hook.OFF, Hook.START) and not self.seized:
            self.seized = True
            if self.state == "ringing":
                self._end_burst()
                self._go("talking")
            elif self.state == "alerting":
                self._end_burst()
                self._go("telling")
                assert self.caller is not None
                self.say(_SETTLE + japanese_caller_id(self.caller[0]))
            else:
                self.dialed = ""
                self._go("dialtone")
        elif state is Hook.ON:
            self.seized = False
            self._speech.clear()
            self._go("ringing" if self.state == "telling" else "idle")

    def ringer(self, on: bool) -> None:
        """See Party: nobody rings an exchange."""

    def digit(self, digit: str) -> None:
        """See Party."""
        if self.state in ("dialtone", "dialing"):
            self.dialed += digit
            self._go("dialing")

    def hear(self, samples: list[int]) -> None:
        """See Party."""
        self.heard.extend(samples)
        self._back = samples
        for digit in self._listener.hear(samples) if self.seized else "":
            self.digits_heard += digit
            self.digit(digit)

    def speak(self) -> list[int]:
        """See Party."""
        spoken = self._spoken()
        if self.fits is None or not self.seized:
            return spoken
        share = _mismatch(self.fits, self.port.termination)
        return [said + round(share * back) for said, back in zip(spoken, self._back, strict=True)]

    def _spoken(self) -> list[int]:
        if self._speech:
            return [self._speech.popleft() if self._speech else 0 for _ in range(STEP)]
        if not self.seized:
            return SILENCE
        frequencies, on, off = self._tone()
        self._tone_at += STEP_MS
        if not on or (off and (self._tone_at - STEP_MS) % (on + off) >= on):
            return SILENCE
        return tone(frequencies, STEP_MS, self._tone_at * RATE // 1000)

    def _tone(self) -> tuple[tuple[float, ...], int, int]:
        match self.state:
            case "dialtone":
                return DIAL_TONE, 1, 0
            case "ringback":
                return RING_TONE, 2000, 4000
            case "busy":
                return BUSY_TONE, 500, 500
            case "ended" if self.manners.busy_after_hangup:
                return BUSY_TONE, 500, 500
        return (), 0, 0

    def step(self) -> None:
        """See Party."""
        passed = self.port.now_ms - self._since
        if 0 <= self._battery_back <= self.port.now_ms:
            self._battery_back = -1
        match self.state:
            case "ringing":
                self._ring(passed, self.manners.rings)
            case "alerting":
                self._ring(passed, _ALERTING)
            case "dialing" if passed >= self.manners.number_ends_after:
                self._go("busy" if self.manners.busy else "ringback")
            case "ringback" if 0 <= self.manners.answers_after <= passed:
                self.answer()

    def _ring(self, passed: int, rings: tuple[int, ...]) -> None:
        place, on = passed % sum(rings), True
        for ms in rings:
            if place < ms:
                break
            place, on = place - ms, not on
        if on and not self._burst:
            self._burst = True
            self.port.far_off_hook = True
            self.port.happen(Happening.RING_BEGIN)
        elif not on and self._burst:
            self._end_burst()
            if self.caller is not None and not self._sent_id:
                self._sent_id = True
                self.say([0] * (RATE // 2) + caller_id(*self.caller))

    def _end_burst(self) -> None:
        if self._burst:
            self._burst = False
            self.port.far_off_hook = False
            self.port.happen(Happening.OFF_HOOK)
