"""Full frames (RFC 5456 8.1.1): the header, the kinds of frames and their subclasses."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("!HHIBBBB")
_FULL = 0x8000
_AGAIN = 0x8000
_POWER = 0x80
_MOST_SHIFT = 0x3F
STOP_SOUNDS = -1
"""Subclass of a control frame: whatever tone was started stops."""
MOST_CALLS = 0x7FFF


class FrameError(ValueError):
    """Octets that are no frame; the sentence says why."""


class Kind(IntEnum):
    """What a full frame carries (RFC 5456 8.2)."""

    DTMF_END = 1
    VOICE = 2
    VIDEO = 3
    CONTROL = 4
    NULL = 5
    IAX = 6
    TEXT = 7
    IMAGE = 8
    HTML = 9
    NOISE = 10
    DTMF_BEGIN = 12


class Command(IntEnum):
    """Subclasses of IAX frames (RFC 5456 8.4)."""

    NEW = 1
    PING = 2
    PONG = 3
    ACK = 4
    HANGUP = 5
    REJECT = 6
    ACCEPT = 7
    AUTHREQ = 8
    AUTHREP = 9
    INVAL = 10
    LAGRQ = 11
    LAGRP = 12
    REGREQ = 13
    REGAUTH = 14
    REGACK = 15
    REGREJ = 16
    REGREL = 17
    VNAK = 18
    DPREQ = 19
    DPREP = 20
    DIAL = 21
    TXREQ = 22
    TXCNT = 23
    TXACC = 24
    TXREADY = 25
    TXREL = 26
    TXREJ = 27
    QUELCH = 28
    UNQUELCH = 29
    POKE = 30
    PAGE = 31
    MWI = 32
    UNSUPPORT = 33
    TRANSFER = 34
    PROVISION = 35
    FWDOWNL = 36
    FWDATA = 37
    TXMEDIA = 38
    RTKEY = 39
    CALLTOKEN = 40


class Signal(IntEnum):
    """Subclasses of control frames (RFC 5456 8.3, and those that Asterisk added)."""

    HANGUP = 1
    RING = 2
    RINGING = 3
    ANSWER = 4
    BUSY = 5
    TAKE_OFF_HOOK = 6
    OFF_HOOK = 7
    CONGESTION = 8
    FLASH = 9
    WINK = 10
    OPTION = 11
    PROGRESS = 14
    PROCEEDING = 15
    HOLD = 16
    UNHOLD = 17
    VIDEO_UPDATE = 18
    CONNECTED_LINE = 22
    REDIRECTING = 23
    T38 = 24
    AOC = 28
    INCOMPLETE = 30
    MCID = 31


@dataclass(slots=True)
class FullFrame:
    """One full frame. ``time`` in ms since the call began; ``out`` and ``expected`` are the sequence numbers."""

    source: int
    destination: int
    time: int
    out: int
    expected: int
    kind: int
    subclass: int
    payload: bytes = b""
    again: bool = False

    def encode(self) -> bytes:
        """The octets. FrameError for a subclass that cannot be written."""
        header = HEADER.pack(
            _FULL | self.source,
            self.destination | (_AGAIN if self.again else 0),
            self.time & 0xFFFFFFFF,
            self.out & 0xFF,
            self.expected & 0xFF,
            self.kind,
            compress(self.subclass),
        )
        return header + self.payload

    @property
    def is_command(self) -> bool:
        """Whether it is an IAX frame."""
        return self.kind == Kind.IAX


def is_full(data: bytes) -> bool:
    """Whether a datagram is a full frame."""
    return bool(data) and data[0] >= 0x80


def decode(data: bytes) -> FullFrame:
    """Read a full frame. Raises FrameError."""
    if len(data) < HEADER.size:
        raise FrameError(f"{len(data)} octets are no full frame")
    source, destination, time, out, expected, kind, subclass = HEADER.unpack_from(data)
    if not source & _FULL:
        raise FrameError("not a full frame")
    return FullFrame(
        source & MOST_CALLS,
        destination & MOST_CALLS,
        time,
        out,
        expected,
        kind,
        expand(subclass),
        data[HEADER.size :],
        bool(destination & _AGAIN),
    )


def numbers_of(data: bytes) -> tuple[int, int]:
    """Source and destination call number, which are never encrypted. Raises FrameError."""
    if len(data) < 4:
        raise FrameError(f"{len(data)} octets are no frame")
    source, destination = struct.unpack_from("!HH", data)
    return source & MOST_CALLS, destination & MOST_CALLS


def compress(subclass: int) -> int:
    """A subclass as it is written: itself, or the power of two that it is (RFC 5456 8.1.1)."""
    if 0 <= subclass < _POWER:
        return subclass
    if subclass == STOP_SOUNDS:
        return 0xFF
    shift = subclass.bit_length() - 1
    if subclass < 0 or subclass != 1 << shift or shift > _MOST_SHIFT:
        raise FrameError(f"{subclass} is no subclass: neither below 128 nor a power of two")
    return _POWER | shift


def expand(octet: int) -> int:
    """The subclass of an octet."""
    if not octet & _POWER:
        return octet
    return STOP_SOUNDS if octet == 0xFF else 1 << (octet & _MOST_SHIFT)


def label(frame: FullFrame) -> tuple[str, str]:
    """Kind and subclass in words, for people."""
    try:
        kind = Kind(frame.kind)
    except ValueError:
        return f"({frame.kind}?)", str(frame.subclass)
    if kind in (Kind.DTMF_BEGIN, Kind.DTMF_END):
        return kind.name, chr(frame.subclass) if 32 <= frame.subclass < 127 else "?"
    words = Command if kind is Kind.IAX else Signal if kind is Kind.CONTROL else None
    if frame.subclass == STOP_SOUNDS:
        return kind.name, "STOP SOUNDS"
    try:
        return kind.name, words(frame.subclass).name if words else str(frame.subclass)
    except ValueError:
        return kind.name, f"({frame.subclass}?)"
