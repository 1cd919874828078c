"""A timer that somebody who waits sets again and again, mostly for the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls ``ring`` at the time it was last set for."""

    __slots__ = ("_at", "_handle", "_loop", "_ring")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._at: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float | None) -> None:
        """Go off at this time of the loop's clock (None: never), and not when it was set for before."""
        if self._handle is None or when != self._at:
            self.cancel()
            self._at = when
            if when is not None:
                self._handle = self._loop.call_at(when, self._off)

    def _off(self) -> None:
        self._handle = None
        self._ring()

    def cancel(self) -> None:
        """Do not go off."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
