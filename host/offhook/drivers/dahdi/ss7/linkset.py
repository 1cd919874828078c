"""A linkset: what libss7 tells becomes calls and states of circuits, what calls want becomes messages.

Inside a callback of the library's nothing may call it back: what is to be done then is done when it has returned
(``settle``).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from kernel_shims.ss7.events import Clearing, IsupCall, Kind, Occupied, Sent, Ss7Event
from kernel_shims.ss7.isup import Isup
from kernel_shims.ss7.linkset import Linkset
from offhook.calls import causes
from offhook.calls.requesting import RequestError
from offhook.calls.signalling import LineSignal
from offhook.drivers.dahdi.ss7.incoming import Incoming
from offhook.drivers.dahdi.ss7.outgoing import Outgoing
from offhook.drivers.dahdi.ss7.progressing import Progressing
from offhook.drivers.dahdi.ss7.sigchan import SignallingChannel
from offhook.drivers.dahdi.ss7.states import Blocked, Level
from offhook.drivers.dahdi.ss7.supervision import Supervision
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.ss7.circuit import CircuitPort
    from offhook.drivers.dahdi.ss7.settings import LinksetSettings

log = logging.getLogger(__name__)

_TRIED = "ss7_tried"
"""Key in the data of a channel that has moved to another circuit."""
TRY_AGAIN = 256
"""libss7's cause of a call that another circuit might take."""
_LAYERS = ("mtp2", "mtp3", "isup")
_NATURES = {"national": 3, "international": 4, "subscriber": 1, "unknown": 2, "dynamic": -1}
_FLAGS = {
    "ss7_explicitacm": 1,
    "ss7_initialhwblo": 2,
    "ss7_use_echocontrol": 4,
    "ss7_default_echocontrol": 8,
    "ss7_autoacm": 16,
}
"""Bits as ``ss7 show linkset`` prints them."""


def _words_of(event: Ss7Event) -> str:
    """A message as those who follow signalling see it."""
    if event.iam is not None:
        return f"IAM {event.iam.called.number} from {event.iam.calling.number or 'an unknown number'}"
    more = event.digits or (str(event.cause) if event.kind is Kind.REL else "")
    return f"{event.kind.name} {more}".rstrip()


