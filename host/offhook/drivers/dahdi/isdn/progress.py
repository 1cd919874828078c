"""How a call goes on, as the far end tells: number complete, ringing, answer, hold, end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control
from offhook.drivers.dahdi.isdn import advice
from offhook.drivers.dahdi.isdn.calls import IsdnCall, Level
from offhook.drivers.dahdi.isdn.clearing import note_cause
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)
_WITH_CHANNEL = frozenset({Kind.PROCEEDING, Kind.SETUP_ACK, Kind.RINGING, Kind.ANSWER, Kind.PROGRESS, Kind.CONNECT_ACK})
"""Messages that may name another channel than we asked for."""
_OF_HOLD = frozenset(
    {
        Kind.HOLD,
        Kind.HOLD_ACK,
        Kind.HOLD_REJECT,
        Kind.RETRIEVE,
        Kind.RETRIEVE_ACK,
        Kind.RETRIEVE_REJECT,
    }
)


class Progress:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span

    def told(self, call: IsdnCall, event: PriEvent) -> None:
        """A message about a call."""
        span = self._span
        named = event.channel > 0 and not event.on_hold
        if event.kind in _WITH_CHANNEL and named and not self._placed(call, event.channel):
            return
        if event.kind is Kind.ANSWER and not self._acknowledged(call):
            return
        channel = call.channel
        if channel is not None:
            advice.received(channel, event.advice, span.settings)
            span.services.told(call, channel, event)
        else:
            advice.received_late(span.pbx, event.advice)
            span.services.without_channel(event)
        span.completion.told(event, call)
        match event.kind:
            case Kind.SETUP_ACK:
                self._overlap(call, event)
            case Kind.PROCEEDING if channel is not None:
                self._proceeds(call, channel, event)
            case Kind.PROGRESS if channel is not None:
                self._progresses(call, channel, event)
            case Kind.RINGING if channel is not None:
                self._rings(call, channel, event)
            case Kind.ANSWER if channel is not None:
                self._answers(call, channel)
            case Kind.CONNECT_ACK:
                call.port.through()
            case Kind.HANGUP_REQUEST:
                span.clearing.disconnected(call, event)
            case Kind.HANGUP:
                span.clearing.released(call, event)
            case Kind.HANGUP_ACK:
                span.forget(call)
            case kind if kind in _OF_HOLD and channel is not None:
                span.holding.told(call, channel, event)
            case Kind.NOTIFY if channel is not None:
                span.holding.notified(channel, event)

    # ---- which channel ---------------------------------------------------------------------------------------

    def _placed(self, call: IsdnCall, place: int) -> bool:
        """The far end names a channel: the call moves there, or it cannot go on (Q.931 5.2.3.1 b)."""
        port = self._span.bearers.get(place)
        if port is call.port:
            return True
        if port is not None and port.free:
            self._span.move(call, port)
            return True
        log.warning("span %d: the far end wants channel %d, which is not free or not ours", self._span.number, place)
        self._span.clearing.kill(call, causes.CHANNEL_UNACCEPTABLE if port is not None else _NO_SUCH_CHANNEL)
        return False

    def _acknowledged(self, call: IsdnCall) -> bool:
        """The far end answered: CONNECT ACKNOWLEDGE, with a B channel for a call that waited for one. False when there
        is none, which ends the call."""
        span = self._span
        if not call.waits:
            span.link.acknowledge_answer(call.handle)
            return True
        if not call.port.has_sound:
            port = span.choose(-1, flexible=True)
            if isinstance(port, int):
                verbose(3, "span %d: no channel is free for a waiting call that was answered", span.number)
                span.clearing.kill(call, port)
                return False
            span.move(call, port)
        call.waits = False
        if call.channel is not None:
            span.bearerless.end_waiting(call.channel)
        span.link.acknowledge_answer(call.handle, call.port.address)
        return True

    # ---- how far ---------------------------------------------------------------------------------------------

    def _sound(self, call: IsdnCall, channel: DahdiChannel) -> None:
        """Sound is to be heard before the answer."""
        if not call.progress and call.port.has_sound:
            call.progress = True
            call.port.through()
            channel.deliver(Control(Condition.PROGRESS))

    def _overlap(self, call: IsdnCall, event: PriEvent) -> None:
        call.level = max(call.level, Level.OVERLAP)
        digits, call.pending = call.pending, ""
        for digit in digits:
            self._span.link.send_digit(call.handle, digit)
        settings = self._span.settings
        overlaps = settings["overlapdial"] in ("outgoing", "both") and not call.port.digital
        if (
            overlaps
            and (event.inband or settings["inband_on_setup_ack"] or call.no_digits)
            and call.channel is not None
        ):
            self._sound(call, call.channel)

    def _proceeds(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        if call.level < Level.PROCEEDING:
            call.level = Level.PROCEEDING
            channel.deliver(Control(Condition.PROCEEDING))
        if event.inband:
            self._sound(call, channel)
        elif self._span.settings["inband_on_proceeding"]:
            call.port.through()

    def _progresses(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        if event.cause:
            note_cause(channel, event)
            if event.cause == causes.USER_BUSY:
                channel.hangup_cause = event.cause
                channel.deliver(Control(Condition.BUSY))
        if event.inband or event.interworking:
            self._sound(call, channel)

    def _rings(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        call.level = max(call.level, Level.ALERTING)
        channel.set_state(State.RINGING)
        channel.deliver(Control(Condition.RINGING))
        if event.inband or event.interworking:
            self._sound(call, channel)

    def _answers(self, call: IsdnCall, channel: DahdiChannel) -> None:
        if self._span.outgoing.dial_deferred(call):
            return
        call.level = max(call.level, Level.CONNECT)
        call.port.through()
        channel.deliver(Control(Condition.ANSWER))


_NO_SUCH_CHANNEL = 82
"""Identified channel does not exist."""
