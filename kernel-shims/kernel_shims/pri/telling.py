"""Events out of libpri's structures."""

from __future__ import annotations

from typing import Any

from kernel_shims.pri import charges, completion, parties
from kernel_shims.pri.charges import Asked, PriAsked
from kernel_shims.pri.events import Kind, PartyId, PriEvent, PriMalicious, PriRerouting, PriTransfer

EXPLICIT = 1 << 16
"""In a channel's number: its span is named."""
_SIGNALLING_ONLY, _ON_HOLD = 1 << 17, 1 << 18
_ANY = 0xFF
_NOT_END_TO_END, _INBAND = 1 << 0, 1 << 3
_DIGITAL = 0x08
_RATES, _DURING, _AT_END, _CHARGES_ASKED, _CHARGES_ANSWERED = 18, 19, 20, 21, 22

_ABOUT_CALL = {
    Kind.RINGING: "ringing",
    Kind.ANSWER: "answer",
    Kind.PROCEEDING: "proceeding",
    Kind.PROGRESS: "proceeding",
    Kind.SETUP_ACK: "setup_ack",
    Kind.FACILITY: "facility",
    Kind.NOTIFY: "notify",
    Kind.HANGUP: "hangup",
    Kind.HANGUP_ACK: "hangup",
    Kind.HANGUP_REQUEST: "hangup",
    Kind.HOLD: "hold",
    Kind.HOLD_ACK: "hold_ack",
    Kind.HOLD_REJECT: "hold_rej",
    Kind.RETRIEVE: "retrieve",
    Kind.RETRIEVE_ACK: "retrieve_ack",
    Kind.RETRIEVE_REJECT: "retrieve_rej",
    Kind.CONNECT_ACK: "connect_ack",
    Kind.KEYPAD: "digit",
    Kind.INFORMATION: "ring",
    Kind.RING: "ring",
}
_WITH_PROGRESS = frozenset({Kind.RINGING, Kind.ANSWER, Kind.PROCEEDING, Kind.PROGRESS, Kind.SETUP_ACK})
_ENDS = frozenset({Kind.HANGUP, Kind.HANGUP_ACK, Kind.HANGUP_REQUEST})
_WITH_USER_USER = frozenset({Kind.RING, Kind.RINGING, Kind.ANSWER, *_ENDS})


