"""The sound of a caller ID that could not be read, kept for whoever finds out why."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.media.line import LineLeg

log = logging.getLogger(__name__)


class Evidence:
    """Records what a line says while its caller ID is listened for (between two bursts: about 4 s)."""

    def __init__(self, pbx: Pbx, leg: LineLeg, number: int) -> None:
        self._pbx = pbx
        self._number = number
        folder = Path(pbx.paths.monitor)
        folder.mkdir(parents=True, exist_ok=True)
        when = time.strftime("%Y%m%d-%H%M%S", time.localtime(pbx.wall()))
        self._path = folder / f"callerid-{number}-{when}.wav"
        self._recording = leg.record(self._path, "wav", "in")

    def finish(self, *, keep: bool) -> None:
        """It is over; the file stays if it is worth keeping."""
        self._recording.stop()
        if keep:
            log.warning("channel %d: the caller ID that could not be read is in %s", self._number, self._path)
        else:
            self._pbx.spawn(self._remove(), f"remove {self._path.name}")

    async def _remove(self) -> None:
        await self._recording.wait()
        await self._pbx.off_loop(lambda: self._path.unlink(missing_ok=True))
