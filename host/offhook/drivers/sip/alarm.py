"""The timer of the loop by which the timers of the transaction layer go off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf

from offhook.sip.timers import TimerHeap

SLACK = 0.05
"""Seconds by which a timer of the layer may be late: those due meanwhile go off with it, in one turn of the loop."""


class Alarm:
    """Calls ``ring`` when the earliest timer of a heap is due."""

    __slots__ = ("_handle", "_loop", "_ring", "_timers", "due")

    def __init__(self, loop: asyncio.AbstractEventLoop, timers: TimerHeap, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._timers = timers
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self.due = inf
        """For when it is set; it goes off up to SLACK later."""

    def watch(self) -> None:
        """Timers were given to the heap: take note."""
        if self._timers.earliest < self.due:
            if self._handle is not None:
                self._handle.cancel()
            self.due = self._timers.earliest
            self._handle = self._loop.call_at(self.due + SLACK, self._off)

    def _off(self) -> None:
        self._handle, self.due = None, inf
        self._ring()

    def cancel(self) -> None:
        """Go off no more, until something new is watched."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle, self.due = None, inf
