"""Protocol 30 of an Astribank's cards and the xpp drivers, over USB interface 0 (xproto.h, card_global.h, card_fxs.h).

A transfer holds packets one after the other, either sound or commands. A packet is {u16: length 10 bits, sound 1 bit at
11; u8 operation; u8: subunit 3 bits, unit 3 bits at 4, sync 1 bit at 7} and its body, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

VERSION = 30
HEADER = struct.Struct("<HBB")
CHUNK = 8
"""Samples of a line in a packet: one millisecond."""
_LENGTH, _SOUND, _SYNC = 0x3FF, 1 << 11, 0x80


class Op(IntEnum):
    """Operations; those of cards overlap with none of these."""

    SIG_CHANGED = 0x06
    AB_REQUEST = 0x07
    AB_DESCRIPTION = 0x08
    REGISTER_REQUEST = 0x0F
    REGISTER_REPLY = 0x10
    PCM_WRITE = 0x11
    PCM_READ = 0x12
    SYNC_SOURCE = 0x19
    SYNC_REPLY = 0x1A
    ERROR_CODE = 0x22
    XBUS_RESET = 0x23


class Sync(IntEnum):
    """Whose clock a box follows."""

    NONE = 0
    OWN = 1
    HOST = 3
    QUERY = 0x80


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet."""

    operation: int
    unit: int = 0
    subunit: int = 0
    body: bytes = b""
    sync: bool = False

    def encode(self) -> bytes:
        """As octets."""
        sound = _SOUND if self.operation in (Op.PCM_READ, Op.PCM_WRITE) else 0
        address = self.subunit | self.unit << 4 | (_SYNC if self.sync else 0)
        return HEADER.pack(HEADER.size + len(self.body) | sound, self.operation, address) + self.body


def packets(transfer: bytes) -> Iterator[Packet]:
    """The packets of a transfer. Raises ValueError for what is none."""
    at = 0
    while at < len(transfer):
        if len(transfer) - at < HEADER.size:
            raise ValueError(f"{len(transfer) - at} octets at the end are no packet")
        word, operation, address = HEADER.unpack_from(transfer, at)
        length = word & _LENGTH
        if length < HEADER.size or at + length > len(transfer):
            raise ValueError(f"a packet of {length} octets in {len(transfer) - at}")
        body = transfer[at + HEADER.size : at + length]
        yield Packet(operation, address >> 4 & 7, address & 7, body, bool(address & _SYNC))
        at += length


@dataclass(frozen=True, slots=True)
class Unit:
    """A module of a box as AB_DESCRIPTION tells of it."""

    number: int
    kind: int
    subtype: int
    chips: int
    ports_per_chip: int
    directions: int
    """A bit for each subunit: 1 towards phones."""

    def encode(self) -> bytes:
        """struct unit_descriptor."""
        octets = [self.number << 4, self.subtype | self.kind << 4, self.chips, self.ports_per_chip, self.directions]
        return bytes([*octets, 0, 0, 0])


def description(units: Iterable[Unit]) -> Packet:
    """What a box answers to AB_REQUEST."""
    return Packet(Op.AB_DESCRIPTION, body=bytes([VERSION, 0, 0, 0]) + b"".join(unit.encode() for unit in units))


_REGISTER, _MEMORY = 5, 7
_EXPANDER, _HIGH, _SUB, _READ, _ALL = 0x08, 0x10, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True)
class Register:
    """A read or write of a card's chip (reg_cmd): direct, or through a sub-register."""

    port: int
    number: int
    sub: int | None = None
    low: int = 0
    high: int | None = None
    read: bool = False
    all_ports: bool = False
    expander: bool = False

    def encode(self) -> bytes:
        """struct reg_cmd with struct reg_cmd_REG."""
        flags = (_EXPANDER if self.expander else 0) | (_HIGH if self.high is not None else 0)
        flags |= (_SUB if self.sub is not None else 0) | (_READ if self.read else 0) | (_ALL if self.all_ports else 0)
        head = _REGISTER | (self.port & 7) << 4
        return bytes([head, flags, self.number, self.sub or 0, self.low, self.high or 0])

    @classmethod
    def decode(cls, body: bytes) -> Register | None:
        """Of a body; None for what is no register of a chip (chip memory, frames of a D channel)."""
        if len(body) < _REGISTER + 1 or body[0] & 0x87 != _REGISTER:
            return None
        flags = body[1]
        return cls(
            port=body[0] >> 4 & 7,
            number=body[2],
            sub=body[3] if flags & _SUB else None,
            low=body[4],
            high=body[5] if flags & _HIGH else None,
            read=bool(flags & _READ),
            all_ports=bool(flags & _ALL),
            expander=bool(flags & _EXPANDER),
        )

    def answered(self, low: int, high: int = 0) -> Register:
        """The answer to a read."""
        return replace(self, low=low, high=high if self.high is not None or self.sub is not None else None)


MOST_IN_PIECE = 5
"""Octets of a frame in one packet."""
_PIECE, _LAST = 0x80, 0x08


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a frame on the D channel of a BRI port (multibyte reg_cmd).

    Frames come to the card without their check sequence, and from it with the sequence and an octet that is 0 when it
    was right. A piece without octets switches frames from the card off (``last``) or on.
    """

    port: int
    octets: bytes
    last: bool = False

    def encode(self) -> bytes:
        """struct reg_cmd with xdata."""
        head = _PIECE | (self.port & 7) << 4 | (_LAST if self.last else 0) | len(self.octets)
        return bytes([head]) + self.octets.ljust(MOST_IN_PIECE, b"\0")

    @classmethod
    def decode(cls, body: bytes) -> Piece | None:
        """Of a body; None for what is no piece."""
        if not body or not body[0] & _PIECE:
            return None
        count = body[0] & 7
        if count > MOST_IN_PIECE or len(body) < 1 + count:
            return None
        return cls(body[0] >> 4 & 7, body[1 : 1 + count], bool(body[0] & _LAST))


def pieces(port: int, frame: bytes) -> Iterator[Piece]:
    """A whole frame in pieces."""
    for at in range(0, len(frame), MOST_IN_PIECE):
        yield Piece(port, frame[at : at + MOST_IN_PIECE], at + MOST_IN_PIECE >= len(frame))


def pcm(operation: Op, unit: int, lines: dict[int, bytes], *, sync: bool = False) -> Packet:
    """A millisecond of sound of some lines of a unit."""
    mask = sum(1 << line for line in lines)
    body = mask.to_bytes(4, "little") + b"".join(lines[line] for line in sorted(lines))
    return Packet(operation, unit, 0, body, sync)


def pcm_lines(body: bytes) -> dict[int, bytes]:
    """The lines of a body of sound. Raises ValueError."""
    mask = int.from_bytes(body[:4], "little")
    numbers = [line for line in range(32) if mask >> line & 1]
    if len(body) != 4 + CHUNK * len(numbers):
        raise ValueError(f"{len(body)} octets are not the sound of {len(numbers)} lines")
    return {line: body[4 + CHUNK * place : 4 + CHUNK * (place + 1)] for place, line in enumerate(numbers)}


def hooks(unit: int, off_hook: int, changed: int) -> Packet:
    """SIG_CHANGED of an FXS unit: a bit for each line."""
    return Packet(Op.SIG_CHANGED, unit, 0, off_hook.to_bytes(4, "little") + changed.to_bytes(4, "little"))
