"""The state of B channels between calls: RESTART (Q.931 5.5), and service messages of AT&T's dialects (T1.607).

Idle channels are restarted one after the other, since some exchanges do not say which one they acknowledge: 5 s after
the D channel came up, and every ``resetinterval``. Who has taken a channel out of service is kept in the database.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.drivers.dahdi.isdn.bearer import ENDS, FAR_END, NEAR_END
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.isdn.bearer import BearerPort
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

_FIRST_S = 5.0
_FAMILY, _KEY, _OUT_OF_SERVICE = "dahdi/registry", "service-state", "O"
IN_SERVICE, OUT_OF_SERVICE = 0, 2
"""Changes that a service message tells."""


class Upkeep:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._timer: asyncio.TimerHandle | None = None
        self._left: list[BearerPort] = []
        """Channels that are still to be restarted in this round."""
        self._going: BearerPort | None = None

    # ---- restarts --------------------------------------------------------------------------------------------

    def up(self) -> None:
        """The D channel came up."""
        self._end_round()
        self._later(_FIRST_S)

    def stop(self) -> None:
        """There is no D channel any more."""
        self._end_round()
        if self._timer is not None:
            self._timer.cancel()

    def _end_round(self) -> None:
        self._left, self._going = [], None
        for port in self._span.bearers.values():
            port.resetting = False

    def _later(self, seconds: float) -> None:
        span = self._span
        interval = span.settings["resetinterval"]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if interval.isdigit() and int(interval) and not span.multipoint:
            self._timer = span.pbx.loop.call_later(min(seconds, int(interval)), self._begin_round)

    def _begin_round(self) -> None:
        self._timer = None
        if self._span.up and self._going is None:
            self._left = sorted(self._span.bearers.values(), key=lambda port: -port.place)
            self._next()
        interval = int(self._span.settings["resetinterval"])
        self._timer = self._span.pbx.loop.call_later(interval, self._begin_round)

    def _next(self) -> None:
        self._going = None
        while self._left and self._going is None:
            port = self._left.pop()
            if port.out_of_service:
                end = ENDS[port.out_of_service]
                verbose(3, "channel %d is out of service (%s): it is not restarted", port.number, end)
            elif port.free:
                self._going = port
                self._restart(port)

    def _restart(self, port: BearerPort) -> None:
        port.resetting = True
        self._span.link.reset(port.address)
        self._span.schedule()
        self._span.changed()

    def refused(self, port: BearerPort) -> None:
        """The far end has a call on a channel that is free here (force_restart_unavailable_chans)."""
        span = self._span
        wanted = span.settings["force_restart_unavailable_chans"] and not span.multipoint
        if wanted and self._going is None and not port.resetting and port.has_sound:
            text = "Span %d: Forcing restart of channel %d/%d since channel reported in use"
            verbose(3, text, span.number, port.logical, port.offset)
            self._restart(port)

    def seized(self, port: BearerPort) -> bool:
        """SETUP asks for a channel that we restart: at the second time the acknowledgement is taken for lost. Whether
        the channel may be used."""
        if not port.resetting:
            return port.free
        if not port.second_try:
            port.second_try = True
            return False
        self._acknowledged(port)
        return port.free

    def told(self, event: PriEvent) -> None:
        """RESTART, or its acknowledgement."""
        port = self._span.bearers.get(event.channel)
        if event.kind is Kind.RESTART_ACK:
            port = port or next((one for one in self._span.bearers.values() if one.resetting), None)
            if port is not None and port.resetting:
                self._acknowledged(port)
            return
        if port is not None:
            if not port.out_of_service:
                verbose(3, "Span %d: Channel %d/%d restarted", self._span.number, port.logical, port.offset)
            self._restarted(port)
        elif event.channel < 1:
            verbose(3, "Restart requested on entire span %d", self._span.number)
            for one in list(self._span.bearers.values()):
                self._restarted(one)

    def _acknowledged(self, port: BearerPort) -> None:
        port.resetting = port.second_try = False
        for channel in port.calls:
            channel.far_end_hangup(causes.NORMAL_UNSPECIFIED)
        verbose(3, "Span %d: Channel %d/%d successfully restarted", self._span.number, port.logical, port.offset)
        if port is self._going:
            self._next()
        self._span.changed()

    def _restarted(self, port: BearerPort) -> None:
        if port.out_of_service:
            verbose(3, "channel %d is out of service (%s)", port.number, ENDS[port.out_of_service])
            return
        for call in [call for call in self._span.calls.values() if call.port is port]:
            self._span.link.destroy(call.handle)
            self._span.forget(call)
        for channel in port.calls:
            channel.far_end_hangup(causes.NORMAL_UNSPECIFIED)

    # ---- service ---------------------------------------------------------------------------------------------

    def added(self, port: BearerPort) -> None:
        """A B channel is configured: it may have been out of service before."""
        if not self._span.settings["service_message_support"]:
            return
        kind, _, ends = (port.pbx.astdb.get(self._family(port), _KEY) or "").partition(":")
        if kind == _OUT_OF_SERVICE and ends.isdigit():
            port.out_of_service = int(ends) & (NEAR_END | FAR_END)

    def service(self, event: PriEvent) -> None:
        """SERVICE: the far end takes a channel out of service, or puts it back."""
        port = self._span.bearers.get(event.channel)
        if port is None or event.kind is not Kind.SERVICE:
            return
        self._set(port, FAR_END, out=event.change != IN_SERVICE)
        said = f"out of service ({ENDS[port.out_of_service]})" if port.out_of_service else "in service"
        verbose(3, "channel %d is %s", port.number, said)

    def order(self, port: BearerPort, change: int) -> None:
        """Our side does, and says so."""
        self._set(port, NEAR_END, out=change != IN_SERVICE)
        self._span.link.service(port.logical, port.address, change)
        self._span.schedule()

    def order_d_channel(self, interface: int, change: int) -> None:
        """The same for the D channel itself, by the interface's number."""
        self._span.link.service(interface, -1, change)
        self._span.schedule()

    def _set(self, port: BearerPort, end: int, *, out: bool) -> None:
        port.out_of_service = port.out_of_service | end if out else port.out_of_service & ~end
        family = self._family(port)
        if port.out_of_service:
            port.pbx.astdb.put(family, _KEY, f"{_OUT_OF_SERVICE}:{port.out_of_service}")
        else:
            port.pbx.astdb.delete(family, _KEY)
        self._span.changed()

    def _family(self, port: BearerPort) -> str:
        return f"{_FAMILY}/{self._span.number}:{port.number}"
