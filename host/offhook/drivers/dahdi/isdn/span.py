"""A span with a D channel: what libpri tells becomes calls, what calls want becomes messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kernel_shims.line import LinePort
from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.calls.signalling import DChannelFrame, LineSignal
from offhook.drivers.dahdi.isdn import advice, frames
from offhook.drivers.dahdi.isdn.bearer import BearerPort, place_of
from offhook.drivers.dahdi.isdn.bearerless import Bearerless
from offhook.drivers.dahdi.isdn.calls import IsdnCall
from offhook.drivers.dahdi.isdn.clearing import Clearing
from offhook.drivers.dahdi.isdn.completion import NativeCompletion
from offhook.drivers.dahdi.isdn.dchannel import DChannel
from offhook.drivers.dahdi.isdn.holding import Holding
from offhook.drivers.dahdi.isdn.idling import IdleCalls
from offhook.drivers.dahdi.isdn.incoming import Incoming
from offhook.drivers.dahdi.isdn.messages import MessageWaiting
from offhook.drivers.dahdi.isdn.outgoing import Outgoing
from offhook.drivers.dahdi.isdn.progress import Progress
from offhook.drivers.dahdi.isdn.services import Services
from offhook.drivers.dahdi.isdn.upkeep import Upkeep
from offhook.log import verbose

if TYPE_CHECKING:
    from kernel_shims.pri.link import PriLink
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings

log = logging.getLogger(__name__)
_RANKS = ("Primary", "Secondary", "Tertiary", "Quaternary")


class IsdnSpan:
    """Spans with a D channel in common: one span, or those of a trunk group, whose further D channels stand by.

    ``number`` is the span of the first D channel; ``group`` says that messages name a channel's span.
    """

    def __init__(self, pbx: Pbx, number: int, settings: ChannelSettings, *, group: bool = False) -> None:
        self.pbx = pbx
        self.number = number
        self.group = group
        self.settings: Mapping[str, Any] = settings.values
        self.signalling: str = settings["signalling"]
        self.bearers: dict[int, BearerPort] = {}
        """By their place (bearer.py)."""
        self.calls: dict[int, IsdnCall] = {}
        """By the handle's number."""
        self.debug = 0
        """Level of libpri's messages (PriLink.debug)."""
        self.on_debug: Callable[[str], None] | None = None
        """Called with each of them."""
        self.d_channels: list[DChannel] = []
        self._active: DChannel | None = None
        self._names = 0
        self._congestion = ""
        self.bearerless = Bearerless(self)
        self.upkeep = Upkeep(self)
        self.incoming = Incoming(self)
        self.outgoing = Outgoing(self)
        self.progress = Progress(self)
        self.clearing = Clearing(self)
        self.holding = Holding(self)
        self.services = Services(self)
        self.completion = NativeCompletion(self)
        self.messages = MessageWaiting(self)
        self._idle_calls = IdleCalls(self)

    def take_d_channel(self, line: LinePort, logical: int = 0) -> None:
        """The first D channel, or one that stands by."""
        channel = DChannel(self.pbx, line, self.settings, logical, self._event)
        channel.link.on_message = self._message
        channel.link.on_frame = self._frame
        self.d_channels.append(channel)
        if self._active is None:
            self._active = channel
        else:
            self.d_channels[0].link.enslave(channel.link)
        channel.schedule()
        if self.multipoint:
            self.messages.up()

    @property
    def link(self) -> PriLink:
        """libpri on the D channel that is in use."""
        assert self._active is not None
        return self._active.link

    @property
    def up(self) -> bool:
        """Calls can be made."""
        return self._active is not None and self._active.up

    @property
    def network(self) -> bool:
        """Whether we are the network's side."""
        return "_net" in self.signalling

    @property
    def multipoint(self) -> bool:
        """Whether several devices share the interface."""
        return self.signalling.endswith("_ptmp")

    @property
    def takes_calls(self) -> bool:
        """Calls can be made; on a BRI to several devices they bring layer 2 up."""
        return self.up or (self.multipoint and bool(self.d_channel))

    @property
    def congestion(self) -> str:
        """The state of the device DAHDI/I<span>/congestion: BUSY when every B channel is in use."""
        ports = self.bearers.values()
        if all(port.in_alarm or port.line is None for port in ports) or not self.takes_calls:
            return "UNAVAILABLE"
        return "NOT_INUSE" if any(port.free for port in ports) else "BUSY"

    def changed(self) -> None:
        """B channels are used, or free again: who watches the span is told when it matters."""
        before, self._congestion = self._congestion, self.congestion
        if before != self._congestion:
            self.pbx.devices.changed(f"DAHDI/I{self.number}/congestion")

    def next_name(self) -> int:
        """The next number for channel names."""
        self._names += 1
        return self._names

    def stop(self) -> None:
        """End the D channels. Calls that are left end, and nobody is told: the descriptors are ours no more."""
        left, self.calls = list(self.calls.values()), {}
        for call in left:
            self.incoming.forget(call)
            if call.channel is not None:
                call.channel.far_end_hangup(causes.DESTINATION_OUT_OF_ORDER)
        for part in (self.upkeep, self.messages, self.services, self._idle_calls):
            part.stop()
        for channel in self.d_channels:
            channel.stop()

    def _message(self, text: str) -> None:
        if self.on_debug is not None:
            self.on_debug(text)
        verbose(0 if self.debug else 3, "PRI Span: %d %s", self.number, text)

    def _frame(self, sent: bool, data: bytes) -> None:
        """Tell those who follow signalling."""
        bus = self.pbx.bus
        if bus.wants(DChannelFrame):
            bus.publish(DChannelFrame(self.number, sent, data))
        if bus.wants(LineSignal) and (found := frames.describe(data, sent=sent)) is not None:
            way = "<--" if sent else "-->"
            bus.publish(LineSignal(f"DAHDI/i{self.number}", way, found.text, found.call, found.setup))

    def set_debug(self, level: int) -> None:
        """What is told of messages on the D channel."""
        self.debug = level
        for channel in self.d_channels:
            channel.link.debug(level)

    # ---- the D channel ---------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Be back when a timer of libpri is due."""
        for channel in self.d_channels:
            channel.schedule()

    def take_events(self, line: LinePort) -> None:
        """A D channel's port has events of its own: alarms, and that it is gone."""
        channel = self.d_channel_of(line)
        if channel is None or channel.take_events():
            return
        channel.lose()
        self._choose_d_channel()
        if not any(one.open for one in self.d_channels):
            self.stop()

    def d_channel_of(self, line: LinePort) -> DChannel | None:
        """The D channel on a port."""
        return next((one for one in self.d_channels if one.open and one.number == line.number), None)

    def _choose_d_channel(self) -> None:
        """The one in use stays, as long as it is up; then the first that is."""
        if self._active is None or not self._active.up:
            self._active = next((one for one in self.d_channels if one.up), self._active)

    def _event(self, source: DChannel, event: PriEvent) -> None:
        if event.channel > 0:
            event.channel = place_of(event.channel, event.span if event.explicit else source.logical)
        match event.kind:
            case Kind.UP:
                self._up(source)
            case Kind.DOWN:
                self._down(source)
            case Kind.CONFIG_ERROR:
                log.error("PRI Span: %d %s", self.number, event.display)
            case Kind.RESTART | Kind.RESTART_ACK:
                self.upkeep.told(event)
            case Kind.SERVICE | Kind.SERVICE_ACK:
                self.upkeep.service(event)
            case _ if event.signalling_only or (event.kind is Kind.FACILITY and event.call is None):
                self._without_sound(event)
            case Kind.RING:
                self.incoming.ring(event)
            case Kind.INFORMATION | Kind.KEYPAD:
                self.incoming.digits(event)
            case _:
                self._about_call(event)

    def _up(self, source: DChannel) -> None:
        if not source.up:
            verbose(2, "%s D-Channel on span %d up", self._rank(source), self.number)
        source.up = True
        self._choose_d_channel()
        self.upkeep.up()
        self.messages.up()
        self.changed()

    def _down(self, source: DChannel) -> None:
        source.up = False
        self._choose_d_channel()
        log.warning("%s D-Channel on span %d down", self._rank(source), self.number)
        if not self.up and not self.multipoint and self.link.timer_value("T309") < 0:
            for call in list(self.calls.values()):
                self.link.destroy(call.handle)
                self.forget(call)
                if call.channel is not None:
                    call.channel.far_end_hangup(causes.DESTINATION_OUT_OF_ORDER)
        self.changed()

    def _rank(self, channel: DChannel) -> str:
        return _RANKS[min(self.d_channels.index(channel), len(_RANKS) - 1)]

    def _without_sound(self, event: PriEvent) -> None:
        """A call that carries services alone, or a message of no call."""
        if event.kind is Kind.ANSWER:
            self.link.acknowledge_answer(event.call)
        self.completion.told(event)
        advice.received_late(self.pbx, event.advice)
        if event.kind in (Kind.HANGUP, Kind.HANGUP_REQUEST):
            self.link.hangup(event.call, event.cause)

    # ---- calls: what the far end says ------------------------------------------------------------------------

    def call_of(self, handle: Any) -> IsdnCall | None:
        """The call of a handle."""
        return self.calls.get(self.link.key(handle))

    def _about_call(self, event: PriEvent) -> None:
        call = self.call_of(event.call)
        if call is None:
            if event.kind in (Kind.HANGUP, Kind.HANGUP_REQUEST):
                self.link.hangup(event.call, event.cause)
            return
        self.progress.told(call, event)

    # ---- calls: our side -------------------------------------------------------------------------------------

    def register(self, call: IsdnCall) -> None:
        """Know a call by its handle."""
        self.calls[self.link.key(call.handle)] = call

    def forget(self, call: IsdnCall) -> None:
        """It is over."""
        self.calls.pop(self.link.key(call.handle), None)
        self.changed()

    def call_on(self, channel: DahdiChannel) -> IsdnCall | None:
        """The call of a channel."""
        return next((call for call in self.calls.values() if call.channel is channel), None)

    # ---- B channels ------------------------------------------------------------------------------------------

    def choose(self, wanted: int, *, flexible: bool) -> BearerPort | int:
        """A free B channel for a call that comes in: the one asked for, or another; else the cause why not."""
        port = self.bearers.get(wanted)
        if port is not None and port.free:
            return port
        if wanted > 0 and not flexible:
            return causes.REQUESTED_CHAN_UNAVAIL
        order: Iterable[BearerPort] = sorted(self.bearers.values(), key=lambda one: -one.offset)
        free = next((one for one in order if one.free), None)
        return free if free is not None else causes.NORMAL_CIRCUIT_CONGESTION

    def move(self, call: IsdnCall, port: BearerPort) -> None:
        """Put a call on another port."""
        verbose(3, "span %d: %s moves from channel %d to %d", self.number, call.channel, call.port.offset, port.offset)
        port.digital = call.port.digital
        if call.channel is not None:
            call.port.calls.hand_over(call.channel, port, port.machine.take())
        call.port = port
        self.changed()

    def states(self) -> Iterator[tuple[DChannel, str, str]]:
        """Each D channel, its rank, and its state as the console shows it."""
        for channel in self.d_channels:
            alarm = "In Alarm, " if channel.alarm else ""
            role = "Active" if channel is self._active else "Standby"
            yield channel, self._rank(channel), f"{alarm}{'Up' if channel.up else 'Down'}, {role}"

    def status_lines(self) -> Iterator[str]:
        """``pri show span``."""
        for channel, rank, state in self.states():
            yield f"{rank} D-channel: {channel.number if channel.open else 0}"
            yield f"Status: {state}"
            yield from self.link.information().splitlines()
            receives = self.settings["overlapdial"] in ("incoming", "both")
            yield f"Overlap Recv: {'Yes' if receives else 'No'}"
            yield from ("", "")

    @property
    def d_channel(self) -> int:
        """The number of the D channel in use; 0 when it is gone."""
        return self._active.number if self._active is not None and self._active.open else 0
