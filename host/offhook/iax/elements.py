"""Information elements (RFC 5456 8.6): one table of names, numbers and forms, read and written by it."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import Any

from offhook.iax.frames import FrameError

Address = tuple[str, int]

TEXT, BYTE, SHORT, LONG, WIDE, RAW, FLAG, PLACE = "text", "byte", "short", "long", "wide", "raw", "flag", "place"
"""Forms: characters; unsigned integers of 1, 2 and 4 octets; a version octet 0 and 8 octets; octets; nothing, or
characters; a socket address."""

TABLE: dict[str, tuple[int, str]] = {
    "called_number": (1, TEXT),
    "calling_number": (2, TEXT),
    "calling_ani": (3, TEXT),
    "calling_name": (4, TEXT),
    "called_context": (5, TEXT),
    "username": (6, TEXT),
    "password": (7, TEXT),
    "capability": (8, LONG),
    "format": (9, LONG),
    "language": (10, TEXT),
    "version": (11, SHORT),
    "adsicpe": (12, SHORT),
    "dnid": (13, TEXT),
    "authmethods": (14, SHORT),
    "challenge": (15, RAW),
    "md5_result": (16, TEXT),
    "rsa_result": (17, TEXT),
    "apparent_addr": (18, PLACE),
    "refresh": (19, SHORT),
    "dpstatus": (20, SHORT),
    "callno": (21, SHORT),
    "cause": (22, TEXT),
    "iax_unknown": (23, BYTE),
    "msgcount": (24, SHORT),
    "autoanswer": (25, FLAG),
    "musiconhold": (26, FLAG),
    "transferid": (27, LONG),
    "rdnis": (28, TEXT),
    "provisioning": (29, RAW),
    "datetime": (31, LONG),
    "devicetype": (32, TEXT),
    "serviceident": (33, TEXT),
    "firmwarever": (34, SHORT),
    "fwblockdesc": (35, LONG),
    "fwblockdata": (36, RAW),
    "provver": (37, LONG),
    "callingpres": (38, BYTE),
    "callington": (39, BYTE),
    "callingtns": (40, SHORT),
    "samplingrate": (41, SHORT),
    "causecode": (42, BYTE),
    "encryption": (43, SHORT),
    "enckey": (44, RAW),
    "codec_prefs": (45, TEXT),
    "rr_jitter": (46, LONG),
    "rr_loss": (47, LONG),
    "rr_pkts": (48, LONG),
    "rr_delay": (49, SHORT),
    "rr_dropped": (50, LONG),
    "rr_ooo": (51, LONG),
    "variable": (52, TEXT),
    "osptoken": (53, RAW),
    "calltoken": (54, RAW),
    "capability2": (55, WIDE),
    "format2": (56, WIDE),
    "calling_ani2": (57, LONG),
}
_NAMES = {number: (name, form) for name, (number, form) in TABLE.items()}
_SIZES = {BYTE: 1, SHORT: 2, LONG: 4}
_WIDE_SIZE = 9
_IPV4_SIZE, _IPV6_SIZE = 16, 28
_FAMILY_IPV4, _FAMILY_IPV6 = 2, 10
MOST = 255
"""Octets of one element."""


class Elements:
    """The elements of a frame, in order; ``get`` knows each by its name."""

    __slots__ = ("_items",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, **values: Any) -> None:
        self._items: list[tuple[str, Any]] = []
        for name, value in values.items():
            self.add(name, value)

    def add(self, name: str, value: Any) -> Elements:
        """Append an element (text longer than an element holds is cut); None appends nothing."""
        if value is not None:
            if name not in TABLE:
                raise KeyError(name)
            self._items.append((name, value))
        return self

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the last element of that name."""
        return next((value for each, value in reversed(self._items) if each == name), default)

    def text(self, name: str) -> str:
        """A text element, "" when it is not there."""
        value = self.get(name, "")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def number(self, name: str, default: int = 0) -> int:
        """A number, or the default."""
        value = self.get(name, default)
        assert isinstance(value, int)
        return value

    def all(self, name: str) -> list[Any]:
        """The values of every element of that name."""
        return [value for each, value in self._items if each == name]

    def without(self, name: str) -> Elements:
        """A copy without the elements of that name."""
        copy = Elements()
        copy._items = [item for item in self._items if item[0] != name]
        return copy

    def __contains__(self, name: str) -> bool:
        return any(each == name for each, _ in self._items)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Elements) and self._items == other._items

    def __repr__(self) -> str:
        return f"Elements({', '.join(f'{name}={value!r}' for name, value in self._items)})"

    def encode(self) -> bytes:
        """The octets."""
        parts = []
        for name, value in self._items:
            number, form = TABLE[name]
            octets = _encode(form, value)[:MOST]
            parts.append(bytes((number, len(octets))) + octets)
        return b"".join(parts)

    # What two elements may say, the wide one first.

    @property
    def capability(self) -> int:
        """Formats the far end takes, as bits; 0 when it does not say."""
        return self.number("capability2") or self.number("capability")

    @property
    def format(self) -> int:
        """The format wanted or chosen, as a bit (or bits)."""
        return self.number("format2") or self.number("format")

    def variables(self) -> dict[str, str]:
        """Remote variables; a value longer than an element comes in pieces."""
        found: dict[str, str] = {}
        for item in self.all("variable"):
            name, equals, value = item.partition("=")
            if equals:
                found[name] = found.get(name, "") + value
        return found


