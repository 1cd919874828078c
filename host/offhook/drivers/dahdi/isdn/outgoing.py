"""What our side of a call wants, as messages of a span."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, get_args

from kernel_shims.line import LineError
from kernel_shims.pri.charges import Asked
from kernel_shims.pri.events import Redirection
from kernel_shims.pri.link import Setup
from offhook.calls import causes
from offhook.calls.advice import Advice, AtEnd, Termination
from offhook.calls.capability import capability_number, is_digital
from offhook.calls.channel import State
from offhook.calls.completion.recall import monitor_of
from offhook.calls.devices import device_of
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Connected, Redirecting
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.isdn import advice
from offhook.drivers.dahdi.isdn.calls import IsdnCall, Level
from offhook.drivers.dahdi.isdn.clearing import USER_USER
from offhook.drivers.dahdi.isdn.completion import PriMonitor
from offhook.drivers.dahdi.isdn.numbers import (
    REASON_NUMBERS,
    as_it_is,
    caller_of,
    dialled_subaddress,
    told,
    typed,
)

if TYPE_CHECKING:
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.bearer import BearerPort
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

_OPTION = re.compile(r"([AK])\(([^)]*)\)|R")
"""Options after the number: A(sde) asks for advice of charge, K(...) sends keypad digits, R: the called party pays."""
_ASKED = {"s": Asked.RATES, "d": Asked.DURING, "e": Asked.AT_END}
_CALLED_SIDE = (Condition.RINGING, Condition.PROCEEDING, Condition.PROGRESS)
"""What only the called side of a call tells the other."""
_DIGIT_PAUSE_S, _WAIT_S = 0.1, 0.5
"""After a digit that is dialled in tones, and for each w."""


class Outgoing:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span

    def call_out(self, port: BearerPort, channel: DahdiChannel) -> None:
        """Send SETUP. Raises RequestError."""
        address: Address = channel.data["dahdi_address"]
        settings = port.settings.values
        dialled, subaddress = dialled_subaddress(address.number)
        digits, waits, deferred = port.stripped(dialled).partition("w")
        called, plan = typed(digits, settings["pridialplan"], settings)
        options = {found[1] or "R": found[2] or "" for found in _OPTION.finditer(address.extra)}
        capability = capability_number(channel)
        port.digital = port.digital or is_digital(capability)
        call = IsdnCall(None, port, channel, outgoing=True, deferred=deferred, no_digits=not called)
        call.waits = self._span.bearerless.waits(channel)
        overlap = settings["overlapdial"] in ("outgoing", "both")
        completes = monitor_of(channel, device_of(channel.name))
        channel.caller.id.tag = self._tag(called, channel)
        setup = Setup(
            called=called,
            channel=port.address,
            caller=caller_of(channel.connected.id, settings),
            called_plan=plan,
            called_subaddress=subaddress,
            exclusive=not call.waits and (settings["priexclusive"] or self._span.network),
            complete=bool(waits) or not overlap,
            digital=port.digital,
            capability=capability,
            law=port.law,
            redirection=_redirection(channel.redirecting),
            keypad=options.get("K", ""),
            reverse_charge="R" in options,
            advice=Asked(sum(_ASKED.get(letter, 0) for letter in set(options.get("A", "")))),
            user_user=channel.get(USER_USER) or "",
            completes=completes.record if isinstance(completes, PriMonitor) else None,
        )
        try:
            call.handle = self._span.link.setup(setup)
        except LineError as error:
            raise RequestError(causes.NETWORK_OUT_OF_ORDER, f"span {self._span.number}: {error}") from None
        self._span.register(call)
        channel.set_state(State.DIALING)
        self._span.schedule()

    def _tag(self, called: str, channel: DahdiChannel) -> str:
        settings = self._span.settings
        if not settings["append_msn_to_cid_tag"]:
            return str(settings["cid_tag"])
        connected = channel.connected.id.number
        return f"{settings['cid_tag']}_{called if self._span.network else connected.text}"

    def more_digits(self, channel: DahdiChannel, digit: str) -> bool:
        """A digit while the number is still being dialled; True when it went by the D channel."""
        call = self._span.call_on(channel)
        overlaps = self._span.settings["overlapdial"] in ("outgoing", "both")
        if call is None or not call.outgoing or call.level > Level.OVERLAP or not overlaps:
            return False
        call.pressed = digit
        if call.level is Level.SETUP:
            call.pending += digit
        else:
            self._span.link.send_digit(call.handle, digit)
        return True

    def released(self, channel: DahdiChannel, digit: str) -> bool:
        """A key is pressed no more; True when its digit went by the D channel, so that the far end need not hear it."""
        call = self._span.call_on(channel)
        if call is None or not call.pressed or call.pressed != digit:
            return False
        call.pressed = ""
        return True

    def answered(self, channel: DahdiChannel) -> None:
        """Our side answers."""
        call = self._span.call_on(channel)
        if call is not None and call.level < Level.CONNECT:
            call.level = Level.CONNECT
            call.port.through()
            advice.no_rates(self._span.link, call)
            self._span.link.answer(call.handle, 0, digital=call.port.digital)
            self._span.schedule()

    def indicated(self, port: BearerPort, channel: DahdiChannel, condition: Condition, payload: object) -> bool | None:
        """Show a condition on the D channel; None when it has nothing to do with it."""
        call = self._span.call_on(channel)
        if call is None or (call.outgoing and condition in _CALLED_SIDE):
            return None
        match condition:
            case Condition.RINGING:
                if call.level < Level.ALERTING:
                    call.level = Level.ALERTING
                    sound = port.has_sound and not port.digital
                    self._span.link.alerting(call.handle, port.address, inband=sound)
                    port.through()
                return not port.has_sound
            case Condition.PROCEEDING:
                if call.level < Level.PROCEEDING:
                    call.level = Level.PROCEEDING
                    self._span.link.proceeding(call.handle, port.address)
                return True
            case Condition.PROGRESS:
                self._send_progress(call, port)
                return True
            case Condition.INCOMPLETE:
                overlaps = self._span.settings["overlapdial"] in ("incoming", "both")
                if call.level is Level.CONNECT or overlaps:
                    return True
                channel.hangup_cause = causes.INVALID_NUMBER_FORMAT
                return self._send_failure(call, port, channel, Condition.CONGESTION)
            case Condition.BUSY | Condition.CONGESTION:
                return self._send_failure(call, port, channel, condition)
            case Condition.CONNECTED_LINE if isinstance(payload, Connected):
                self._send_connected(call, payload)
                return True
            case Condition.REDIRECTING if isinstance(payload, Redirecting):
                if (redirection := _redirection(payload)) is not None:
                    self._span.link.redirecting(call.handle, redirection)
                return True
            case Condition.AOC if isinstance(payload, get_args(Advice)):
                advice.send(self._span.link, call, payload, self._span.settings)
                if isinstance(payload, AtEnd):
                    self._span.clearing.charged(call)
                return True
            case Condition.AOC if isinstance(payload, Termination):
                self._span.link.hangup(call.handle, -1)
                self._span.schedule()
                return True
            case Condition.MCID:
                self._span.services.report(call)
                return True
            case Condition.HOLD | Condition.UNHOLD:
                return self._span.holding.wanted(call, condition is Condition.HOLD, str(payload or ""))
        return None

    def _send_progress(self, call: IsdnCall, port: BearerPort, cause: int = -1) -> None:
        if call.level < Level.ALERTING and port.has_sound and (not call.progress or cause >= 0):
            call.progress = True
            call.level = max(call.level, Level.PROCEEDING)
            port.digital = False
            self._span.link.progress(call.handle, port.address, cause)
            port.through()

    def _send_failure(self, call: IsdnCall, port: BearerPort, channel: DahdiChannel, condition: Condition) -> bool:
        ends = port.settings["priindication"] == "outofband" or not port.has_sound
        if not ends and (call.outgoing or call.level >= Level.ALERTING):
            return False
        if condition is Condition.BUSY:
            channel.hangup_cause = causes.USER_BUSY
        elif channel.hangup_cause in (0, causes.USER_BUSY, causes.NORMAL_CLEARING):
            channel.hangup_cause = causes.SWITCH_CONGESTION
        if ends:
            channel.request_hangup(channel.hangup_cause)
        else:
            self._send_progress(call, port, channel.hangup_cause)
        return ends

    def _send_connected(self, call: IsdnCall, connected: Connected) -> None:
        when = self._span.settings["colp_send"]
        if when == "block" or (when == "connect" and (call.outgoing or call.level > Level.ALERTING)):
            return
        self._span.link.connected(call.handle, told(connected.id, self._span.settings))

    def dial_deferred(self, call: IsdnCall) -> bool:
        """The far end answered: dial what stands behind a w in tones, before our side hears of that. False when there
        is nothing to dial."""
        if not call.deferred:
            return False
        call.level = Level.DEFER_DIAL
        call.port.through()
        self._span.pbx.spawn(self._dial(call), f"digits of {call.channel}")
        return True

    async def _dial(self, call: IsdnCall) -> None:
        digits, call.deferred = call.deferred, ""
        duration = call.port.settings["toneduration"]
        await asyncio.sleep(_WAIT_S)
        for digit in digits:
            leg = call.port.leg
            if digit in "wW" or leg is None:
                await asyncio.sleep(_WAIT_S)
            else:
                leg.send_digit(digit, duration)
                await asyncio.sleep(duration / 1000 + _DIGIT_PAUSE_S)
        if call.channel is not None and call.level is Level.DEFER_DIAL:
            call.level = Level.CONNECT
            call.channel.deliver(Control(Condition.ANSWER))


def _redirection(redirecting: Redirecting) -> Redirection | None:
    from_ = redirecting.from_
    if not from_.number.valid or not from_.number.text:
        return None
    return Redirection(
        from_=as_it_is(from_),
        to=as_it_is(redirecting.to),
        original=as_it_is(redirecting.orig),
        count=max(1, redirecting.count),
        reason=REASON_NUMBERS.get(redirecting.reason, 0),
        original_reason=REASON_NUMBERS.get(redirecting.orig_reason, 0),
    )
