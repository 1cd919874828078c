"""A circuit: a channel whose calls are its linkset's to make and end (Q.764)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kernel_shims.line import LineError, LinePort
from kernel_shims.ss7.events import Clearing, IsupCall
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.isdn.bearer import Bearer
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.ss7.states import Blocked, Level

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.ss7.incoming import Arriving
    from offhook.drivers.dahdi.ss7.linkset import Ss7Linkset

_LAWS = {"itu": "alaw", "ansi": "ulaw"}


class CircuitPort(Port):
    """See the text of this file. ``cic`` names it between us and ``point_code``."""

    machine: Bearer
    two_wire = False

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, linkset: Ss7Linkset) -> None:
        super().__init__(pbx, line, settings, "ss7")
        self.machine = Bearer()
        self.linkset = linkset
        self.law = _LAWS[linkset.variant]
        self.cic: int = settings["cic"]
        self.point_code: int = settings["point_code"]
        self.level = Level.IDLE
        self.call_record: IsupCall | None = None
        """libss7's; it outlives the channel until the far end has acknowledged."""
        self.clearing = Clearing.NOTHING
        self.outgoing = False
        self.progress_told = False
        self.in_service = False
        self.awaits_reset = False
        """GRS was sent with its record, and GRA has not come."""
        self.locally = Blocked(0)
        self.remotely = Blocked(0)
        self.far_echo_control = False
        """The far end says that it cancels echo."""
        self.arriving: Arriving | None = None
        """A call that has no channel yet."""
        self.digital = False
        self._looped = False

    def begin(self) -> None:
        """See Port."""
        super().begin()
        self.linkset.add(self)

    @property
    def channel(self) -> DahdiChannel | None:
        """The channel of its call."""
        return next(iter(self.calls), None)

    @property
    def free(self) -> bool:
        """Whether a call may use it."""
        return (
            self.in_service
            and self.line is not None
            and not self.machine.alarm
            and not self.machine.calls
            and self.call_record is None
            and self.level is Level.IDLE
            and not self.locally
            and not self.remotely
        )

    @property
    def echo_ms(self) -> int:
        """See Port; with ss7_use_echocontrol the far end's canceller is enough."""
        return 0 if self.far_echo_control and self.linkset.values["ss7_use_echocontrol"] else super().echo_ms

    @property
    def block_flags(self) -> str:
        """See Port."""
        return f"{'L' if self.locally else ' '}{'R' if self.remotely else ' '}"

    @property
    def serving(self) -> bool:
        """See Port."""
        return self.in_service and self.line is not None

    def signalling_lines(self) -> Iterator[str]:
        """See Port."""
        yield f"CIC: {self.cic}"
        yield f"DPC: {self.linkset.point_code_text(self.point_code)}"
        yield f"CIC state: {self.level.name.capitalize()}, {'in' if self.in_service else 'out of'} service"

    def message(self, way: str, text: str) -> None:
        """A message about it passes: tell those who follow signalling."""
        self._signal(way, text)

    def loop(self, on: bool) -> None:
        """What comes goes back: the far end checks the circuit."""
        if on is not self._looped:
            self._looped = on
            self.on_line(lambda line: line.loop(on))

    def through(self) -> None:
        """Sound passes."""
        if self.leg is None:
            self.on_line(lambda line: line.voice(not self.digital))
            self.obey(self.machine.through())

    def rest(self) -> None:
        """No call any more: the level of a new one."""
        self.level = Level.IDLE
        self.progress_told = self.outgoing = self.far_echo_control = self.digital = False
        self.arriving = None

    # ---- calls -----------------------------------------------------------------------------------------------

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        if not self.linkset.up or self.machine.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        return 0 if self.free else causes.NORMAL_CIRCUIT_CONGESTION

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port. The circuit is ours from now on: the far end's seizure of it is a dual one (Q.764 2.9.1)."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: CIC {self.cic} is not free, or its linkset is down")
        self.allocate(digital=address.digital)
        return self.make(State.RESERVED, requester, uniqueid=ids[0])

    def allocate(self, *, digital: bool) -> None:
        """Keep it for a call out. Raises RequestError."""
        try:
            self.call_record = self.linkset.isup.new(self.cic, self.point_code, outgoing=True)
        except LineError as error:
            raise RequestError(causes.SWITCH_CONGESTION, f"DAHDI/{self.number}: {error}") from None
        self.level = Level.ALLOCATED
        self.outgoing = True
        self.clearing = Clearing.FREE
        self.digital = digital

    def make(self, state: State, requester: Channel | None = None, **options: Any) -> DahdiChannel:
        """A channel for a call."""
        channel = self.calls.make(self.machine.take(), state, requester, **options)
        channel.set("TRANSFERCAPABILITY", "DIGITAL" if self.digital else "SPEECH")
        return channel

    def call(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.linkset.outgoing.call_out(self, channel)

    def answered(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.linkset.outgoing.answered(self)

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """See Port."""
        shown = self.linkset.outgoing.indicated(self, channel, condition, payload)
        return super().indicated(channel, condition, payload) if shown is None else shown

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """See Port."""
        super().ended(channel, cause)
        self.linkset.ended(self, channel, cause)

    def remove(self) -> None:
        """See Port: the circuit is known no more to its linkset, once its call is over."""
        super().remove()
        self.linkset.lose(self)

    def channel_item(self, channel: DahdiChannel, item: str) -> str | None:
        """See Port."""
        return "ss7" if item == "dahdi_type" else super().channel_item(channel, item)