class Telling:
    """See the text of this file."""

    def __init__(self, ffi: Any, lib: Any) -> None:
        self._ffi, self._lib = ffi, lib

    def event(self, raw: Any) -> PriEvent:
        """What the library tells."""
        kind = Kind(raw.e)
        event = PriEvent(kind)
        if kind in (Kind.RESTART, Kind.RESTART_ACK):
            _place(event, raw.restart.channel)
        elif kind is Kind.CONFIG_ERROR:
            event.display = self._text(raw.err.err)
        elif kind in (Kind.SERVICE, Kind.SERVICE_ACK):
            _place(event, raw.service.channel)
            event.change = raw.service.changestatus
        elif (name := _ABOUT_CALL.get(kind)) is not None:
            part = getattr(raw, name)
            event.call = part.call if part.call else None
            _place(event, part.channel)
            self._details(event, kind, part)
            answers_to = part.subcall if kind is Kind.FACILITY else part.call
            self._subcommands(event, part.subcmds, answers_to)
        return event

    def _text(self, chars: Any) -> str:
        return parties.text(self._ffi, chars)

    def _details(self, event: PriEvent, kind: Kind, part: Any) -> None:
        if kind in _WITH_PROGRESS:
            event.inband = bool(part.progressmask & _INBAND)
            event.interworking = bool(part.progressmask & _NOT_END_TO_END)
        if kind in _WITH_USER_USER:
            event.user_user = self._text(part.useruserinfo)
        if kind is Kind.PROGRESS or kind in _ENDS:
            event.cause = max(0, part.cause)
        if kind in _ENDS:
            event.held, event.active = part.call_held, part.call_active
        elif kind in (Kind.HOLD_REJECT, Kind.RETRIEVE_REJECT):
            event.cause = max(0, part.cause)
        elif kind is Kind.RETRIEVE:
            event.flexible = bool(part.flexible)
        elif kind is Kind.NOTIFY:
            event.notification = part.info
        elif kind is Kind.KEYPAD:
            event.digits = self._text(part.digits)
        elif kind in (Kind.RING, Kind.INFORMATION):
            self._ring(event, part)

    def _ring(self, event: PriEvent, part: Any) -> None:
        event.called = self._text(part.callednum)
        event.called_plan = part.calledplan
        event.called_subaddress = parties.subaddress_of(self._ffi, part.called_subaddress)
        number, name = self._text(part.callingnum), self._text(part.callingname)
        event.caller = PartyId(
            number or None,
            name or None,
            part.callingplan,
            part.callingpres,
            part.calling.name.presentation if part.calling.name.valid else part.callingpres,
            parties.subaddress_of(self._ffi, part.calling.subaddress),
        )
        event.ani, event.ani_plan, event.ani2 = self._text(part.callingani), part.callingplanani, part.ani2
        event.complete = bool(part.complete)
        event.flexible = bool(part.flexible)
        event.capability = max(0, part.ctype)
        event.digital = part.ctype in (_DIGITAL, 0x09)
        event.layer1 = part.layer1
        event.digits = self._text(part.keypad_digits)
        event.redirecting_number = self._text(part.redirectingnum)
        event.redirecting_name = self._text(part.redirectingname)
        event.redirecting_plan = part.callingplanrdnis
        event.redirecting_reason = part.redirectingreason
        event.reverse_charge = part.reversecharge

    def _subcommands(self, event: PriEvent, commands: Any, answers_to: Any) -> None:
        ffi, lib = self._ffi, self._lib
        for index in range(lib.pri_subcommands_count(commands)):
            one = lib.pri_subcommand_at(commands, index)
            match one.cmd:
                case command if _RATES <= command <= _CHARGES_ANSWERED:
                    self._charges(event, one)
                case command if completion.Told.AVAILABLE <= command <= completion.Told.STOP_ALERTING:
                    event.completion += (completion.read(ffi, lib, one),)
                case 2:  # PRI_SUBCMD_CONNECTED_LINE
                    event.connected = parties.party_of(ffi, lib.pri_subcommand_connected(one).id)
                case 1:  # PRI_SUBCMD_REDIRECTING
                    event.redirection = parties.redirection_of(ffi, lib.pri_subcommand_redirecting(one))
                case 3:  # PRI_SUBCMD_REROUTING
                    raw = lib.pri_subcommand_rerouting(one)
                    deflection = parties.redirection_of(ffi, raw.deflection)
                    event.rerouting = PriRerouting(deflection, raw.subscription_option, answers_to, raw.invoke_id)
                case 17:  # PRI_SUBCMD_TRANSFER_CALL
                    raw = lib.pri_subcommand_transfer(one)
                    event.transfer = PriTransfer(raw.call_1, raw.call_2, answers_to, raw.invoke_id)
                case 23:  # PRI_SUBCMD_MCID_REQ
                    raw = lib.pri_subcommand_mcid(one)
                    event.malicious = PriMalicious(
                        parties.party_of(ffi, raw.originator), parties.party_of(ffi, raw.answerer)
                    )
                case 25:  # PRI_SUBCMD_DISPLAY_TEXT
                    display = lib.pri_subcommand_display(one)
                    event.display = bytes(ffi.buffer(display.text))[: display.length].decode("latin-1")

    def _charges(self, event: PriEvent, one: Any) -> None:
        ffi, lib = self._ffi, self._lib
        if one.cmd == _RATES:
            event.advice += (charges.rates_of(ffi, lib.pri_subcommand_aoc_s(one)),)
        elif one.cmd == _DURING:
            event.advice += (charges.charge_of(ffi, lib.pri_subcommand_aoc_d(one), at_end=False),)
        elif one.cmd == _AT_END:
            event.advice += (charges.charge_of(ffi, lib.pri_subcommand_aoc_e(one), at_end=True),)
        elif one.cmd == _CHARGES_ASKED:
            raw = lib.pri_subcommand_aoc_request(one)
            event.asked = PriAsked(Asked(raw.charging_request), raw.invoke_id)
        else:
            raw = lib.pri_subcommand_aoc_response(one)
            if raw.valid_aoc_s:
                event.advice += (charges.rates_of(ffi, ffi.addressof(raw, "aoc_s")),)


def _place(event: PriEvent, channel: int) -> None:
    """Which B channel is meant, or that there is none."""
    if channel < 0 or channel & 0xFF == _ANY:
        event.channel = -1
    else:
        event.channel = channel & 0xFF
        event.none = event.channel == 0
    if channel >= 0:
        event.span = channel >> 8 & 0xFF
        event.explicit = bool(channel & EXPLICIT)
        event.on_hold = bool(channel & _ON_HOLD)
        event.signalling_only = bool(channel & _SIGNALLING_ONLY)
