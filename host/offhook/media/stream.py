"""Stream legs: a party on a descriptor that carries bytes and has no clock (a TCP connection, a program's pipe)."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any, Literal

from offhook.media.events import StreamEnded, StreamQuiet
from offhook.media.leg import Leg

Framing = Literal["heard", "spoken-to", "bare", "audiosocket"]
"""Sound alone that comes from the descriptor, goes to it, or both (linear with the low byte first); or AudioSocket."""
FRAMINGS: tuple[Framing, ...] = ("heard", "spoken-to", "bare", "audiosocket")


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """Bytes both ways; messages dropped because the far end did not take them; ``gaps``: times that sound was waited
    for; ``cut``: blocks of 10 ms taken out because of needless delay; ``held``: bytes that wait to be heard."""

    bytes_in: int
    bytes_out: int
    dropped: int
    gaps: int
    cut: int
    held: int


NO_FIGURES = StreamFigures(0, 0, 0, 0, 0, 0)


class StreamLeg(Leg):
    """A party on a stream. ``StreamEnded`` tells, once, that nothing more is heard from it."""

    __slots__ = ("_last",)

    def __init__(self, engine: Any, handle: Any) -> None:
        super().__init__(engine, handle)
        self._last = NO_FIGURES

    @property
    def heard(self) -> bool:
        """Whether anything has come from it yet."""
        return self.stream_figures().bytes_in > 0

    def stream_figures(self) -> StreamFigures:
        """Counts up to now; the last ones when the leg is closed."""
        if not self._closed:
            raw = self.engine.lib.stream_figures(self._handle)
            self._last = StreamFigures(*(int(getattr(raw, field.name)) for field in fields(StreamFigures)))
        return self._last

    def told(self, news: int, detail: int) -> None:
        """The engine has news of the stream (enum stream_news)."""
        lib = self.engine.lib
        if news == lib.STREAM_QUIET:
            self.deliver(StreamQuiet(self))
        elif news == lib.STREAM_FAILED:
            self.deliver(StreamEnded(self, os.strerror(detail)))
        elif news == lib.STREAM_NONSENSE:
            kind, length = detail >> 16, detail & 0xFFFF
            self.deliver(StreamEnded(self, f"a message of kind 0x{kind:02x} and {length} bytes is nothing it may send"))
        else:
            self.deliver(StreamEnded(self, ""))

    def figures(self) -> dict[str, Any]:
        """As ``Leg.figures``, with the stream's counts."""
        found = self.stream_figures()
        return super().figures() | {field.name: getattr(found, field.name) for field in fields(StreamFigures)}

    def close(self) -> None:
        """As ``Leg.close``; the figures stay readable."""
        self.stream_figures()
        super().close()
