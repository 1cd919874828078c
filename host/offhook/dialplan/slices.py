"""The cut in ``${X:offset:length}``: which part of a text it leaves."""

from __future__ import annotations

import re

_SLICE = re.compile(r"\s*([-+]?\d{1,29})(?::\s*([-+]?\d{1,29}))?", re.ASCII)


def substring(text: str, offset: int, length: int | None = None) -> str:
    """``${X:offset:length}``: a negative offset counts from the end, a negative length leaves that many off.

    Positions count octets, as in Asterisk.
    """
    if not text.isascii():
        octets = text.encode("utf-8", "surrogateescape")
        return octets[_span(len(octets), offset, length)].decode("utf-8", "surrogateescape")
    return text[_span(len(text), offset, length)]


def _span(size: int, offset: int, length: int | None) -> slice:
    if offset < 0:
        offset = max(0, size + offset)
    if offset >= size:
        return slice(0, 0)
    if length is None:
        return slice(offset, size)
    if length >= 0:
        return slice(offset, min(size, offset + length))
    return slice(offset, max(offset, size + length))


def read_slice(cut: str) -> tuple[int, int | None]:
    """Offset and length of ``:offset:length``; what is no number counts as not written."""
    found = _SLICE.match(cut, 1)
    if found is None:
        return 0, None
    return int(found.group(1)), None if found.group(2) is None else int(found.group(2))


def cut_out(text: str, cut: str) -> str:
    """What ``:offset:length`` leaves of a text; a cut that does not begin with a colon leaves all."""
    return substring(text, *read_slice(cut)) if cut[0] == ":" else text
