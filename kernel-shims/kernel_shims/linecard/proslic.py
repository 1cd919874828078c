"""A subscriber line chip (SLIC) of the Si3210 kind: feeds a phone, rings it, watches its hook, measures its line.

Register numbers and formulas are those of the Si3210's data sheet. Si3217x and Si3226x have the same duties and other
registers, and need a patch from their maker that cannot be shipped: they are refused by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from kernel_shims.linecard.bus import Bus, LineCardError

READ: Final = 0x80

CHIP = 0
POWER_DOWN_1 = 14
INTERRUPTS_1, INTERRUPTS_2, INTERRUPTS_3 = 18, 19, 20
ENABLE_1, ENABLE_2, ENABLE_3 = 21, 22, 23
INDIRECT_LOW, INDIRECT_HIGH, INDIRECT_ADDRESS, INDIRECT_STATUS = 28, 29, 30, 31
RING_OSCILLATOR = 34
RING_ON_LOW, RING_OFF_LOW = 48, 50
LINE_FEED = 64
LOOP = 68
LOOP_CURRENT_LIMIT = 71
ON_HOOK_VOLTAGE = 72
LOOP_VOLTAGE, LOOP_CURRENT, TIP_VOLTAGE, RING_VOLTAGE, BATTERY_VOLTAGE = 78, 79, 80, 81, 82
CONVERTER_PERIOD, CONVERTER_DELAY = 92, 93
CALIBRATION_1, CALIBRATION_2 = 96, 97

OFF_HOOK, RING_TRIP = 0x01, 0x02
"""Bits of LOOP."""
LOOP_CHANGED, RING_TRIPPED = 0x02, 0x01
"""Bits of INTERRUPTS_2; the six above are power alarms of the transistors."""
OSCILLATOR_COEFFICIENT, OSCILLATOR_AMPLITUDE, OSCILLATOR_PHASE = 20, 21, 22
"""Indirect registers of the ringing oscillator."""

LEAST_BATTERY_V: Final = 60.0
POWER_UP_S: Final = 0.5
CALIBRATION_S: Final = 0.8
INDIRECT_S: Final = 0.01


class Feed(IntEnum):
    """States of the line feed."""

    OPEN = 0
    ACTIVE = 1
    ON_HOOK_TRANSMISSION = 2
    TIP_OPEN = 3
    RINGING = 4
    REVERSE_ACTIVE = 5
    REVERSE_ON_HOOK_TRANSMISSION = 6
    RING_OPEN = 7


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the chip's converter says of the line: volts and mA; power alarms as bits."""

    tip_v: float
    ring_v: float
    loop_v: float
    loop_ma: float
    battery_v: float
    alarms: int


def ringing(frequency: float, volts_rms: float) -> tuple[int, int]:
    """Coefficient and start value of the ringing oscillator (data sheet, "Sinusoidal Ringing"): Hz and V r.m.s.

    Raises LineCardError beyond 94.5 V at the peak or outside 4 to 100 Hz.
    """
    peak = volts_rms * math.sqrt(2)
    if not 4 <= frequency <= 100 or not 0 < peak <= 94.5:
        raise LineCardError(f"ringing at {frequency:g} Hz, {volts_rms:g} V cannot be made; 4 to 100 Hz, at most 66 V")
    coefficient = math.cos(2 * math.pi * frequency / 1000)
    amplitude = math.sqrt((1 - coefficient) / (1 + coefficient)) / 4 * peak / 96
    return round(coefficient * 32768), round(amplitude * 32768)


