"""Calls that come in on a linkset: IAM, further digits (SAM), and the continuity check that they may wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel_shims.ss7.events import Clearing, Iam, IsupCall, Kind, Sent, Ss7Event
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.party import Caller, Name, Party
from offhook.drivers.dahdi.ss7 import variables
from offhook.drivers.dahdi.ss7.numbers import number_of, prefixed, presentation_of
from offhook.drivers.dahdi.ss7.states import Blocked, Level
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

_END_OF_DIGITS = "#"
_UNRESTRICTED = 2
"""Transmission medium requirement: 64 kbit/s, not speech (Q.763 3.54)."""


@dataclass(slots=True)
class Arriving:
    """A call that has no channel yet."""

    iam: Iam
    caller: Caller
    digits: str
    complete: bool
    """No further digits will come."""
    continuity: bool
    """A check is awaited."""
    ready: bool = False
    """The dialplan has the number."""


class Incoming:
    """See the text of this file."""

    def __init__(self, linkset: Ss7Linkset) -> None:
        self._linkset = linkset
        self._isup = linkset.isup

    # ---- IAM -------------------------------------------------------------------------------------------------

    def seized(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        """IAM."""
        iam = event.iam
        assert iam is not None
        if circuit.remotely:
            verbose(3, "Linkset %d: IAM on CIC %d, which the far end had blocked", self._linkset.number, circuit.cic)
            circuit.remotely = Blocked(0)
            circuit.in_service = True
        if not circuit.free:
            self._refuse(circuit, call)
            return
        circuit.level = Level.ALLOCATED
        circuit.call_record = call
        self._isup.go_to(call, circuit.point_code)
        circuit.far_echo_control = iam.echo_control
        digits, complete = self._called(circuit, iam)
        waits = iam.continuity_here or iam.continuity_before
        circuit.arriving = Arriving(iam, self._caller(circuit, iam), digits, complete, waits)
        if iam.continuity_here:
            circuit.loop(True)
        if iam.continuity_before:
            self._loop_before(circuit)
        self._judge(circuit, call)

    def _refuse(self, circuit: CircuitPort, call: IsupCall) -> None:
        """The circuit is blocked, in alarm, or busy with another call that the far end knows nothing of."""
        verbose(3, "Linkset %d: IAM on CIC %d, which is not free", self._linkset.number, circuit.cic)
        circuit.arriving = None
        if circuit.channel is None:
            circuit.call_record = call
        self._isup.release(call, causes.NORMAL_CIRCUIT_CONGESTION)
        if circuit.locally:
            self._isup.clear_flags(call, Sent.GOT_IAM)
            self._linkset.hold_or_drop(circuit, call)

    def _called(self, circuit: CircuitPort, iam: Iam) -> tuple[str, bool]:
        if circuit.settings["immediate"]:
            return "s", True
        number = prefixed(iam.called.number, iam.called.nature, self._linkset.values)
        digits, end, _ = number.partition(_END_OF_DIGITS)
        return digits, bool(end)

    def _caller(self, circuit: CircuitPort, iam: Iam) -> Caller:
        party = Party(tag=circuit.settings["cid_tag"])
        number = number_of(iam.calling, self._linkset.values)
        if not circuit.settings["usecallerid"]:
            number = number._replace(text="")
        party.number = number
        name = iam.generic_name if circuit.settings["usecallerid"] else ""
        party.name = Name(True, name, presentation_of(iam.calling))
        ani = Party.of("")
        return Caller(id=party, ani=ani, ani2=iam.originating_line)

    def _loop_before(self, circuit: CircuitPort) -> None:
        """The far end checks the circuit before this one: no call may take it meanwhile."""
        other = self._linkset.circuit(circuit.cic - 1, circuit.point_code)
        if other is not None and other.free:
            other.in_service = False
            other.loop(True)

    # ---- digits ----------------------------------------------------------------------------------------------

    def more(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        """SAM, or T10 has run out."""
        arriving = circuit.arriving
        if arriving is None:
            if circuit.channel is None:
                self._linkset.hold_or_drop(circuit, call)
            return
        circuit.call_record = call
        arriving.continuity = event.continuity_wanted and not event.continuity_passed
        if event.kind is Kind.DIGITS_OVER:
            arriving.complete = True
        else:
            digits, end, _ = event.digits.partition(_END_OF_DIGITS)
            arriving.digits += digits
            arriving.complete = bool(end)
        self._judge(circuit, call)

    def _judge(self, circuit: CircuitPort, call: IsupCall) -> None:
        """Whether the number is complete, may become so, or is none."""
        arriving = circuit.arriving
        assert arriving is not None
        plan, context = self._linkset.pbx.dialplan, circuit.settings["context"]
        digits, number = arriving.digits, arriving.caller.id.number.text
        overlaps = self._linkset.variant == "itu" and not arriving.complete
        if overlaps and plan.matches_more(context, digits, number) and self._isup.wait_for_digits(call):
            return
        if digits and plan.exists(context, digits, 1, number):
            arriving.ready = True
            if arriving.continuity:
                circuit.level = Level.CONTINUITY
            else:
                self._start(circuit, call, arriving)
            return
        verbose(
            3,
            "Linkset %d: extension '%s' in context '%s' does not exist; the call on CIC %d is refused",
            *(self._linkset.number, digits, context, circuit.cic),
        )
        circuit.arriving = None
        self._isup.release(call, causes.UNALLOCATED)

    # ---- continuity ------------------------------------------------------------------------------------------

    def continuity(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        """COT, CCR, CVT or LPA."""
        match event.kind:
            case Kind.COT:
                self._checked(circuit, call, event)
            case Kind.CCR:
                circuit.call_record = call
                circuit.loop(True)
                if self._linkset.variant == "ansi":
                    self._isup.loop_acknowledged(circuit.cic, circuit.point_code)
            case Kind.CVT:
                self._isup.circuit_valid(circuit.cic, circuit.point_code)
                self._linkset.hold_or_drop(circuit, call)
            case _:
                self._linkset.hold_or_drop(circuit, call)

    def _checked(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        if event.continuity_before:
            other = self._linkset.circuit(circuit.cic - 1, circuit.point_code)
            if other is not None:
                other.in_service = True
                other.loop(False)
        circuit.loop(False)
        circuit.call_record = call
        arriving = circuit.arriving
        if arriving is not None and event.passed & Sent.GOT_IAM and event.continuity_passed:
            arriving.continuity = False
            if arriving.ready:
                self._start(circuit, call, arriving)
            return
        circuit.arriving = None  # it failed: the far end tries again with CCR, or takes another circuit
        if circuit.channel is None:
            self._linkset.drop(circuit, call)

    # ---- the call --------------------------------------------------------------------------------------------

    def _start(self, circuit: CircuitPort, call: IsupCall, arriving: Arriving) -> None:
        linkset = self._linkset
        circuit.arriving = None
        circuit.outgoing = False
        circuit.digital = linkset.variant == "itu" and arriving.iam.medium == _UNRESTRICTED
        circuit.clearing = Clearing.SEND_REL
        self._isup.echo_control(call, linkset.values["ss7_default_echocontrol"])
        circuit.level = Level.SETUP
        if not linkset.values["ss7_explicitacm"]:
            circuit.level = Level.PROCEEDING
            if not self._isup.address_complete(call):
                return
        exten = arriving.digits
        channel = circuit.make(State.RING, caller=arriving.caller)
        channel.dialed.number = exten
        variables.describe(channel, arriving.iam, linkset.values)
        channel.exten = exten
        circuit.through()
        channel.start_pbx()
        verbose(3, "Linkset %d: accepting a call to '%s' on CIC %d", linkset.number, exten, circuit.cic)
