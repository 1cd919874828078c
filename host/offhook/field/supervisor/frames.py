"""Frames of the link between host and supervisor: one file for both ends, frozen into the firmware as it is.

A frame is version, kind, sequence and body, followed by its CRC-16 (polynomial 0x1021, start and final inversion
0xFFFF, most significant byte first; not inverted, one more zero at the end would go unnoticed), made free of zeros by
consistent overhead byte stuffing (Cheshire and Baker, 1997) and ended by a zero. Whatever is lost or broken costs the
frames it touched and no more: the next zero begins anew.

MicroPython reads this file too: plain classes, nothing imported.
"""

VERSION = 1
LONGEST_BODY = 240
_LONGEST = LONGEST_BODY + 3 + 2 + 2
"""Longest stuffed frame: header, checksum, one code byte a 254 bytes."""


def crc16(data: bytes) -> int:
    """CRC-16 of some bytes, as in GENIBUS: "123456789" gives 0xD64E."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value ^ 0xFFFF


def stuff(data: bytes) -> bytes:
    """The bytes without zeros, one longer for each 254 and one more."""
    out = bytearray(1)
    code = 0
    for byte in data:
        if byte:
            out.append(byte)
        if not byte or len(out) - code == 255:
            out[code] = len(out) - code
            code = len(out)
            out.append(0)
    out[code] = len(out) - code
    return bytes(out)


def unstuff(data: bytes) -> bytes:
    """What was stuffed. Raises ValueError for what no stuffing makes."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if not code or len(block) != code - 1 or 0 in block:
            raise ValueError("not stuffed")
        out.extend(block)
        at += code
        if code < 255 and at < len(data):
            out.append(0)
    return bytes(out)


class Frame:
    """One frame."""

    def __init__(self, kind: int, sequence: int, body: bytes = b"") -> None:
        self.kind = kind
        self.sequence = sequence
        self.body = body

    def encode(self) -> bytes:
        """The frame as it goes over the line; the zero in front ends whatever noise came before it."""
        if len(self.body) > LONGEST_BODY:
            raise ValueError("the body is too long")
        data = bytes((VERSION, self.kind, self.sequence)) + self.body
        check = crc16(data)
        return b"\0" + stuff(data + bytes((check >> 8, check & 0xFF))) + b"\0"


class Decoder:
    """Makes frames of bytes as they come; counts what was not one."""

    def __init__(self) -> None:
        self.broken = 0
        """Frames that were too long, not stuffed or whose checksum was wrong."""
        self.foreign = 0
        """Good frames of another version."""
        self._held = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete."""
        frames = []
        for byte in data:
            if byte:
                if len(self._held) < _LONGEST:
                    self._held.append(byte)
                else:
                    self._skipping = True
                continue
            held, self._held = bytes(self._held), bytearray()
            if self._skipping:
                self.broken += 1
            elif held:
                frame = self._decode(held)
                if frame is not None:
                    frames.append(frame)
            self._skipping = False
        return frames

    def _decode(self, held: bytes) -> Frame | None:
        try:
            data = unstuff(held)
        except ValueError:
            self.broken += 1
            return None
        if len(data) < 5 or crc16(data[:-2]) != data[-2] << 8 | data[-1]:
            self.broken += 1
            return None
        if data[0] != VERSION:
            self.foreign += 1
            return None
        return Frame(data[1], data[2], data[3:-2])
