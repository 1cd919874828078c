"""The few pieces of RFC 3261 section 25 that header values are made of: lists, parameters, quoted strings.

All of it scans once, left to right, so a hostile value costs time linear in its length.
"""

from __future__ import annotations

import re
from functools import cache

from .errors import SIPError

Params = dict[str, str | None]

_TOKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")


def is_token(text: str) -> bool:
    """Whether `text` is a token of RFC 3261 25.1 (not empty, only the characters allowed)."""
    return bool(text) and _TOKEN.issuperset(text)


def end_of_quoted(text: str, start: int) -> int:
    """Index just past the quoted string that opens at `start`; SIPError(400) if it never closes."""
    at = start + 1
    while True:
        close = text.find('"', at)
        if close < 0:
            raise SIPError(400, detail="unterminated quoted string")
        escape = text.find("\\", at, close)
        if escape < 0:
            return close + 1
        at = escape + 2


@cache
def _special(separator: str) -> re.Pattern[str]:
    return re.compile(f'["<{re.escape(separator)}]')


def split_outside(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside quoted strings and outside <...>; parts are stripped.

    Raises SIPError(400) for a quote or an angle bracket that never closes.
    """
    if separator not in text:
        return [text.strip()]
    if '"' not in text and "<" not in text:
        return [part.strip() for part in text.split(separator)]
    parts: list[str] = []
    start = at = 0
    special = _special(separator)
    while (found := special.search(text, at)) is not None:
        at = found.start()
        char = text[at]
        if char == '"':
            at = end_of_quoted(text, at)
            continue
        if char == "<":
            at = text.find(">", at)
            if at < 0:
                raise SIPError(400, detail="unterminated <")
        else:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    parts.append(text[start:].strip())
    return parts


def split_list(text: str) -> list[str]:
    """The members of a comma-separated header value, empty members left out."""
    return [part for part in split_outside(text, ",") if part]


def parse_params(text: str) -> Params:
    """`a=1;b;c="x"` (without a leading semicolon) to a dict.

    Names are in lower case, values as written (quotes too), None for a bare name. The first of two parameters with the
    same name wins. Raises SIPError(400) for an empty parameter or unterminated quotes.
    """
    params: Params = {}
    for part in split_outside(text, ";") if '"' in text or "<" in text else text.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not name:
            raise SIPError(400, detail="empty parameter")
        if name not in params:
            params[name] = value.strip() if equals else None
    return params


def format_params(params: Params) -> str:
    """The inverse of parse_params, each parameter led by a semicolon."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params.items()])


def unquote(text: str) -> str:
    """The content of a quoted string with its escapes undone; anything else is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    out: list[str] = []
    chars = iter(inner)
    for char in chars:
        out.append(next(chars, "") if char == "\\" else char)
    return "".join(out)


def quote(text: str) -> str:
    """`text` as a quoted string; line breaks cannot be quoted and become spaces."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if "\r" in escaped or "\n" in escaped:
        escaped = escaped.replace("\r", " ").replace("\n", " ")
    return f'"{escaped}"'


def parse_number(text: str, what: str, limit: int = 0xFFFFFFFF) -> int:
    """A decimal number of 0..limit; SIPError(400) names `what` otherwise."""
    if not (text.isdigit() and text.isascii() and len(text) <= 20):
        text = text.strip()
        if not (text.isdigit() and text.isascii() and len(text) <= 20):
            raise SIPError(400, f"Bad {what}", f"{what} is not a number")
    number = int(text)
    if number > limit:
        raise SIPError(400, f"Bad {what}", f"{what} is out of range")
    return number
