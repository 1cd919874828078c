"""Messages of circuits. Each does nothing, and says False, on a record that the library has freed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel_shims.line import LineError
from kernel_shims.ss7.events import Address, IsupCall
from kernel_shims.ss7.linkset import Linkset

MOST_DIGITS = 32
"""Of a number that is sent."""
MOST_CIRCUITS = 32
"""Of a group message."""
_LONGEST_NAME = 15
_CHARGE_SUBSCRIBER, _CHARGE_ISDN = 1, 0x10
_CALLING_NAME = 1
_PROVIDER_TYPE, _PROVIDER_SCHEME = 0x18, 0x07


@dataclass(slots=True)
class Seizure:
    """What a call out is set up with; None and "" are left to the library, or out."""

    called: Address
    calling: Address | None = None
    originating_line: int = 0
    echo_control: bool = False
    medium: int | None = None
    """Transmission medium requirement (Q.763 3.54)."""
    charge_number: str = ""
    generic_address: str = ""
    generic_digits: tuple[str, int, int] | None = None
    """Digits, type and scheme."""
    generic_name: str = ""
    jurisdiction: str = ""
    service_providers: list[str] = field(default_factory=list)
    call_reference: tuple[int, int] | None = None
    """Number and point code."""
    collect: bool = False
    closed_group: tuple[int, str, int] | None = None
    """Indicator, network and code."""
    original_called: Address | None = None
    redirecting: Address | None = None
    redirection: tuple[int, int, int, int] | None = None
    """Indicator, original reason, counter and reason."""
    interworking: bool | None = None
    forward_bits: int | None = None
    """P to M of the forward call indicators, for national use (Q.763 3.23)."""
    facility_request: bool = False


def _digits(text: str) -> bytes:
    return "".join(digit for digit in text if digit in "0123456789ABCDEabcde#*")[:MOST_DIGITS].encode()


class Isup:
    """See the text of this file."""

    def __init__(self, linkset: Linkset) -> None:
        self._set = linkset
        self._lib: Any = linkset.lib
        self.on_sent: Callable[[str, IsupCall], None] | None = None
        """Called with the name of each message that was sent ("ACM") and its record."""

    # ---- records ---------------------------------------------------------------------------------------------

    def new(self, cic: int, point_code: int, *, outgoing: bool = False) -> IsupCall:
        """A record for a circuit. Raises LineError when the library has no memory."""
        pointer = self._lib.isup_new_call(self._set.handle, cic, point_code, int(outgoing))
        if not pointer:
            raise LineError(f"libss7 has no room for circuit {cic}")
        return self._set.know(pointer, cic)

    def free(self, call: IsupCall) -> None:
        """Forget a record without a word to the far end."""
        if call.alive and self._set.handle is not None:
            self._lib.isup_free_call(self._set.handle, call.pointer)
            self._set.forget(call)

    def free_if_clear(self, call: IsupCall) -> IsupCall | None:
        """Forget a record that waits for nothing; None when it is gone."""
        if call.alive and self._set.handle is not None:
            if self._lib.isup_free_call_if_clear(self._set.handle, call.pointer):
                return call
            self._set.forget(call)
        return None

    def clear_flags(self, call: IsupCall, flags: int) -> None:
        """Have it that these messages have not passed."""
        if call.alive:
            self._lib.isup_clear_callflags(self._set.handle, call.pointer, flags)

    def go_to(self, call: IsupCall, point_code: int) -> None:
        """Where its messages go."""
        if call.alive:
            self._lib.isup_set_call_dpc(call.pointer, point_code)

    def _send(self, name: str, call: IsupCall, *values: Any) -> bool:
        if not call.alive or self._set.handle is None:
            return False
        if not self._set.up:
            self._set.abandon(call)
            return False
        self._set.keep_time()
        sent = bool(getattr(self._lib, f"isup_{name}")(self._set.handle, call.pointer, *values) > -1)
        if sent and self.on_sent is not None:
            self.on_sent(name.upper(), call)
        return sent

    # ---- calls -----------------------------------------------------------------------------------------------

    def seize(self, call: IsupCall, seizure: Seizure) -> bool:
        """Send IAM."""
        if not call.alive:
            return False
        lib, pointer = self._lib, call.pointer
        called = seizure.called
        lib.isup_set_called(pointer, _digits(called.number), called.nature, self._set.handle)
        if seizure.calling is not None:
            self._address("calling", pointer, seizure.calling)
        lib.isup_set_oli(pointer, seizure.originating_line)
        lib.isup_set_echocontrol(pointer, int(seizure.echo_control))
        if seizure.medium is not None:
            lib.isup_set_tmr(pointer, seizure.medium)
        self._extras(pointer, seizure)
        if seizure.facility_request and not self._send("far", call) and not call.alive:
            return False
        return self._send("iam", call)

    def _address(self, name: str, pointer: Any, address: Address) -> None:
        number = _digits(address.number) if address.number else self._set.ffi.NULL
        setter = getattr(self._lib, f"isup_set_{name}")
        setter(pointer, number, address.nature, address.presentation, address.screening)

    def _extras(self, pointer: Any, seizure: Seizure) -> None:
        lib = self._lib
        if seizure.charge_number:
            lib.isup_set_charge(pointer, _digits(seizure.charge_number), _CHARGE_SUBSCRIBER, _CHARGE_ISDN)
        if seizure.generic_address:
            lib.isup_set_gen_address(pointer, _digits(seizure.generic_address), 0, 0, 0, 0)
        if seizure.generic_digits is not None:
            digits, kind, scheme = seizure.generic_digits
            lib.isup_set_gen_digits(pointer, _digits(digits), kind & 0x1F, scheme & 0x07)
        if seizure.generic_name:
            name = seizure.generic_name.encode("latin-1", "replace")[:_LONGEST_NAME]
            lib.isup_set_generic_name(pointer, name, _CALLING_NAME, 0, 0)
        if seizure.jurisdiction:
            lib.isup_set_jip_digits(pointer, _digits(seizure.jurisdiction))
        for provider in seizure.service_providers:
            lib.isup_set_lspi(pointer, _digits(provider), _PROVIDER_TYPE, _PROVIDER_SCHEME, 0)
        if seizure.call_reference is not None:
            lib.isup_set_callref(pointer, *seizure.call_reference)
        if seizure.collect:
            lib.isup_set_col_req(pointer)
        if seizure.closed_group is not None:
            indicator, network, code = seizure.closed_group
            lib.isup_set_cug(pointer, indicator, network.encode()[:4], code & 0xFFFF)
        self.redirect(pointer, seizure)
        if seizure.interworking is not None:
            lib.isup_set_interworking_indicator(pointer, int(seizure.interworking))
        if seizure.forward_bits is not None:
            lib.isup_set_forward_indicator_pmbits(pointer, seizure.forward_bits & 0xFF)

    def redirect(self, pointer: Any, seizure: Seizure) -> None:
        """Who redirected the call."""
        if seizure.redirection is not None:
            self._lib.isup_set_redirect_counter(pointer, seizure.redirection[2])
            self._lib.isup_set_redirection_info(pointer, *seizure.redirection)
        if seizure.original_called is not None:
            self._address("orig_called_num", pointer, seizure.original_called)
        if seizure.redirecting is not None:
            self._address("redirecting_number", pointer, seizure.redirecting)

    def echo_control(self, call: IsupCall, on: bool) -> None:
        """What we tell of our echo control."""
        if call.alive:
            self._lib.isup_set_echocontrol(call.pointer, int(on))

    def connected(self, call: IsupCall, address: Address) -> None:
        """Who has answered; goes with the next message that can have it."""
        if call.alive:
            self._address("connected", call.pointer, address)

    def address_complete(self, call: IsupCall) -> bool:
        """Send ACM."""
        return self._send("acm", call)

    def progress(self, call: IsupCall, event: int) -> bool:
        """Send CPG."""
        return self._send("cpg", call, event)

    def answer(self, call: IsupCall) -> bool:
        """Send ANM."""
        return self._send("anm", call)

    def connect(self, call: IsupCall) -> bool:
        """Send CON: answered, without an ACM before."""
        return self._send("con", call)

    def suspend(self, call: IsupCall, *, network: bool) -> bool:
        """Send SUS."""
        return self._send("sus", call, int(network))

    def resume(self, call: IsupCall, *, network: bool) -> bool:
        """Send RES."""
        return self._send("res", call, int(network))

    def release(self, call: IsupCall, cause: int) -> bool:
        """Send REL with a cause of Q.850."""
        return self._send("rel", call, cause)

    def released(self, call: IsupCall) -> bool:
        """Send RLC."""
        return self._send("rlc", call)

    def refuse_facility(self, call: IsupCall) -> bool:
        """Send FRJ."""
        return self._send("frj", call)

    def wait_for_digits(self, call: IsupCall) -> bool:
        """Start T10, after which DIGITS_OVER comes; False when it is not set."""
        return call.alive and self._lib.isup_start_digittimeout(self._set.handle, call.pointer) == 0

    def take_iam(self, call: IsupCall, point_code: int) -> None:
        """Have the IAM that came on a circuit we had seized told as an event."""
        if call.alive:
            self._set.keep_time()
            self._lib.isup_event_iam(self._set.handle, call.pointer, point_code)

    # ---- circuits --------------------------------------------------------------------------------------------

    def reset(self, call: IsupCall) -> bool:
        """Send RSC."""
        return self._send("rsc", call)

    def block(self, call: IsupCall, on: bool) -> bool:
        """Send BLO, or UBL."""
        return self._send("blo" if on else "ubl", call)

    def blocked(self, call: IsupCall, on: bool) -> bool:
        """Send BLA, or UBA."""
        return self._send("bla" if on else "uba", call)

    def reset_group(self, call: IsupCall, last: int) -> bool:
        """Send GRS for circuits from the record's to ``last``."""
        return self._send("grs", call, last)

    def group_is_reset(self, call: IsupCall, last: int, blocked: Sequence[bool]) -> bool:
        """Send GRA: which of them are blocked for maintenance."""
        return self._send("gra", call, last, self._status(blocked))

    def block_group(self, call: IsupCall, last: int, which: Sequence[bool], *, on: bool, hardware: bool) -> bool:
        """Send CGB, or CGU."""
        return self._send("cgb" if on else "cgu", call, last, self._status(which), int(hardware))

    def group_is_blocked(self, call: IsupCall, last: int, which: Sequence[bool], *, on: bool) -> bool:
        """Send CGBA, or CGUA."""
        return self._send("cgba" if on else "cgua", call, last, self._status(which))

    def _status(self, which: Sequence[bool]) -> Any:
        places = self._set.ffi.new("unsigned char[255]")
        for place, on in enumerate(which[:MOST_CIRCUITS]):
            places[place] = int(on)
        return places

    def loop_acknowledged(self, cic: int, point_code: int) -> None:
        """Send LPA."""
        self._lib.isup_lpa(self._set.handle, cic, point_code)

    def circuit_valid(self, cic: int, point_code: int) -> None:
        """Send CVR."""
        self._lib.isup_cvr(self._set.handle, cic, point_code)

    def unequipped(self, cic: int, point_code: int) -> None:
        """Send UCIC."""
        self._lib.isup_ucic(self._set.handle, cic, point_code)

    def states(self, first: int, last: int, point_code: int, states: Sequence[int]) -> None:
        """Send CQR: the state of each circuit (Q.763 3.14)."""
        places = self._set.ffi.new("unsigned char[255]")
        for place, state in enumerate(states[:MOST_CIRCUITS]):
            places[place] = state & 0xFF
        self._lib.isup_cqr(self._set.handle, first, last, point_code, places)
