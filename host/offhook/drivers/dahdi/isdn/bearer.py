"""A B channel, or the lack of one: a port whose calls are the D channel's to make and end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kernel_shims.line import Happening, LineEvent, LinePort
from kernel_shims.pri.telling import EXPLICIT
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.isdn.calls import NOBODY_SAID
from offhook.drivers.dahdi.port import Port

if TYPE_CHECKING:
    from offhook.calls.completion.core import Completion
    from offhook.calls.completion.native import CallerSide
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

NEVER = float("inf")
NEAR_END, FAR_END = 1, 2
"""Who has taken a B channel out of service."""
ENDS = {NEAR_END: "near end", FAR_END: "far end", NEAR_END | FAR_END: "both ends"}


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
        line: LinePort | None,
        settings: ChannelSettings,
        signalling: str,
        span: IsdnSpan,
        *,
        first: int = 0,
        logical: int = 0,
        like: Port | None = None,
    ) -> None:
        super().__init__(pbx, line, settings, signalling, like=like)
        self.machine = Bearer()
        self.span_of = span
        self.offset = line.number - first + 1 if line is not None else 0
        self.logical = logical
        self.resetting = False
        self.second_try = False
        """It was asked for once while it was being restarted."""
        self.out_of_service = 0
        """NEAR_END and FAR_END, whoever said so."""
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
    def has_sound(self) -> bool:
        """It is a B channel."""
        return True

    @property
    def free(self) -> bool:
        """Whether a call may use it."""
        return (
            not self.machine.calls
            and not self.resetting
            and not self.out_of_service
            and self.line is not None
            and not self.in_alarm
        )

    @property
    def in_alarm(self) -> bool:
        """Its span has alarms that count (layer1_presence: a BRI to several devices is put to sleep by the network)."""
        return self.machine.alarm and not self.ignores_alarms

    @property
    def ignores_alarms(self) -> bool:
        """See Port."""
        return self.settings["layer1_presence"] == "ignore" and self.signalling.endswith("_ptmp")

    def through(self) -> None:
        """Sound passes: the far end answered, or sends tones."""
        if self.leg is None:
            self.on_line(lambda line: line.voice(not self.digital))
            self.obey(self.machine.through())

    # ---- what is shown ---------------------------------------------------------------------------------------

    def shown_caller(self) -> tuple[str, int, str, str]:
        """See Port: whom the call has at the far end, as that told."""
        channel = next(iter(self.calls), None)
        if channel is None:
            return super().shown_caller()
        party = channel.caller.id
        number, name = party.labels()
        return number, party.number.plan, party.subaddress.text, name

    def signalling_lines(self) -> Iterator[str]:
        """See Port."""
        flags = [f"Resetting={1 + self.second_try} "] if self.resetting else []
        if any(call.port is self for call in self.span_of.calls.values()):
            flags.append("Call ")
        if self.machine.calls:
            flags.append("Allocated ")
        yield f"PRI Flags: {''.join(flags)}"
        yield f"PRI Logical Span: {self.logical if self.span_of.group else 'Implicit'}"
        if self.out_of_service:
            yield f"Out of service: {ENDS[self.out_of_service]}"

    # ---- calls -----------------------------------------------------------------------------------------------

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        if not self.span_of.takes_calls or self.in_alarm:
            return causes.NETWORK_OUT_OF_ORDER
        return 0 if self.free and not self.span_of.bearerless.waiting else causes.NORMAL_CIRCUIT_CONGESTION

    def instead(self) -> Port | None:
        """See Port: a call may wait for a B channel."""
        return self.span_of.bearerless.for_waiting(self)

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the channel is not free, or its span is down")
        self.digital = address.digital
        channel = self.make(address.number, State.DOWN, requester, uniqueid=ids[0])
        channel.set("TRANSFERCAPABILITY", "DIGITAL" if self.digital else "SPEECH")
        return channel

    def make(self, number: str, state: State, requester: Channel | None = None, **options: object) -> DahdiChannel:
        """A channel for a call from or to a number."""
        name = f"DAHDI/i{self.span_of.number}/{number}-{self.span_of.next_name():x}"
        channel = self.calls.make(self.machine.take(), state, requester, name=name, **options)
        self.span_of.changed()
        return channel

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

    def send_text(self, channel: DahdiChannel, text: str) -> bool:
        """See Port: on the far end's display."""
        return self.span_of.services.display(channel, text)

    def completion_agent(self, channel: DahdiChannel, completion: Completion, core_id: int) -> CallerSide | None:
        """See Port."""
        return self.span_of.completion.agent(channel, core_id)

    def watchable(self, channel: DahdiChannel) -> bool:
        """See Port."""
        return self.span_of.completion.watchable(channel)

    def digit_begin(self, channel: DahdiChannel, digit: str) -> None:
        """See Port; while the number is still being dialled digits go by the D channel."""
        if not self.span_of.outgoing.more_digits(channel, digit):
            super().digit_begin(channel, digit)

    def digit_end(self, channel: DahdiChannel, digit: str, duration_ms: int) -> None:
        """See Port."""
        if not self.span_of.outgoing.released(channel, digit):
            super().digit_end(channel, digit, duration_ms)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """See Port."""
        self.span_of.clearing.ended(channel, cause)
        super().ended(channel, cause)
        self.span_of.changed()

    def channel_item(self, channel: DahdiChannel, item: str) -> str | None:
        """See Port."""
        call = self.span_of.call_on(channel)
        match item.lower():
            case "dahdi_type":
                return "pri"
            case "reversecharge":
                return str(call.reverse_charge if call is not None else NOBODY_SAID)
            case "keypad_digits":
                return call.keypad if call is not None else ""
            case "no_media_path":
                return str(int(not self.has_sound))
        return super().channel_item(channel, item)
