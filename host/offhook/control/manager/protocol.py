"""The manager protocol's framing: bytes in, messages out. No sockets, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LONGEST_LINE: Final = 1024
"""Bytes of a line with its end."""
MOST_LINES: Final = 128

TOO_LONG: Final = "Failed to parse message: line too long"
TOO_MANY: Final = "Too many lines in message or allocation failure"

Header = tuple[str, str]


@dataclass(slots=True)
class Message:
    """One message from a client: its lines, and what is wrong with it when it cannot be carried out."""

    lines: list[str] = field(default_factory=list)
    fault: str = ""

    @property
    def headers(self) -> list[Header]:
        """Names and values of the lines that have a colon; blanks in front of a value are dropped."""
        return split_lines(self.lines)


def split_lines(lines: list[str]) -> list[Header]:
    """Header names and values of lines."""
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name, value.lstrip(" \t\r\n")))
    return headers


class Framing:
    """Cuts a stream into messages: lines ended by CRLF or LF, a message ended by an empty line."""

    __slots__ = ("_buffer", "_message", "_overlong")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = Message()
        self._overlong = False
        """The line that is being read is longer than allowed: its rest is dropped."""

    def receive(self, data: bytes) -> list[Message]:
        """The messages that end within the data; their faults are to be answered."""
        buffer = self._buffer
        buffer += data
        messages = []
        start = 0
        while (end := buffer.find(b"\n", start)) >= 0:
            raw = bytes(buffer[start:end]).removesuffix(b"\r")
            size = end + 1 - start
            start = end + 1
            if self._overlong or size > LONGEST_LINE:
                self._overlong = False
                self._message.fault = self._message.fault or TOO_LONG
            elif raw:
                self._line(raw)
            else:
                messages.append(self._message)
                self._message = Message()
        del buffer[:start]
        if len(buffer) >= LONGEST_LINE:
            self._overlong = True
            self._message.fault = self._message.fault or TOO_LONG
            buffer.clear()
        return messages

    def _line(self, raw: bytes) -> None:
        message = self._message
        if len(message.lines) < MOST_LINES:
            message.lines.append(raw.partition(b"\0")[0].decode("utf-8", "surrogateescape"))
        else:
            message.fault = TOO_MANY


def render(headers: list[Header]) -> str:
    """Headers as they are sent, without the empty line; one without a name is a line of its own."""
    return "".join(f"{name}: {value}\r\n" if name else f"{value}\r\n" for name, value in headers)


def clean(text: str) -> str:
    """A value without line ends, which would break out of its header."""
    if "\n" in text or "\r" in text:
        return text.replace("\r", " ").replace("\n", " ")
    return text
