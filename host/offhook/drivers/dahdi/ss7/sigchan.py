"""One signalling channel: its descriptor on the loop, and a link of the library's behind it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from kernel_shims.line import SIGNALLINGS, Alarm, Happening, LinePort
from kernel_shims.ss7.events import Ss7Event
from kernel_shims.ss7.linkset import Linkset

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
SIGNALLING = frozenset({SIGNALLINGS["mtp2"], SIGNALLINGS["hdlcfcs"], SIGNALLINGS["hardhdlc"]})
"""What the driver may call a signalling channel; where it is not mtp2 we repeat the last unit ourselves."""
_REPEAT_S = 0.02
_MOST_UNITS = 64
_LONGEST_UNIT = 1024
_LONGEST_FILL_IN = 8
_EVENT = 500
"""ELAST: the driver has an event before it reads on."""


class SignallingChannel:
    """See the text of this file. ``on_events`` is called with what came; ``place`` is the link's in the library."""

    def __init__(
        self,
        pbx: Pbx,
        library: Linkset,
        place: int,
        number: int,
        on_events: Callable[[list[Ss7Event]], None],
    ) -> None:
        self._pbx = pbx
        self._library = library
        self._on_events = on_events
        self._waiting: bytes | None = None
        """A unit that the driver had no room for."""
        self._last = b""
        self._repeats: asyncio.TimerHandle | None = None
        self.line: LinePort | None = None
        self.place = place
        self.number = number
        self.alarm = True

    def open(self, line: LinePort) -> None:
        """The channel is there: align, unless it is in alarm."""
        self.line = line
        line.ready_frames()
        self._pbx.loop.add_reader(line.descriptor, self._readable)
        self.alarm = bool(line.alarms() & ~Alarm.RECOVERING)
        if self.alarm:
            self._on_events(list(self._library.line_down(self.place)))
        else:
            self._library.line_up(self.place)
        if line.signalling != SIGNALLINGS["mtp2"]:
            self._repeats = self._pbx.loop.call_later(_REPEAT_S, self._repeat)

    def close(self) -> None:
        """Give the channel back. Harmless twice."""
        line, self.line = self.line, None
        self._waiting = None
        if self._repeats is not None:
            self._repeats.cancel()
            self._repeats = None
        if line is not None:
            if line.descriptor >= 0:
                self._pbx.loop.remove_reader(line.descriptor)
                self._pbx.loop.remove_writer(line.descriptor)
            line.close()

    # ---- units -----------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        for _ in range(_MOST_UNITS):
            line = self.line
            if line is None:
                return
            try:
                unit = os.read(line.descriptor, _LONGEST_UNIT)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EINTR, _EVENT):
                    log.warning("signalling channel %d: reading failed: %s", self.number, error.strerror)
                    self._pbx.loop.remove_reader(line.descriptor)
                break
            if not unit:
                break
            if not self.alarm:
                self._on_events(list(self._library.receive(self.place, unit)))

    def send(self) -> None:
        """Send what the link has."""
        line = self.line
        while line is not None and self._waiting is None and not self.alarm and self._library.has_unit(self.place):
            unit = self._library.transmit(self.place)
            if not unit:
                return
            self._write(line, unit)

    def _write(self, line: LinePort, unit: bytes) -> None:
        try:
            os.write(line.descriptor, unit)
        except BlockingIOError:
            self._waiting = unit
            self._pbx.loop.add_writer(line.descriptor, self._writable)
        except OSError as error:
            log.debug("signalling channel %d: writing failed: %s", self.number, error.strerror)
        else:
            self._last = unit

    def _writable(self) -> None:
        line, unit = self.line, self._waiting
        if line is not None and unit is not None:
            self._pbx.loop.remove_writer(line.descriptor)
            self._waiting = None
            self._write(line, unit)
            self.send()

    def _repeat(self) -> None:
        """A driver without mtp2 forgets what it has sent, and the far end waits for fill-in units (Q.703 7.2)."""
        self._repeats = self._pbx.loop.call_later(_REPEAT_S, self._repeat)
        line = self.line
        if line is not None and not self.alarm and self._waiting is None and 0 < len(self._last) <= _LONGEST_FILL_IN:
            self._write(line, self._last)

    # ---- events ----------------------------------------------------------------------------------------------

    def take_events(self) -> bool:
        """Alarms of its channel; False when the channel is gone."""
        while self.line is not None and (event := self.line.next_event()) is not None:
            if event.kind is Happening.REMOVED:
                return False
            if event.kind is Happening.ALARM and not self.alarm:
                log.error("signalling channel %d: alarm", self.number)
                self.lose()
            elif event.kind is Happening.NO_ALARM and self.alarm:
                log.warning("signalling channel %d: alarm is over", self.number)
                self.alarm = False
                self._library.line_up(self.place)
                self.send()
        return True

    def lose(self) -> None:
        """Nothing passes any more."""
        self.alarm = True
        self._on_events(list(self._library.line_down(self.place)))
