"""Caller ID by DTMF before the first ring (ITU-T Q.23 digits; EN 300 659-1 Annex A and its national kin).

``A`` number ``C`` (or ``D`` number ``C``) tells who calls, ``B`` code ``C`` why it is not told: 00 not available, 10
withheld. In Denmark ``D1#`` is withheld, ``D2#`` and ``D3#`` not available. Elsewhere ``#`` ends it.
"""

from __future__ import annotations

from offhook.media.callerid.message import Call

_WITHHELD, _UNAVAILABLE = "10", "00"


def encode_digits(call: Call, start: str = "A", end: str = "C") -> str:
    """The digits to be sent; a number that is not told becomes its reason. Raises ValueError for other letters."""
    if len(start) != 1 or start not in "ABCD" or len(end) != 1 or end not in "ABCD#":
        raise ValueError(f'"{start}" and "{end}" do not enclose DTMF caller ID: A to D, and A to D or #')
    if call.number is None:
        return f"B{_WITHHELD if call.no_number == 'P' else _UNAVAILABLE}C"
    digits = "".join(each for each in call.number if each.isascii() and each.isdigit())
    return f"{start}{digits}{end}"


def decode_digits(digits: str) -> Call:
    """What digits heard before the first ring tell; nothing at all is a number that is not available."""
    if len(digits) < 2:
        return Call(no_number="O")
    if digits[0] == "B":
        return Call(no_number="P" if digits[1:].startswith(_WITHHELD) else "O")
    if digits[0] == "D" and digits[2:3] == "#":
        return Call(no_number="P") if digits[1] == "1" else Call(no_number="O")
    body = digits[1:] if digits[0] in "AD" else digits
    number = ""
    for each in body:
        if each in "C#":
            break
        if each.isdigit():
            number += each
    return Call(number=number) if number else Call(no_number="O")
