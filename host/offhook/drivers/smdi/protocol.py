"""SMDI messages (Bellcore TR-NWT-000283) without any line: octets in, messages out, message-waiting orders as octets.

MD 001 0003 B 5551234 5559876    a call: desk number, its terminal, why it comes, whose station, who calls
MWI 5551234 INV                  an order for a lamp that the exchange could not carry out
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_DESK, _TERMINAL, _CAUSE = 3, 4, 3
_LONGEST_STATION = 10
_LONGEST = 64
"""Octets of a message; a line that says more without an end is forgotten."""
_ENDS = b"\x04\r\n"
END = b"!\x04"


@dataclass(frozen=True, slots=True)
class CallMessage:
    """A call that the exchange sends here."""

    desk: str
    terminal: str
    kind: str
    """D direct, A all calls forwarded, B busy, N no answer; as it came."""
    station: str
    """Whose calls are forwarded."""
    caller: str


@dataclass(frozen=True, slots=True)
class LampRefused:
    """The exchange could not set a lamp: INV for a station that it does not know, BLK where it may not."""

    station: str
    cause: str


class Reader:
    """Finds messages in what comes over the line. ``strip`` digits are taken off the front of each number."""

    def __init__(self, strip: int = 0) -> None:
        self._strip = strip
        self._text = bytearray()

    def feed(self, octets: bytes) -> Iterator[CallMessage | LampRefused]:
        """Octets of the line; the messages that they complete. What makes no sense is passed over."""
        for octet in octets:
            if octet in _ENDS:
                text, self._text = self._text, bytearray()
                message = self._parsed(bytes(text).decode("ascii", "replace"))
                if message is not None:
                    yield message
            elif len(self._text) < _LONGEST:
                self._text.append(octet)
            else:
                self._text.clear()

    def _number(self, text: str) -> str:
        return text[:_LONGEST_STATION][self._strip :]

    def _parsed(self, text: str) -> CallMessage | LampRefused | None:
        start = text.find("MD")
        if start >= 0:
            return self._call(text[start + 2 :])
        start = text.find("MWI")
        if start >= 0:
            station, _, cause = text[start + 3 :].strip().partition(" ")
            return LampRefused(self._number(station), cause.strip()[:_CAUSE])
        return None

    def _call(self, text: str) -> CallMessage | None:
        if len(text) <= _DESK + _TERMINAL:
            return None
        desk, terminal = text[:_DESK], text[_DESK : _DESK + _TERMINAL]
        kind, rest = text[_DESK + _TERMINAL], text[_DESK + _TERMINAL + 1 :]
        station, _, caller = rest.partition(" ")
        digits = caller.strip()
        number = digits[: next((place for place, each in enumerate(digits) if not each.isdigit()), len(digits))]
        return CallMessage(desk, terminal, kind, self._number(station), self._number(number))


def lamp_order(station: str, on: bool, strip: int = 0) -> bytes:
    """The order to light a station's lamp, or to put it out."""
    return f"{'OP' if on else 'RMV'}:MWI {'0' * strip}{station}".encode("ascii", "replace") + END
