"""Extension names and patterns: how they match dialled digits, and which of several matches wins.

A name that begins with ``_`` is a pattern: X is 0-9, Z 1-9, N 2-9, ``[a-c5]`` a set, ``.`` one or more
characters, ``!`` none or more (and it matches at once, without waiting for more digits). Dashes outside sets
are decoration, in names, patterns and digits alike.
"""

from __future__ import annotations

import logging
import re
from enum import Enum
from functools import lru_cache

log = logging.getLogger(__name__)

_RANGES = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
_ANY = "."
_EARLY = "!"
_END_RANK = 0x30000
_RANKS = {_ANY: 0x18000, _EARLY: 0x28000}
_BROKEN_RANK = 0x40000

Key = tuple[object, ...]


class Match(Enum):
    """What is asked of digits dialled so far."""

    EXACT = "exact"
    """They are a whole extension."""
    CAN = "can"
    """They are one, or may become one."""
    MORE = "more"
    """With more digits they may become a (longer) one."""


class Pattern:
    """A name or pattern ready for matching. ``key`` sorts them: the first that matches wins."""

    __slots__ = ("_whole", "key", "literal", "parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.literal: str | None = None if text.startswith("_") else text.replace("-", "")
        self.parts: tuple[str, ...] = ()
        """For a pattern: for each position the characters it takes, or "." or "!" alone."""
        self._whole: re.Pattern[str] | None = None
        if self.literal is not None:
            self.key: Key = (0, self.literal.encode("utf-8", "surrogateescape"))
            return
        parts = _parts(text[1:])
        self.key = (1, (*map(_rank, parts), (_END_RANK, 0)))
        for index, part in enumerate(parts):
            if part in (_ANY, _EARLY):
                parts = parts[: index + 1]
                break
            if part == "/":
                parts = parts[:index]
                break
        self.parts = tuple(parts)

    def matches(self, digits: str) -> bool:
        """Whether the digits are a whole extension of this name. A pattern matches itself, written as a pattern."""
        if self.literal is not None:
            return self.literal == digits.replace("-", "")
        if digits.startswith("_") and Pattern(digits).key == self.key:
            return True
        if self._whole is None:
            self._whole = _expression(self.parts)
        return self._whole.fullmatch(digits.replace("-", "")) is not None

    def progress(self, digits: str, asked: Match) -> tuple[bool, bool]:
        """(whether the digits pass, whether that is final because a ``!`` took them)."""
        if asked is Match.EXACT:
            return self.matches(digits), False
        digits = digits.replace("-", "")
        if self.literal is not None:
            if len(self.literal) < len(digits) or not self.literal.startswith(digits):
                return False, False
            return asked is Match.CAN or len(self.literal) > len(digits), False
        for index, char in enumerate(digits):
            if index >= len(self.parts):
                return False, False
            part = self.parts[index]
            if part == _EARLY:
                return True, True
            if part == _ANY:
                return True, False
            if char not in part:
                return False, False
        if len(digits) == len(self.parts):
            return asked is Match.CAN, False
        return True, self.parts[len(digits)] == _EARLY


@lru_cache(maxsize=512)
def compile_pattern(text: str) -> Pattern:
    """The pattern of a text, kept for the next use."""
    return Pattern(text)


def matches(pattern: str, digits: str) -> bool:
    """Whether digits are a whole extension of a name or pattern."""
    return compile_pattern(pattern).matches(digits)


def without_decoration(text: str) -> str:
    """A name without its dashes and blanks; those inside a pattern's sets stay."""
    return _copied(text, dashes=False)


def without_blanks(text: str) -> str:
    """A name without blanks, except in a pattern's sets."""
    return _copied(text, dashes=True)


def _copied(text: str, *, dashes: bool) -> str:
    out = []
    inside = False
    for char in text:
        if char == "[":
            inside = text.startswith("_")
        elif char == "]":
            inside = False
        elif not inside and (char == " " or (char == "-" and not dashes)):
            continue
        out.append(char)
    return "".join(out)


def shrink_number(text: str) -> str:
    """A caller's number in a dialplan without blanks, parentheses, dashes (outside sets) and inner points."""
    out = []
    depth = 0
    for index, char in enumerate(text):
        if char in "[]":
            depth += 1 if char == "[" else -1
        elif (char == "-" and not depth) or char in "( )" or (char == "." and index + 1 < len(text)):
            continue
        out.append(char)
    return "".join(out)


def _parts(text: str) -> list[str]:
    """The positions of a pattern; a set without an end is the empty text, and nothing follows it."""
    parts: list[str] = []
    index, size = 0, len(text)
    while index < size:
        char = text[index]
        index += 1
        if char == "-":
            continue
        if char != "[":
            parts.append(_RANGES.get(char.upper(), char))
            continue
        end = text.find("]", index)
        if end < 0:
            log.warning('pattern "_%s" has a "[" without "]"; it matches nothing', text)
            parts.append("")
            return parts
        members = _set(text[index:end])
        index = end + 1
        if members:
            parts.append(members if members not in (_ANY, _EARLY, "/") else members * 2)
    return parts


def _set(text: str) -> str:
    """The characters of a set, each once, in order."""
    found: set[str] = set()
    index = 0
    while index < len(text):
        first = last = text[index]
        if index + 2 < len(text) and text[index + 1] == "-":
            last = text[index + 2]
            index += 2
        found.update(map(chr, range(ord(first), ord(last) + 1)))
        index += 1
    return "".join(sorted(found))


def _rank(part: str) -> tuple[int, int]:
    """Fewer characters come first; then the lower first character; then the set with the lowest characters."""
    if part in _RANKS:
        return _RANKS[part], 0
    if not part:
        return _BROKEN_RANK, 0
    members = set(part)
    bits = sum(1 << (0x10FFFF - ord(char)) for char in members) if not part.isascii() else 0
    if part.isascii():
        bits = sum(1 << (127 - ord(char)) for char in members)
    return len(members) << 8 | min(ord(min(part)), 255), -bits


def _expression(parts: tuple[str, ...]) -> re.Pattern[str]:
    out = []
    for part in parts:
        if part == _ANY:
            out.append(".+")
        elif part == _EARLY:
            out.append(".*")
        elif not part:
            out.append("(?!)")
        else:
            out.append(f"[{re.escape(part)}]")
    return re.compile("".join(out), re.DOTALL)
