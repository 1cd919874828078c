"""Caller ID as NTT's exchanges send it, to a line that lifts for it: V.23 octets of seven bits and parity, in a frame.

DLE SOH, the header 7, DLE STX, the kind of service, the length of what follows, parameters (type, length, value),
DLE ETX, and a CRC of all octets behind SOH (x^16 + x^12 + x^5 + 1, low bit first). Inside a frame a DLE stands before
each octet that looks like one, and before those that begin and end the text.
"""

from __future__ import annotations

from offhook.media.callerid.message import Call, MessageError, Waiting, read_parameters

_DLE, _SOH, _HEADER, _STX, _ETX = 0x10, 0x01, 0x07, 0x02, 0x03
_CALLER_IDENTITY = 0x40
_NUMBER, _NO_NUMBER, _DIALLED = 0x02, 0x04, 0x09
_SEVEN_BITS = 0x7F
_LENGTH_AT = 3
"""Place of the length, behind header, STX and service."""
_LONGEST = 3 + 2 * 130 + 4
"""The header, a text of which every octet has a DLE before it, the end."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x8408 if octet & 1 else 0)
        table.append(octet)
    return tuple(table)


_CRC = _crc_table()


def crc(octets: bytes) -> int:
    """The remainder: 0 of octets that have their CRC at the end, its low octet first."""
    found = 0
    for octet in octets:
        found = found >> 8 ^ _CRC[(found ^ octet) & 0xFF]
    return found


class JapaneseReceiver:
    """Finds frames among octets, as Receiver does. No I/O."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._frame = bytearray()
        """Octets behind SOH, as they came."""
        self._before = 0
        self._begun = False
        self._end = 0
        """Where the frame ends; 0: not known yet."""
        self._escaped = False

    def feed(self, octets: bytes) -> list[Call | Waiting]:
        """Octets arrived: the messages that are complete now."""
        found: list[Call | Waiting] = []
        for octet in octets:
            if self._begun:
                self._take(octet, found)
            else:
                self._begun = (self._before, octet & _SEVEN_BITS) == (_DLE, _SOH)
                self._before = octet & _SEVEN_BITS
        return found

    def carrier_lost(self) -> list[Call | Waiting]:
        """The carrier is gone: what is begun will not be completed."""
        if self._begun:
            self.errors.append(f"a caller-ID frame ends after {len(self._frame)} octets")
        self._rest()
        return []

    def _rest(self) -> None:
        self._frame.clear()
        self._before = self._end = 0
        self._begun = self._escaped = False

    def _take(self, octet: int, found: list[Call | Waiting]) -> None:
        self._frame.append(octet)
        if not self._end:
            bits = octet & _SEVEN_BITS
            if self._escaped and bits == _ETX:
                self._end = len(self._frame) + 2
            self._escaped = bits == _DLE and not self._escaped
        if len(self._frame) == (self._end or _LONGEST):
            frame = bytes(self._frame)
            self._rest()
            try:
                found.append(decode_frame(frame))
            except MessageError as error:
                self.errors.append(str(error))


def decode_frame(frame: bytes) -> Call:
    """Read what stands behind SOH, the CRC included. Raises MessageError."""
    if crc(frame):
        raise MessageError(f"a caller-ID frame of {len(frame)} octets has a wrong CRC")
    text = _plain(frame[:-2])
    if text[:2] != bytes((_HEADER, _STX)) or text[-1:] != bytes((_ETX,)):
        raise MessageError("a caller-ID frame has no header or no end")
    body = text[2:-1]
    if len(body) < 2 or body[0] != _CALLER_IDENTITY:
        raise MessageError("a caller-ID frame is for another service")
    if len(body) != body[1] + 2:
        raise MessageError(f"a caller-ID frame has {len(body) - 2} octets instead of {body[1]}")
    values = read_parameters(body[2:])
    number = values.get(_NUMBER, b"").decode("ascii")
    reason = values.get(_NO_NUMBER, b"").decode("ascii")
    return Call(
        number=number or None,
        no_number="" if number else "P" if reason.startswith("P") else "O",
        dialled=values.get(_DIALLED, b"").decode("ascii"),
    )


def _plain(frame: bytes) -> bytes:
    """Seven bits of each octet, without the DLE before others. A length of 16 may stand without one, as it is sent."""
    out = bytearray()
    escaped = False
    bits = [octet & _SEVEN_BITS for octet in frame]
    for here, after in zip(bits, [*bits[1:], -1], strict=True):
        literal = escaped or (len(out) == _LENGTH_AT and after != _DLE)
        escaped = here == _DLE and not literal
        if not escaped:
            out.append(here)
    return bytes(out)
