"""How functions read their arguments: numbers as C reads them, escaped characters, variables by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.substitution import look_up

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.dialplan.scope import Scope

_INTEGER = re.compile(r"\s*([-+]?\d{1,29})", re.ASCII)
_FLOAT = re.compile(r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)", re.ASCII)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile("[0-9A-Fa-f]{1,2}")
_OCTAL = re.compile("[0-7]*")


def integer(text: str) -> int | None:
    """The whole number that a text begins with, or None."""
    found = _INTEGER.match(text)
    return int(found.group(1)) if found else None


def number(text: str) -> float | None:
    """The number that a text begins with, or None."""
    found = _FLOAT.match(text)
    return float(found.group(1)) if found else None


def need_channel(scope: Scope, function: str) -> Channel:
    """The scope's channel. Raises FunctionError outside any."""
    channel: Channel | None = scope.channel
    if channel is None:
        raise FunctionError(f"function {function} needs a channel")
    return channel


def find_channel(scope: Scope, name: str) -> Channel | None:
    """A channel by name, unique id, or the beginning of its name."""
    channels = scope.pbx.channels
    found: Channel | None = channels.find(name) or (channels.by_prefix(name) if name else None)
    return found


def variable(scope: Scope, name: str) -> str:
    """What ``${name}`` gives: a variable's value, a function's, or "" ."""
    return look_up(scope, name)


def escaped_char(text: str) -> tuple[str, int]:
    r"""The first character, \n \r \t \xHH \0nnn and \c decoded, and how much of the text it takes.

    Raises FunctionError for an empty text or a wrong \x.
    """
    if not text:
        raise FunctionError("a character is expected where there is none")
    if text[0] != "\\":
        return text[0], 1
    second = text[1:2]
    if second in _CONTROL:
        return _CONTROL[second], 2
    if second == "x":
        digits = _HEX.match(text, 2)
        if digits is None:
            raise FunctionError(f'"{text[:3]}" is no character: \\x needs hexadecimal digits')
        return chr(int(digits.group(), 16)), digits.end()
    if second == "0":
        octal = _OCTAL.match(text, 2)
        assert octal is not None
        return chr(int(octal.group() or "0", 8) & 255), octal.end()
    return second, 2


def escaped(text: str) -> str:
    """A text with all its escapes decoded."""
    if "\\" not in text:
        return text
    out = []
    while text:
        char, size = escaped_char(text)
        out.append(char)
        text = text[size:]
    return "".join(out)


def delimiter(text: str, default: str = ",") -> str:
    """The one character that separates fields; the default when none is written."""
    return escaped_char(text)[0] if text else default


def unquoted(text: str) -> str:
    """A text without blanks around it and without the double quotes that enclose it."""
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def octets(text: str) -> bytes:
    """A text as the bytes it came from."""
    return text.encode("utf-8", "surrogateescape")


def from_octets(data: bytes) -> str:
    """Bytes as text, up to the first zero octet: no text of the dialplan goes beyond one. What is no UTF-8 is kept."""
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")
