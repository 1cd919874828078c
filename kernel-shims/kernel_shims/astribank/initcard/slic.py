"""FXS cards: eight Si3210 line chips, calibrated and given their filters, batteries and slots of the PCM bus.

Register numbers are those of the chip's data sheet; the values are those of the maker's own initialisation.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from kernel_shims.astribank.initcard.registers import CHIPS, ChipRegisters
from kernel_shims.line import LineError

log = logging.getLogger(__name__)

_FILTERS: dict[int, str] = {
    0x00: "C255 E651 854B 3749 3333 0202 0202 9801 9801 1106 0202 E500 1C0A 307B 6300 0000",
    0x10: "7078 7D00 0000 0000 FD7E 7701 0000 0020 0020 0000 0020 0040 0010 0036 0010 0002",
    0x20: "C007 6F37 801B 0080 0008 0008 0008 0008 0000",
    0x2B: "0008",
    0x63: "DA00 606B 7400 C079 2011 E03B",
}
"""Indirect registers from a first one on: DTMF decoding, oscillators, digital gains, thresholds."""
_QUIET = (*range(0x58, 0x60), 0x61, *range(0xC1, 0xD4))
"""Energy accumulators, flushed."""
_AFTER = (
    *((register, 0xFF) for register in (0x12, 0x13, 0x14)),
    *((register, 0x00) for register in (0x15, 0x16, 0x17)),
    (0x01, 0x08),
    (0x03, 0x00),
    (0x05, 0x00),
)
"""Interrupts cleared and off, PCM still off, high octets of its offsets."""
_PATHS = ((0x08, 0x00), (0x09, 0x00), (0x0A, 0x08), (0x0B, 0x33), (0x2C, 0x00), (0x2D, 0x03))
_METERING = {0x17: (0x61, 0x15), 0x18: (0x61, 0x15), 0x19: (0xFB, 0x30)}
_FEED = ((0x43, 0x16), (0x45, 0x0A), (0x46, 0x47), (0x42, 0x00), (0x47, 0x00), (0x48, 0x20))
"""No automatic battery, debounce of loop closure and ring trip, low battery, current limit, on-hook voltage."""
_CALIBRATED = {0x23: (0x00, 0x80), 0x24: (0x20, 0x03), 0x25: (0x8C, 0x00), 0x26: (0x00, 0x00), 0x27: (0x10, 0x00)}
_PCM_ON = 0x28
_CALIBRATE, _CALIBRATE_WHAT = 0x60, 0x61
_GO, _ALL_BUT_MISMATCH, _MISMATCH = 0x40, 0x1E, 0x01
_BY_HAND = ((98, 88), (99, 89))
"""Register to step down, register that is 0 when it is right: the two sides of the line driver."""
_STEPS = 0x1F
_STEP_S, _LOOK_S, _LOOKS = 0.04, 0.001, 600
_NEON_RINGER = "NEON 0x33 0x12"


def set_up(chips: ChipRegisters, folder: Path, sleep: Callable[[float], None], *, second: bool, skip: bool) -> str:
    """Set up a card; ``second``: of the second generation (release 20x); ``skip``: without calibration.

    What was done, a sentence. Raises LineError."""
    there = chips.present()
    if not there:
        raise LineError(f"{folder}: none of its line chips answers")
    chips.write(_indirect_filters())
    low, common = (0x20, 0x02) if second else (0x10, 0x03)
    early = ((0x08, 0x00), (0x6C, 0x01), (0x4A, 0x34), (0x4B, low), (0x49, common), (0x40, 0x00))
    chips.write(f"* WD {register:02X} {value:02X}" for register, value in early)
    if not skip:
        _calibrate(chips, there, sleep)
    chips.write(_rest())
    ringer = folder / "fxs_ring_registers"
    try:
        ringer.write_text(_NEON_RINGER)
    except OSError as error:
        raise LineError(f"{ringer}: {error.strerror}") from None
    return f"{len(there)} line chips {'not calibrated' if skip else 'calibrated'}"


def _sub(register: int, low: int, high: int) -> str:
    return f"* WS 1E {register:02X} {low:02X} {high:02X}"


def _indirect_filters() -> Iterator[str]:
    for first, values in _FILTERS.items():
        for place, value in enumerate(values.split()):
            yield _sub(first + place, int(value[:2], 16), int(value[2:], 16))


def _rest() -> Iterator[str]:
    for register in _QUIET:
        yield _sub(register, 0, 0)
    for register, value in _AFTER:
        yield f"* WD {register:02X} {value:02X}"
    for chip in CHIPS:
        for register in (0x02, 0x04):
            yield f"{chip} WD {register:02X} {8 * chip:02X}"
        yield f"{chip} WD 01 {_PCM_ON:02X}"
    for register, value in _PATHS:
        yield f"* WD {register:02X} {value:02X}"
    for register, pair in _METERING.items():
        yield _sub(register, *pair)
    for register, value in _FEED:
        yield f"* WD {register:02X} {value:02X}"
    for register, pair in _CALIBRATED.items():
        yield _sub(register, *pair)
    yield "* WD 0E 00"


def _calibrate(chips: ChipRegisters, there: list[int], sleep: Callable[[float], None]) -> None:
    _by_itself(chips, there, _ALL_BUT_MISMATCH, sleep)
    for stepped, told in _BY_HAND:
        _by_hand(chips, there, stepped, told, sleep)
    _by_itself(chips, there, _MISMATCH, sleep)


def _by_itself(chips: ChipRegisters, there: list[int], what: int, sleep: Callable[[float], None]) -> None:
    for chip in there:
        chips.write([f"{chip} WD {_CALIBRATE_WHAT:02X} {what:02X}", f"{chip} WD {_CALIBRATE:02X} {_GO:02X}"])
    left = there
    for _ in range(_LOOKS):
        sleep(_LOOK_S)
        left = [chip for chip in left if chips.read(chip, _CALIBRATE)]
        if not left:
            return
    log.warning("line chips %s did not end their calibration; their lines may be noisy", left)


def _by_hand(chips: ChipRegisters, there: list[int], stepped: int, told: int, sleep: Callable[[float], None]) -> None:
    left = there
    for value in range(_STEPS, -1, -1):
        for chip in left:
            chips.direct(chip, stepped, value)
        sleep(_STEP_S)
        left = [chip for chip in left if chips.read(chip, told)]
        if not left:
            return
    log.warning("line chips %s cannot be balanced (register %d); their lines may be noisy", left, stepped)
