"""What is being recorded of a leg, and watches on its sound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from offhook.media.events import Noise, RecordDone, Silence

if TYPE_CHECKING:
    from offhook.media.leg import Leg

Direction = Literal["in", "out", "both"]

_STOP, _PAUSE, _RESUME = range(3)


class Recording:
    """Audio of a leg being written to a file."""

    __slots__ = ("_end", "_figures", "_handle", "_waiting", "leg")

    def __init__(self, leg: Leg, handle: Any, ended: str = "") -> None:
        self.leg = leg
        self._handle = handle
        self._end = ended
        self._figures = (0, 0, 0)
        self._waiting: asyncio.Future[str] | None = None

    async def wait(self) -> str:
        """Wait until the file is complete and closed; returns "stopped", "closed" (the leg) or "failed: ..."."""
        if self._end:
            return self._end
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._waiting)

    @property
    def done(self) -> bool:
        """True when the file is complete and closed."""
        return bool(self._end)

    @property
    def duration_ms(self) -> int:
        """How much has been recorded, pauses not counted."""
        return self._read()[0]

    @property
    def silence_ms(self) -> int:
        """How long the end of what has been recorded is silent already (threshold given to ``record``)."""
        return self._read()[1]

    @property
    def talking_ms(self) -> int:
        """How much of what has been recorded is not silence."""
        return self._read()[2]

    def _read(self) -> tuple[int, int, int]:
        if self._handle is None:
            return self._figures
        lib = self.leg.engine.lib
        return (
            int(lib.recorder_duration(self._handle)),
            int(lib.recorder_silence(self._handle)),
            int(lib.recorder_talking(self._handle)),
        )

    def _order(self, order: int, value: int = 0) -> None:
        if self._handle is not None:
            self.leg.engine.lib.recorder_order(self._handle, order, value)

    def stop(self, *, truncate_ms: int = 0) -> None:
        """End it, taking that much off its end."""
        self._order(_STOP, truncate_ms)

    def pause(self) -> None:
        """Leave out what comes until ``resume``."""
        self._order(_PAUSE)

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._order(_RESUME)

    # ---- the engine's side -----------------------------------------------------------------------------

    def ended(self, reason: str) -> None:
        """The file is closed and the engine lets go."""
        lib = self.leg.engine.lib
        handle, self._figures = self._handle, self._read()
        if reason == "failed":
            reason = f"failed: {self.leg.engine.text(lib.recorder_error(handle))}"
        self._handle = None
        self._end = reason
        lib.recorder_free(handle)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reason)
        self.leg.deliver(RecordDone(self.leg, self, reason))


class Watch:
    """A watch on sound and silence of a leg; see ``Leg.watch_silence``."""

    __slots__ = ("_closed", "_handle", "_waiting", "leg")

    def __init__(self, leg: Leg, handle: Any) -> None:
        self.leg = leg
        self._handle = handle
        self._closed = handle is None
        self._waiting: asyncio.Future[Silence | Noise] | None = None

    async def wait(self) -> Silence | Noise:
        """The next event of this watch. Raises CancelledError when the watch or its leg is closed meanwhile."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
            if self._closed:
                self._waiting.cancel()
        return await asyncio.shield(self._waiting)

    def close(self) -> None:
        """End the watch. Harmless twice."""
        if not self._closed:
            self._closed = True
            self.leg.engine.lib.watch_close(self._handle)

    # ---- the engine's side -----------------------------------------------------------------------------

    def told(self, noisy: bool, duration_ms: int) -> None:
        """The engine saw what is watched for."""
        if self._closed:
            return
        event = Noise(self.leg, self, duration_ms) if noisy else Silence(self.leg, self, duration_ms)
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(event)
        self.leg.deliver(event)

    def ended(self) -> None:
        """The engine lets go of it."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()
        self.leg.engine.lib.watch_free(self._handle)
        self._handle = None
