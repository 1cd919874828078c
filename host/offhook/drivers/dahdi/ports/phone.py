"""A port with a telephone: the phone machine's orders carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kernel_shims.line import Happening, Hook, LineEvent, LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Forward
from offhook.calls.party import Caller
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Rules
from offhook.drivers.dahdi.analog.habits import Habits
from offhook.drivers.dahdi.analog.operator import OperatorPhone
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.channel import OPERATED
from offhook.drivers.dahdi.port import Port
from offhook.drivers.dahdi.ports import phone_features
from offhook.drivers.dahdi.ports.identity import IdentitySender
from offhook.drivers.dahdi.ports.waiting import MessageLamp
from offhook.log import verbose
from offhook.media.tones import parse_tone_list

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings

log = logging.getLogger(__name__)
CALL_WAITING = parse_tone_list("!440/300")
"""The beep of a waiting call (SAS, GR-571)."""
_PAUSES = {"w": 0.5, "W": 1.0}
_KEY_PAUSE_MS = 50
_MESSAGE_S = 3.0
"""A message about waiting messages is sent within that."""


class ContextPlan:
    """The dialplan as the phone's context sees it."""

    def __init__(self, pbx: Pbx, settings: ChannelSettings) -> None:
        self._pbx = pbx
        self._context: str = settings["context"]
        self._caller: str = settings["cid_number"]

    def exists(self, digits: str) -> bool:
        """See Plan."""
        return self._pbx.dialplan.exists(self._context, digits, 1, self._caller) if digits else False

    def more(self, digits: str) -> bool:
        """See Plan."""
        return self._pbx.dialplan.matches_more(self._context, digits, self._caller)

    def possible(self, digits: str) -> bool:
        """See Plan."""
        return self._pbx.dialplan.can_match(self._context, digits, self._caller)

    def ignored(self, digits: str) -> bool:
        """See Plan."""
        return self._pbx.dialplan.ignored(self._context, digits)

    def parking(self, digits: str) -> bool:
        """See Plan."""
        parks = self._pbx.parts.get("is_parking_extension")
        return bool(parks is not None and digits and parks(self._context, digits))


def habits_of(settings: ChannelSettings, signalling: str) -> Habits:
    """The phone's habits by its settings."""
    rules = Rules(
        first_digit=settings["firstdigit_timeout"] / 1000,
        next_digit=settings["interdigit_timeout"] / 1000,
        match_digit=settings["matchdigit_timeout"] / 1000,
        call_waiting=settings["callwaiting"],
        forwarding=settings["cancallforward"],
        call_return=settings["callreturn"],
        hide_caller_id=settings["hidecallerid"],
        redial=settings["lastnumredial"],
        park=settings["canpark"] or settings["transfer"],
    )
    return Habits(
        rules=rules,
        immediate=settings["immediate"],
        three_way=settings["threewaycalling"],
        transfer=settings["transfer"],
        transfer_to_busy=settings["transfertobusy"],
        call_waiting=settings["callwaiting"],
        waiting_caller_id=settings["callwaitingcallerid"] and settings["usecallerid"],
        waiting_deluxe=settings["callwaitingdeluxe"],
        caller_id_after=settings["sendcalleridafter"] if settings["usecallerid"] else 0,
        silent_hold=settings["threewaysilenthold"],
        held_by_caller=settings["calledsubscriberheld"],
        dial_again=settings["autoreoriginate"] and signalling == "fxo_ks" and not settings["immediate"],
        reverse_on_answer=settings["answeronpolarityswitch"],
        reverse_on_hangup=settings["hanguponpolarityswitch"],
    )


