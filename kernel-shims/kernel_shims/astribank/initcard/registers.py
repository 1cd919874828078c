"""The chips of a card through the driver: ``chipregs`` of an XPD in sysfs takes commands and shows the last answer.

A command is "CHIP WD REGISTER LOW", "CHIP RD REGISTER", or with a sub-register "CHIP WS REGISTER SUB LOW HIGH"; numbers
are hexadecimal, the chip (or port of a chip) is 0 to 7 or * for all. "PORT Wm" has a BRI card keep frames of the D
channel to itself, "PORT WM" pass them on again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from kernel_shims.line import LineError

SYSFS = Path("/sys/bus/xpds/devices")
CHIPS = range(8)
NO_CHIP = 0xFF
"""What every register of a chip that is not there reads as."""
_ANSWER = re.compile(r"^\s*(\d+)\s+R([DS])\s+([0-9A-F]{2})((?:\s+[0-9A-F]{2})+)\s*$", re.MULTILINE)
_INDIRECT = 0x1E
"""The register that sub-registers of a Si3210 are behind."""
_WRITE_S = 0.001
_READ_S = 0.013
_READS = 40
_LONGEST = 4000
"""Octets of a write: below a page."""


def writes(chip: int, values: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Commands that write registers one after the other."""
    for register, value in values:
        yield f"{chip} WD {register:02X} {value:02X}"


class ChipRegisters:
    """The registers of all chips of a card."""

    def __init__(self, folder: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        self._path = folder / "chipregs"
        self._sleep = sleep

    def write(self, commands: Iterable[str]) -> None:
        """Carry out commands in order. Raises LineError."""
        text = ""
        for command in commands:
            if len(text) + len(command) >= _LONGEST:
                self._put(text)
                text = ""
            text += f"{command}\n"
        self._put(text)

    def _put(self, text: str) -> None:
        try:
            with self._path.open("w") as file:
                file.write(text)
        except OSError as error:
            raise LineError(f"{self._path}: {error.strerror}") from None
        self._sleep(_WRITE_S)

    def direct(self, chip: int | str, register: int, value: int) -> None:
        """Write a register."""
        self.write([f"{chip} WD {register:02X} {value:02X}"])

    def indirect(self, chip: int | str, register: int, value: tuple[int, int]) -> None:
        """Write a sub-register, low octet first."""
        self.write([f"{chip} WS {_INDIRECT:02X} {register:02X} {value[0]:02X} {value[1]:02X}"])

    def read(self, chip: int, register: int) -> int:
        """Read a register. Raises LineError when the chip does not answer."""
        self.write([f"{chip} RD {register:02X}"])
        for _ in range(_READS):
            self._sleep(_READ_S)
            try:
                found = _ANSWER.search(self._path.read_text())
            except OSError as error:
                raise LineError(f"{self._path}: {error.strerror}") from None
            if found and found[2] == "D" and (int(found[1]), int(found[3], 16)) == (chip, register):
                return int(found[4].split()[0], 16)
        raise LineError(f"{self._path}: chip {chip} does not answer for register {register:#04x}")

    def present(self) -> list[int]:
        """The chips there are."""
        return [chip for chip in CHIPS if self.read(chip, 0) != NO_CHIP]
