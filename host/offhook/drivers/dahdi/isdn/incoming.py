"""Calls that come in on a span, whole or digit by digit (overlap)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel_shims.pri.events import PriEvent
from offhook.calls import causes
from offhook.calls.capability import CAPABILITIES, capability_of, set_capability
from offhook.calls.channel import State
from offhook.calls.frames import Digit
from offhook.calls.party import Caller, Party, Subaddress
from offhook.dialplan.patterns import matches as pattern_matches
from offhook.drivers.dahdi.isdn import advice
from offhook.drivers.dahdi.isdn.calls import IsdnCall, Level
from offhook.drivers.dahdi.isdn.numbers import REASON_VARIABLES, party_of, prefixed, subaddress_of
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.isdn.bearer import BearerPort
    from offhook.drivers.dahdi.isdn.span import IsdnSpan
    from offhook.media.playing import Playback

_DIGIT_MS = 100
_DIGITS = "0123456789*#"


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
        if not self._takes(event.called):
            wanted = ",".join(span.settings["msn"])
            text = "Ignoring call to '%s' on span %d.  Its not in the MSN list: %s"
            verbose(3, text, event.called, span.number, wanted)
            span.link.destroy(event.call)
            return
        port = self._port(event)
        if isinstance(port, int):
            span.clearing.reject(event.call, port)
            return
        settings = port.settings
        port.digital = event.digital
        exten = self._exten(event, settings.values)
        plan, context = span.pbx.dialplan, settings["context"]
        caller = self._caller(event, settings)
        number = caller.id.number.text
        overlaps = settings["overlapdial"] in ("incoming", "both") and exten != "s"
        if not plan.exists(context, exten, 1, number) and not (overlaps and plan.can_match(context, exten, number)):
            text = "span %d: Extension %s@%s does not exist.  Rejecting call from '%s'."
            verbose(3, text, span.number, exten, context, number)
            span.clearing.reject(event.call, causes.UNALLOCATED)
            return
        more = overlaps and not event.complete and plan.matches_more(context, exten, number)
        channel = port.make(number, State.RING if not more else State.RESERVED, caller=caller)
        self._describe(channel, event)
        call = IsdnCall(event.call, port, channel, keypad=event.digits, reverse_charge=event.reverse_charge)
        span.register(call)
        if event.asked is not None:
            advice.asked(span.link, call, event.asked, span.settings)
        span.services.told(call, channel, event)
        span.completion.told(event, call)
        if more:
            self._begin_overlap(call, exten)
        elif overlaps and not event.complete and self._goes_on(call, exten):
            span.link.setup_acknowledge(event.call, port.address, inband=False)
            self._start(call, channel, exten, open_ended=True)
        else:
            self._start(call, channel, exten)

    def _port(self, event: PriEvent) -> BearerPort | int:
        """Where the call goes: a B channel, none if it may wait for one, or the cause why it may not come."""
        span = self._span
        if not event.none:
            wanted = span.bearers.get(event.channel)
            if wanted is not None and not span.upkeep.seized(wanted) and not event.flexible:
                return causes.REQUESTED_CHAN_UNAVAIL
            return span.choose(event.channel, flexible=event.flexible)
        port = span.bearerless.port() if span.settings["allow_call_waiting_calls"] else None
        if port is None:
            verbose(3, "span %d: a call without a B channel is refused (allow_call_waiting_calls)", span.number)
        return port or causes.NORMAL_CIRCUIT_CONGESTION

    @staticmethod
    def _exten(event: PriEvent, settings: Mapping[str, Any]) -> str:
        overlaps = settings["overlapdial"] != "no" and not event.complete
        return "s" if settings["immediate"] or not (event.called or overlaps) else event.called

    def _caller(self, event: PriEvent, settings: ChannelSettings) -> Caller:
        party = Party()
        if settings["usecallerid"]:
            party = party_of(event.caller, settings.values)
            party.present(event.caller.presentation)  # also of a number that is withheld
        party.tag = settings["cid_tag"]
        if settings["append_msn_to_cid_tag"]:
            party.tag += f"_{event.caller.number or '' if self._span.network else event.called}"
        ani = party.copy()
        if event.ani and settings["usecallerid"]:
            ani = Party.of(prefixed(event.ani, event.ani_plan, settings.values))
        return Caller(id=party, ani=ani, ani2=max(0, event.ani2) if settings["usecallerid"] else 0)

    def _describe(self, channel: DahdiChannel, event: PriEvent) -> None:
        settings = self._span.settings
        channel.dialed.number = event.called
        channel.dialed.plan = event.called_plan
        channel.dialed.subaddress = subaddress_of(event.called_subaddress)
        if event.redirecting_number:
            number = prefixed(event.redirecting_number, event.redirecting_plan, settings)
            channel.redirecting.from_ = Party.of(number, event.redirecting_name or None)
            channel.redirecting.count = 1
        set_capability(channel, CAPABILITIES.get(event.capability, "SPEECH"))
        found = {
            "CALLINGSUBADDR": _nsap(channel.caller.id.subaddress),
            "CALLEDSUBADDR": _nsap(channel.dialed.subaddress),
            "ANI2": str(event.ani2) if event.ani2 >= 0 else "",
            "CALLEDTON": str(event.called_plan),
            "PRIREDIRECTREASON": _reason(event.redirecting_reason),
            "TRANSFERCAPABILITY": capability_of(channel),
        }
        for name, value in found.items():
            if value:
                channel.set(name, value)

    def _goes_on(self, call: IsdnCall, exten: str) -> bool:
        """Whether more digits lead to the same place: they are for whom that calls ("_9!" dials through)."""
        return any(self._exists(call, exten + digit) for digit in _DIGITS)

    def _start(self, call: IsdnCall, channel: DahdiChannel, exten: str, *, open_ended: bool = False) -> None:
        """Run dialplan. Of a number that is complete the far end is told so, and sends no more digits then."""
        span = self._span
        call.level = Level.OVERLAP if open_ended else Level.PROCEEDING
        if not open_ended:
            span.link.proceeding(call.handle, call.port.address)
        channel.exten = exten
        channel.set_state(State.RING)
        self._accepts("call", call, exten)
        channel.start_pbx()

    def _accepts(self, what: str, call: IsdnCall, exten: str) -> None:
        number = call.channel.caller.id.number.text if call.channel is not None else ""
        text = f"Accepting {what} from '%s' to '%s' on channel %d/%d, span %d"
        verbose(3, text, number, exten or "<unspecified>", call.port.logical, call.port.offset, self._span.number)

    # ---- digit by digit --------------------------------------------------------------------------------------

    def _begin_overlap(self, call: IsdnCall, digits: str) -> None:
        span = self._span
        call.level = Level.OVERLAP
        self._accepts("overlap call", call, digits)
        overlap = self._overlaps[span.link.key(call.handle)] = _Overlap(digits)
        context = call.port.settings["context"]
        tone = not call.port.digital and (not digits or span.pbx.dialplan.ignored(context, digits))
        tone = tone and call.port.has_sound
        span.link.setup_acknowledge(call.handle, call.port.address, inband=tone)
        if tone:
            call.port.through()
            if call.port.leg is not None:
                overlap.tone = call.port.leg.tones(call.port.tone("dial"))
        self._wait(call, overlap)

    def _wait(self, call: IsdnCall, overlap: _Overlap) -> None:
        settings = self._span.settings
        name = "matchdigit_timeout" if self._exists(call, overlap.digits) else "interdigit_timeout"
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
        self._span.services.told(call, call.channel, event)
        overlap = self._overlaps.get(self._span.link.key(call.handle))
        more = event.called or event.digits
        if overlap is None:
            for digit in more if self._span.settings["overlapdial"] in ("incoming", "both") else "":
                call.channel.deliver(Digit(digit, False))
                call.channel.deliver(Digit(digit, True, _DIGIT_MS))
            return
        overlap.digits += more
        context = call.port.settings["context"]
        if overlap.tone is not None and not self._span.pbx.dialplan.ignored(context, overlap.digits):
            overlap.tone.stop()
            overlap.tone = None
        self._judge(call, call.channel, overlap)

    def _judge(self, call: IsdnCall, channel: DahdiChannel, overlap: _Overlap) -> None:
        plan, context = self._span.pbx.dialplan, call.port.settings["context"]
        number = channel.caller.id.number.text
        if self._exists(call, overlap.digits) and not plan.matches_more(context, overlap.digits, number):
            self._finish(call, channel, overlap.digits)
        elif not plan.can_match(context, overlap.digits, number):
            channel.hangup(causes.UNALLOCATED)
        else:
            self._wait(call, overlap)

    def _finish(self, call: IsdnCall, channel: DahdiChannel, digits: str) -> None:
        settings = self._span.settings
        self.forget(call)
        if digits:
            channel.dialed.number = digits
            if settings["append_msn_to_cid_tag"] and not self._span.network:
                channel.caller.id.tag = f"{settings['cid_tag']}_{digits}"
        exten = digits or "s"
        self._start(call, channel, exten, open_ended=self._goes_on(call, exten))

    def _timeout(self, call: IsdnCall) -> None:
        overlap = self._overlaps.get(self._span.link.key(call.handle))
        if overlap is None or call.channel is None:
            return
        if self._exists(call, overlap.digits or "s"):
            self._finish(call, call.channel, overlap.digits)
        else:
            call.channel.hangup(causes.UNALLOCATED)

    def forget(self, call: IsdnCall) -> None:
        """No more digits are waited for."""
        overlap = self._overlaps.pop(self._span.link.key(call.handle), None)
        if overlap is not None:
            overlap.stop()


def _nsap(subaddress: Subaddress) -> str:
    return subaddress.text if subaddress.valid and subaddress.type == 0 else ""


def _reason(number: int) -> str:
    return REASON_VARIABLES.get(number, "NOREDIRECT") if number >= 0 else ""
