"""Caller-ID messages: single and multiple data message format (GR-30-CORE, GR-31, GR-1188, GR-1401; ETSI EN 300 659-3).

A message is its type, its length, its data, and an octet that makes the sum of all of them 0 modulo 256.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SINGLE_CALL: Final = 0x04
SINGLE_WAITING: Final = 0x06
MULTIPLE_CALL: Final = 0x80
MULTIPLE_WAITING: Final = 0x82
TYPES: Final = (SINGLE_CALL, SINGLE_WAITING, MULTIPLE_CALL, MULTIPLE_WAITING)

_TIME, _NUMBER, _DIALLED, _NO_NUMBER, _NAME, _NO_NAME, _INDICATOR = 0x01, 0x02, 0x03, 0x04, 0x07, 0x08, 0x0B
_REASON, _QUALIFIER = 0x05, 0x06
_LONG_DISTANCE = b"L"
_MESSAGES = 0x13
_ON, _OFF = 0x42, 0x6F
"""GR-1401: three times one of them."""

MOST_NUMBER: Final = 20
MOST_NAME: Final = 50
"""EN 300 659-3 5.4; GR-1188 allows 15, which is what a sender should keep to towards old displays."""


class MessageError(ValueError):
    """A message that cannot be read; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls. ``number`` and ``name`` are None when not told; then ``no_number`` and ``no_name`` may say why: "P"
    (withheld) or "O" (not available). ``time`` is MMDDHHMM in local time, "" when not told."""

    number: str | None = None
    name: str | None = None
    time: str = ""
    no_number: str = ""
    no_name: str = ""
    dialled: str = ""
    reason: int = 0
    """Why it was forwarded here: 1 busy, 2 no answer, 3 always, 4 out of order, 5 deflected; 0: it was not."""
    long_distance: bool = False
    """The call qualifier says so."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether messages wait (VMWI): the lamp of a telephone. ``count`` where a multiple message tells it."""

    lamp: bool
    count: int | None = None


def checksum(octets: bytes) -> int:
    """What makes the sum 0 modulo 256."""
    return -sum(octets) & 0xFF


def _message(kind: int, data: bytes) -> bytes:
    if len(data) > 255:
        raise MessageError(f"{len(data)} octets are too many for a caller-ID message")
    body = bytes((kind, len(data))) + data
    return body + bytes((checksum(body),))


def _text(text: str, most: int) -> bytes:
    return "".join(each if each.isprintable() else " " for each in text).encode("latin-1", "replace")[:most]


def _parameters(pairs: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((kind, len(value))) + value for kind, value in pairs)


def encode_call(call: Call, *, single: bool = False) -> bytes:
    """The message that tells a call: multiple format with names, or single format with the number alone."""
    if single:
        number = _text(call.number, 10) if call.number is not None else (call.no_number or "O").encode("ascii")
        return _message(SINGLE_CALL, call.time.encode("ascii", "replace") + number)
    return _message(MULTIPLE_CALL, _parameters(_told(call)))


def _told(call: Call) -> list[tuple[int, bytes]]:
    """The parameters of a call."""
    time = call.time.encode("ascii", "replace")
    pairs = [(_TIME, time)] if time else []
    if call.number is not None:
        pairs.append((_NUMBER, _text(call.number, MOST_NUMBER)))
    else:
        pairs.append((_NO_NUMBER, (call.no_number or "O").encode("ascii")))
    if call.name is not None:
        pairs.append((_NAME, _text(call.name, MOST_NAME)))
    elif call.no_name:
        pairs.append((_NO_NAME, call.no_name.encode("ascii")))
    if call.dialled:
        pairs.append((_DIALLED, _text(call.dialled, MOST_NUMBER)))
    if call.long_distance:
        pairs.append((_QUALIFIER, _LONG_DISTANCE))
    if call.reason:
        pairs.append((_REASON, bytes((call.reason,))))
    return pairs


def encode_waiting(waiting: Waiting, *, single: bool = False, call: Call | None = None) -> bytes:
    """The message that puts a message-waiting lamp on or out; with ``call`` displays show time, number and name."""
    if single:
        return _message(SINGLE_WAITING, bytes((_ON if waiting.lamp else _OFF,)) * 3)
    pairs = _told(call) if call is not None else []
    pairs.append((_INDICATOR, b"\xff" if waiting.lamp else b"\x00"))
    if waiting.count is not None:
        pairs.append((_MESSAGES, bytes((min(255, max(0, waiting.count)),))))
    return _message(MULTIPLE_WAITING, _parameters(pairs))


def decode(message: bytes) -> Call | Waiting:
    """Read a whole message. Raises MessageError for another type, a wrong length or a wrong checksum."""
    if len(message) < 3 or len(message) != message[1] + 3:
        raise MessageError(f"a caller-ID message of {len(message)} octets has the wrong length")
    if sum(message) & 0xFF:
        raise MessageError("a caller-ID message has a wrong checksum")
    kind, data = message[0], message[2:-1]
    if kind == SINGLE_CALL:
        return _single_call(data)
    if kind == SINGLE_WAITING:
        if not data or data[0] not in (_ON, _OFF):
            raise MessageError("a message-waiting message says neither on nor off")
        return Waiting(data[0] == _ON)
    if kind in (MULTIPLE_CALL, MULTIPLE_WAITING):
        found = read_parameters(data)
        return _multiple_waiting(found) if kind == MULTIPLE_WAITING else _multiple_call(found)
    raise MessageError(f"caller-ID messages of type 0x{kind:02x} are not known")


def _single_call(data: bytes) -> Call:
    if len(data) < 8 or not data[:8].isdigit():
        raise MessageError("a single caller-ID message has no time")
    time, number = data[:8].decode("ascii"), data[8:].decode("latin-1")
    if number in ("P", "O"):
        return Call(time=time, no_number=number)
    return Call(number=number or None, time=time)


def read_parameters(data: bytes) -> dict[int, bytes]:
    """Values by their types. Raises MessageError."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise MessageError("a parameter of a caller-ID message is cut off")
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found


def _reason(text: str) -> str:
    """Why something is not told; other letters than P say no more than that."""
    return "" if not text else "P" if text[0] == "P" else "O"


def _multiple_call(found: dict[int, bytes]) -> Call:
    def text(kind: int) -> str:
        return found.get(kind, b"").decode("latin-1")

    return Call(
        number=text(_NUMBER) if _NUMBER in found else None,
        name=text(_NAME).rstrip() if _NAME in found else None,
        time=text(_TIME),
        no_number=_reason(text(_NO_NUMBER)),
        no_name=_reason(text(_NO_NAME)),
        dialled=text(_DIALLED),
        reason=next(iter(found.get(_REASON, b"")), 0),
        long_distance=found.get(_QUALIFIER, b"").startswith(_LONG_DISTANCE),
    )


def _multiple_waiting(found: dict[int, bytes]) -> Waiting:
    indicator, count = found.get(_INDICATOR), found.get(_MESSAGES)
    if not indicator:
        raise MessageError("a message-waiting message has no indicator")
    return Waiting(indicator[0] != 0, count[0] if count else None)
