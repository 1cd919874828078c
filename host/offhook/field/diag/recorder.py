"""The last minutes as figures, one set a second, and the last lines of the log: what a bundle shows as plots."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from offhook.media.line import dbm0

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.daemon.logchannel import Message

KEPT_S: Final = 120
KEPT_LINES: Final = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """One second."""

    wall: float
    channels: int
    cpu: float
    """Share of one core, in percent."""
    lag_ms: float
    """How much later than asked the loop came round."""
    memory_mb: float
    late_ticks: int
    """Of the media engine, since the second before."""
    levels: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Line -> what it says and what it hears, in dBm0, for lines with a call."""


class Recorder:
    """Takes the samples."""

    level_names: tuple[str, ...] = ()

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.samples: deque[Sample] = deque(maxlen=KEPT_S)
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        # A listener of the log as a console is one, but of warnings and notices only.
        self.verbosity = 0
        self.levels_off: set[str] = set()

    def show(self, message: Message, date: str) -> None:
        """A line of the log; may be called by any thread (appending to a deque is atomic)."""
        self.lines.append(f"[{date}] {message.level}: {message.text}")

    async def run(self) -> None:
        """For ever."""
        before = time.process_time()
        late = self._late()
        while True:
            began = self.pbx.now()
            await asyncio.sleep(1.0)
            passed = self.pbx.now() - began
            used, now_late = time.process_time(), self._late()
            self.samples.append(
                Sample(
                    self.pbx.wall(),
                    len(self.pbx.channels),
                    (used - before) / passed * 100,
                    max(0.0, passed - 1.0) * 1000,
                    _resident_mb(),
                    now_late - late,
                    self._levels(),
                )
            )
            before, late = used, now_late

    def _levels(self) -> dict[str, tuple[float, float]]:
        engine = getattr(self.pbx, "engine", None)
        if engine is None or not engine.running:
            return {}
        figures = {leg.name: leg.line_figures() for leg in engine.lines()}
        return {name: (dbm0(found.level_in), dbm0(found.level_out)) for name, found in figures.items()}

    def _late(self) -> int:
        engine = getattr(self.pbx, "engine", None)
        return int(engine.figures().late_ticks) if engine is not None and engine.running else 0


def _resident_mb() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return 0.0
