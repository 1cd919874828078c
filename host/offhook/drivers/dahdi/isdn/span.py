"""A span with a D channel: what libpri tells becomes calls, what calls want becomes messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kernel_shims.line import LinePort
from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Connected
from offhook.calls.signalling import DChannelFrame, LineSignal
from offhook.drivers.dahdi.isdn import advice, frames
from offhook.drivers.dahdi.isdn.bearer import BearerPort, place_of
from offhook.drivers.dahdi.isdn.calls import REMOTE_HOLD, REMOTE_RETRIEVAL, IsdnCall, Level
from offhook.drivers.dahdi.isdn.dchannel import DChannel
from offhook.drivers.dahdi.isdn.incoming import Incoming
from offhook.drivers.dahdi.isdn.numbers import party_of
from offhook.drivers.dahdi.isdn.outgoing import Outgoing

if TYPE_CHECKING:
    from kernel_shims.pri.link import PriLink
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.reading import ChannelSettings

log = logging.getLogger(__name__)

_REQUESTED_UNAVAILABLE = 44


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
        self.d_channels: list[DChannel] = []
        self._active: DChannel | None = None
        self._names = 0
        self._incoming = Incoming(self)
        self.outgoing = Outgoing(self)
        self._reset_timer: asyncio.TimerHandle | None = None

    def take_d_channel(self, line: LinePort, logical: int = 0) -> None:
        """The first D channel, or one that stands by."""
        channel = DChannel(self.pbx, line, self.settings, logical, self._event)
        channel.link.on_message = self._message
        channel.link.on_frame = self._frame
        self.d_channels.append(channel)
        if self._active is None:
            self._active = channel
            self._reset_later()
        else:
            self.d_channels[0].link.enslave(channel.link)
        channel.schedule()

    @property
    def link(self) -> PriLink:
        """libpri on the D channel that is in use."""
        assert self._active is not None
        return self._active.link

    @property
    def up(self) -> bool:
        """Calls can be made."""
        return self._active is not None and self._active.up

    def _reset_later(self) -> None:
        interval = self.settings["resetinterval"]
        if interval.isdigit() and int(interval) and self.signalling.startswith("pri"):
            self._reset_timer = self.pbx.loop.call_later(int(interval), self._reset_idle)

    def _reset_idle(self) -> None:
        """RESTART every B channel that has no call (resetinterval)."""
        for port in self.bearers.values() if self.up else ():
            if port.free:
                port.resetting = True
                self.link.reset(port.address)
        self.schedule()
        self._reset_later()

    def next_name(self) -> int:
        """The next number for channel names."""
        self._names += 1
        return self._names

    def stop(self) -> None:
        """End the D channels. Calls that are left end, and nobody is told: the descriptors are ours no more."""
        left, self.calls = list(self.calls.values()), {}
        for call in left:
            self._incoming.forget(call)
            if call.channel is not None:
                call.channel.far_end_hangup(causes.DESTINATION_OUT_OF_ORDER)
        if self._reset_timer is not None:
            self._reset_timer.cancel()
        for channel in self.d_channels:
            channel.stop()

    def _message(self, text: str) -> None:
        if self.debug:
            from offhook.log import verbose

            verbose(0, "PRI Span: %d %s", self.number, text)
        else:
            log.info("PRI Span: %d %s", self.number, text)

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
                source.up = True
                self._choose_d_channel()
                log.info("%s D-Channel on span %d up", self._rank(source), self.number)
            case Kind.DOWN:
                source.up = False
                self._choose_d_channel()
                log.warning("%s D-Channel on span %d down", self._rank(source), self.number)
            case Kind.CONFIG_ERROR:
                log.error("PRI Span: %d %s", self.number, event.display)
            case Kind.RESTART | Kind.RESTART_ACK:
                self._restarted(event)
            case Kind.SERVICE | Kind.SERVICE_ACK:
                self._service(event)
            case Kind.RING:
                self._incoming.ring(event)
            case Kind.INFORMATION | Kind.KEYPAD:
                self._incoming.digits(event)
            case _:
                self._about_call(event)

    def _rank(self, channel: DChannel) -> str:
        return "Primary" if channel is self.d_channels[0] else "Secondary"

    def _restarted(self, event: PriEvent) -> None:
        ports = self.bearers.values() if event.channel < 1 else filter(None, [self.bearers.get(event.channel)])
        for port in ports:
            if event.kind is Kind.RESTART_ACK:
                port.resetting = False
                continue
            for channel in port.calls:
                channel.far_end_hangup(causes.NORMAL_UNSPECIFIED)
        log.info("span %d: channel %d restarted", self.number, event.channel)

    def _service(self, event: PriEvent) -> None:
        port = self.bearers.get(event.channel)
        if port is not None and event.kind is Kind.SERVICE:
            port.in_service = event.change == 0
            log.info(
                "span %d: channel %d is %s service", self.number, event.channel, "in" if port.in_service else "out of"
            )

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
        if event.channel > 0 and event.kind in (
            Kind.PROCEEDING,
            Kind.SETUP_ACK,
            Kind.RINGING,
            Kind.ANSWER,
            Kind.PROGRESS,
        ):
            self._moved(call, event.channel)
        channel = call.channel
        if channel is not None and event.advice:
            advice.received(channel, event.advice, self.settings)
        match event.kind:
            case Kind.SETUP_ACK:
                self._overlap(call, event)
            case Kind.PROCEEDING | Kind.PROGRESS if channel is not None:
                self._proceeds(call, channel, event)
            case Kind.RINGING if channel is not None:
                call.level = max(call.level, Level.ALERTING)
                if event.inband:
                    call.port.through()
                    channel.deliver(Control(Condition.PROGRESS))
                channel.set_state(State.RINGING)
                channel.deliver(Control(Condition.RINGING))
            case Kind.ANSWER if channel is not None:
                self._answer(call, channel, event)
            case Kind.HANGUP_REQUEST:
                self._disconnected(call, event)
            case Kind.HANGUP:
                self._released(call, event)
            case Kind.HANGUP_ACK:
                self._forget(call)
            case Kind.HOLD | Kind.RETRIEVE if channel is not None:
                self._hold(call, channel, event)
            case Kind.NOTIFY if channel is not None:
                self._notified(channel, event)
            case Kind.FACILITY if channel is not None:
                self._identities(channel, event)

    def _moved(self, call: IsdnCall, offset: int) -> None:
        """The far end chose another channel than we asked for."""
        port = self.bearers.get(offset)
        if port is None or port is call.port or not port.free:
            return
        log.info("span %d: the call moves from channel %d to %d", self.number, call.port.offset, offset)
        if call.channel is not None:
            call.port.calls.hand_over(call.channel, port, port.machine.take())
        call.port = port

    def _overlap(self, call: IsdnCall, event: PriEvent) -> None:
        call.level = Level.OVERLAP
        if event.inband or self.settings["inband_on_setup_ack"]:
            call.port.through()
        digits, call.pending = call.pending, ""
        for digit in digits:
            self.link.send_digit(call.handle, digit)

    def _proceeds(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        call.level = max(call.level, Level.PROCEEDING)
        inband = event.inband or (event.kind is Kind.PROCEEDING and self.settings["inband_on_proceeding"])
        if event.kind is Kind.PROCEEDING:
            channel.deliver(Control(Condition.PROCEEDING))
        if inband or event.kind is Kind.PROGRESS:
            call.port.through()
            channel.deliver(Control(Condition.PROGRESS))
        if event.cause:
            channel.hangup_cause = event.cause

    def _answer(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        call.level = Level.CONNECTED
        call.port.through()
        self._identities(channel, event)
        channel.deliver(Control(Condition.ANSWER))

    def _identities(self, channel: DahdiChannel, event: PriEvent) -> None:
        if event.connected is not None:
            party = party_of(event.connected, self.settings)
            channel.deliver(Control(Condition.CONNECTED_LINE, Connected(party, party.copy(), source="answer")))
        if event.redirection is not None:
            redirecting = channel.redirecting.copy()
            redirecting.from_ = party_of(event.redirection.from_, self.settings)
            redirecting.to = party_of(event.redirection.to, self.settings)
            redirecting.count = event.redirection.count
            channel.redirecting = redirecting
            channel.deliver(Control(Condition.REDIRECTING, redirecting))

    def _disconnected(self, call: IsdnCall, event: PriEvent) -> None:
        """DISCONNECT came: the call ends, and our hangup sends RELEASE."""
        self._refused_channel(call, event)
        if call.channel is not None:
            if event.held and event.active and self.settings["hold_disconnect_transfer"]:
                self._join(event)
            call.channel.far_end_hangup(event.cause or causes.NORMAL_CLEARING)
        else:
            self.link.hangup(call.handle, event.cause)
            call.clearing = True

    def _refused_channel(self, call: IsdnCall, event: PriEvent) -> None:
        """The far end has a call on a channel that is free here: RESTART it (force_restart_unavailable_chans)."""
        wanted = self.settings["force_restart_unavailable_chans"] and not self.signalling.endswith("_ptmp")
        port = call.port
        if event.cause == _REQUESTED_UNAVAILABLE and wanted and not port.resetting:
            log.info("span %d: channel %d is in use at the far end alone, restarting it", self.number, port.offset)
            port.resetting = True
            self.link.reset(port.address)

    def _join(self, event: PriEvent) -> None:
        from offhook.calls.transfer import attended_transfer

        held, active = self.call_of(event.held), self.call_of(event.active)
        if held is not None and active is not None and held.channel is not None and active.channel is not None:
            attended_transfer(held.channel, active.channel)

    def _released(self, call: IsdnCall, event: PriEvent) -> None:
        """RELEASE came: the handle is to be let go of, once the channel is over."""
        self._refused_channel(call, event)
        channel = call.channel
        if channel is None:
            self.link.hangup(call.handle, event.cause)
            self._forget(call)
            return
        call.clearing = True
        channel.far_end_hangup(event.cause or causes.NORMAL_CLEARING)

    def _hold(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        if event.kind is Kind.HOLD:
            call.held = True
            self.link.reply_hold(call.handle)
            channel.deliver(Control(Condition.HOLD))
        else:
            call.held = False
            self.link.reply_retrieve(call.handle, call.port.address)
            channel.deliver(Control(Condition.UNHOLD))

    def _notified(self, channel: DahdiChannel, event: PriEvent) -> None:
        if self.settings["discardremoteholdretrieval"]:
            return
        if event.notification == REMOTE_HOLD:
            channel.deliver(Control(Condition.HOLD))
        elif event.notification == REMOTE_RETRIEVAL:
            channel.deliver(Control(Condition.UNHOLD))

    # ---- calls: our side -------------------------------------------------------------------------------------

    def register(self, call: IsdnCall) -> None:
        """Know a call by its handle."""
        self.calls[self.link.key(call.handle)] = call

    def _forget(self, call: IsdnCall) -> None:
        self.calls.pop(self.link.key(call.handle), None)

    def call_on(self, channel: DahdiChannel) -> IsdnCall | None:
        """The call of a channel."""
        return next((call for call in self.calls.values() if call.channel is channel), None)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """A channel is over: the next step of clearing."""
        call = self.call_on(channel)
        if call is None:
            return
        call.channel = None
        self._incoming.forget(call)
        advice.no_rates(self.link, call)
        advice.send_last(self.link, call)
        if call.clearing:
            self.link.hangup(call.handle, cause)
            self._forget(call)
        else:
            call.clearing = True
            self.link.hangup(call.handle, cause or causes.NORMAL_CLEARING)
        self.schedule()

    def reject(self, handle: Any, cause: int) -> None:
        """Refuse a call that has no channel."""
        if self._active is not None and self._active.open:
            self.link.hangup(handle, cause)

    # ---- B channels ------------------------------------------------------------------------------------------

    def choose(self, wanted: int, *, flexible: bool) -> BearerPort | int:
        """A free B channel for a call that comes in: the one asked for, or another; else the cause why not."""
        port = self.bearers.get(wanted)
        if port is not None and port.free:
            return port
        if wanted > 0 and not flexible:
            return _REQUESTED_UNAVAILABLE
        order: Iterable[BearerPort] = sorted(self.bearers.values(), key=lambda one: -one.offset)
        free = next((one for one in order if one.free), None)
        return free if free is not None else causes.NORMAL_CIRCUIT_CONGESTION

    def status_lines(self) -> Iterator[str]:
        """``pri show span``."""
        for channel in self.d_channels:
            yield f"{self._rank(channel)} D-channel: {channel.number if channel.open else 0}"
            yield f"Status: {'Up' if channel.up else 'Down'}, {'Active' if channel is self._active else 'Standby'}"
        yield from self.link.information().splitlines()

    @property
    def d_channel(self) -> int:
        """The number of the D channel in use; 0 when it is gone."""
        return self._active.number if self._active is not None and self._active.open else 0
