"""Calls that we made: what comes back until they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.ss7.events import Address, IsupCall, Kind, Progress, Ss7Event
from offhook.calls.channel import State
from offhook.calls.frames import Condition, Control
from offhook.calls.party import Connected, Party
from offhook.drivers.dahdi.ss7.numbers import number_of
from offhook.drivers.dahdi.ss7.states import Level

if TYPE_CHECKING:
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset


class Progressing:
    """See the text of this file."""

    def __init__(self, linkset: Ss7Linkset) -> None:
        self._linkset = linkset

    def take(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        """ACM, CPG, ANM or CON."""
        circuit.call_record = call
        channel = circuit.channel
        if channel is None:
            return
        match event.kind:
            case Kind.ACM:
                self._complete(circuit, channel, event)
            case Kind.CPG:
                self._progress(circuit, channel, event)
            case _:
                circuit.far_echo_control = event.echo_control or circuit.far_echo_control
                circuit.level = Level.CONNECT
                self._connected(channel, event.connected, "answer")
                circuit.through()
                channel.deliver(Control(Condition.ANSWER))

    def _complete(self, circuit: CircuitPort, channel: DahdiChannel, event: Ss7Event) -> None:
        circuit.level = max(circuit.level, Level.PROCEEDING)
        circuit.far_echo_control = event.echo_control
        circuit.through()
        channel.deliver(Control(Condition.PROCEEDING))
        if event.called_free:
            self._rings(circuit, channel)

    def _rings(self, circuit: CircuitPort, channel: DahdiChannel) -> None:
        circuit.level = max(circuit.level, Level.ALERTING)
        channel.set_state(State.RINGING)
        channel.deliver(Control(Condition.RINGING))

    def _progress(self, circuit: CircuitPort, channel: DahdiChannel, event: Ss7Event) -> None:
        if event.progress == Progress.ALERTING:
            self._connected(channel, event.connected, "unknown")
            self._rings(circuit, channel)
        elif event.progress in (Progress.PROGRESS, Progress.IN_BAND):
            circuit.progress_told = True
            circuit.through()
            channel.deliver(Control(Condition.PROGRESS))

    def _connected(self, channel: DahdiChannel, address: Address | None, source: str) -> None:
        if address is not None:
            party = Party(number=number_of(address, self._linkset.values))
            channel.deliver(Control(Condition.CONNECTED_LINE, Connected(party, party.copy(), source=source)))
