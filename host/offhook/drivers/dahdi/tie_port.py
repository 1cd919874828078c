"""A port with a tie line (E&M): the tie machine's orders carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.party import Caller, Party
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.tie import Manners, Tie
from offhook.drivers.dahdi.phone_port import ContextPlan
from offhook.drivers.dahdi.port import Port

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.reading import ChannelSettings

WINKING = frozenset({"em_w", "featd"})


class TiePort(Port):
    """See the text of this file."""

    machine: Tie
    two_wire = False

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        super().__init__(pbx, line, settings, signalling)
        manners = Manners(
            wink=signalling in WINKING,
            feature_group_d=signalling == "featd",
            immediate=settings["immediate"],
            pulses=settings["pulsedial"],
            tone_s=settings["toneduration"] / 1000,
        )
        self.machine = Tie(ContextPlan(pbx, settings), manners)

    def carry_out(self, order: Order) -> None:
        """See Port."""
        match order:
            case orders.NewCall():
                self.calls.make(order.call, State.RING, caller=self.calls.caller())
            case orders.Start():
                self._start(order)
            case orders.Dial():
                self.dial(order)
            case _:
                super().carry_out(order)

    def _start(self, order: orders.Start) -> None:
        channel = self.calls.get(order.call)
        if channel is None:
            return
        if self.machine.caller:
            party = Party.of(self.machine.caller)
            channel.caller = Caller(id=party, ani=party.copy())
            channel.tell_caller()
        channel.exten = order.exten
        channel.dialed.number = order.exten
        channel.set_state(State.RING)
        channel.start_pbx()

    def digit_heard(self, digit: str, duration_ms: int | None) -> None:
        """See Port; before the call is offered digits are the machine's."""
        if not self.machine.collecting:
            super().digit_heard(digit, duration_ms)
        elif duration_ms is not None:
            self.obey(self.machine.digit(digit, self.now()))

    def refusal(self) -> int:
        """See Port."""
        return causes.DESTINATION_OUT_OF_ORDER if self.line is None else self.machine.takes_call()

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the tie line is not free")
        return self.calls.make(self.machine.new_number(), State.DOWN, requester, uniqueid=ids[0])

    def call(self, channel: DahdiChannel) -> None:
        """See Port."""
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number}: the tie line is not free any more")
        digits = channel.address[self.settings["stripmsd"] :]
        channel.set_state(State.DIALING)
        caller = channel.connected.id.number.text if channel.connected.id.number.valid else ""
        self.obey(self.machine.call(channel.call, digits, self.now(), caller))

    def answered(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.obey(self.machine.answered(channel.call, self.now()))
