"""PRI cards: a QuadFALC (PEF 22554) framer with four E1 or T1 ports, however many of them the card has sockets for.

Register numbers are those of the chip's data sheet; the values are those of the maker's own initialisation. Framing and
line code, and whether a line is sent at all, are set by the driver afterwards, once it knows the span's ``span=`` line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kernel_shims.astribank.initcard.registers import ChipRegisters, writes
from kernel_shims.astribank.spans_conf import TYPES
from kernel_shims.line import LineError

PORTS = 4
TRANSMIT, TRISTATE = 0x28, 0x40
"""XPM2, and its bit that takes the port off the line."""
SIGNALLING, SERIAL_CAS = 0x09, 0x80
"""CCR1, and its bit for T1."""

_COMMON = (
    (0xD6, 0x20),
    (0x92, 0x00),
    (0x93, 0x18),
    (0x94, 0xFB),
    (0x95, 0x0B),
    (0x96, 0x01),
    (0x97, 0x0B),
    (0x98, 0xDB),
    (0x99, 0xDF),
)
"""All four ports in use (GPC6), and the clocks from 16.384 MHz (GCM1 to 8), for E1 and T1 alike."""
_PORT_CLOCK, _PORT_PHASE = 0x42, 0x3F
"""CMR5 and SIC2, which have the port's number in them."""
_LINE = ((0x26, 0xF6), (0x27, 0x02), (0x2B, 0xEF), (0x1F, 0x00), (0x37, 0xB0), (0x3A, 0x20), (0x38, 0x0A), (0x39, 0x15))
"""Shape and height of pulses (XPM0, 1), idle code, no loop, receiver's threshold, loss and recovery of the signal."""
_SYSTEM = ((0x3E, 0xC2), (0x40, 0x04), (0x41, 0x04), (0x43, 0x04), (0x44, 0x34))
"""The system interface at 8.192 MHz, clocks recovered from the line."""
_OFFSETS = ((0x22, 0x00), (0x23, 0x04), (0x24, 0x00), (0x25, 0x05))
_EVENTS = ((0x14, 0xF7), (0x16, 0x00), (0x17, 0x3F), (0x18, 0x00), (0x46, 0x80), (0x08, 0x04))
_RESET = ((0x02, 0x51), (0x02, 0x00))
_PINS = ((0x45, 0x00), (0x85, 0x80), (0x80, 0x00), (0x84, 0x31), (0x3B, 0x00))
_CHANNEL = ((0xA0, 0x00), (0xA1, 0xFF), (0x03, 0x89))
"""The chip's own HDLC channel, which no time slot is given to."""
_INTERNAL = 0x18
"""CCR1: signalling of time slots 0 to 31 inside, idle time filled with flags."""
_SLOTS = ((0x0A, 0x04), *((register, 0x00) for register in (*range(0x0C, 0x14), 0xBD)))
"""CRC on the HDLC channel, no time slots for it, and the better detection of violations."""
_LAST = ((0x2C, 0xFF), (0x2B, 0x00), (0x2A, 0xFF), (0x29, 0xFF), (0x28, 0x00), (0x27, 0xFF))
_POINT, _DATA, _STORE = 0xBB, 0xBC, 0x80
"""REGFP and REGFD: registers behind a register, taken over when bit 7 is set."""


def protocol(port: int, environment: Mapping[str, str], conf: Mapping[str, str]) -> str:
    """Which of TYPES xpp.conf wants a port to have, by where the box is plugged in, its label, its number or for all;
    "" when it says nothing. Raises LineError."""
    name = f"xpd-{environment['UNIT_NUMBER']}{port}"
    places = (
        f"connector:{environment.get('XBUS_CONNECTOR', '')}",
        f"label:{environment.get('XBUS_LABEL', '')}",
        environment.get("XBUS_NAME", ""),
    )
    known = {key.lower(): value for key, value in conf.items()}
    for key in (*(f"pri_protocol/{place}/{name}".lower() for place in places), "pri_protocol"):
        if key in known:
            value = known[key].upper()
            if value not in TYPES:
                raise LineError(f"{key} {known[key]}: that is no protocol; there are {', '.join(TYPES)}")
            return value
    return ""


def set_up(chips: ChipRegisters, folders: Sequence[Path], protocols: Sequence[str]) -> str:
    """Set up a card whose ports have such folders in sysfs, and protocols ("": the driver's usual one, E1).

    What was done, a sentence. Raises LineError.
    """
    chips.write(writes(0, _COMMON))
    for number in range(PORTS):
        # A port without a socket is set up as well: the clocks of all four hang together.
        chips.write(writes(number, _port(number, protocols[number] if number < len(protocols) else "")))
    chips.write(writes(0, _finish()))
    for folder, wanted in zip(folders, protocols, strict=True):
        if wanted:
            _tell(folder / "pri_protocol", wanted)
    return f"{len(folders)} PRI ports, {', '.join(wanted or 'E1' for wanted in protocols)}"


def _tell(path: Path, wanted: str) -> None:
    try:
        path.write_text(f"{wanted}\n")
    except OSError as error:
        raise LineError(f"{path}: {wanted}: {error.strerror}") from None


def _port(number: int, wanted: str) -> Iterator[tuple[int, int]]:
    yield TRANSMIT, TRISTATE
    yield _PORT_CLOCK, number << 5
    yield from (*_LINE, *_SYSTEM, *_OFFSETS)
    yield _PORT_PHASE, number << 1
    yield from (*_EVENTS, *_RESET, *_PINS, *_CHANNEL)
    yield SIGNALLING, _INTERNAL | (SERIAL_CAS if wanted == "T1" else 0)
    yield from _SLOTS


def _finish() -> Iterator[tuple[int, int]]:
    for register, value in _LAST:
        yield from ((_POINT, register), (_DATA, value), (_POINT, register | _STORE))
    yield _POINT, 0x00
