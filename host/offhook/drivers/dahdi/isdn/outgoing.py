"""What our side of a call wants, as messages of a span."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from kernel_shims.line import LineError
from kernel_shims.pri.charges import Asked
from kernel_shims.pri.events import PartyId, Redirection
from kernel_shims.pri.link import Setup
from offhook.calls import causes
from offhook.calls.advice import Advice
from offhook.calls.channel import State
from offhook.calls.frames import Condition
from offhook.calls.party import Connected
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.isdn import advice
from offhook.drivers.dahdi.isdn.calls import REMOTE_HOLD, REMOTE_RETRIEVAL, IsdnCall, Level
from offhook.drivers.dahdi.isdn.numbers import caller_of, typed

if TYPE_CHECKING:
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.bearer import BearerPort
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

_OPTION = re.compile(r"([AK])\(([^)]*)\)|R")
"""Options after the number: A(sde) asks for advice of charge, K(...) sends keypad digits, R: the called party pays."""
_ASKED = {"s": Asked.RATES, "d": Asked.DURING, "e": Asked.AT_END}
_REASONS = {"cfb": 1, "cfnr": 2, "unavailable": 2, "cfu": 15, "deflection": 4, "time_of_day": 10, "dnd": 5}
_CALLED_SIDE = (Condition.RINGING, Condition.PROCEEDING, Condition.PROGRESS)
"""What only the called side of a call tells the other."""


class Outgoing:
    """See the text of this file."""

    def __init__(self, span: IsdnSpan) -> None:
        self._span = span

    def call_out(self, port: BearerPort, channel: DahdiChannel) -> None:
        """Send SETUP. Raises RequestError."""
        address: Address = channel.data["dahdi_address"]
        settings = self._span.settings
        digits = address.number[settings["stripmsd"] :]
        overlap = settings["overlapdial"] in ("outgoing", "both")
        called, plan = typed(digits, settings["pridialplan"], settings)
        options = {found[1] or "R": found[2] or "" for found in _OPTION.finditer(address.extra)}
        setup = Setup(
            called=called,
            channel=port.address,
            caller=caller_of(channel.connected.id, settings),
            called_plan=plan,
            exclusive=settings["priexclusive"] or "_net" in self._span.signalling,
            complete=not overlap,
            digital=address.digital,
            law=port.law,
            redirection=_redirection(channel),
            keypad=options.get("K", ""),
            reverse_charge="R" in options,
            advice=Asked(sum(_ASKED.get(letter, 0) for letter in set(options.get("A", "")))),
        )
        try:
            handle = self._span.link.setup(setup)
        except LineError as error:
            raise RequestError(causes.NETWORK_OUT_OF_ORDER, f"span {self._span.number}: {error}") from None
        self._span.register(IsdnCall(handle, port, channel, outgoing=True))
        channel.set_state(State.DIALING)
        self._span.schedule()

    def more_digits(self, channel: DahdiChannel, digit: str) -> bool:
        """A digit while the number is still being dialled; True when it went by the D channel."""
        call = self._span.call_on(channel)
        overlaps = self._span.settings["overlapdial"] in ("outgoing", "both")
        if call is None or not call.outgoing or call.level > Level.OVERLAP or not overlaps:
            return False
        if call.level is Level.SETUP:
            call.pending += digit
        else:
            self._span.link.send_digit(call.handle, digit)
        return True

    def answered(self, channel: DahdiChannel) -> None:
        """Our side answers."""
        call = self._span.call_on(channel)
        if call is not None and call.level < Level.CONNECTED:
            call.level = Level.CONNECTED
            call.port.through()
            advice.no_rates(self._span.link, call)
            self._span.link.answer(call.handle, call.port.address)
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
                    self._span.link.alerting(call.handle, port.address, inband=not port.digital)
                    port.through()
                return False
            case Condition.PROCEEDING:
                if call.level < Level.PROCEEDING:
                    call.level = Level.PROCEEDING
                    self._span.link.proceeding(call.handle, port.address)
                return True
            case Condition.PROGRESS:
                self._send_progress(call, port)
                return True
            case Condition.BUSY | Condition.CONGESTION if call.level < Level.CONNECTED:
                return self._send_failure(call, port, channel, condition)
            case Condition.CONNECTED_LINE if (
                isinstance(payload, Connected) and self._span.settings["colp_send"] != "block"
            ):
                self._send_connected(call, payload)
                return True
            case Condition.AOC if isinstance(payload, get_args(Advice)):
                advice.send(self._span.link, call, payload, self._span.settings)
                return True
            case Condition.HOLD | Condition.UNHOLD:
                return self._send_hold(call, port, condition is Condition.HOLD)
        return None

    def _send_progress(self, call: IsdnCall, port: BearerPort) -> None:
        if not call.progress and call.level < Level.ALERTING:
            call.progress = True
            call.level = max(call.level, Level.PROCEEDING)
            self._span.link.progress(call.handle, port.address)
            port.through()

    def _send_failure(self, call: IsdnCall, port: BearerPort, channel: DahdiChannel, condition: Condition) -> bool:
        busy = condition is Condition.BUSY
        channel.hangup_cause = causes.USER_BUSY if busy else causes.NORMAL_CIRCUIT_CONGESTION
        if self._span.settings["priindication"] == "outofband":
            channel.request_hangup(channel.hangup_cause)
            return True
        self._send_progress(call, port)
        return False

    def _send_connected(self, call: IsdnCall, connected: Connected) -> None:
        party = connected.id
        if call.level is Level.CONNECTED and self._span.settings["colp_send"] == "connect":
            return
        number, plan = typed(
            party.number.text, self._span.settings["pricpndialplan"], self._span.settings, party.number.plan
        )
        told = PartyId(
            number if party.number.valid else None,
            party.name.text if party.name.valid else None,
            plan,
            party.number.presentation,
            party.name.presentation,
        )
        self._span.link.connected(call.handle, told)

    def _send_hold(self, call: IsdnCall, port: BearerPort, on: bool) -> bool:
        match self._span.settings["moh_signaling"]:
            case "notify":
                self._span.link.notify(call.handle, port.address, REMOTE_HOLD if on else REMOTE_RETRIEVAL)
                return True
            case "hold":
                return self._span.link.hold(call.handle) if on else self._span.link.retrieve(call.handle, port.address)
        return False


def _redirection(channel: DahdiChannel) -> Redirection | None:
    redirecting = channel.redirecting
    from_ = redirecting.from_
    if not from_.number.valid or not from_.number.text:
        return None
    return Redirection(
        from_=PartyId(from_.number.text, from_.name.text or None, from_.number.plan, from_.number.presentation),
        count=max(1, redirecting.count),
        reason=_REASONS.get(redirecting.reason, 0),
    )
