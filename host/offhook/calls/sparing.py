"""Log lines that strangers cause: so many a source and minute, so that a flood of packets is no flood of lines."""

from __future__ import annotations

_QUIET_S = 60.0
_SOURCES = 1024
"""Of whom it is remembered what was told; when there are more, all is forgotten."""


class Sparing:
    """What was told of whom."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def quiet(self, source: str, what: str, now: float, most: int = 1) -> bool:
        """Whether a source has had its lines of this minute; counts one."""
        key = (source, what)
        until, count = self._told.get(key, (0.0, 0))
        if now >= until:
            until, count = now + _QUIET_S, 0
            if len(self._told) >= _SOURCES:
                self._told = {known: entry for known, entry in self._told.items() if entry[0] > now}
                if len(self._told) >= _SOURCES:
                    self._told.clear()
        self._told[key] = (until, count + 1)
        return count >= most
