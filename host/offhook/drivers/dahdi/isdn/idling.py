"""Idle calls: as many B channels as are left over are kept in a call with the network (idledial, idleext).

Of the channels ``minunused`` stay free; when calls take those, idle calls end down to ``minidle``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from offhook.calls.originate import Origination, originate
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.dahdi.isdn.bearer import BearerPort
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)
_EVERY_S = 1.0
"""How often is looked, and a call begun at most."""
_ANSWER_S = 30.0


class IdleCalls:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._calls: set[Channel] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._exten, at, self._context = span.settings["idleext"].partition("@")
        if self._exten and span.settings["idledial"]:
            if at:
                self._later()
            else:
                log.warning("span %d: idleext = %s lacks @context: no idle calls", span.number, self._exten)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self) -> None:
        self._timer = self._span.pbx.loop.call_later(_EVERY_S, self._look)

    def _look(self) -> None:
        span = self._span
        if span.up:
            settings = span.settings
            free = [port for port in sorted(span.bearers.values(), key=lambda one: -one.place) if port.free]
            unused = settings["minunused"]
            if len(free) > unused:
                self._begin(free[unused])
            else:
                self._end(min(unused - len(free), len(self._calls) - settings["minidle"]))
        self._later()

    def _begin(self, port: BearerPort) -> None:
        dial = f"DAHDI/{port.number}/{self._span.settings['idledial']}"
        verbose(3, "span %d: an idle call, %s", self._span.number, dial)
        order = Origination(dial, context=self._context, exten=self._exten, timeout=_ANSWER_S, on_created=self._created)
        self._span.pbx.spawn(originate(self._span.pbx, order), f"idle call {dial}")

    def _created(self, channel: Channel) -> None:
        self._calls.add(channel)
        channel.at_end(lambda: self._calls.discard(channel))

    def _end(self, count: int) -> None:
        for channel in list(self._calls)[: max(0, count)]:
            channel.request_hangup()
