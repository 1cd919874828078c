"""Whether a signal unit is sound enough for libss7, which believes every length that it reads.

Q.703 2.3 for the unit, Q.704 14 and 15 for routing label and network management, Q.763 1 and 3 for ISUP: pointers and
lengths have to stay inside the message, and addresses inside the places that the library keeps for them.
"""

from __future__ import annotations

from collections.abc import Mapping

ITU, ANSI = "itu", "ansi"
CHECK_SUM = 2
_HEAD = 3
_LONGEST_SIF = 272
_LABELS = {ITU: 4, ANSI: 7}
_ISUP_HEAD = 3
_LONG = 63
"""Length indicator of messages of as many octets and more."""
_MOST_DIGITS = 24
"""Octets of digits of an address: no numbering plan has as many, and 49 characters is what an event holds."""
_LONGEST_NAME = 15
_MOST_CIRCUITS = 31
"""Highest range of a group (Q.763 3.43)."""
_NETWORK_MANAGEMENT, _TEST, _SPECIAL_TEST, _ISUP = 0, 1, 2, 5
_WITH_ONE = frozenset({0x11, 0x21, 0x51, 0x61})
"""COO, COA, CBD and CBA have an octet behind their heading."""
_WITH_POINT_CODE = frozenset({0x14, 0x34, 0x54, 0x15, 0x25})
"""TFP, TFR, TFA, RST and RSR have a point code."""

_RANGE = 0x16
_FIXED: Mapping[str, Mapping[int, int]] = {
    ITU: {0x01: 5, 0x06: 2, 0x07: 2, 0x05: 1, 0x2C: 1, 0x18: 1, 0x19: 1, 0x1A: 1, 0x1B: 1, 0x1F: 1, 0x20: 1}
    | {0x21: 1, 0x0D: 1, 0x0E: 1, 0x03: 2, 0x04: 2},
    ANSI: {0x01: 4, 0x06: 2, 0x07: 2, 0x05: 1, 0x2C: 1, 0x18: 1, 0x19: 1, 0x1A: 1, 0x1B: 1, 0x1F: 1, 0x20: 1}
    | {0x21: 1, 0x0D: 1, 0x0E: 1, 0x03: 2, 0x04: 2},
}
"""Octets of the mandatory parameters of fixed length, by message."""
_VARIABLE: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    ITU: {0x01: (0x04,), 0x0C: (0x12,), 0x02: (0x05,), 0x2F: (0x12,), 0x2B: (0, 0)}
    | dict.fromkeys((0x17, 0x29, 0x18, 0x19, 0x1A, 0x1B, 0x2A), (_RANGE,)),
    ANSI: {0x01: (0x1D, 0x04), 0x0C: (0x12,), 0x02: (0x05,), 0x2F: (0x12,), 0x2B: (0, 0)}
    | dict.fromkeys((0x17, 0x29, 0x18, 0x19, 0x1A, 0x1B, 0x2A), (_RANGE,)),
}
"""Parameters of variable length, by message."""
_OPTIONAL = frozenset(
    {0x01, 0x06, 0x09, 0x07, 0x0C, 0x10, 0x2C, 0x21, 0x20, 0x1F, 0x2F, 0x0D, 0x0E, 0x03, 0x04, 0x02},
)
"""Messages with an optional part."""
_OPTIONAL_ANSI = (_OPTIONAL | {0x17, 0x29}) - {0x10}
_NO_STATUS = frozenset({0x2B, 0x2A, 0x17})
"""CQR, CQM and GRS tell a range without status."""
_KNOWN = frozenset(
    {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09, 0x0C, 0x0D, 0x0E, *range(0x10, 0x1C), 0x1F, 0x20, 0x21, 0x24}
    | {0x29, 0x2A, 0x2B, 0x2C, 0x2E, 0x2F, 0xEB, 0xEC}
)

_EXACT: Mapping[int, int] = {
    **dict.fromkeys((0x02, 0x06, 0x08, 0x09, 0x10, 0x15, 0x18, 0x22, 0x24, 0x29, 0x3D, 0x77, 0xEA), 1),
    **dict.fromkeys((0x07, 0x0E, 0x0F, 0x11, 0x13), 2),
    0x1A: 4,
}
"""Octets of parameters that the library takes for granted: it goes on behind so many, whatever their length says."""
_BOUNDS: Mapping[int, tuple[int, int]] = {
    0x01: (5, 8),
    **dict.fromkeys((0x04, 0x0A, 0x0B, 0x21, 0x28, 0xEB), (2, 2 + _MOST_DIGITS)),
    0xE4: (1, 2 + _MOST_DIGITS),
    0x05: (1, 1 + _MOST_DIGITS),
    0x12: (2, 255),
    _RANGE: (1, 34),
    0xC0: (3, 3 + _MOST_DIGITS),
    0xC1: (1, 1 + _MOST_DIGITS),
    0xC4: (0, _MOST_DIGITS),
    0xC7: (1, 1 + _LONGEST_NAME),
}
"""Least and most octets of the others that it reads."""


_NO_USER_PART = 0x0F


class Unsound(ValueError):
    """A signal unit that is not taken; the sentence says what is wrong with it."""


