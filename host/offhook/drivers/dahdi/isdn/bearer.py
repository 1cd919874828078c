"""A B channel: a port whose calls are the D channel's to make and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import Happening, LineEvent, LinePort
from kernel_shims.pri.link import EXPLICIT
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.port import Port

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.span import IsdnSpan
    from offhook.drivers.dahdi.reading import ChannelSettings

NEVER = float("inf")


def place_of(offset: int, logical: int) -> int:
    """One number for a channel's place on a span and the span's place in a trunk group."""
    return logical << 8 | offset


class Bearer:
    """The machine of a B channel: free, or with one call whose sound passes once it may."""

    def __init__(self) -> None:
        self.alarm = False
        self._call = 0
        self._next = 0

    @property
    def calls(self) -> tuple[int, ...]:
        """The one call, if there is one."""
        return (self._call,) if self._call else ()

    @property
    def next_timer(self) -> float:
        """Nothing here takes time."""
        return NEVER

    def take(self) -> int:
        """Begin a call: its number."""
        self._next += 1
        self._call = self._next
        return self._call

    def through(self) -> list[Order]:
        """Sound passes from now on."""
        return [orders.Sound(True), orders.Hear((self._call,)), orders.Listen(True)] if self._call else []

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Alarms come with the span; a channel that is gone ends its call."""
        if event.kind in (Happening.ALARM, Happening.NO_ALARM):
            self.alarm = event.kind is Happening.ALARM
        return []

    def tick(self, now: float) -> list[Order]:
        """Nothing to do."""
        return []

    def ended(self, number: int, now: float) -> list[Order]:
        """The call is over."""
        if number != self._call:
            return []
        self._call = 0
        return [orders.Hear(()), orders.Listen(False), orders.Sound(False)]

    def gone(self) -> list[Order]:
        """The channel is no more."""
        number, self._call = self._call, 0
        out: list[Order] = [orders.End(number, causes.DESTINATION_OUT_OF_ORDER)] if number else []
        return [*out, orders.Sound(False)]


class BearerPort(Port):
    """See the text of this file. ``offset`` is its number on the span (1 up), which is ``logical`` in its trunk group;
    ``span_of`` has its D channel."""

    machine: Bearer
    two_wire = False

    def __init__(
        self,
        pbx: Pbx,
        line: LinePort,
        settings: ChannelSettings,
        signalling: str,
        span: IsdnSpan,
        *,
        first: int,
        logical: int = 0,
    ) -> None:
        super().__init__(pbx, line, settings, signalling)
        self.machine = Bearer()
        self.span_of = span
        self.offset = line.number - first + 1
        self.logical = logical
        self.resetting = False
        self.in_service = True
        self.digital = False

    @property
    def place(self) -> int:
        """Which channel it is among all of its D channel."""
        return place_of(self.offset, self.logical)

    @property
    def address(self) -> int:
        """The same as messages say it."""
        return self.place | (EXPLICIT if self.span_of.group else 0)

    @property
    def free(self) -> bool:
        """Whether a call may use it."""
        return not self.machine.calls and not self.resetting and self.in_service and self.line is not None

    def through(self) -> None:
        """Sound passes: the far end answered, or sends tones."""
        if self.leg is None:
            self.on_line(lambda line: line.voice(not self.digital))
            self.obey(self.machine.through())

    # ---- calls -----------------------------------------------------------------------------------------------

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        if not self.span_of.up or self.machine.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        return 0 if self.free else causes.NORMAL_CIRCUIT_CONGESTION

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the channel is not free, or its span is down")
        self.digital = address.digital
        return self.make(address.number, State.DOWN, requester, uniqueid=ids[0])

    def make(self, number: str, state: State, requester: Channel | None = None, **options: object) -> DahdiChannel:
        """A channel for a call from or to a number."""
        name = f"DAHDI/i{self.span_of.number}/{number}-{self.span_of.next_name():x}"
        return self.calls.make(self.machine.take(), state, requester, name=name, **options)

    def call(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.span_of.outgoing.call_out(self, channel)

    def answered(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.span_of.outgoing.answered(channel)

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """See Port."""
        shown = self.span_of.outgoing.indicated(self, channel, condition, payload)
        return super().indicated(channel, condition, payload) if shown is None else shown

    def digit_begin(self, channel: DahdiChannel, digit: str) -> None:
        """See Port; while the number is still being dialled digits go by the D channel."""
        if not self.span_of.outgoing.more_digits(channel, digit):
            super().digit_begin(channel, digit)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """See Port."""
        self.span_of.ended(channel, cause)
        super().ended(channel, cause)

    def channel_item(self, channel: DahdiChannel, item: str) -> str | None:
        """See Port."""
        return "pri" if item == "dahdi_type" else super().channel_item(channel, item)
