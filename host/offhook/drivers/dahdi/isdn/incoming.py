"""Calls that come in on a span, whole or digit by digit (overlap)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_shims.pri.events import PriEvent
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Digit
from offhook.calls.party import Caller, Party
from offhook.dialplan.patterns import matches as pattern_matches
from offhook.drivers.dahdi.isdn import advice
from offhook.drivers.dahdi.isdn.calls import IsdnCall, Level
from offhook.drivers.dahdi.isdn.numbers import party_of, prefixed

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.span import IsdnSpan
    from offhook.media.playing import Playback

log = logging.getLogger(__name__)
_DIGIT_MS = 100


@dataclass(slots=True)
class _Overlap:
    """A number that is still being dialled."""

    digits: str
    timer: asyncio.TimerHandle | None = None
    tone: Playback | None = None

    def stop(self) -> None:
        """No timer, no tone."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.tone is not None:
            self.tone.stop()
            self.tone = None


class Incoming:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span
        self._overlaps: dict[int, _Overlap] = {}
        """By the handle's number."""

    def _takes(self, called: str) -> bool:
        wanted = self._span.settings["msn"]
        return not wanted or any(pattern_matches(pattern, called) for pattern in wanted)

    def ring(self, event: PriEvent) -> None:
        """SETUP."""
        span = self._span
        settings = span.settings
        called = prefixed(event.called, event.called_plan, settings)
        if not self._takes(event.called):
            log.info("span %d: a call to %s is none of ours", span.number, event.called)
            span.reject(event.call, causes.NO_ROUTE_DESTINATION)
            return
        if event.channel <= 0:
            log.info(
                "span %d: a call without a B channel is refused: call waiting of ISDN is not there yet", span.number
            )
            span.reject(event.call, causes.NORMAL_CIRCUIT_CONGESTION)
            return
        port = span.choose(event.channel, flexible=event.flexible)
        if isinstance(port, int):
            span.reject(event.call, port)
            return
        port.digital = event.digital
        exten = "s" if settings["immediate"] else called
        plan, context = span.pbx.dialplan, port.settings["context"]
        number = event.caller.number or ""
        overlaps = settings["overlapdial"] in ("incoming", "both") and not event.complete and not settings["immediate"]
        more = overlaps and (plan.matches_more(context, exten, number) or not plan.exists(context, exten, 1, number))
        if not more and not plan.exists(context, exten or "s", 1, number):
            log.info(
                "Extension '%s' in context '%s' from '%s' does not exist. Rejecting call on span %d",
                exten,
                context,
                number,
                span.number,
            )
            span.reject(event.call, causes.UNALLOCATED)
            return
        channel = port.make(number, State.RING if not more else State.RESERVED, caller=self._caller(event))
        self._describe(channel, event, exten)
        call = IsdnCall(event.call, port, channel)
        span.register(call)
        if event.asked is not None:
            advice.asked(span.link, call, event.asked, settings)
        if more:
            self._begin_overlap(call, exten)
        else:
            self._start(call, channel, exten or "s")

    def _caller(self, event: PriEvent) -> Caller:
        settings = self._span.settings
        party = party_of(event.caller, settings)
        party.tag = settings["cid_tag"]
        if settings["append_msn_to_cid_tag"]:
            network = "_net" in self._span.signalling
            party.tag += f"_{event.caller.number or '' if network else event.called}"
        ani = Party.of(event.ani) if event.ani else party.copy()
        return Caller(id=party, ani=ani)

    def _describe(self, channel: DahdiChannel, event: PriEvent, exten: str) -> None:
        channel.dialed.number = exten
        channel.dialed.plan = event.called_plan
        if event.redirecting_number:
            settings = self._span.settings
            number = prefixed(event.redirecting_number, 0, settings)
            channel.redirecting.from_ = Party.of(number, event.redirecting_name or None)
            channel.redirecting.count = 1
        if event.digits:
            channel.set("KEYPAD_DIGITS", event.digits)
        if event.reverse_charge:
            channel.set("PRIREVERSECHARGE", "1")
        channel.set("TRANSFERCAPABILITY", "DIGITAL" if event.digital else "SPEECH")

    def _start(self, call: IsdnCall, channel: DahdiChannel, exten: str) -> None:
        span = self._span
        call.level = Level.PROCEEDING
        span.link.proceeding(call.handle, call.port.address)
        channel.exten = exten
        channel.set_state(State.RING)
        channel.start_pbx()

    # ---- digit by digit --------------------------------------------------------------------------------------

    def _begin_overlap(self, call: IsdnCall, digits: str) -> None:
        span = self._span
        call.level = Level.OVERLAP
        overlap = self._overlaps[span.link.key(call.handle)] = _Overlap(digits)
        span.link.setup_acknowledge(call.handle, call.port.address, inband=not digits)
        if not digits:
            call.port.through()
            if call.port.leg is not None:
                overlap.tone = call.port.leg.tones(call.port.tone("dial"))
        self._wait(call, overlap)

    def _wait(self, call: IsdnCall, overlap: _Overlap) -> None:
        settings = self._span.settings
        exists = self._exists(call, overlap.digits)
        name = "firstdigit_timeout" if not overlap.digits else "matchdigit_timeout" if exists else "interdigit_timeout"
        if overlap.timer is not None:
            overlap.timer.cancel()
        overlap.timer = self._span.pbx.loop.call_later(settings[name] / 1000, self._timeout, call)

    def _exists(self, call: IsdnCall, digits: str) -> bool:
        number = call.channel.caller.id.number.text if call.channel is not None else ""
        return bool(digits) and self._span.pbx.dialplan.exists(call.port.settings["context"], digits, 1, number)

    def digits(self, event: PriEvent) -> None:
        """INFORMATION: more of the number, or a digit in a call."""
        call = self._span.call_of(event.call)
        if call is None or call.channel is None:
            return
        overlap = self._overlaps.get(self._span.link.key(call.handle))
        more = event.called or event.digits
        if overlap is None:
            for digit in more:
                call.channel.deliver(Digit(digit, False))
                call.channel.deliver(Digit(digit, True, _DIGIT_MS))
            return
        overlap.digits += more
        if overlap.tone is not None:
            overlap.tone.stop()
            overlap.tone = None
        self._judge(call, call.channel, overlap)

    def _judge(self, call: IsdnCall, channel: DahdiChannel, overlap: _Overlap) -> None:
        plan, context = self._span.pbx.dialplan, call.port.settings["context"]
        number = channel.caller.id.number.text
        if self._exists(call, overlap.digits) and not plan.matches_more(context, overlap.digits, number):
            self._finish(call, channel, overlap)
        elif not plan.can_match(context, overlap.digits, number):
            channel.hangup(causes.UNALLOCATED)
        else:
            self._wait(call, overlap)

    def _finish(self, call: IsdnCall, channel: DahdiChannel, overlap: _Overlap) -> None:
        self.forget(call)
        channel.dialed.number = overlap.digits
        self._start(call, channel, overlap.digits)

    def _timeout(self, call: IsdnCall) -> None:
        overlap = self._overlaps.get(self._span.link.key(call.handle))
        if overlap is None or call.channel is None:
            return
        if self._exists(call, overlap.digits):
            self._finish(call, call.channel, overlap)
        else:
            call.channel.hangup(causes.UNALLOCATED if overlap.digits else causes.INVALID_NUMBER_FORMAT)

    def forget(self, call: IsdnCall) -> None:
        """No more digits are waited for."""
        overlap = self._overlaps.pop(self._span.link.key(call.handle), None)
        if overlap is not None:
            overlap.stop()