class ProSlic:
    """One chip; ``name`` is what errors call it."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.bus = bus
        self.name = name
        self.revision = 0

    # ---- registers ----------------------------------------------------------------------------------

    def read(self, register: int) -> int:
        """A register's value."""
        return self.bus.exchange(bytes((READ | register, 0)))[1]

    def write(self, register: int, value: int) -> None:
        """Set a register."""
        self.bus.exchange(bytes((register & 0x7F, value)))

    def _until(self, seconds: float, register: int, mask: int, sentence: str) -> None:
        end = self.bus.now() + seconds
        while self.read(register) & mask:
            if self.bus.now() >= end:
                raise LineCardError(f"{self.name}: {sentence}")
            self.bus.wait(0.001)

    def write_indirect(self, register: int, value: int) -> None:
        """Set one of the signal processor's registers. Raises LineCardError when it does not take it."""
        self._until(INDIRECT_S, INDIRECT_STATUS, 1, "its signal processor is busy for ever; reset the card")
        self.write(INDIRECT_LOW, value & 0xFF)
        self.write(INDIRECT_HIGH, value >> 8 & 0xFF)
        self.write(INDIRECT_ADDRESS, register)
        self._until(INDIRECT_S, INDIRECT_STATUS, 1, "its signal processor takes no values; reset the card")

    def read_indirect(self, register: int) -> int:
        """One of the signal processor's registers."""
        self._until(INDIRECT_S, INDIRECT_STATUS, 1, "its signal processor is busy for ever; reset the card")
        self.write(INDIRECT_ADDRESS, register)
        self._until(INDIRECT_S, INDIRECT_STATUS, 1, "its signal processor gives no values; reset the card")
        return self.read(INDIRECT_LOW) | self.read(INDIRECT_HIGH) << 8

    # ---- power --------------------------------------------------------------------------------------

    def power_up(self) -> None:
        """Bring the chip from reset to a fed line. Raises LineCardError with what is wrong and what to look at."""
        self._identify()
        self.write(LINE_FEED, Feed.OPEN)
        for register in (ENABLE_1, ENABLE_2, ENABLE_3):
            self.write(register, 0)
        self.write(CONVERTER_PERIOD, 0xFF)
        self.write(POWER_DOWN_1, 0)
        self._wait_for_battery()
        self.write(LOOP_CURRENT_LIMIT, 0)  # 20 mA
        self.write(CALIBRATION_2, 0x1E)
        self.write(CALIBRATION_1, 0x47)
        self._until(CALIBRATION_S, CALIBRATION_1, 0x7F, "its calibration does not end; is something on the line?")
        self.write(CONVERTER_DELAY, 0x99)
        for register in (INTERRUPTS_1, INTERRUPTS_2, INTERRUPTS_3):
            self.write(register, 0xFF)
        self.write(ENABLE_2, 0xFF)
        self.feed(Feed.ACTIVE)

    def _identify(self) -> None:
        first = self.read(CHIP)
        if first in (0x00, 0xFF):
            raise LineCardError(f"{self.name}: nothing answers; is a card in the slot, and its chip select right?")
        self.revision = first & 0x0F
        for pattern in (0x55, 0xAA):
            self.write(INDIRECT_LOW, pattern)
            if self.read(INDIRECT_LOW) != pattern:
                raise LineCardError(
                    f"{self.name}: registers do not keep what is written (chip word 0x{first:02x}); is it an Si3210? "
                    "Si3217x and Si3226x need a patch from their maker and are not supported"
                )

    def _wait_for_battery(self) -> None:
        end = self.bus.now() + POWER_UP_S
        while (volts := self.read(BATTERY_VOLTAGE) * 0.376) < LEAST_BATTERY_V:
            if self.bus.now() >= end:
                self.power_down()
                raise LineCardError(
                    f"{self.name}: its battery came up to {volts:.1f} V only, {LEAST_BATTERY_V:.0f} V are needed; is "
                    "the supply of the line cards connected and on?"
                )
            self.bus.wait(0.005)

    def power_down(self) -> None:
        """Open the line and switch the converter off."""
        self.write(LINE_FEED, Feed.OPEN)
        self.write(POWER_DOWN_1, 0x10)

    # ---- the line -----------------------------------------------------------------------------------

    def feed(self, state: Feed) -> None:
        """Set the state of the line feed."""
        self.write(LINE_FEED, state)

    @property
    def fed(self) -> Feed:
        """The state the line feed really has: a ring trip ends ringing by itself."""
        return Feed(self.read(LINE_FEED) >> 4 & 7)

    def ring(self, frequency: float = 25.0, volts_rms: float = 60.0) -> None:
        """Ring without a cadence of the chip's own, until ``feed`` or a ring trip ends it."""
        coefficient, amplitude = ringing(frequency, volts_rms)
        self.write_indirect(OSCILLATOR_COEFFICIENT, coefficient)
        self.write_indirect(OSCILLATOR_AMPLITUDE, amplitude)
        self.write_indirect(OSCILLATOR_PHASE, 0)
        self.write(RING_OSCILLATOR, 0x00)
        self.feed(Feed.RINGING)

    @property
    def off_hook(self) -> bool:
        """Whether the phone is off hook."""
        return bool(self.read(LOOP) & (OFF_HOOK | RING_TRIP))

    def interrupts(self) -> int:
        """What INTERRUPTS_2 has; it is taken back with that."""
        pending = self.read(INTERRUPTS_2)
        if pending:
            self.write(INTERRUPTS_2, pending)
        return pending

    def measure(self) -> Measurement:
        """Readings of the line as it is fed now."""
        return Measurement(
            -self.read(TIP_VOLTAGE) * 0.376,
            -self.read(RING_VOLTAGE) * 0.376,
            _signed(self.read(LOOP_VOLTAGE), 1.5),
            _signed(self.read(LOOP_CURRENT), 1.25),
            -self.read(BATTERY_VOLTAGE) * 0.376,
            self.read(INTERRUPTS_2) >> 2,
        )


def _signed(value: int, step: float) -> float:
    """Bit 6 is the sign: set for a reverse current or voltage."""
    return (value & 0x3F) * (-step if value & 0x40 else step)


# ---- tests of the line ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineCheck:
    """What a test of a phone line found; volts, mA, and a verdict for the installer."""

    open_v: float
    active: Measurement
    foreign_v: float
    verdict: str


def check_line(chip: ProSlic) -> LineCheck:
    """Test a line that is idle, a second of work: the feed is opened and closed again.

    Foreign voltage is what is on the wires while the chip feeds none; then the fed line is measured.
    """
    before = chip.fed
    if before is Feed.RINGING or chip.off_hook:
        raise LineCardError(f"{chip.name}: the line is in use; test it when it is idle")
    chip.feed(Feed.OPEN)
    chip.bus.wait(0.3)
    idle = chip.measure()
    chip.feed(Feed.ACTIVE)
    chip.bus.wait(0.3)
    active = chip.measure()
    chip.feed(before if before is not Feed.OPEN else Feed.ACTIVE)
    foreign = max(abs(idle.tip_v), abs(idle.ring_v))
    return LineCheck(abs(active.loop_v), active, foreign, _verdict(active, foreign))


def _verdict(active: Measurement, foreign: float) -> str:
    if foreign > 10:
        return f"foreign voltage of {foreign:.0f} V on the line: it touches another one; disconnect it"
    if active.alarms:
        return "a line transistor is overloaded: the line is shorted to ground or to a voltage"
    if abs(active.loop_ma) > 15 and abs(active.loop_v) < 3:
        return "short between the wires"
    if abs(active.loop_ma) > 5:
        return "off hook, or leakage between the wires"
    if abs(active.tip_v) > 8:
        return f"tip wire at {active.tip_v:.0f} V instead of near ground: leakage or a broken ground"
    return "good"
