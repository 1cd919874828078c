"""What a Festival server answers, without any input or output: bytes in, answers out.

An answer is a word of two letters and a line end; WV (a waveform) and LP (an expression) are followed by bytes up to a
key. Where the key happens to be among the bytes themselves, the server puts an X before its last letter.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

KEY = b"ft_StUfF_key"
_MOST_LISP = 65_536

Kind = Literal["WV", "LP", "ER", "OK", "?"]


class Answer(NamedTuple):
    """A part of an answer: ``last`` is false while more of its bytes come. ``?``: it is none that is known."""

    kind: Kind
    data: bytes = b""
    last: bool = True


class Answers:
    """Takes answers apart as they come."""

    def __init__(self) -> None:
        self._rest = b""
        self._within: Kind | None = None
        self._expression = b""

    def feed(self, data: bytes) -> list[Answer]:
        """What has come with these bytes."""
        self._rest += data
        found: list[Answer] = []
        while (answer := self._next()) is not None:
            found.append(answer)
        return found

    def _next(self) -> Answer | None:
        if self._within is not None:
            return self._bytes(self._within)
        if len(self._rest) < 3:
            return None
        word, self._rest = self._rest[:3], self._rest[3:]
        if word in (b"WV\n", b"LP\n"):
            self._within = "WV" if word == b"WV\n" else "LP"
            return self._bytes(self._within)
        return Answer("OK" if word == b"OK\n" else "ER" if word == b"ER\n" else "?", word)

    def _bytes(self, kind: Kind) -> Answer | None:
        data, last = self._unstuffed()
        if kind == "LP":
            self._expression = (self._expression + data)[:_MOST_LISP]
            data = b""
        if last:
            self._within = None
            expression, self._expression = self._expression, b""
            return Answer(kind, data or expression)
        return Answer(kind, data, last=False) if data else None

    def _unstuffed(self) -> tuple[bytes, bool]:
        """Bytes up to the key or to what may become one; whether the key came."""
        out = b""
        while True:
            at = self._rest.find(KEY[:-1])
            if at < 0:
                kept = next((n for n in range(len(KEY) - 2, 0, -1) if self._rest.endswith(KEY[:n])), 0)
                whole = len(self._rest) - kept
                out, self._rest = out + self._rest[:whole], self._rest[whole:]
                return out, False
            after = at + len(KEY) - 1
            if after == len(self._rest):
                out, self._rest = out + self._rest[:at], self._rest[at:]
                return out, False
            if self._rest[after] == KEY[-1]:
                out, self._rest = out + self._rest[:at], self._rest[after + 1 :]
                return out, True
            stuffed = self._rest[after : after + 1] == b"X"
            out, self._rest = out + self._rest[:after], self._rest[after + stuffed :]
