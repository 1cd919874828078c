"""A port with a tie line (E&M): the tie machine's orders carried out."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kernel_shims.line import LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.frames import Condition
from offhook.calls.party import Caller, Party
from offhook.calls.prompts import play_all
from offhook.calls.requesting import RequestError
from offhook.calls.trunk_digits import mf_steps
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.schemes import SCHEMES, Call
from offhook.drivers.dahdi.analog.tie import Manners, Tie
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.ports.phone import ContextPlan
from offhook.media.detecting import Detector, detect_signals
from offhook.media.events import SignalHeard
from offhook.media.tones import ToneSpec

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings

log = logging.getLogger(__name__)

_ROUTE = ("OZZ", "CIC")
"""Variables with the codes of route and carrier."""
_SET_WINS = frozenset({"em_w", "featd", "sf_featd", "featdmf", "sf_featdmf", "featdmf_ta"})
"""Where a caller's number that is set for the channel counts more than one that is told."""
_NO_SERVICE_AFTER_S, _NO_SERVICE_TONE_S = 2.0, 1.0


class TiePort(Port):
    """See the text of this file."""

    machine: Tie
    two_wire = False
    is_trunk = True

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        super().__init__(pbx, line, settings, signalling)
        manners = Manners(
            scheme=SCHEMES[signalling],
            outward=SCHEMES[settings["outsignalling"] or signalling],
            immediate=settings["immediate"],
            pulses=settings["pulsedial"],
            tone_s=settings["toneduration"] / 1000,
            information=settings["ani_info_digits"],
            ani_wait=settings["ani_wink_time"] / 1000,
            ani_within=settings["ani_timeout"] / 1000,
            next_digit=settings["interdigit_timeout"] / 1000,
            match_digit=settings["matchdigit_timeout"] / 1000,
        )
        self.machine = Tie(ContextPlan(pbx, settings), manners)
        self._signals: Detector | None = None

    def carry_out(self, order: Order) -> None:
        """See Port."""
        match order:
            case orders.NewCall():
                self.calls.make_from_line(order.call, State.RING, self.calls.caller())
            case orders.Start():
                self._start(order)
            case orders.Feature():
                self._no_service(order)
            case orders.Tell(condition=Condition.PROGRESS):
                channel = self.calls.get(order.call)
                if channel is not None:
                    channel.set_state(State.RINGING)
                super().carry_out(order)
            case orders.Dial(way="M"):
                if self.leg is not None:
                    for step in mf_steps(order.digits):
                        if isinstance(step, ToneSpec):  # else a signal among the digits, which a number has not
                            self.leg.tones(step)
            case orders.Dial():
                self.dial(order)
            case orders.Listen():
                self._listen_for(order)
            case orders.Sound(on=False):
                self._deafen()
                super().carry_out(order)
            case _:
                super().carry_out(order)

    def _start(self, order: orders.Start) -> None:
        channel = self.calls.get(order.call)
        if channel is None:
            return
        told = self.machine.told
        for name, value in told.variables.items():
            channel.set(name, value)
        if told.caller and not (self.settings["cid_number"] and self.signalling in _SET_WINS):
            party = Party.of(told.caller)
            channel.caller = Caller(id=party, ani=party.copy())
        if told.caller or told.ani2 is not None:
            channel.caller.ani2 = told.ani2 or 0
            channel.tell_caller()
        channel.exten = order.exten
        channel.dialed.number = order.exten
        channel.set_state(State.RING)
        channel.start_pbx()

    def _no_service(self, order: orders.Feature) -> None:
        """The far end dialled what the dialplan has not: it is told so, and the call ends."""
        channel = self.calls.get(order.call)
        if channel is not None:
            log.warning(
                'channel %d: no extension "%s" in context "%s" for a call that came in',
                self.number,
                order.value,
                channel.context,
            )
            channel.start_task(self._tell_no_service(channel))

    async def _tell_no_service(self, channel: DahdiChannel) -> None:
        try:
            await asyncio.sleep(_NO_SERVICE_AFTER_S)
            channel.play_zone_tone("info")
            await asyncio.sleep(_NO_SERVICE_TONE_S)
            channel.stop_tones()
            await play_all(channel, ["ss-noservice"])
        except Hangup:
            log.debug("%s hung up while it was told that there is no such number", channel.name)
        finally:
            channel.task = None
            channel.hangup(causes.UNALLOCATED)

    def _listen_for(self, order: orders.Listen) -> None:
        """MF is heard by its own detector, DTMF by the leg; one at a time."""
        self._deafen()
        self._listen(order.on and not order.mf)
        if order.on and order.mf and self.leg is not None:
            self._signals = detect_signals(self.leg, "r1")
            self._signals.on_event = self._signal_heard

    def _deafen(self) -> None:
        signals, self._signals = self._signals, None
        if signals is not None:
            signals.close()

    def _signal_heard(self, event: object) -> None:
        if isinstance(event, SignalHeard) and event.begins and self.machine.collecting:
            self.obey(self.machine.digit(event.signal, self.now()))

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
        digits = self.stripped(channel.address)
        channel.set_state(State.DIALING)
        caller = channel.connected.id.number.text if channel.connected.id.number.valid else ""
        route = "".join(channel.get(f"FEATDMF_{name}") or self.settings[f"default{name.lower()}"] for name in _ROUTE)
        what = Call(digits, caller, route, channel.connected.ani2)
        self.obey(self.machine.call(channel.call, what, self.now()))

    def answered(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.obey(self.machine.answered(channel.call, self.now()))
