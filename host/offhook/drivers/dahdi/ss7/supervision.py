"""Circuits and groups of them: blocking, reset, queries (Q.764 2.8 and 2.9)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from kernel_shims.ss7.events import Clearing, IsupCall, Kind, Sent, Ss7Event
from offhook.calls import causes
from offhook.drivers.dahdi.ss7.states import BOTH, Blocked, Level
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

log = logging.getLogger(__name__)
_GROUP = {"itu": 32, "ansi": 24}
"""Circuits of the largest group (Q.763 3.43, T1.113)."""


class Supervision:
    """See the text of this file."""

    def __init__(self, linkset: Ss7Linkset) -> None:
        self._linkset = linkset
        self._isup = linkset.isup

    # ---- what the far end wants of one circuit ------------------------------------------------------------------

    def single(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        """RSC, BLO, UBL, BLA, UBA or UCIC."""
        match event.kind:
            case Kind.RSC:
                self._was_reset(circuit, call, event)
            case Kind.BLO:
                circuit.remotely |= Blocked.MAINTENANCE
                self._isup.blocked(call, True)
                self._linkset.hold_or_drop(circuit, call)
                if event.passed & Sent.IAM:
                    self._try_elsewhere(circuit)
            case Kind.UBL:
                circuit.remotely &= ~Blocked.MAINTENANCE
                self._isup.blocked(call, False)
                self._linkset.hold_or_drop(circuit, call)
            case Kind.BLA:
                circuit.locally |= Blocked.MAINTENANCE
                self._linkset.hold_or_drop(circuit, call)
            case Kind.UBA:
                circuit.locally &= ~Blocked.MAINTENANCE
                self._linkset.hold_or_drop(circuit, call)
            case Kind.UCIC:
                self._unequipped(circuit, call)

    def _was_reset(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        verbose(3, "Linkset %d: CIC %d is reset", self._linkset.number, circuit.cic)
        circuit.call_record = call
        circuit.in_service = True
        circuit.remotely = Blocked(0)
        circuit.arriving = None
        circuit.loop(False)
        if circuit.locally & Blocked.MAINTENANCE:
            self._isup.block(call, True)
        else:
            circuit.locally = Blocked(0)
        channel = circuit.channel
        if channel is None:
            self._isup.released(call)
            self._linkset.drop(circuit, call)
            return
        circuit.clearing = Clearing.SEND_RLC
        channel.note_cause(causes.INTERWORKING, "SS7 ISUP_EVENT_RSC")
        if event.passed & Sent.IAM and circuit.level < Level.PROCEEDING:
            self._linkset.try_again(circuit, channel)
        else:
            channel.far_end_hangup(causes.NORMAL_CLEARING)  # Q.784 6.2.3

    def _try_elsewhere(self, circuit: CircuitPort) -> None:
        """A circuit was blocked after we had seized it (Q.784 6.2.2)."""
        channel = circuit.channel
        if channel is not None and circuit.outgoing and circuit.level < Level.PROCEEDING:
            circuit.clearing = Clearing.SEND_REL
            self._linkset.try_again(circuit, channel)

    def _unequipped(self, circuit: CircuitPort, call: IsupCall) -> None:
        log.warning("Linkset %d: the far end has no CIC %d", self._linkset.number, circuit.cic)
        circuit.remotely |= Blocked.MAINTENANCE
        circuit.in_service = False
        circuit.call_record = None
        self._isup.free(call)
        channel = circuit.channel
        if channel is None:
            circuit.rest()
        else:
            circuit.clearing = Clearing.NOTHING
            self._linkset.try_again(circuit, channel)

    # ---- what it wants of a group ---------------------------------------------------------------------------------

    def group(self, event: Ss7Event) -> None:
        """GRS, GRA, CGB, CGU, CGBA, CGUA or CQM."""
        call = event.call
        assert call is not None
        linkset = self._linkset
        first = linkset.circuit(event.cic, event.point_code)
        if first is None:
            log.warning(
                "Linkset %d: %s for CIC %d-%d of point code %s, which are not configured",
                *(linkset.number, event.kind.name, event.cic, event.last, linkset.point_code_text(event.point_code)),
            )
            self._isup.free(call)
            return
        circuits = linkset.between(event.cic, event.last, event.point_code)
        meant = [one for one in circuits if event.status[one.cic - event.cic : one.cic - event.cic + 1] == [True]]
        reason = Blocked.HARDWARE if event.hardware else Blocked.MAINTENANCE
        match event.kind:
            case Kind.GRS:
                self._group_was_reset(first, circuits, event)
            case Kind.GRA:
                verbose(3, "Linkset %d: CIC %d-%d are reset", linkset.number, event.cic, event.last)
                first.awaits_reset = bool(event.passed & Sent.SECOND_GRS)
                self._isup.clear_flags(call, Sent.CALL)
                for circuit in circuits:
                    circuit.in_service = True
                    if circuit in meant:
                        circuit.remotely |= Blocked.MAINTENANCE
                linkset.hold_or_drop(first, call)
            case Kind.CGB | Kind.CGU:
                on = event.kind is Kind.CGB
                self._block_remotely(meant, reason, on=on)
                equipped = [self._has(event.cic + place, meant) for place in range(len(event.status))]
                self._isup.group_is_blocked(call, event.last, equipped, on=on)
                linkset.hold_or_drop(first, call)
            case Kind.CGBA | Kind.CGUA:
                for circuit in meant:
                    on = event.kind is Kind.CGBA
                    circuit.locally = circuit.locally | reason if on else circuit.locally & ~reason
                linkset.hold_or_drop(first, call)
            case Kind.CQM:
                states = [self._state(linkset.circuit(cic, event.point_code)) for cic in self._codes(event)]
                self._isup.states(event.cic, event.last, event.point_code, states)
                linkset.hold_or_drop(first, call)

    @staticmethod
    def _codes(event: Ss7Event) -> range:
        return range(event.cic, event.last + 1)

    @staticmethod
    def _has(cic: int, circuits: Sequence[CircuitPort]) -> bool:
        return any(one.cic == cic for one in circuits)

    def _block_remotely(self, circuits: Sequence[CircuitPort], reason: Blocked, *, on: bool) -> None:
        for circuit in circuits:
            circuit.remotely = circuit.remotely | reason if on else circuit.remotely & ~reason
            if on:
                self._try_elsewhere(circuit)

    def _group_was_reset(self, first: CircuitPort, circuits: Sequence[CircuitPort], event: Ss7Event) -> None:
        call, linkset = event.call, self._linkset
        assert call is not None
        if len(circuits) != event.last - event.cic + 1:
            log.warning(
                "Linkset %d: GRS for CIC %d-%d, of which some are not configured; ignored",
                *(linkset.number, event.cic, event.last),
            )
            linkset.hold_or_drop(first, call)
            return
        blocked = []
        for circuit in circuits:
            maintained = bool(circuit.locally & Blocked.MAINTENANCE)
            blocked.append(maintained)
            if not maintained:
                circuit.locally = Blocked(0)
            circuit.remotely = Blocked(0)
            circuit.arriving = None
            circuit.in_service = True
            circuit.loop(False)
        record, first.call_record = first.call_record, call
        if record is not None and record is not call:
            self._isup.free(record)
        self._isup.group_is_reset(call, event.last, blocked)
        for circuit in circuits:
            self._clear(circuit)

    def _clear(self, circuit: CircuitPort) -> None:
        """A group reset ended whatever was on the circuit, without a word about it alone."""
        channel, record = circuit.channel, circuit.call_record
        if channel is not None:
            circuit.clearing = Clearing.FREE
            if circuit.outgoing and circuit.level < Level.PROCEEDING:
                self._linkset.try_again(circuit, channel)
            else:
                channel.far_end_hangup(causes.NORMAL_CLEARING)
            return
        if record is not None:
            circuit.call_record = self._isup.free_if_clear(record)
            if circuit.call_record is not None and not circuit.awaits_reset:
                self._isup.free(record)
                circuit.call_record = None
        circuit.rest()

    @staticmethod
    def _state(circuit: CircuitPort | None) -> int:
        """Circuit state indicator (Q.763 3.14): 0 is unequipped."""
        if circuit is None:
            return 0
        state = 0
        if circuit.locally:
            state |= 1 << 0 | 1 << 4
        if circuit.remotely:
            state |= 1 << 1 | 1 << 5
        if circuit.call_record is None or circuit.channel is None:
            return state | 3 << 2
        return state | (1 << 3 if circuit.outgoing else 1 << 2)

    # ---- what we want ---------------------------------------------------------------------------------------------

    def _runs(self) -> Iterator[list[CircuitPort]]:
        """Circuits whose codes follow each other, in groups that a message can have."""
        run: list[CircuitPort] = []
        for circuit in self._linkset.circuits:
            follows = run and circuit.point_code == run[-1].point_code and circuit.cic == run[-1].cic + 1
            if run and (not follows or len(run) >= _GROUP[self._linkset.variant]):
                yield run
                run = []
            run.append(circuit)
        if run:
            yield run

    def reset_all(self) -> None:
        """The linkset came up: circuits begin anew at both ends (Q.764 2.9.3)."""
        for run in self._runs():
            verbose(3, "Linkset %d: resetting CIC %d-%d", self._linkset.number, run[0].cic, run[-1].cic)
            try:
                record = self._linkset.record(run[0])
            except LineError as error:
                log.error("Linkset %d: %s", self._linkset.number, error)
                continue
            if len(run) == 1:
                self._isup.reset(record)
            else:
                run[0].awaits_reset = self._isup.reset_group(record, run[-1].cic)

    def reset_circuit(self, circuit: CircuitPort) -> bool:
        """RSC: begin anew, ending its call; False when the library has no room."""
        try:
            self._linkset.record(circuit)
        except LineError as error:
            log.error("Linkset %d: %s", self._linkset.number, error)
            return False
        circuit.locally = circuit.remotely = Blocked(0)
        circuit.in_service = False
        circuit.loop(False)
        channel = circuit.channel
        if channel is None:
            self.send_reset(circuit)
        else:
            circuit.clearing = Clearing.SEND_RSC
            channel.far_end_hangup(causes.NORMAL_CLEARING)
        return True

    def send_reset(self, circuit: CircuitPort) -> None:
        """Send RSC for a circuit without a channel."""
        record = circuit.call_record
        circuit.arriving = None
        if record is None or not self._isup.reset(record):
            return
        if circuit.locally & Blocked.MAINTENANCE:
            self._isup.block(record, True)
        else:
            circuit.locally &= ~BOTH

    def block_circuit(self, circuit: CircuitPort, on: bool) -> bool:
        """BLO or UBL; False when it could not be sent."""
        try:
            return self._isup.block(self._linkset.record(circuit), on)
        except LineError as error:
            log.error("Linkset %d: %s", self._linkset.number, error)
            return False

    def block_group(self, first: CircuitPort, last: int, *, on: bool, hardware: bool) -> bool:
        """CGB or CGU for circuits up to ``last``; False when it could not be sent."""
        which = [True] * (last - first.cic + 1)
        try:
            record = self._linkset.record(first)
        except LineError as error:
            log.error("Linkset %d: %s", self._linkset.number, error)
            return False
        return self._isup.block_group(record, last, which, on=on, hardware=hardware)

    def reset_group(self, first: CircuitPort, last: int) -> bool:
        """GRS, which ends every call of the group; False when it could not be sent."""
        for circuit in self._linkset.between(first.cic, last, first.point_code):
            circuit.locally = circuit.remotely = Blocked(0)
            circuit.in_service = False
            self._clear(circuit)
        try:
            first.awaits_reset = self._isup.reset_group(self._linkset.record(first), last)
        except LineError as error:
            log.error("Linkset %d: %s", self._linkset.number, error)
            return False
        return first.awaits_reset
