"""POSIX extended regular expressions, as the C library matches them: leftmost, then longest."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

_EXTENDED = 1
_IGNORE_CASE = 2
_NEWLINE = 4
_ROOM = 512
"""Bytes set aside for a regex_t; glibc's has 64, musl's 56."""
_MOST_GROUPS = 10


class RegexError(ValueError):
    """The expression is wrong; the C library says why."""


@cache
def _library() -> tuple[Any, Any, Any]:
    """ctypes, the C library, and the type of its list of matches. Loaded at the first expression."""
    import ctypes

    class Match(ctypes.Structure):
        _fields_ = (("start", ctypes.c_int), ("end", ctypes.c_int))

    return ctypes, ctypes.CDLL(None), Match * _MOST_GROUPS


class Regex:
    """A compiled expression; ``groups`` counts its parentheses."""

    __slots__ = ("_compiled", "_libc", "_matches", "groups")

    def __init__(self, pattern: str, *, ignore_case: bool = False, newline: bool = False) -> None:
        self._compiled: Any = None
        ctypes, libc, matches = _library()
        self._libc = libc
        compiled = ctypes.create_string_buffer(_ROOM)
        flags = _EXTENDED | (_IGNORE_CASE if ignore_case else 0) | (_NEWLINE if newline else 0)
        code = libc.regcomp(compiled, _bytes(pattern), flags)
        if code:
            said = ctypes.create_string_buffer(256)
            libc.regerror(code, compiled, said, 256)
            raise RegexError(said.value.decode("utf-8", "replace"))
        self._compiled = compiled
        self._matches = matches()
        self.groups = _count_groups(pattern)

    def search(self, text: str) -> list[tuple[int, int]] | None:
        """Byte positions of the whole match and of each group ((-1, -1) when a group took no part), or None."""
        if self._libc.regexec(self._compiled, _bytes(text), _MOST_GROUPS, self._matches, 0):
            return None
        return [(match.start, match.end) for match in self._matches[: min(self.groups + 1, _MOST_GROUPS)]]

    def __del__(self) -> None:
        if self._compiled is not None:
            self._libc.regfree(self._compiled)


@lru_cache(maxsize=256)
def compile_regex(pattern: str, ignore_case: bool = False) -> Regex:
    """A compiled expression, kept for the next use. Raises RegexError."""
    return Regex(pattern, ignore_case=ignore_case)


def _bytes(text: str) -> bytes:
    """As the C library gets it: up to the first NUL."""
    return text.encode("utf-8", "surrogateescape").partition(b"\0")[0]


def _count_groups(pattern: str) -> int:
    count = index = 0
    size = len(pattern)
    while index < size:
        char = pattern[index]
        if char == "\\":
            index += 1
        elif char == "(":
            count += 1
        elif char == "[":
            index += 1
            if pattern[index : index + 1] == "^":
                index += 1
            if pattern[index : index + 1] == "]":
                index += 1
            while index < size and pattern[index] != "]":
                if pattern[index] == "[" and pattern[index + 1 : index + 2] in ":.=":
                    end = pattern.find(pattern[index + 1] + "]", index + 2)
                    index = end + 1 if end >= 0 else size
                index += 1
        index += 1
    return count
