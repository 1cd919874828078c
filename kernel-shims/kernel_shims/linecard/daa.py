"""An exchange line chip (DAA) of the Si3050 kind with its line side (Si3018, Si3019): hook, ringing, line voltage.

Register numbers are those of the Si3050's data sheet; terminations by country are its table too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel_shims.linecard.bus import Bus, LineCardError

WRITE_CONTROL, READ_CONTROL = 0x20, 0x60

CONTROL_1, CONTROL_2 = 1, 2
INTERRUPTS_ENABLED, INTERRUPTS = 3, 4
LINE, POWER = 5, 6
LINE_SIDE, LINE_STATUS, LINE_REVISION = 11, 12, 13
INTERNATIONAL_1 = 16
DC_TERMINATION, LOOP_CURRENT, LINE_VOLTAGE, AC_TERMINATION, CONTROL_5 = 26, 28, 29, 30, 31

RESET = 0x80
OFF_HOOK, RING_NOW, MONITOR, RING_POSITIVE, RING_NEGATIVE = 0x01, 0x04, 0x08, 0x20, 0x40
"""Bits of LINE."""
FRAMED = 0x40
POLARITY_REVERSED, DROPPED_OUT, RINGING = 0x01, 0x08, 0x80
"""Bits of INTERRUPTS."""
LINK_S: Final = 1.0
RESET_S: Final = 0.1
NO_LINE_V: Final = 3
"""Below this voltage on hook nothing is connected."""


@dataclass(frozen=True, slots=True)
class Country:
    """Termination of a country's lines, by the names of the data sheet."""

    on_hook_speed: int = 0
    on_hook_speed_2: int = 0
    ringer_impedance: int = 0
    ringer_threshold: int = 0
    current_limit: int = 0
    dc_voltage: int = 3
    least_current: int = 0
    ac_impedance: int = 0


_EUROPE: Final = Country(on_hook_speed_2=1, current_limit=1, ac_impedance=2)
COUNTRIES: Final[dict[str, Country]] = {
    "us": Country(ringer_threshold=1),
    "ca": Country(),
    "at": Country(on_hook_speed_2=1, current_limit=1, ac_impedance=3),
    "au": Country(on_hook_speed=1, dc_voltage=0, least_current=3, ac_impedance=3),
    "be": _EUROPE,
    "br": Country(dc_voltage=0, least_current=3),
    "ch": _EUROPE,
    "de": Country(on_hook_speed_2=1, current_limit=1, ac_impedance=3),
    "dk": _EUROPE,
    "es": _EUROPE,
    "fi": _EUROPE,
    "fr": _EUROPE,
    "gb": Country(on_hook_speed_2=1, current_limit=1, ac_impedance=5),
    "it": _EUROPE,
    "jp": Country(dc_voltage=0, least_current=3),
    "nl": _EUROPE,
    "no": _EUROPE,
    "nz": Country(ac_impedance=4),
    "pl": Country(ringer_impedance=1, ringer_threshold=1),
    "se": _EUROPE,
    "za": Country(on_hook_speed=1, ringer_impedance=1, ac_impedance=3),
}
"""By ISO country code."""


class Daa:
    """One chip; ``name`` is what errors call it."""

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus = bus
        self.name = name
        self.line_side = 0
        """Which chip is on the line's side of the isolation, as it says."""

    def read(self, register: int) -> int:
        """A register's value."""
        return self._bus.exchange(bytes((READ_CONTROL, register, 0)))[2]

    def write(self, register: int, value: int) -> None:
        """Set a register."""
        self._bus.exchange(bytes((WRITE_CONTROL, register, value)))

    def power_up(self, country: str) -> None:
        """Reset the chip, terminate the line as a country wants, wait for its line side. Raises LineCardError."""
        chosen = COUNTRIES.get(country.lower())
        if chosen is None:
            known = ", ".join(sorted(COUNTRIES))
            raise LineCardError(f'{self.name}: the termination of "{country}" is not known; known are {known}')
        if self.read(CONTROL_2) in (0x00, 0xFF):
            raise LineCardError(f"{self.name}: nothing answers; is a card in the slot, and its chip select right?")
        self.write(CONTROL_1, RESET)
        self._bus.wait(RESET_S)
        self.write(
            INTERNATIONAL_1,
            chosen.on_hook_speed << 6 | chosen.ringer_impedance << 1 | chosen.ringer_threshold,
        )
        self.write(DC_TERMINATION, chosen.dc_voltage << 6 | chosen.least_current << 4 | chosen.current_limit << 1)
        self.write(AC_TERMINATION, chosen.ac_impedance)
        self.write(CONTROL_5, 0xA3 | chosen.on_hook_speed_2 << 3)
        self.write(POWER, 0)
        end = self._bus.now() + LINK_S
        while not self.read(LINE_STATUS) & FRAMED:
            if self._bus.now() >= end:
                raise LineCardError(f"{self.name}: its line side does not come up; the card is broken")
            self._bus.wait(0.01)
        self.line_side = self.read(LINE_SIDE) >> 4
        self.write(LINE, MONITOR)

    def hook(self, off: bool) -> None:
        """Take the line, or give it back."""
        self.write(LINE, OFF_HOOK if off else MONITOR)

    @property
    def off_hook(self) -> bool:
        """Whether we have the line."""
        return bool(self.read(LINE) & OFF_HOOK)

    @property
    def ringing(self) -> bool:
        """Whether a ring signal is on the line at this moment."""
        return bool(self.read(LINE) & (RING_NOW | RING_POSITIVE | RING_NEGATIVE))

    @property
    def volts(self) -> float:
        """Voltage between the wires, negative when reversed."""
        value = self.read(LINE_VOLTAGE)
        return float(value - 256 if value & 0x80 else value)

    @property
    def milliamperes(self) -> float:
        """Loop current while we have the line."""
        return self.read(LOOP_CURRENT) * 1.1

    @property
    def connected(self) -> bool:
        """Whether there is an exchange at the other end."""
        return abs(self.volts) >= NO_LINE_V

    def interrupts(self) -> int:
        """What INTERRUPTS has; it is taken back with that."""
        pending = self.read(INTERRUPTS)
        if pending:
            self.write(INTERRUPTS, 0)
        return pending
