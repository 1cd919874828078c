"""Line legs: a party on a line's descriptor (an analog phone or trunk, a B channel), with a clock of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from offhook.media.leg import Leg

LAWS = ("ulaw", "alaw", "slin")
FULL_SCALE_DBM0 = 3.14
"""The level of the loudest sine (G.711)."""
SILENCE_DBM0 = -90.0
_FULL_SCALE_MEAN = 32767 * 2 / math.pi


def dbm0(mean: float) -> float:
    """The level of a sine with that mean magnitude (of 32767); SILENCE_DBM0 at least."""
    return max(SILENCE_DBM0, 20 * math.log10(mean / _FULL_SCALE_MEAN) + FULL_SCALE_DBM0) if mean > 0 else SILENCE_DBM0


@dataclass(frozen=True, slots=True)
class LineFigures:
    """Counts of a line leg. Levels are the mean magnitude of the last block (of 32767), depth counts samples.

    ``slips_*`` are ticks of sound dropped, ``starved_*`` those that were missing, between the line's clock and ours;
    ``underruns`` and ``refused`` are the kernel's queue run empty and full.
    """

    blocks_in: int
    blocks_out: int
    underruns: int
    refused: int
    slips_in: int
    slips_out: int
    starved_in: int
    starved_out: int
    events_first: int
    depth: int
    level_in: int
    level_out: int


@dataclass(frozen=True, slots=True)
class EchoState:
    """``state`` is off, idle, converging, converged, double-talk or disabled; return loss of the line and what the
    canceller's filter takes out, in dB."""

    state: str
    return_loss_db: float
    enhancement_db: float


NO_FIGURES = LineFigures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class LineLeg(Leg):
    """A party on a line. Sound is read and written at the line's pace; ``lost`` tells that it cannot be any more."""

    __slots__ = ("_last", "lost", "name")

    def __init__(self, engine: Any, handle: Any) -> None:
        super().__init__(engine, handle)
        self._last = NO_FIGURES
        self.name = ""
        """What people call the line; by its driver."""
        self.lost: str | None = None
        """Why the descriptor gives and takes no more sound; None while it does."""

    @property
    def heard(self) -> bool:
        """Whether the line has given any sound yet."""
        return self.line_figures().blocks_in > 0

    def line_gain(self, in_db: float = 0.0, out_db: float = 0.0) -> None:
        """Change the line's own level in dB (-60 to +30), beside what ``gain`` does for the call."""
        if not self._closed:
            self.engine.lib.line_gain(self._handle, in_db, out_db)

    def line_range(self, heard: float, said: float) -> None:
        """Compress the line's dynamic range by these ratios (1 to 10; 0: not), before its gain: what is quiet becomes
        that much louder, what is loud is pressed together."""
        if not self._closed:
            self.engine.lib.line_range(self._handle, heard, said)

    def echo(self, on: bool) -> None:
        """Switch the echo canceller, if the leg was made with one."""
        if not self._closed:
            self.engine.lib.line_echo(self._handle, on)

    def echo_state(self) -> EchoState | None:
        """How the echo canceller does; None where there is none."""
        if self._closed:
            return None
        ffi = self.engine.ffi
        erl, erle = ffi.new("double *"), ffi.new("double *")
        name = self.engine.lib.line_echo_state(self._handle, erl, erle)
        return EchoState(self.engine.text(name), float(erl[0]), float(erle[0])) if name else None

    def line_figures(self) -> LineFigures:
        """Counts up to now; the last ones when the leg is closed."""
        if not self._closed:
            raw = self.engine.lib.line_figures(self._handle)
            self._last = LineFigures(*(int(getattr(raw, field.name)) for field in fields(LineFigures)))
        return self._last

    def figures(self) -> dict[str, Any]:
        """As ``Leg.figures``, with the line's counts."""
        found = self.line_figures()
        return super().figures() | {field.name: getattr(found, field.name) for field in fields(LineFigures)}

    def close(self) -> None:
        """As ``Leg.close``; the figures stay readable."""
        self.line_figures()
        super().close()
