"""One D channel: its descriptor on the loop, libpri's timers, and whether layer 2 is up."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kernel_shims.line import Happening, LinePort
from kernel_shims.pri.events import PriEvent
from kernel_shims.pri.link import PriLink
from offhook.drivers.dahdi.isdn.options import apply_options

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
_MOST_FRAMES = 64


class DChannel:
    """See the text of this file. ``logical`` is the number its span has in a trunk group, 0 outside one.

    ``on_event`` is called with each event; frames and messages go to the link's own callbacks.
    """

    def __init__(
        self,
        pbx: Pbx,
        line: LinePort,
        settings: Mapping[str, Any],
        logical: int,
        on_event: Callable[[DChannel, PriEvent], None],
    ) -> None:
        self._pbx = pbx
        self._line: LinePort | None = line
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None
        self._on_event = on_event
        self.number = line.number
        self.logical = logical
        self.up = False
        self.alarm = False
        signalling: str = settings["signalling"]
        line.ready_frames()
        self.link = PriLink(
            line.descriptor,
            network="_net" in signalling,
            switch=settings["switchtype"],
            bri=signalling.startswith("bri"),
            multipoint=signalling.endswith("_ptmp"),
        )
        apply_options(self.link, settings)
        pbx.loop.add_reader(line.descriptor, self._readable)

    @property
    def open(self) -> bool:
        """It is there."""
        return self._line is not None and not self._lost

    def lose(self) -> None:
        """Its hardware is gone. libpri keeps the calls of a group with its first D channel, so its timers run on; what
        it sends goes nowhere, on a descriptor whose number nobody else gets."""
        self._lost, self.up = True, False
        if self._line is not None:
            self._pbx.loop.remove_reader(self._line.descriptor)
            nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(nowhere, self._line.descriptor, inheritable=False)
            os.close(nowhere)

    def stop(self) -> None:
        """Let go of it."""
        line, self._line = self._line, None
        self.up = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if line is not None:
            if not self._lost:
                self._pbx.loop.remove_reader(line.descriptor)
            line.close()
            self.link.close()

    def _readable(self) -> None:
        for _ in range(_MOST_FRAMES):
            events = list(self.link.receive())
            if not events:
                break
            for event in events:
                self._on_event(self, event)
        self.schedule()

    def _tick(self) -> None:
        self._timer = None
        for event in self.link.tick():
            self._on_event(self, event)
        self.schedule()

    def schedule(self) -> None:
        """Be back when libpri's next timer is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._line is None:
            return
        delay = self.link.delay()
        if delay is not None:
            self._timer = self._pbx.loop.call_later(delay, self._tick)

    def take_events(self) -> bool:
        """Alarms of its port; False when the port is gone."""
        while self._line is not None and (event := self._line.next_event()) is not None:
            if event.kind is Happening.REMOVED:
                return False
            if event.kind in (Happening.ALARM, Happening.NO_ALARM):
                self.alarm = event.kind is Happening.ALARM
                said = "alarm" if self.alarm else "alarm is over"
                log.warning("D channel %d: %s", self.number, said)
        return True
