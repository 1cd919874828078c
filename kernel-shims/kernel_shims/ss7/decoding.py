"""libss7's events as ours. Everything is copied: the library uses the place again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernel_shims.ss7.events import Address, Iam, IsupCall, Kind, Ss7Event

_PARTS = {
    Kind.IAM: "iam",
    Kind.ACM: "acm",
    Kind.ANM: "anm",
    Kind.CON: "con",
    Kind.CPG: "cpg",
    Kind.REL: "rel",
    Kind.RLC: "rlc",
    Kind.RSC: "rsc",
    Kind.COT: "cot",
    Kind.CCR: "ccr",
    Kind.CVT: "cvt",
    Kind.BLO: "blo",
    Kind.UBL: "ubl",
    Kind.BLA: "bla",
    Kind.UBA: "uba",
    Kind.UCIC: "ucic",
    Kind.LPA: "lpa",
    Kind.FAR: "far",
    Kind.FAA: "faa",
    Kind.FRJ: "frj",
    Kind.SUS: "sus",
    Kind.RES: "res",
    Kind.SAM: "sam",
    Kind.DIGITS_OVER: "digittimeout",
}
_GROUPS = {
    Kind.GRS: "grs",
    Kind.GRA: "gra",
    Kind.CGB: "cgb",
    Kind.CGU: "cgu",
    Kind.CGBA: "cgba",
    Kind.CGUA: "cgua",
    Kind.CQM: "cqm",
}
_PASSED = frozenset(_PARTS) - {Kind.FAR, Kind.FAA, Kind.FRJ, Kind.DIGITS_OVER, Kind.CVT}
_MOST_IN_GROUP = 255
_SUBSCRIBER_FREE = 1
"""Called party's status in an ACM (Q.763 3.5)."""


class Decoder:
    """See the text of this file. ``known`` gives the record of a call for the library's pointer."""

    def __init__(self, ffi: Any, known: Callable[[Any, int], IsupCall]) -> None:
        self._ffi = ffi
        self._known = known

    def text(self, chars: Any) -> str:
        """A text inside an event."""
        return bytes(self._ffi.buffer(chars)).split(b"\0", 1)[0].decode("latin-1")

    def event(self, raw: Any) -> Ss7Event | None:
        """The event; None for a number that is none of Kind's."""
        try:
            kind = Kind(raw.e)
        except ValueError:
            return None
        event = Ss7Event(kind)
        if kind in _GROUPS:
            self._group(event, getattr(raw, _GROUPS[kind]))
        elif kind in _PARTS:
            self._single(event, getattr(raw, _PARTS[kind]))
        return event

    def _group(self, event: Ss7Event, part: Any) -> None:
        event.cic, event.last, event.point_code = part.startcic, part.endcic, part.opc
        event.call = self._known(part.call, part.startcic)
        event.hardware = part.type != 0
        event.passed = int(part.got_sent_msg) if event.kind is Kind.GRA else 0
        if event.kind not in (Kind.GRS, Kind.CQM):
            count = max(0, min(_MOST_IN_GROUP, event.last - event.cic + 1))
            event.status = [bool(part.status[place]) for place in range(count)]

    def _single(self, event: Ss7Event, part: Any) -> None:
        event.cic, event.point_code = part.cic, part.opc
        event.call = self._known(part.call, part.cic)
        if event.kind in _PASSED:
            event.passed = int(part.got_sent_msg)
        match event.kind:
            case Kind.IAM:
                event.iam = self._iam(part)
            case Kind.REL:
                event.cause = part.cause
            case Kind.ACM:
                event.called_free = part.called_party_status_ind == _SUBSCRIBER_FREE
                event.echo_control = bool(part.echocontrol_ind)
            case Kind.ANM | Kind.CON | Kind.CPG:
                event.echo_control = bool(part.echocontrol_ind)
                event.connected = self._connected(part)
                event.progress = part.event & 0x7F if event.kind is Kind.CPG else 0
            case Kind.COT:
                event.continuity_passed = bool(part.passed)
                event.continuity_before = bool(part.cot_performed_on_previous_cic)
            case Kind.SAM | Kind.DIGITS_OVER:
                event.continuity_before = bool(part.cot_performed_on_previous_cic)
                event.continuity_wanted = bool(part.cot_check_required) or event.continuity_before
                event.continuity_passed = bool(part.cot_check_passed)
                event.digits = self.text(part.called_party_num) if event.kind is Kind.SAM else ""
            case Kind.SUS | Kind.RES:
                event.network = bool(part.network_isdn_indicator)

    def _connected(self, part: Any) -> Address | None:
        number = self.text(part.connected_num)
        if not number:
            return None
        return Address(
            number, part.connected_nai, part.connected_presentation_ind & 3, part.connected_screening_ind & 3
        )

    def _iam(self, part: Any) -> Iam:
        text = self.text
        redirection = (
            part.redirect_info_ind,
            part.redirect_info_orig_reas,
            part.redirect_info_counter,
            part.redirect_info_reas,
        )
        return Iam(
            called=Address(text(part.called_party_num), part.called_nai),
            calling=Address(
                text(part.calling_party_num), part.calling_nai, part.presentation_ind & 3, part.screening_ind & 3
            ),
            category=part.calling_party_cat,
            continuity_here=bool(part.cot_check_required),
            continuity_before=bool(part.cot_performed_on_previous_cic),
            echo_control=bool(part.echocontrol_ind),
            medium=part.transcap,
            charge_number=text(part.charge_number),
            originating_line=max(0, part.oli_ani2),
            generic_address=text(part.gen_add_number),
            generic_address_type=part.gen_add_type,
            generic_address_nature=part.gen_add_nai,
            generic_address_presentation=part.gen_add_pres_ind,
            generic_address_plan=part.gen_add_num_plan,
            generic_digits=text(part.gen_dig_number),
            generic_digits_type=part.gen_dig_type,
            generic_digits_scheme=part.gen_dig_scheme,
            generic_name=text(part.generic_name),
            jurisdiction=text(part.jip_number),
            service_provider=text(part.lspi_ident),
            original_called=Address(
                text(part.orig_called_num),
                part.orig_called_nai,
                part.orig_called_pres_ind & 3,
                part.orig_called_screening_ind & 3,
            ),
            redirecting=Address(
                text(part.redirecting_num),
                part.redirecting_num_nai,
                part.redirecting_num_presentation_ind & 3,
                part.redirecting_num_screening_ind & 3,
            ),
            redirect_counter=part.redirect_counter,
            redirection=redirection if part.redirect_info else None,
            closed_group=part.cug_indicator,
            closed_group_code=part.cug_interlock_code,
            closed_group_network=text(part.cug_interlock_ni),
        )