def hollow(unit: bytes, variant: str) -> bytes | None:
    """In place of a message that is not taken: one for no user part, with the same sequence numbers, or the far end
    would send it again for ever. None where there is nothing to acknowledge."""
    size = len(unit) - CHECK_SUM
    if size <= _HEAD or unit[2] & 0x3F <= 2:
        return None
    content = unit[_HEAD + 1 : size][: _LABELS[variant]].ljust(_LABELS[variant] + 1, b"\0")
    service = unit[_HEAD] & 0xF0 | _NO_USER_PART
    return b"".join((unit[:2], bytes([1 + len(content), service]), content, b"\0" * CHECK_SUM))


def sound(unit: bytes, variant: str) -> bytes:
    """A signal unit as it came, with its check sum, or without optional parameters that the library cannot take.
    Raises Unsound."""
    size = len(unit) - CHECK_SUM
    if size < _HEAD:
        raise Unsound(f"a signal unit of {len(unit)} octets")
    indicator = unit[2] & 0x3F
    if indicator == 0:
        return unit
    if indicator <= 2:
        if size < _HEAD + indicator:
            raise Unsound("a link status unit that is cut off")
        return unit
    if size > _HEAD + 1 + _LONGEST_SIF:
        raise Unsound(f"a message of {size} octets")
    if size < _HEAD + 1 + _LABELS[variant] + 1:
        raise Unsound("a message without a whole routing label")
    begin = _HEAD + 1 + _LABELS[variant]
    rest = unit[begin:size]
    taken = _message(unit[_HEAD] & 0x0F, rest, variant)
    if taken is rest:
        return unit
    length = min(_LONG, begin - _HEAD + len(taken))
    return b"".join((unit[:2], bytes([length]), unit[_HEAD:begin], taken, unit[size:]))


def _message(user_part: int, rest: bytes, variant: str) -> bytes:
    if user_part in (_TEST, _SPECIAL_TEST):
        if len(rest) < 2 or len(rest) < 2 + (rest[1] >> 4):
            raise Unsound("a link test that is cut off")
    elif user_part == _NETWORK_MANAGEMENT:
        more = 1 if rest[0] in _WITH_ONE else 0
        if rest[0] in _WITH_POINT_CODE:
            more = 3 if variant == ANSI else 2
        if len(rest) < 1 + more:
            raise Unsound("a network management message that is cut off")
    elif user_part == _ISUP:
        return _isup(rest, variant)
    return rest


def _isup(message: bytes, variant: str) -> bytes:
    if len(message) < _ISUP_HEAD:
        raise Unsound("an ISUP message without circuit and type")
    kind = message[2]
    if kind not in _KNOWN:
        return message
    place = _ISUP_HEAD + _FIXED[variant].get(kind, 0)
    if len(message) < place:
        raise Unsound(f"ISUP message {kind:#04x}: its fixed part is cut off")
    for parameter in _VARIABLE[variant].get(kind, ()):
        _variable(kind, message, place, parameter)
        place += 1
    if kind in (_OPTIONAL_ANSI if variant == ANSI else _OPTIONAL) and place < len(message) and message[place]:
        return _optional(kind, message, place + message[place])
    return message


def _variable(kind: int, message: bytes, pointer: int, parameter: int) -> None:
    if pointer >= len(message) or not message[pointer]:
        raise Unsound(f"ISUP message {kind:#04x}: a mandatory parameter is missing")
    begin = pointer + message[pointer]
    if begin >= len(message) or begin + 1 + message[begin] > len(message):
        raise Unsound(f"ISUP message {kind:#04x}: a parameter reaches beyond its end")
    value = message[begin + 1 : begin + 1 + message[begin]]
    if _taken(kind, parameter, value) != value:
        raise Unsound(f"ISUP message {kind:#04x}: parameter {parameter:#04x} has {len(value)} octets")


def _optional(kind: int, message: bytes, begin: int) -> bytes:
    """The message with those of its optional parameters that can be taken."""
    place, parts, whole = begin, [message[:begin]], True
    while True:
        if place >= len(message):
            raise Unsound(f"ISUP message {kind:#04x}: its optional part has no end")
        if not message[place]:
            break
        end = place + 2 + message[place + 1] if place + 1 < len(message) else len(message) + 1
        if end > len(message):
            raise Unsound(f"ISUP message {kind:#04x}: an optional parameter reaches beyond its end")
        value = message[place + 2 : end]
        taken = _taken(kind, message[place], value)
        whole = whole and taken == value
        if taken is not None:
            parts += [bytes([message[place], len(taken)]), taken]
        place = end
    return message if whole else b"".join([*parts, b"\0"])


def _taken(kind: int, parameter: int, value: bytes) -> bytes | None:
    """A parameter as the library can have it: cut to what it expects, or None."""
    exact = _EXACT.get(parameter)
    if exact is not None:
        return value[:exact] if len(value) >= exact else None
    least, most = _BOUNDS.get(parameter, (0, 255))
    if not least <= len(value) <= most:
        return None
    if parameter == _RANGE and (
        value[0] > _MOST_CIRCUITS or (kind not in _NO_STATUS and len(value) < 2 + value[0] // 8)
    ):
        return None
    return value
