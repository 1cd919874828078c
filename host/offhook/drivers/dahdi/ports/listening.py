"""What is listened for on a line: caller ID of every kind, busy and progress tones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.media.cadence import Busy, Progress
from offhook.media.callerid import Call, JapaneseReceiver, Receiver, Waiting, decode_digits
from offhook.media.detecting import ListenedTone, detect_data, detect_tones
from offhook.media.events import CarrierHeard, DataHeard, ToneHeard
from offhook.media.line import dbm0

if TYPE_CHECKING:
    from offhook.media.detecting import Detector
    from offhook.media.events import MediaEvent
    from offhook.media.leg import Leg
    from offhook.media.line import LineLeg
    from offhook.media.tones import ToneZone

log = logging.getLogger(__name__)

_ANY_SOUND = ListenedTone(0, 0, least_ms=40)
_MOST_DIGITS = 40
_LOOK_S = 0.25
"""Speech fills a third of its time: many looks do not miss it."""
_SILENT_DBM0 = -45.0
"""Louder than the noise of a line, fainter than anybody who speaks."""


class CallerIdListener:
    """Hears FSK (Bell 202 and V.23 alike) and DTMF at once, whichever comes; ``found`` is called with each message,
    ``failed`` when one came that cannot be read. FSK is read by ``receiver``, or not at all."""

    def __init__(
        self,
        leg: Leg,
        receiver: Receiver | JapaneseReceiver | None,
        digits: bool,
        found: Callable[[Call | Waiting], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        self._receiver = receiver
        self._found = found
        self._failed = failed
        self._digits = ""
        self._leg = leg
        self.way = ""
        """How the last message came: "fsk" or "dtmf"."""
        self._takes_digits = digits
        self._detector: Detector | None = detect_data(leg) if receiver is not None else None
        if self._detector is not None:
            self._detector.on_event = self._heard
        if digits:
            leg.detect_digits(True)

    def _heard(self, event: MediaEvent) -> None:
        assert self._receiver is not None
        wrong = len(self._receiver.errors)
        if isinstance(event, DataHeard):
            messages = self._receiver.feed(event.octets)
        elif isinstance(event, CarrierHeard) and not event.present:
            messages = self._receiver.carrier_lost()
        else:
            return
        for message in messages:
            self._tell(message, "fsk")
        if not messages and len(self._receiver.errors) > wrong and self._failed is not None:
            self._failed()

    def _tell(self, message: Call | Waiting, way: str) -> None:
        self.way = way
        self._found(message)

    def digit(self, digit: str) -> None:
        """A DTMF digit was heard: "C" and "#" end a number."""
        if not self._takes_digits or len(self._digits) >= _MOST_DIGITS:
            return
        self._digits += digit
        if digit in "C#" and len(self._digits) > 1:
            digits, self._digits = self._digits, ""
            self._tell(decode_digits(digits), "dtmf")

    def finish(self) -> None:
        """The ring came: digits without an end are taken as they are."""
        if len(self._digits) > 2:
            digits, self._digits = self._digits, ""
            self._tell(decode_digits(digits), "dtmf")

    @property
    def errors(self) -> list[str]:
        """What was wrong with messages that came."""
        return self._receiver.errors if self._receiver is not None else []

    def close(self) -> None:
        """Listen no more."""
        if self._detector is not None:
            self._detector.close()
        if self._takes_digits:
            self._leg.detect_digits(False)


class BusyListener:
    """Hears a busy tone by its rhythm; ``found`` is called with on-time and pause in ms."""

    def __init__(
        self,
        leg: Leg,
        count: int,
        pattern: tuple[int, ...],
        now: Callable[[], float],
        found: Callable[[int, int], None],
    ) -> None:
        self._busy = Busy(max(2, count), pattern)
        self._now = now
        self._found = found
        self._detector = detect_tones(leg, [_ANY_SOUND])
        self._detector.on_event = self._heard

    def _heard(self, event: MediaEvent) -> None:
        if isinstance(event, ToneHeard) and self._busy.heard(event.begins, self._now() * 1000 - event.ago_ms):
            self._found(*self._busy.cadence)

    def close(self) -> None:
        """Listen no more."""
        self._detector.close()


class SilenceListener:
    """Finds a line on which nobody has said anything, either way, for ``cap_s`` seconds; ``found`` is called then."""

    def __init__(self, leg: LineLeg, cap_s: float, loop: asyncio.AbstractEventLoop, found: Callable[[], None]) -> None:
        self._leg = leg
        self._cap_s = cap_s
        self._loop = loop
        self._found = found
        self._since = loop.time()
        self._timer = loop.call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK_S, self._look)
        figures, now = self._leg.line_figures(), self._loop.time()
        silent = max(dbm0(figures.level_in), dbm0(figures.level_out)) <= _SILENT_DBM0
        if silent and now - self._since < self._cap_s:
            return
        self._since = now
        if silent:
            self._found()

    def close(self) -> None:
        """Listen no more."""
        self._timer.cancel()


class ProgressListener:
    """Hears a zone's call progress tones; ``found`` is called with the name of each."""

    def __init__(self, leg: Leg, zone: ToneZone, now: Callable[[], float], found: Callable[[str], None]) -> None:
        self._progress = Progress(zone)
        self._now = now
        self._found = found
        tones = self._progress.tones
        self._detector = detect_tones(leg, tones, block_ms=self._progress.block_ms) if tones else None
        if self._detector is not None:
            self._detector.on_event = self._heard

    def _heard(self, event: MediaEvent) -> None:
        if not isinstance(event, ToneHeard):
            return
        name = self._progress.heard(event.tone, event.begins, self._now() * 1000 - event.ago_ms)
        if name:
            self._found(name)

    def time(self) -> None:
        """Time went by: steady tones are told."""
        name = self._progress.time(self._now() * 1000)
        if name:
            self._found(name)

    def close(self) -> None:
        """Listen no more."""
        if self._detector is not None:
            self._detector.close()
