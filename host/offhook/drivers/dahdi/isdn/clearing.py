"""The end of calls, by whichever side: DISCONNECT, RELEASE, RELEASE COMPLETE (Q.931 5.3)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kernel_shims.pri.events import Kind, PriEvent
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control
from offhook.drivers.dahdi.isdn import advice
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.calls import IsdnCall
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)
_NO_SUCH_CALL = 81
"""The far end knows nothing of the call (invalid call reference)."""
_NAMES = {
    Kind.HANGUP: "HANGUP",
    Kind.HANGUP_REQUEST: "HANGUP_REQ",
    Kind.PROGRESS: "PROGRESS",
}
_CONGESTED = frozenset(
    {
        causes.CALL_REJECTED,
        causes.DESTINATION_OUT_OF_ORDER,
        causes.NORMAL_CIRCUIT_CONGESTION,
        causes.NETWORK_OUT_OF_ORDER,
        causes.NORMAL_TEMPORARY_FAILURE,
        causes.SWITCH_CONGESTION,
    }
)
"""Causes for which a call that was not answered counts as congested; with others it is hung up."""
USER_USER = "USERUSERINFO"
"""Variable of what the users tell each other with SETUP, CONNECT and DISCONNECT."""


def note_cause(channel: DahdiChannel, event: PriEvent) -> None:
    """Remember what the far end said, for HANGUPCAUSE()."""
    channel.note_cause(event.cause, f"PRI PRI_EVENT_{_NAMES[event.kind]} ({event.cause})")


class Clearing:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span

    # ---- the far end's side ----------------------------------------------------------------------------------

    def disconnected(self, call: IsdnCall, event: PriEvent) -> None:
        """DISCONNECT: the call ends, and our hangup sends RELEASE."""
        self._restart_refused(call, event)
        self._got("hangup request", call, event)
        channel = call.channel
        if channel is None:
            self._span.link.hangup(call.handle, event.cause)
            call.clearing = True
            return
        joins = event.held and event.active and self._span.settings["hold_disconnect_transfer"]
        if joins and self._span.services.join(event.held, event.active):
            return
        note_cause(channel, event)
        cause = event.cause or causes.NORMAL_CLEARING
        if channel.bridge is not None and self._span.settings["aoce_delayhangup"] and call.last_charge is None:
            channel.hangup_cause = cause
            self._await_charge(call, channel)
            return
        self._tell_end(call, channel, cause)

    def _tell_end(self, call: IsdnCall, channel: DahdiChannel, cause: int) -> None:
        """The far end has ended a call: who called hears why it was not answered."""
        minded = call.outgoing and channel.state not in (State.UP, State.BUSY) and channel.consumer is not None
        if minded and (cause == causes.USER_BUSY or cause in _CONGESTED):
            channel.hangup_cause = cause
            channel.deliver(Control(Condition.BUSY if cause == causes.USER_BUSY else Condition.CONGESTION))
        else:
            channel.far_end_hangup(cause)

    def _await_charge(self, call: IsdnCall, channel: DahdiChannel) -> None:
        """The other party's network tells the price of the call (AOC-E) when that is cleared: wait for it, at most half
        as long as the far end waits for RELEASE (T305)."""
        span = self._span
        seconds = max(0, span.link.timer_value("T305")) / 2000
        advice.ask_end(channel)
        call.awaits_charge = span.pbx.loop.call_later(seconds, self._charge_overdue, call)

    def _charge_overdue(self, call: IsdnCall) -> None:
        call.awaits_charge = None
        if call.channel is not None:
            call.channel.far_end_hangup(call.channel.hangup_cause)

    def charged(self, call: IsdnCall) -> None:
        """The price that was waited for is there."""
        if call.awaits_charge is not None:
            call.awaits_charge.cancel()
            self._charge_overdue(call)

    def released(self, call: IsdnCall, event: PriEvent) -> None:
        """RELEASE: the handle is to be let go of, once the channel is over."""
        self._restart_refused(call, event)
        self._got("hangup", call, event)
        channel = call.channel
        if channel is None or event.cause == _NO_SUCH_CALL:
            self._span.link.hangup(call.handle, event.cause)
            self._span.forget(call)
            if channel is not None:
                channel.far_end_hangup(event.cause)
            return
        call.clearing = True
        note_cause(channel, event)
        self._tell_end(call, channel, event.cause or causes.NORMAL_CLEARING)

    def _got(self, what: str, call: IsdnCall, event: PriEvent) -> None:
        if call.channel is not None:
            text = f"Span %d: Channel %d/%d got {what}, cause %d"
            verbose(3, text, self._span.number, call.port.logical, call.port.offset, event.cause)

    def _restart_refused(self, call: IsdnCall, event: PriEvent) -> None:
        """The far end has a call on a channel that is free here: RESTART it (force_restart_unavailable_chans)."""
        if event.cause == causes.REQUESTED_CHAN_UNAVAIL:
            self._span.upkeep.refused(call.port)

    def kill(self, call: IsdnCall, cause: int) -> None:
        """A call cannot go on."""
        if call.channel is not None:
            call.channel.far_end_hangup(cause)
        else:
            self._span.link.hangup(call.handle, cause)
            self._span.forget(call)

    # ---- our side --------------------------------------------------------------------------------------------

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """A channel is over: the next step of clearing."""
        span = self._span
        span.bearerless.end_waiting(channel)
        call = span.call_on(channel)
        if call is None:
            return
        self._say_last(call, channel)
        call.channel = None
        span.incoming.forget(call)
        if call.awaits_charge is not None:
            call.awaits_charge.cancel()
            call.awaits_charge = None
        if call.clearing:
            span.link.hangup(call.handle, -1)
            span.forget(call)
        else:
            call.clearing = True
            span.link.hangup(call.handle, _wished(channel) or cause or causes.NORMAL_CLEARING)
        span.schedule()

    def _say_last(self, call: IsdnCall, channel: DahdiChannel) -> None:
        """What has to be told before the call is cleared."""
        span = self._span
        text = channel.get(USER_USER)
        if text:
            span.link.user_user(call.handle, text)
        if call.transfer is not None:
            span.services.answer_transfer(call.transfer, done=True)
            call.transfer = None
        advice.no_rates(span.link, call)
        advice.send_last(span.link, call)

    def reject(self, handle: Any, cause: int) -> None:
        """Refuse a call that has no channel."""
        if self._span.d_channel:
            self._span.link.hangup(handle, cause)


def _wished(channel: DahdiChannel) -> int:
    """PRI_CAUSE: the cause that the dialplan wants to be told."""
    text = channel.get("PRI_CAUSE") or ""
    return int(text) if text.isdigit() else 0
