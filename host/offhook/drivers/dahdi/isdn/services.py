"""What comes with the messages of a call beside its progress: identities, redirections, transfers, reports, texts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kernel_shims.pri.events import Kind, PartyId, PriEvent, PriMalicious, PriRerouting, PriTransfer
from kernel_shims.pri.services import REROUTED, REROUTING_INVALID_NUMBER
from offhook.calls.bridge import Bridge
from offhook.calls.events import BridgeEnter
from offhook.calls.frames import Condition, Control, Forward, Text
from offhook.calls.line_events import MaliciousCall
from offhook.calls.party import Caller, Connected, Redirecting
from offhook.calls.transfer import Transfer, attended_transfer
from offhook.drivers.dahdi.channel import DahdiChannel
from offhook.drivers.dahdi.isdn.calls import IsdnCall, Level
from offhook.drivers.dahdi.isdn.clearing import USER_USER
from offhook.drivers.dahdi.isdn.numbers import REASONS, party_of
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

log = logging.getLogger(__name__)
_WITHOUT_NUMBER = (0, 1)
"""Subscriptions by which the caller is not told where the call goes."""
_RESTRICTED = 0x20


class Services:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._joined: set[frozenset[str]] = set()
        """Pairs of channels that the far end was asked to join."""
        self._drop_watch = None
        if span.settings["transfer"]:
            self._drop_watch = span.pbx.bus.subscribe(BridgeEnter, self._bridged)

    def stop(self) -> None:
        """The span is no more."""
        if self._drop_watch is not None:
            self._drop_watch()
            self._drop_watch = None

    def told(self, call: IsdnCall, channel: DahdiChannel, event: PriEvent) -> None:
        """What a message has for the call's channel."""
        if event.user_user:
            channel.set(USER_USER, event.user_user)
        if event.connected is not None:
            self._connected(channel, event)
        if event.redirection is not None:
            self._redirected(channel, event)
        if event.rerouting is not None:
            self._rerouted(channel, event.rerouting)
        if event.transfer is not None:
            self._transfer(event.transfer)
        if event.malicious is not None:
            self._malicious(channel, event.malicious)
        if event.display and event.kind is not Kind.RING:
            channel.deliver(Text(event.display))

    # ---- who is who ------------------------------------------------------------------------------------------

    def _connected(self, channel: DahdiChannel, event: PriEvent) -> None:
        assert event.connected is not None
        party = party_of(event.connected, self._span.settings)
        party.tag = channel.caller.id.tag
        if not (party.name.valid or party.number.valid or party.subaddress.valid):
            return
        channel.caller = Caller(id=party, ani=party.copy(), ani2=channel.caller.ani2)
        channel.tell_caller()
        if event.kind is not Kind.RING:
            channel.deliver(Control(Condition.CONNECTED_LINE, Connected(party, party.copy(), source="answer")))

    def _redirected(self, channel: DahdiChannel, event: PriEvent) -> None:
        assert event.redirection is not None
        redirecting = self._redirecting(channel, event.redirection.to)
        redirection = event.redirection
        redirecting.from_ = party_of(redirection.from_, self._span.settings)
        redirecting.orig = party_of(redirection.original, self._span.settings)
        redirecting.count = redirection.count
        redirecting.reason = REASONS.get(redirection.reason, "unknown")
        redirecting.orig_reason = REASONS.get(redirection.original_reason, "unknown")
        channel.redirecting = redirecting
        if event.kind is not Kind.RING:
            channel.deliver(Control(Condition.REDIRECTING, redirecting))

    def _redirecting(self, channel: DahdiChannel, to: PartyId) -> Redirecting:
        redirecting = channel.redirecting.copy()
        redirecting.to = party_of(to, self._span.settings)
        return redirecting

    # ---- where the call goes -----------------------------------------------------------------------------------

    def _rerouted(self, channel: DahdiChannel, rerouting: PriRerouting) -> None:
        """The called party's side sends the call elsewhere."""
        number = rerouting.deflection.to.number
        answer = self._span.link.services.answer_rerouting
        if not rerouting.call:
            log.warning("%s: a rerouting to %s names no call", channel.name, number)
            return
        if not number:
            answer(rerouting.call, rerouting.invoke, REROUTING_INVALID_NUMBER)
            return
        answer(rerouting.call, rerouting.invoke, REROUTED)
        if rerouting.subscription in _WITHOUT_NUMBER:
            rerouting.deflection.to = PartyId(presentation=_RESTRICTED)
        event = PriEvent(Kind.RING, redirection=rerouting.deflection)
        self._redirected(channel, event)
        channel.deliver(Forward(number))

    def join(self, first: Any, second: Any) -> bool:
        """Join the other parties of two calls; whether that went well."""
        one, two = self._span.call_of(first), self._span.call_of(second)
        if one is None or two is None or one.channel is None or two.channel is None:
            return False
        return attended_transfer(one.channel, two.channel) is Transfer.SUCCESS

    def _transfer(self, wanted: PriTransfer) -> None:
        """Explicit transfer: the answer goes out before the calls are cleared, which success ends (Clearing)."""
        calls = [self._span.call_of(handle) for handle in (wanted.first, wanted.second)]
        for call in calls:
            if call is not None:
                call.transfer = wanted
        done = self.join(wanted.first, wanted.second)
        answered = any(call is not None and call.transfer is None for call in calls)
        for call in calls:
            if call is not None:
                call.transfer = None
        if not answered:
            self.answer_transfer(wanted, done=done)

    def answer_transfer(self, wanted: PriTransfer, *, done: bool) -> None:
        """Tell how it went, once."""
        for handle in (wanted.first, wanted.second):
            call = self._span.call_of(handle)
            if call is not None:
                call.transfer = None
        self._span.link.services.answer_transfer(wanted.call, wanted.invoke, done=done)

    def _bridged(self, event: BridgeEnter) -> None:
        """Two calls of the span talk with each other: the far end is asked to join them (transfer = yes)."""
        bridge: Bridge = event.bridge
        other = bridge.peer(event.channel)
        if other is None or not isinstance(event.channel, DahdiChannel) or not isinstance(other, DahdiChannel):
            return
        calls = [self._span.call_on(channel) for channel in (event.channel, other)]
        pair = frozenset((event.channel.uniqueid, other.uniqueid))
        if None in calls or pair in self._joined:
            return
        self._joined.add(pair)
        event.channel.at_end(lambda: self._joined.discard(pair))
        first, second = (call.handle for call in calls if call is not None)
        if self._span.link.services.join_at_far_end(first, second):
            verbose(3, "%s and %s: the far end is asked to join them", event.channel.name, other.name)
        self._span.schedule()

    # ---- reports and texts -------------------------------------------------------------------------------------

    def _malicious(self, channel: DahdiChannel | None, report: PriMalicious) -> None:
        settings = self._span.settings
        answerer = party_of(report.answerer, settings)
        if channel is not None:
            channel.deliver(Control(Condition.MCID))
        caller = channel.connected.id if channel is not None else party_of(report.originator, settings)
        self._span.pbx.bus.publish(MaliciousCall(channel, caller, answerer))

    def without_channel(self, event: PriEvent) -> None:
        """A message of a call whose channel is over."""
        if event.malicious is not None:
            self._malicious(None, event.malicious)

    def report(self, call: IsdnCall) -> None:
        """Our side reports a call as malicious (mcid_send)."""
        if self._span.settings["mcid_send"]:
            self._span.link.services.malicious(call.handle)
            self._span.schedule()

    def display(self, channel: DahdiChannel, text: str) -> bool:
        """A text for the far end's display."""
        call = self._span.call_on(channel)
        if call is None or call.level < Level.PROCEEDING:
            return False
        self._span.link.services.display(call.handle, text)
        self._span.schedule()
        return True
