"""What is being played to a leg."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offhook.media.events import PlaybackAdvanced, PlaybackDone
from offhook.media.formats import Format

if TYPE_CHECKING:
    from offhook.media.leg import Leg

_STOP, _PAUSE, _RESUME, _SEEK, _SKIP = range(5)


class Prompt:
    """One sound to play: a file and the format it holds. ``PromptLibrary.find`` makes them from names."""

    __slots__ = ("format", "path")

    def __init__(self, path: str | Path, format: Format | None = None) -> None:
        self.path = str(path)
        self.format = format

    def __repr__(self) -> str:
        return f"<Prompt {self.path}>"


class Playback:
    """Files or tones being sent to a leg's far end."""

    __slots__ = ("_end", "_handle", "_index", "_position", "_waiting", "leg")

    def __init__(self, leg: Leg, handle: Any, ended: str = "") -> None:
        self.leg = leg
        self._handle = handle
        self._end = ended
        self._index = 0
        self._position = 0
        self._waiting: asyncio.Future[str] | None = None

    async def wait(self) -> str:
        """Wait for the end and return why: "done", "stopped", "replaced" (by a newer one), "closed" (the leg) or
        "failed: ..." with a sentence. Cancelling the wait leaves the playback going."""
        if self._end:
            return self._end
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._waiting)

    @property
    def done(self) -> bool:
        """True when it has ended."""
        return bool(self._end)

    @property
    def reason(self) -> str:
        """Why it ended; empty while it goes on."""
        return self._end

    @property
    def position_ms(self) -> int:
        """How much of the current file has been sent, from the file's beginning, in ms."""
        if self._handle is None:
            return self._position
        return int(self.leg.engine.lib.player_position(self._handle))

    @property
    def index(self) -> int:
        """Which of the files is playing, 0 first."""
        return self._index if self._handle is None else int(self.leg.engine.lib.player_index(self._handle))

    def _order(self, order: int, value: int = 0) -> None:
        if self._handle is not None:
            self.leg.engine.lib.player_order(self._handle, order, value)

    def stop(self) -> None:
        """End it; ``wait`` returns "stopped"."""
        self._order(_STOP)

    def pause(self) -> None:
        """Hold where it is; the far end hears silence."""
        self._order(_PAUSE)

    def resume(self) -> None:
        """Go on after ``pause``."""
        self._order(_RESUME)

    def seek(self, position_ms: int) -> None:
        """Go to that place of the current file (0 or less: its beginning; past its end: the end)."""
        self._order(_SEEK, position_ms)

    def skip(self, delta_ms: int) -> None:
        """Go forward (or back, when negative) from the current place."""
        self._order(_SKIP, delta_ms)

    # ---- the engine's side -----------------------------------------------------------------------------

    def advanced(self, index: int) -> None:
        """The engine began a file."""
        self.leg.deliver(PlaybackAdvanced(self.leg, self, index))

    def ended(self, reason: str) -> None:
        """The engine has ended it and lets go."""
        lib = self.leg.engine.lib
        handle, self._position, self._index = self._handle, self.position_ms, self.index
        if reason == "failed":
            reason = f"failed: {self.leg.engine.text(lib.player_error(handle))}"
        self._handle = None
        self._end = reason
        lib.player_free(handle)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reason)
        self.leg.playback_ended(self)
        self.leg.deliver(PlaybackDone(self.leg, self, reason))
