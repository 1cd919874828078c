"""Calls without a B channel: those on hold, and those that wait for a channel that is free (call waiting).

Each has a port of its own that has no line, so nothing is heard on it; it takes the channel from one port to another
(Calls.hand_over) when a B channel is given up or found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import LinePort
from offhook.calls import causes
from offhook.drivers.dahdi.isdn.bearer import BearerPort

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.calls import IsdnCall
    from offhook.drivers.dahdi.isdn.span import IsdnSpan
    from offhook.drivers.dahdi.port import Port


class BearerlessPort(BearerPort):
    """The place of one call that has no B channel, with the settings of the port that stands for its span."""

    def __init__(self, like: BearerPort) -> None:
        super().__init__(like.pbx, None, like.settings, like.signalling, like.span_of, logical=like.logical, like=like)
        self.number = 0

    @property
    def address(self) -> int:
        """See BearerPort: no channel."""
        return 0

    @property
    def has_sound(self) -> bool:
        """See BearerPort."""
        return False

    @property
    def free(self) -> bool:
        """See BearerPort: it is made for one call."""
        return not self.machine.calls

    def on_line(self, work: Callable[[LinePort], None]) -> None:
        """See Port: there is no line."""

    def refusal(self) -> int:
        """See Port."""
        return 0 if self.free else causes.NORMAL_CIRCUIT_CONGESTION

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        channel = super().requested(address, requester, ids)
        self.span_of.bearerless.begin_waiting(channel)
        return channel


class Bearerless:
    """The calls of a span without a B channel."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._waiting: set[DahdiChannel] = set()

    def __iter__(self) -> Iterator[IsdnCall]:
        return iter([call for call in self._span.calls.values() if not call.port.has_sound])

    @property
    def waiting(self) -> int:
        """Outgoing calls that wait for a B channel: while there are any, no other call may take one."""
        return len(self._waiting)

    def for_waiting(self, port: BearerPort) -> Port | None:
        """A port for a call out that has to wait; None when it may not."""
        span = self._span
        if not span.takes_calls or self.waiting >= span.settings["max_call_waiting_calls"]:
            return None
        if not self.waiting and any(one.free for one in span.bearers.values()):
            return None
        return BearerlessPort(port)

    def begin_waiting(self, channel: DahdiChannel) -> None:
        """A call out waits for a B channel."""
        self._waiting.add(channel)

    def waits(self, channel: DahdiChannel) -> bool:
        """Whether it does."""
        return channel in self._waiting

    def end_waiting(self, channel: DahdiChannel) -> None:
        """It has one, or is over."""
        self._waiting.discard(channel)

    def port(self) -> BearerlessPort | None:
        """A place for a call that comes without a B channel; None when the span has no channel at all to be like."""
        like = next(iter(self._span.bearers.values()), None)
        return BearerlessPort(like) if like is not None else None

    def park(self, call: IsdnCall) -> bool:
        """A call gives its B channel up."""
        place = self.port()
        if place is None:
            return False
        self._span.move(call, place)
        return True