class Ss7Linkset:
    """See the text of this file. Raises LineError when libss7 is not there."""

    def __init__(self, pbx: Pbx, settings: LinksetSettings) -> None:
        first = settings.links[0]
        self.pbx = pbx
        self.number = settings.number
        self.variant = settings.variant
        self.values: dict[str, Any] = settings.values
        self.up = self.started = False
        self.debug = False
        self.circuits: list[CircuitPort] = []
        """By point code and circuit."""
        self.links: list[SignallingChannel] = []
        self.library = Linkset(first.variant, point_code=first.point_code, network=first.network, now=pbx.loop.time)
        self.isup = Isup(self.library)
        self.isup.on_sent = self._sent
        self.incoming = Incoming(self)
        self.outgoing = Outgoing(self)
        self.supervision = Supervision(self)
        self._progressing = Progressing(self)
        self._later: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.library.on_message = self._message
        self.library.on_wants_end = self._wants_end
        self.library.on_out_of_service = self._out_of_service
        self.library.on_forgotten = self._forgotten
        self.library.use(
            cause_location=self.values["cause_location"],
            load_shift=self.values["sls_shift"],
            ask_for_calling=self.values["inr_if_no_calling"],
            isdn=not self.values["non_isdn_access"],
        )
        for layer in ("mtp3", "isup"):
            for name, ms in settings.timers_of(layer).items():
                self.library.timer(layer, name, ms)

    # ---- its parts -------------------------------------------------------------------------------------------

    def add(self, circuit: CircuitPort) -> None:
        """A circuit is there: it serves once it was reset (Q.764 2.9.3), at once when the linkset is up."""
        self.circuits.append(circuit)
        self.circuits.sort(key=lambda one: (one.point_code, one.cic))
        if self.values["ss7_initialhwblo"]:
            circuit.remotely |= Blocked.HARDWARE
        if self.up:
            self.supervision.reset_circuit(circuit)
            self.settle()

    def circuit(self, cic: int, point_code: int) -> CircuitPort | None:
        """The circuit of that code, to that point code."""
        return next((one for one in self.circuits if one.cic == cic and one.point_code == point_code), None)

    def between(self, first: int, last: int, point_code: int) -> list[CircuitPort]:
        """The circuits of a group that there are."""
        return [one for one in self.circuits if one.point_code == point_code and first <= one.cic <= last]

    def lose(self, circuit: CircuitPort) -> None:
        """A circuit's hardware is gone, or it is no longer wanted."""
        if circuit in self.circuits:
            self.circuits.remove(circuit)
        record, circuit.call_record = circuit.call_record, None
        if record is not None:
            self.isup.free(record)

    def start(self) -> None:
        """Align the links."""
        self.started = True
        self.library.start()
        self.settle()

    def stop(self) -> None:
        """End it. Calls that are left end, and nobody is told: the channels are ours no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.up = False
        for link in self.links:
            link.close()
        self.library.close()

    # ---- the library -----------------------------------------------------------------------------------------

    def take(self, events: Iterable[Ss7Event]) -> None:
        """What the library tells, and everything that follows from it."""
        for event in events:
            self._take(event)
        self.settle()

    def settle(self) -> None:
        """Do what had to wait for the library, send what it has to send, be back when its next timer is due."""
        while self._later or (more := list(self.library.events())):
            if self._later:
                self._later.popleft()()
            else:
                for event in more:
                    self._take(event)
        for link in self.links:
            link.send()
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.library.handle is None:
            return
        delay = self.library.delay()
        if delay is not None:
            self._timer = self.pbx.loop.call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.take(self.library.tick())

    def _message(self, text: str) -> None:
        if not text:
            return
        verbose(0 if self.debug else 3, "Linkset %d: %s", self.number, text)

    def set_debug(self, on: bool) -> None:
        """Whether its messages are shown."""
        self.debug = on
        self.library.debug(*(_LAYERS if on else ()))

    def _sent(self, name: str, call: IsupCall) -> None:
        if self.pbx.bus.wants(LineSignal):
            for circuit in self.circuits:
                if circuit.call_record is call:
                    circuit.message("<--", name)

    def _wants_end(self, cic: int, point_code: int, cause: int, what: int) -> Occupied:
        circuit = self.circuit(cic, point_code)
        if circuit is None:
            return Occupied.NO_CIRCUIT
        channel = circuit.channel
        if channel is None:
            return Occupied.IDLE
        circuit.clearing = Clearing(what)
        self._later.append(partial(self.end, circuit, channel, cause))
        return Occupied.IN_USE

    def _out_of_service(self, cic: int, point_code: int) -> None:
        circuit = self.circuit(cic, point_code)
        if circuit is not None:
            log.warning("Linkset %d: CIC %d does not answer: out of service", self.number, cic)
            circuit.in_service = False

    def _forgotten(self, call: IsupCall) -> None:
        for circuit in self.circuits:
            if circuit.call_record is not call:
                continue
            circuit.call_record = None
            channel = circuit.channel
            if channel is None:
                circuit.rest()
            else:
                self._later.append(partial(channel.far_end_hangup, causes.NORMAL_TEMPORARY_FAILURE))

    # ---- events ----------------------------------------------------------------------------------------------

    def _take(self, event: Ss7Event) -> None:
        if self.debug:
            self._message(f"event {event.kind.name} CIC {event.cic} PC {event.point_code}")
        match event.kind:
            case Kind.UP:
                self._came_up()
            case Kind.DOWN:
                self._went_down()
            case Kind.LINK_UP | Kind.LINK_DOWN:
                state = "up" if event.kind is Kind.LINK_UP else "down"
                log.warning("Linkset %d: an MTP2 link is %s", self.number, state)
            case Kind.GRS | Kind.GRA | Kind.CGB | Kind.CGU | Kind.CGBA | Kind.CGUA | Kind.CQM:
                self.supervision.group(event)
            case _:
                self._about_circuit(event)

    def _came_up(self) -> None:
        if not self.up:
            verbose(3, "Linkset %d: SS7 Up", self.number)
            self.up = True
            self.supervision.reset_all()

    def _went_down(self) -> None:
        log.warning("Linkset %d: SS7 Down", self.number)
        self.up = False
        for circuit in self.circuits:
            circuit.in_service = False
            if self.values["ss7_initialhwblo"]:
                circuit.remotely |= Blocked.HARDWARE

    def _about_circuit(self, event: Ss7Event) -> None:
        call = event.call
        assert call is not None
        circuit = self.circuit(event.cic, event.point_code)
        if circuit is None:
            log.warning(
                "Linkset %d: %s for CIC %d of point code %s, which is not configured",
                *(self.number, event.kind.name, event.cic, self.point_code_text(event.point_code)),
            )
            self.isup.free(call)
            if event.kind is Kind.IAM and self.variant == "ansi":
                self.isup.unequipped(event.cic, event.point_code)  # for national use elsewhere
            return
        if self.pbx.bus.wants(LineSignal):
            circuit.message("-->", _words_of(event))
        match event.kind:
            case Kind.IAM:
                self.incoming.seized(circuit, call, event)
            case Kind.SAM | Kind.DIGITS_OVER:
                self.incoming.more(circuit, call, event)
            case Kind.COT | Kind.CCR | Kind.CVT | Kind.LPA:
                self.incoming.continuity(circuit, call, event)
            case Kind.REL:
                self._released(circuit, call, event)
            case Kind.RLC:
                self._release_complete(circuit, call, event)
            case Kind.ACM | Kind.CPG | Kind.ANM | Kind.CON:
                self._progressing.take(circuit, call, event)
            case Kind.FAR:
                verbose(3, "Linkset %d: a facility requested on CIC %d is refused", self.number, circuit.cic)
                self.isup.refuse_facility(call)
                self.hold_or_drop(circuit, call)
            case Kind.SUS | Kind.RES | Kind.FAA | Kind.FRJ:
                self.hold_or_drop(circuit, call)
            case _:
                self.supervision.single(circuit, call, event)

    def _released(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        circuit.call_record = call
        circuit.loop(False)
        circuit.arriving = None
        channel = circuit.channel
        if channel is None:
            self.isup.released(call)
            self.drop(circuit, call)
            return
        circuit.clearing = Clearing.SEND_RLC
        channel.note_cause(event.cause, f"SS7 ISUP_EVENT_REL ({event.cause})")
        channel.far_end_hangup(event.cause or causes.NORMAL_CLEARING)

    def _release_complete(self, circuit: CircuitPort, call: IsupCall, event: Ss7Event) -> None:
        circuit.call_record = call
        if event.passed & (Sent.RSC | Sent.REL):
            circuit.loop(False)
            if event.passed & Sent.RSC:
                circuit.in_service = True
        channel = circuit.channel
        if channel is None:
            self.drop(circuit, call)
        else:
            circuit.clearing = Clearing.NOTHING
            channel.far_end_hangup(causes.NORMAL_CLEARING)

    def drop(self, circuit: CircuitPort, call: IsupCall) -> None:
        """A circuit without a channel: its record goes, as soon as it waits for nothing."""
        circuit.call_record = self.isup.free_if_clear(call)
        circuit.rest()

    def hold_or_drop(self, circuit: CircuitPort, call: IsupCall) -> None:
        """A record after a message that is none of a call's: it stays with a call."""
        if not call.alive:
            return
        circuit.call_record = call
        if circuit.channel is None and circuit.arriving is None:
            circuit.call_record = self.isup.free_if_clear(call)

    # ---- calls: our side -------------------------------------------------------------------------------------

    def record(self, circuit: CircuitPort) -> IsupCall:
        """The library's record of a circuit, made if there is none. Raises LineError."""
        if circuit.call_record is None:
            circuit.call_record = self.isup.new(circuit.cic, circuit.point_code)
        return circuit.call_record

    def end(self, circuit: CircuitPort, channel: DahdiChannel, cause: int) -> None:
        """Clear a call; one that another circuit might take goes there."""
        if cause == TRY_AGAIN:
            self.try_again(circuit, channel)
        else:
            channel.far_end_hangup(cause)

    def try_again(self, circuit: CircuitPort, channel: DahdiChannel) -> None:
        """A call that has lost its circuit before the far end took it goes to another, once (Q.764 2.8.1)."""
        other = self._another(circuit, channel)
        if other is None:
            channel.far_end_hangup(causes.NORMAL_CIRCUIT_CONGESTION)
            return
        channel.data[_TRIED] = True
        verbose(3, "Linkset %d: the call on CIC %d goes to CIC %d", self.number, circuit.cic, other.cic)
        try:
            other.allocate(digital=circuit.digital)
        except RequestError as error:
            channel.far_end_hangup(error.cause)
            return
        name = other.calls.free_name()
        circuit.calls.hand_over(channel, other, other.machine.take())
        channel.rename(name)
        self.ended(circuit, channel, causes.NORMAL_CIRCUIT_CONGESTION)
        try:
            self.outgoing.call_out(other, channel)
        except RequestError as error:
            channel.far_end_hangup(error.cause)

    def _another(self, circuit: CircuitPort, channel: DahdiChannel) -> CircuitPort | None:
        """A free circuit for a call that may move: it was dialled by its group, and has not moved before."""
        address: Address | None = channel.data.get("dahdi_address")
        waits = circuit.outgoing and circuit.level < Level.PROCEEDING and circuit.leg is None and not channel.hungup
        if address is None or address.channel or not waits or _TRIED in channel.data or channel.hangup_requested:
            return None
        fitting = (one for one in self.circuits if one is not circuit and one.free)
        return next((one for one in fitting if address.groups & one.settings["group"]), None)

    def ended(self, circuit: CircuitPort, channel: DahdiChannel, cause: int) -> None:
        """A channel is over: what is left to tell the far end."""
        record, clearing = circuit.call_record, circuit.clearing
        circuit.rest()
        circuit.clearing = Clearing.NOTHING
        if record is None:
            return
        match clearing:
            case Clearing.SEND_REL:
                told = channel.get("SS7_CAUSE") or ""
                wanted = int(told) if told.isdigit() and int(told) else cause or causes.NORMAL_CLEARING
                self.isup.release(record, wanted if wanted <= 127 else causes.NORMAL_CLEARING)
            case Clearing.SEND_RSC:
                self.supervision.send_reset(circuit)
            case Clearing.SEND_RLC:
                self.isup.released(record)
                circuit.call_record = self.isup.free_if_clear(record)
            case Clearing.FREE if not circuit.awaits_reset:
                self.isup.free(record)
                circuit.call_record = None
            case Clearing.TAKE_IAM:
                self.pbx.loop.call_soon(self._take_their_call, circuit, record)  # once the channel is out of the way
            case Clearing.NOTHING | Clearing.FREE:
                circuit.call_record = self.isup.free_if_clear(record)
        if not record.alive:
            circuit.call_record = None
        self.settle()

    def _take_their_call(self, circuit: CircuitPort, record: IsupCall) -> None:
        """Our call has left a circuit that the far end has seized too."""
        if circuit.call_record is not record or not record.alive or self.library.handle is None:
            return
        circuit.call_record = None
        self.isup.clear_flags(record, Sent.IAM | Sent.PENDING_IAM)  # else it is taken for a dual seizure again
        self.isup.take_iam(record, circuit.point_code)
        self.settle()

    # ---- showing ---------------------------------------------------------------------------------------------

    def point_code_text(self, point_code: int) -> str:
        """A point code as people write it."""
        if self.variant != "ansi":
            return str(point_code)
        return f"{point_code >> 16 & 0xFF}-{point_code >> 8 & 0xFF}-{point_code & 0xFF}"

    def status_lines(self) -> Iterator[str]:
        """``ss7 show linkset``."""
        values = self.values
        yield f"SS7 flags: {sum(bit for name, bit in _FLAGS.items() if values[name]):#x}"
        yield f"SS7 linkset {self.number} status: {'Up' if self.up else 'Down'}"
        yield f"SS7 calling nai: {_NATURES[values['ss7_calling_nai']]}"
        yield f"SS7 called nai: {_NATURES[values['ss7_called_nai']]}"
        for kind in ("national", "international", "unknown", "networkrouted", "subscriber"):
            yield f"SS7 {kind}prefix: {values[f'ss7_{kind}prefix']}"
        yield from self.library.status_lines()
