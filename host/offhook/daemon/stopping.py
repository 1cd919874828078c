"""Stopping: at once, when the calls are over, and whether to start again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from offhook.calls import causes
from offhook.calls.events import Hangup
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

GRACE_S: Final = 15.0
"""Calls hung up by a stop get so long to end properly."""


class Stopping:
    """The wish to stop, if there is one; ``done`` is set when the daemon may end."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.restart = False
        self.clean = True
        self.done = asyncio.Event()
        self._waiting: asyncio.Task[None] | None = None

    def now(self, *, restart: bool = False) -> None:
        """Stop without waiting for calls."""
        self._begin("now", restart)
        self.clean = False
        self.done.set()

    def normally(self) -> None:
        """Stop as on SIGTERM: calls are hung up and get a moment to end."""
        self._begin("now", False)
        self._waiting = self.pbx.loop.create_task(self._hang_up(), name="stop")

    def gracefully(self, *, restart: bool = False) -> None:
        """Take no new calls, and stop when the present ones are over."""
        self._begin("gracefully", restart)
        self._waiting = self.pbx.loop.create_task(self._wait(), name="stop")

    def when_convenient(self, *, restart: bool = False) -> None:
        """Stop as soon as there are no calls; new ones are taken meanwhile."""
        self._begin("when convenient", restart)
        self._waiting = self.pbx.loop.create_task(self._wait(), name="stop")

    async def settled(self) -> None:
        """Return once there is nothing to wait for any more, or the wait was given up."""
        if self._waiting is not None:
            await asyncio.wait({self._waiting})

    def abort(self) -> bool:
        """Go on after all; False when there is nothing to abort, or it is too late."""
        if self._waiting is None or self.done.is_set() or not self.pbx.stopping:
            return False
        self._waiting.cancel()
        self._waiting = None
        self.pbx.stopping = ""
        return True

    def _begin(self, how: str, restart: bool) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self.pbx.stopping = how
        self.restart = restart

    async def _wait(self) -> None:
        if len(self.pbx.channels):
            verbose(0, "Waiting for inactivity to perform %s", "restart" if self.restart else "halt")
        await no_channels(self.pbx)
        self.done.set()

    async def _hang_up(self) -> None:
        await end_channels(self.pbx, GRACE_S)
        self.done.set()


async def no_channels(pbx: Pbx) -> None:
    """Return once there are no channels."""
    gone = asyncio.Event()

    def look(_event: Hangup) -> None:
        if not len(pbx.channels):
            gone.set()

    drop = pbx.bus.subscribe(Hangup, look)
    try:
        if len(pbx.channels):
            await gone.wait()
    finally:
        drop()


async def end_channels(pbx: Pbx, seconds: float) -> None:
    """Hang up every channel and wait until they are gone, no longer than so many seconds."""
    for channel in pbx.channels:
        channel.request_hangup(causes.NORMAL_CLEARING)
    try:
        await asyncio.wait_for(no_channels(pbx), seconds)
    except TimeoutError:
        log.warning("%d channels did not end within %g s", len(pbx.channels), seconds)