def decode(data: bytes) -> Elements:
    """Read the elements of a frame; those not known, and numbers of a wrong size, are left out. Raises FrameError when
    one is longer than what is left."""
    found = Elements()
    at = 0
    while at + 2 <= len(data):
        number, size = data[at], data[at + 1]
        at += 2
        if at + size > len(data):
            raise FrameError(f"element {number} of {size} octets exceeds its frame")
        octets = data[at : at + size]
        at += size
        name, form = _NAMES.get(number, ("", RAW))
        value = _decode(form, octets) if name else None
        if value is not None:
            found._items.append((name, value))
    return found


def _encode(form: str, value: Any) -> bytes:
    if form == TEXT:
        return value.encode() if isinstance(value, str) else bytes(value)
    if form == FLAG:
        return value.encode() if isinstance(value, str) else b""
    if form == RAW:
        return value.encode() if isinstance(value, str) else bytes(value)
    if form == WIDE:
        return b"\0" + struct.pack("!Q", value)
    if form == PLACE:
        return _encode_place(value)
    return int(value).to_bytes(_SIZES[form], "big")


def _decode(form: str, octets: bytes) -> Any:
    if form == TEXT:
        return octets.split(b"\0", 1)[0].decode("utf-8", "replace")
    if form == RAW:
        return octets
    if form == FLAG:
        return octets.split(b"\0", 1)[0].decode("utf-8", "replace") or True
    if form == WIDE:
        return struct.unpack_from("!Q", octets, 1)[0] if len(octets) == _WIDE_SIZE and not octets[0] else None
    if form == PLACE:
        return _decode_place(octets)
    return int.from_bytes(octets, "big") if len(octets) == _SIZES[form] else None


def _encode_place(place: Address) -> bytes:
    """As the structures of the socket interface lie in memory, the family in the order of small processors."""
    host = ipaddress.ip_address(place[0])
    if host.version == 4:
        return struct.pack("<H", _FAMILY_IPV4) + struct.pack("!H4s8x", place[1], host.packed)
    return struct.pack("<H", _FAMILY_IPV6) + struct.pack("!H4x16s4x", place[1], host.packed)


def _decode_place(octets: bytes) -> Address | None:
    if len(octets) < 8:
        return None
    families = (int.from_bytes(octets[:2], "little"), int.from_bytes(octets[:2], "big"))
    port = int.from_bytes(octets[2:4], "big")
    if _FAMILY_IPV4 in families:
        return str(ipaddress.IPv4Address(octets[4:8])), port
    if _FAMILY_IPV6 in families and len(octets) >= 24:
        return str(ipaddress.IPv6Address(octets[8:24])), port
    return None
