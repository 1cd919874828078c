"""What our side of a call wants, as messages of a linkset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.ss7.events import Address, Clearing, Progress
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.frames import Condition
from offhook.calls.party import Connected
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.ss7 import variables
from offhook.drivers.dahdi.ss7.numbers import address_of, calling_of, natured
from offhook.drivers.dahdi.ss7.states import Level

if TYPE_CHECKING:
    from offhook.drivers.dahdi.addresses import Address as Dialled
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

_ENDS = {
    Condition.BUSY: causes.USER_BUSY,
    Condition.CONGESTION: causes.NORMAL_CIRCUIT_CONGESTION,
    Condition.INCOMPLETE: causes.INVALID_NUMBER_FORMAT,
}
"""Conditions that end a call that is not answered, by REL with that cause."""
_UNRESTRICTED = 2


class Outgoing:
    """See the text of this file."""

    def __init__(self, linkset: Ss7Linkset) -> None:
        self._linkset = linkset
        self._isup = linkset.isup

    def call_out(self, circuit: CircuitPort, channel: DahdiChannel) -> None:
        """Send IAM. Raises RequestError."""
        linkset = self._linkset
        dialled: Dialled = channel.data["dahdi_address"]
        number = circuit.stripped(dialled.number)
        record = circuit.call_record
        if record is None or circuit.level is not Level.ALLOCATED:
            raise RequestError(causes.NORMAL_CIRCUIT_CONGESTION, f"DAHDI/{circuit.number}: CIC {circuit.cic} was lost")
        digits, nature = natured(number, linkset.values["ss7_called_nai"], linkset.values)
        calling = calling_of(channel.connected.id, circuit.settings.values, linkset.values)
        seizure = variables.seizure(channel, Address(digits, nature), calling, linkset.values)
        if circuit.digital and seizure.medium is None:
            seizure.medium = _UNRESTRICTED
        circuit.level = Level.SETUP
        circuit.clearing = Clearing.SEND_REL
        if not self._isup.seize(record, seizure):
            raise RequestError(causes.NETWORK_OUT_OF_ORDER, f"DAHDI/{circuit.number}: the IAM could not be sent")
        channel.set_state(State.DIALING)
        linkset.settle()

    def answered(self, circuit: CircuitPort) -> None:
        """Our side answers."""
        record = circuit.call_record
        if record is None or circuit.outgoing or circuit.level >= Level.CONNECT:
            return
        if circuit.level < Level.PROCEEDING and self._linkset.values["ss7_autoacm"]:
            self._isup.address_complete(record)
        circuit.level = Level.CONNECT
        circuit.through()
        self._isup.answer(record)
        self._linkset.settle()

    def indicated(
        self, circuit: CircuitPort, channel: DahdiChannel, condition: Condition, payload: object
    ) -> bool | None:
        """Show a condition to the far end; None when ISUP has nothing to do with it."""
        shown = self._indicated(circuit, channel, condition, payload)
        self._linkset.settle()
        return shown

    def _indicated(
        self, circuit: CircuitPort, channel: DahdiChannel, condition: Condition, payload: object
    ) -> bool | None:
        record = circuit.call_record
        if record is None:
            return None
        waits = not circuit.outgoing
        match condition:
            case Condition.RINGING if waits and circuit.level < Level.ALERTING:
                if circuit.level < Level.PROCEEDING and self._linkset.values["ss7_autoacm"]:
                    self._isup.address_complete(record)
                self._isup.progress(record, Progress.ALERTING)
                circuit.level = Level.ALERTING
                circuit.through()
                return False
            case Condition.RINGING:
                return False
            case Condition.PROCEEDING:
                if waits and circuit.level < Level.PROCEEDING:
                    circuit.level = Level.PROCEEDING
                    self._isup.address_complete(record)
                return True
            case Condition.PROGRESS:
                if waits and not circuit.progress_told and circuit.level < Level.ALERTING:
                    circuit.progress_told = True
                    self._isup.progress(record, Progress.IN_BAND)
                    circuit.through()
                return True
            case Condition.BUSY | Condition.CONGESTION | Condition.INCOMPLETE if circuit.level < Level.CONNECT:
                channel.request_hangup(_ENDS[condition])
                return True
            case Condition.INCOMPLETE:
                return True
            case Condition.CONNECTED_LINE if isinstance(payload, Connected):
                if payload.id.number.valid:
                    nature = self._linkset.values["ss7_called_nai"]
                    self._isup.connected(record, address_of(payload.id.number, nature, self._linkset.values))
                return True
        return None
