"""The daemon's side of the supervisor: beats while calls can be made, its news, the supplies of the lines."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from offhook.calls.events import PowerFailing
from offhook.field.health import why_not
from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import Told
from offhook.field.supervisor.link import Link, LinkError
from offhook.log import NOTICE

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
EARLIEST_WALL: Final = 1_700_000_000
"""A clock that says less was never set."""
CONFIRM_BEATS: Final = 10
"""A firmware on trial is confirmed after so many beats it answered."""
KEPT_NEWS: Final = 200
RESET: Final = "factory-reset-wanted"
"""A file of the daemon's own folder, for which a unit of the image waits."""


class Service:
    """The supervisor of this box."""

    def __init__(self, pbx: Pbx, device: str, baud: int) -> None:
        self.pbx = pbx
        self.link = Link(device, baud, self.told)
        self.status: m.Status | None = None
        """As of the last answer; None while there was none."""
        self.identity: m.Identity | None = None
        self.reason = "starting"
        """Why no beats are sent, "" while they are."""
        self.news: deque[tuple[float, str]] = deque(maxlen=KEPT_NEWS)
        """(wall seconds, sentence)."""
        self.identified = asyncio.Event()
        """Set when it said which firmware runs."""
        self._beats = 0
        self._flush: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Beat for ever."""
        self.link.open()
        try:
            while True:
                await self._once()
                await asyncio.sleep(BEAT_S)
        finally:
            self.link.close()

    async def _once(self) -> None:
        self._say(why_not(self.pbx))
        try:
            if self.identity is None:
                self.identity = m.Identity.unpack(await self.link.ask(m.HELLO))
                self._beats = 0
                self.identified.set()
            if self.reason:
                self.status = m.Status.unpack(await self.link.ask(m.STATUS))
                return
            wall = int(self.pbx.wall())
            beat = struct.pack(">I", wall if wall > EARLIEST_WALL else 0)
            self.status = m.Status.unpack(await self.link.ask(m.BEAT, beat, first=True))
            self._beats += 1
            if self.identity.trial and self._beats >= CONFIRM_BEATS:
                await self.link.ask(m.UPDATE_CONFIRM)
                self.identity = None
            await self._supplies(self.status)
        except (LinkError, ValueError) as error:
            if self.status is not None:
                log.error("%s", error)
            self.status = self.identity = None

    def _say(self, reason: str) -> None:
        if reason != self.reason:
            if reason:
                log.error("the supervisor is not told that calls can be made: %s", reason)
            else:
                log.log(NOTICE, "calls can be made: the supervisor is told so from now on")
        self.reason = reason

    async def _supplies(self, status: m.Status) -> None:
        """Both supplies belong on while the lines are with the exchange; a trip or a stop waits for a person."""
        if status.host != m.HEALTHY or status.flags & (m.STOPPED | m.FAILING):
            return
        for supply in (m.BATTERY, m.RINGING):
            if not status.supplies & (0x11 << supply):
                await self.link.ask(m.SUPPLY, bytes((supply, 1)))

    # ---- news ---------------------------------------------------------------------------------------

    def told(self, event: Told) -> None:
        """The supervisor tells something."""
        self.news.append((self.pbx.wall(), str(event)))
        bad = event.code in (m.TRIPPED, m.STOP_CHANGED, m.POWER_CHANGED)
        log.log(logging.ERROR if bad else NOTICE, "supervisor: %s", event)
        if event.code == m.STARTED:
            self.identity = None
        elif event.code == m.POWER_CHANGED and event.a:
            self._power_fails()
        elif (event.code, event.a, event.b) == (m.BUTTON, m.BUTTONS.index("reset"), m.LONG):
            self._factory_reset()

    def _factory_reset(self) -> None:
        """The reset button was held for ten seconds: ask the system for it, which watches for this file."""
        wanted = Path(self.pbx.paths.varlib) / RESET
        try:
            wanted.touch()
        except OSError as error:
            log.error("the factory reset cannot be asked for: %s: %s", wanted, error.strerror)
        else:
            log.warning("the reset button was held: factory reset (%s)", wanted)

    def _power_fails(self) -> None:
        """Milliseconds are left: whatever waits to be written is written now."""
        self.pbx.bus.publish(PowerFailing())
        if self._flush is None or self._flush.done():
            self._flush = self.pbx.spawn(self._save(), "power failing")

    async def _save(self) -> None:
        await self.pbx.astdb.flush()
        await self.pbx.off_loop(os.sync)
        log.log(NOTICE, "everything is written before the power goes")