class PhonePort(Port):
    """See the text of this file."""

    machine: OperatorPhone

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        super().__init__(pbx, line, settings, signalling)
        self.machine = OperatorPhone(ContextPlan(pbx, settings), habits_of(settings, signalling))
        self.identity = IdentitySender(self)
        self.lamp = MessageLamp(self)
        self.ring_cadence: dict[int, tuple[int, ...]] = {}
        """Distinctive cadences by call."""
        self.dial_mode: str = settings["dialmode"]
        """How the phone may dial in its present call."""
        self._dials_on: asyncio.TimerHandle | None = None
        """The end of a number that is dialled to whoever has answered."""

    def begin(self) -> None:
        """See Port; a handset that is up already begins to dial."""
        super().begin()
        self.lamp.begin()
        assert self.line is not None
        if self.line.off_hook():
            self.obey(self.machine.line(LineEvent(Happening.OFF_HOOK), self.now()))

    def settings_changed(self) -> None:
        """See Port."""
        super().settings_changed()
        self.machine.habits = habits_of(self.settings, self.signalling)
        self.machine.call_waiting = self.machine.habits.call_waiting
        self.dial_mode = self.settings["dialmode"]
        self.lamp.end()
        self.lamp = MessageLamp(self, self.lamp.override)
        self.lamp.begin()

    def _happened(self, event: LineEvent) -> None:
        """See Port."""
        match event.kind:
            case Happening.PULSE_START | Happening.PULSE_DIGIT if self.dial_mode not in ("pulse", "both"):
                log.debug("channel %d: pulses are not taken (dialmode)", self.number)
                return
            case Happening.PULSE_DIGIT:
                self.pulses = True
            case Happening.RINGER_OFF if self.lamp.alerting:
                self.lamp.alerted()
                return
            case Happening.OFF_HOOK:
                self.lamp.lifted()
        super()._happened(event)

    # ---- orders ----------------------------------------------------------------------------------------------

    def carry_out(self, order: Order) -> None:
        """See Port."""
        match order:
            case orders.Ring():
                self._ring(order)
            case orders.NewCall():
                self._new_call(order)
            case orders.Start():
                self._start(order)
            case orders.Feature():
                phone_features.carry_out(self, order)
            case orders.SendCallerId():
                self._send_caller_id(order)
            case orders.WaitingTone():
                self._beep(order)
            case orders.Sound() if not order.on:
                self.identity.cancel()
                super().carry_out(order)
                self.pbx.loop.call_soon(self.lamp.at_rest)
            case orders.Hear():
                self.identity.cancel()
                super().carry_out(order)
                names = [channel.name for call in order.calls if (channel := self.calls.get(call)) is not None]
                if len(names) > 1:
                    verbose(3, "Building conference call with %s and %s", *names[:2])
            case _:
                super().carry_out(order)

    def _ring(self, order: orders.Ring) -> None:
        cadence = self.ring_cadence.get(order.call, order.cadence)
        # A negative time of ringing is the driver's own: there the cadence goes on when it repeats.
        times = tuple(abs(ms) if place % 2 else ms for place, ms in enumerate(cadence))
        self.lamp.lifted()
        self.on_line(lambda line: line.cadence(times))
        self.on_line(lambda line: line.hook(Hook.RING))

    def _new_call(self, order: orders.NewCall) -> None:
        state = State.RING if self.settings["immediate"] else State.RESERVED
        self.dial_mode = self.settings["dialmode"]
        rules = self.machine.habits.rules
        rules.pickup = self.pbx.parts.get("pickupexten", "*8")
        rules.last_caller = self.last_caller
        caller = self.calls.caller()
        held = next(iter(self.calls), None)
        if held is not None and self.settings["useincomingcalleridondahditransfer"]:
            shown = held.connected.id.copy()
            caller = Caller(id=shown, ani=shown.copy())
        self.calls.make_from_line(order.call, state, caller)
        if held is not None:
            verbose(3, "Started three way call on channel %d", self.number)

    def _start(self, order: orders.Start) -> None:
        channel = self.calls.get(order.call)
        if channel is None:
            return
        channel.exten = order.exten
        channel.dialed.number = order.exten
        if not self.settings["immediate"]:
            self.machine.habits.rules.last_dialed = order.exten
        channel.set_state(State.RING)
        if self.settings["immediate"] and self.settings["immediatering"]:
            channel.play_zone_tone("ring")
        self.listen_for_fax(channel, "incoming")
        channel.start_pbx()

    def _beep(self, order: orders.WaitingTone) -> None:
        if self.leg is not None:
            self.leg.tones(CALL_WAITING, mix=True)
        channel = self.calls.get(order.call)
        if order.identity and channel is not None:
            self.identity.in_call(channel.connected.id)

    def _send_caller_id(self, order: orders.SendCallerId) -> None:
        channel = self.calls.get(order.call)
        if channel is not None:
            self.identity.between_bursts(channel)

    def send_waiting(self, message: bytes) -> None:
        """Tell the phone, which is on hook, of waiting messages."""
        self.carry_out(orders.Sound(True))
        self.identity.message_waiting(message)
        self.pbx.loop.call_later(_MESSAGE_S, self._waiting_sent)

    def _waiting_sent(self) -> None:
        if self.machine.idle:
            self._sound(False)

    @property
    def telling(self) -> bool:
        """See Port."""
        return self.identity.awaits_acknowledge

    def shown_calls(self) -> tuple[int, int, int]:
        """See Port."""
        return self.machine.shown_calls

    def set_do_not_disturb(self, on: bool) -> None:
        """See Port."""
        self.machine.do_not_disturb = on
        super().set_do_not_disturb(on)

    def remove(self) -> None:
        """See Port."""
        self.identity.cancel()
        self.lamp.end()
        self._stop_dialling_on()
        super().remove()

    # ---- calls -----------------------------------------------------------------------------------------------

    def refusal(self) -> int:
        """See Port."""
        if self.line is None:
            return causes.DESTINATION_OUT_OF_ORDER
        return self.machine.takes_call()

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """See Port."""
        cause = self.refusal()
        if cause and not (self.forward and self.line is not None):
            raise RequestError(cause, f"DAHDI/{self.number}: {'busy' if cause == causes.USER_BUSY else 'out of order'}")
        number = self.machine.new_number()
        return self.calls.make(number, State.DOWN, requester, caller=self.calls.caller(), uniqueid=ids[0])

    def prepare(self, channel: DahdiChannel, address: Address, cadences: Sequence[tuple[int, ...]]) -> None:
        """See Port: a distinctive ring."""
        if 0 < address.ring <= len(cadences):
            self.ring_cadence[channel.call] = cadences[address.ring - 1]
        elif address.ring:
            log.warning("channel %d: there is no cadence r%d: it rings as usual", self.number, address.ring)

    def call(self, channel: DahdiChannel) -> None:
        """See Port: the phone rings, or beeps in a call."""
        if self.forward:
            verbose(3, "DAHDI/%d is forwarded to %s", self.number, self.forward)
            channel.deliver(Forward(self.forward))
            return
        cause = self.refusal()
        if cause:
            raise RequestError(cause, f"DAHDI/{self.number} takes no call any more")
        self.last_caller = channel.connected.id.number.text
        cadence = self.ring_cadence.get(channel.call, ())
        self.obey(self.machine.ring(channel.call, cadence, self.now()))
        channel.set_state(State.RINGING)
        if len(self.calls) == 1:
            self.carry_out(orders.Tell(channel.call, Condition.RINGING))

    def up(self, channel: DahdiChannel) -> None:
        """See Port."""
        self.obey(self.machine.answered(channel.call))
        if channel.outgoing:
            self.listen_for_fax(channel, "outgoing")

    def before_answer(self, channel: DahdiChannel) -> bool:
        """See Port: a number behind the channel's (DAHDI/1/ww123) is dialled to whoever has lifted; then it counts."""
        number, leg = channel.address, self.leg
        channel.address = ""
        if not number or leg is None or channel.call not in self.calls.heard:
            return False
        channel.set_state(State.DIALING)
        tone_ms = self.settings["toneduration"]
        for digit in f"w{number}":
            leg.send_digit(digit, tone_ms)
        lasts = 0.5 + sum(_PAUSES.get(digit, (tone_ms + _KEY_PAUSE_MS) / 1000) for digit in number)
        self._dials_on = self.pbx.loop.call_later(lasts, self._dialled_on, channel)
        return True

    def _dialled_on(self, channel: DahdiChannel) -> None:
        self._dials_on = None
        if self.calls.get(channel.call) is channel:
            channel.deliver(Control(Condition.ANSWER))

    def _stop_dialling_on(self) -> None:
        if self._dials_on is not None:
            self._dials_on.cancel()
            self._dials_on = None

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """See Port."""
        if condition in (Condition.BUSY, Condition.CONGESTION):
            self.machine.busy(channel.call)
        return super().indicated(channel, condition, payload)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """See Port."""
        self.ring_cadence.pop(channel.call, None)
        super().ended(channel, cause)
        if not self.calls:
            self.dial_mode = self.settings["dialmode"]
            self._stop_dialling_on()

    def operate(self, channel: DahdiChannel, operator: DahdiChannel, *, by_flash: bool) -> bool:
        """See Port."""
        self.machine.operated(channel.call, rings_at_once=not by_flash)
        if by_flash and isinstance(operator.port, PhonePort):
            operator.port.machine.operates(operator.call)
            operator.data[OPERATED] = channel
        return True

    def recall(self, channel: DahdiChannel) -> None:
        """The operator wants a phone back that is on hook."""
        self.obey(self.machine.recall(channel.call))

    # ---- digits ----------------------------------------------------------------------------------------------

    def digit_heard(self, digit: str, duration_ms: int | None) -> None:
        """See Port; while the phone dials its digits are the machine's."""
        self.pulses = False
        if self.identity.digit(digit, over=duration_ms is not None):
            return
        if self.confirmed(duration_ms is not None) or self.dial_mode not in ("dtmf", "both"):
            return
        if self.machine.takes_digits:
            now = self.now()
            self.obey(self.machine.digit_begins() if duration_ms is None else self.machine.digit(digit, now))
            return
        super().digit_heard(digit, duration_ms)

    def channel_item(self, channel: DahdiChannel, item: str) -> Any:
        """See Port."""
        return self.dial_mode if item == "dialmode" else super().channel_item(channel, item)

    def set_channel_item(self, channel: DahdiChannel, item: str, value: str) -> bool:
        """See Port; how the phone may dial is for this call alone."""
        if item != "dialmode":
            return super().set_channel_item(channel, item, value)
        mode = {"tone": "dtmf"}.get(value.lower(), value.lower())
        if mode in ("pulse", "dtmf", "none", "both"):
            self.dial_mode = mode
        else:
            log.warning("'%s' is an invalid setting for dialmode: there are pulse, dtmf, both and none", value)
        return True
