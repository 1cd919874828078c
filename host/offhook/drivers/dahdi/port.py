"""A port: one channel of the hardware with its settings, its machine, and the calls it has.

The machine decides (``analog``); the port carries its orders out on the line (kernel_shims), in the engine and on the
channels, and tells it what line, calls and clock do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kernel_shims.line import TIMES, Alarm, Happening, LineError, LineEvent, LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Digit
from offhook.calls.line_events import DndState
from offhook.calls.requesting import RequestError
from offhook.calls.signalling import LineSignal
from offhook.calls.transfer import Transfer, attended_transfer
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.calls import Calls
from offhook.drivers.dahdi.configuration.options import ANALOG
from offhook.drivers.dahdi.sounding import CONFIRMING, Sounding
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.completion.core import Completion
    from offhook.calls.completion.native import CallerSide
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.configuration.reading import ChannelSettings
    from offhook.drivers.dahdi.machine import Machine

log = logging.getLogger(__name__)

_PULSE_MS = 100


class Port(Sounding):
    """See the text of this file. ``like``: one whose number, span and law a port without a line takes."""

    machine: Machine
    is_trunk = False
    """Whether an exchange is at the far end, which may be flashed."""

    def __init__(
        self, pbx: Pbx, line: LinePort | None, settings: ChannelSettings, signalling: str, *, like: Port | None = None
    ) -> None:
        super().__init__(settings)
        where = line or like
        assert where is not None
        self.pbx = pbx
        self.number = where.number
        self.line = line
        self.span: int = where.span
        self.law = where.law
        self.settings = settings
        self.signalling = signalling
        self.calls = Calls(self)
        self.destroyed = False
        self.do_not_disturb = False
        self.pulses = False
        """Whether its last digit came in pulses."""
        self.reversed = False
        """Whether the battery towards a phone is reversed."""
        self.forward = ""
        self.last_caller = ""
        self.alarm_bits = 0
        self.on_alarm: Callable[[Port, int], None] | None = None
        """Called when the alarms of the port change."""
        self.on_gone: Callable[[Port], None] | None = None
        """Called when its hardware was pulled out."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def signalling_code(self) -> int:
        """The kernel's number of the signalling."""
        return self.line.signalling if self.line is not None else 0

    @property
    def detects_busy(self) -> bool:
        """A busy tone ends calls."""
        return bool(self.settings["busydetect"])

    @property
    def busy_pattern(self) -> tuple[int, ...]:
        """On-time and pause of that tone in ms; empty: of any."""
        pattern: tuple[int, ...] = self.settings["busypattern"]
        return pattern

    @property
    def telling(self) -> bool:
        """Whether a phone in a call was alerted, and is waited for to ask who else calls."""
        return False

    def shown_calls(self) -> tuple[int, int, int]:
        """The numbers of the active, the waiting and the third call, 0 where there is none."""
        active = next(iter(self.machine.calls), 0)
        return active, 0, 0

    @property
    def serving(self) -> bool:
        """Whether it is in service."""
        return self.line is not None

    @property
    def ignores_alarms(self) -> bool:
        """Whether nobody is told of its alarms."""
        return False

    @property
    def block_flags(self) -> str:
        """Which side has blocked it (L, R), as the table of channels shows it; "" where nobody can."""
        return ""

    def shown_caller(self) -> tuple[str, int, str, str]:
        """Number, its type and plan, subaddress and name that ``dahdi show channel`` shows."""
        return self.settings["cid_number"], 0, "", self.settings["fullname"]

    def signalling_lines(self) -> Iterator[str]:
        """What ``dahdi show channel`` tells of the signalling beyond its name."""
        return iter(())

    def set_do_not_disturb(self, on: bool) -> None:
        """Take no calls, or take them again (a digital channel only says so); managers are told."""
        self.do_not_disturb = on
        self.pbx.bus.publish(DndState(self.number, on, self.signalling in ANALOG))
        verbose(3, "%s DND on channel %d", "Enabled" if on else "Disabled", self.number)

    # ---- the line --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Put the line into its state of rest: gains, lamps, the state of the far end."""
        line = self.line
        assert line is not None
        for name, transmit in (("hwrxgain", False), ("hwtxgain", True)):
            gain = self.settings[name]
            if gain is not None:
                self._try(partial(line.hardware_gain, gain, transmit=transmit))
        times = {name: self.settings[name] for name in TIMES if self.settings[name] >= 0}
        if times:
            self._try(partial(line.timing, times))
        self.alarm_bits = line.alarms()
        if self.alarm_bits & ~Alarm.RECOVERING:
            self.machine.alarm = True

    def settings_changed(self) -> None:
        """The file was read again: gains count at once, the rest from the next call on."""
        self.set_gains(self.settings["rxgain"], self.settings["txgain"])

    def take_events(self) -> None:
        """The line has events."""
        while self.line is not None and (event := self.line.next_event()) is not None:
            log.debug("channel %d: %s %s", self.number, event.kind.name, event.digit)
            self._happened(event)

    def _signal(self, way: str, text: str) -> None:
        """Tell those who follow signalling."""
        if self.pbx.bus.wants(LineSignal):
            self.pbx.bus.publish(LineSignal(f"DAHDI/{self.number}", way, text))

    def _happened(self, event: LineEvent) -> None:
        self._signal("-->", f"{event.kind.name} {event.digit}".rstrip().lower().replace("_", " "))
        if event.kind is Happening.REMOVED:
            self.remove()
            return
        if event.kind in (Happening.ALARM, Happening.NO_ALARM):
            self._alarmed()
        if event.kind in _ENDS:
            self._note_cause(event.kind, self.machine.calls)
        given = self.machine.line(event, self.now())
        if event.kind is Happening.POLARITY:
            self._note_cause(event.kind, [order.call for order in given if isinstance(order, orders.End)])
        self.obey(given)

    def _note_cause(self, kind: Happening, calls: Iterable[int]) -> None:
        """What the first of these calls may end by, for HANGUPCAUSE()."""
        channel = next((found for call in calls if (found := self.calls.get(call)) is not None), None)
        if channel is not None:
            word, cause = _ENDS.get(kind, (kind.name, causes.NORMAL_CLEARING))
            channel.note_cause(cause, f"ANALOG ANALOG_EVENT_{word}")

    def _alarmed(self) -> None:
        assert self.line is not None
        before, self.alarm_bits = self.alarm_bits, self.line.alarms()
        if before != self.alarm_bits and self.on_alarm is not None:
            self.on_alarm(self, self.alarm_bits)

    def remove(self) -> None:
        """The hardware is gone: every descriptor is given back at once, every call ends."""
        line, self.line = self.line, None
        if line is None:
            return
        self._sound(False)
        self.leave_alone()
        line.close()
        self.obey(self.machine.gone())
        if self.on_gone is not None:
            self.on_gone(self)

    def close(self) -> None:
        """The port is no longer wanted: calls end, the channel is given back."""
        self.destroyed = True
        self.on_gone = None
        for channel in self.calls:
            channel.far_end_hangup(causes.NORMAL_CLEARING)
        self.remove()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _try(self, work: Callable[[], None]) -> None:
        """Do something to the line; hardware that cannot is not worth more than a line in the log."""
        try:
            work()
        except LineError as error:
            verbose(3, "%s", error)

    # ---- orders ----------------------------------------------------------------------------------------------

    def obey(self, given: Iterable[Order]) -> None:
        """Carry out what the machine orders, and be back when it wants to know the time."""
        for order in given:
            self.carry_out(order)
        self._set_timer()

    def carry_out(self, order: Order) -> None:
        """One order; kinds of ports add theirs."""
        match order:
            case orders.DoHook():
                self._signal("<--", f"hook {order.state.name}".lower())
                self.on_line(lambda line: line.hook(order.state))
            case orders.Sound():
                self._sound(order.on)
            case orders.Tone():
                self._play(order.name)
            case orders.Listen():
                self._listen(order.on)
            case orders.Hear():
                self.calls.hear(order.calls, order.apart)
            case orders.Tell():
                self._tell(order)
            case orders.PressDigit():
                self._pressed(order)
            case orders.End():
                self.calls.end(order.call, order.cause)
            case orders.Transfer():
                self._transfer(order)
            case orders.Battery():
                self.reverse(order.reversed)
            case orders.Note():
                verbose(3, "channel %d: %s", self.number, order.text)
            case _:
                raise NotImplementedError(f"channel {self.number} ({self.signalling}) has no {type(order).__name__}")

    def reverse(self, reversed_: bool) -> None:
        """Reverse the battery towards a phone, or put it back."""
        self.reversed = reversed_
        self.on_line(lambda line: line.polarity(reversed_))

    def on_line(self, work: Callable[[LinePort], None]) -> None:
        """Do something to the line if it is there; what its hardware cannot is logged."""
        line = self.line
        if line is not None:
            self._try(lambda: work(line))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.machine.next_timer
        if due != float("inf") and not self.destroyed:
            self._timer = self.pbx.loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.obey(self.machine.tick(self.now()))

    # ---- calls -----------------------------------------------------------------------------------------------

    def _tell(self, order: orders.Tell) -> None:
        channel = self.calls.get(order.call)
        if channel is None:
            return
        payload = order.payload
        if order.condition is Condition.HOLD and payload is None:
            payload = self.settings["mohsuggest"] or None
        elif order.condition is Condition.RINGING and channel.state in (State.DOWN, State.DIALING):
            channel.set_state(State.RINGING)
        address = channel.data.get("dahdi_address")
        if order.condition is Condition.ANSWER and address is not None and address.confirm:
            channel.data[CONFIRMING] = True
            return
        if order.condition is Condition.ANSWER and self.before_answer(channel):
            return
        channel.deliver(Control(order.condition, payload))

    def before_answer(self, channel: DahdiChannel) -> bool:
        """The far end answers: whether there is something to do first, after which the answer is told."""
        return False

    def _pressed(self, order: orders.PressDigit) -> None:
        channel = self.calls.get(order.call)
        if channel is not None and not self.confirmed(True):
            channel.deliver(Digit(order.digit, False))
            channel.deliver(Digit(order.digit, True, _PULSE_MS))

    def _transfer(self, order: orders.Transfer) -> None:
        held, other = self.calls.get(order.held), self.calls.get(order.other)
        if held is None or other is None:
            return
        held.deliver(Control(Condition.UNHOLD))
        verbose(3, "TRANSFERRING %s to %s", held.name, other.name)
        result = attended_transfer(held, other)
        if result is not Transfer.SUCCESS:
            log.warning("channel %d: transfer of %s to %s: %s", self.number, held.name, other.name, result.value)
        for channel in (held, other):
            channel.far_end_hangup(causes.NORMAL_CLEARING)

    def call(self, channel: DahdiChannel) -> None:
        """Call the far end on behalf of a channel. Raises RequestError."""
        raise NotImplementedError

    def stripped(self, number: str) -> str:
        """What is dialled of a number (stripmsd). Raises RequestError when that is more than there is."""
        strip: int = self.settings["stripmsd"]
        if len(number) < strip:
            text = f"DAHDI/{self.number}: number {number!r} is shorter than stripmsd ({strip})"
            raise RequestError(causes.INVALID_NUMBER_FORMAT, text)
        return number[strip:]

    def answered(self, channel: DahdiChannel) -> None:
        """The dialplan answers a call of the line's."""

    def up(self, channel: DahdiChannel) -> None:
        """A call is up, whichever side answered."""

    def indicated(self, channel: DahdiChannel, condition: Condition, payload: object) -> bool:
        """Show a condition on the line; False: a tone will do."""
        return condition in _NOTHING_TO_SHOW

    def digit_begin(self, channel: DahdiChannel, digit: str) -> None:
        """A digit for the line."""
        if self.leg is not None and channel.call in self.calls.heard:
            self.leg.begin_digit(digit)

    def digit_end(self, channel: DahdiChannel, digit: str, duration_ms: int) -> None:
        """It ends."""
        if self.leg is not None and channel.call in self.calls.heard:
            self.leg.end_digit(digit, duration_ms)

    def ended(self, channel: DahdiChannel, cause: int) -> None:
        """A channel is over."""
        verbose(3, "Hungup '%s'", channel.name)
        self.calls.forget(channel)
        self.obey(self.machine.ended(channel.call, self.now()))

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """A channel for a call to the far end. Raises RequestError when the port takes none."""
        raise NotImplementedError

    def send_text(self, channel: DahdiChannel, text: str) -> bool:
        """Show a text to the far end; False when there is no way to."""
        return False

    def completion_agent(self, channel: DahdiChannel, completion: Completion, core_id: int) -> CallerSide | None:
        """See Technology.tech_completion_agent."""
        return None

    def watchable(self, channel: DahdiChannel) -> bool:
        """See Technology.tech_watchable."""
        return True

    def operate(self, channel: DahdiChannel, operator: DahdiChannel, *, by_flash: bool) -> bool:
        """Leave a call to the operator that it reached, see Technology.tech_operate: a phone can."""
        return False

    def recall(self, channel: DahdiChannel) -> None:
        """The operator of a call flashed."""

    def prepare(self, channel: DahdiChannel, address: Address, cadences: Sequence[tuple[int, ...]]) -> None:
        """What the dial string wants of a channel that was just made."""

    def refusal(self) -> int:
        """0 when the port takes a call now, else the cause why not."""
        raise NotImplementedError

    def instead(self) -> Port | None:
        """Another port for a call to its group that it does not take."""
        return None

    # ---- CHANNEL() -------------------------------------------------------------------------------------------

    def channel_item(self, channel: DahdiChannel, item: str) -> str | None:
        """The port's items of CHANNEL(...)."""
        found: Any
        match item:
            case "dahdi_channel":
                found = self.number
            case "dahdi_span":
                found = self.span
            case "dahdi_group":
                found = sum(1 << group for group in self.settings["group"])
            case "dahdi_type":
                found = "analog"
            case "echocan_mode":
                state = self.leg.echo_state() if self.leg is not None else None
                found = state.state if state is not None else "off"
            case "rxgain" | "txgain":
                found = f"{self.gains[item == 'txgain']:.6f}"
            case _:
                return None
        return str(found)

    def set_channel_item(self, channel: DahdiChannel, item: str, value: str) -> bool:
        """Assign one of them; False when there is none such."""
        if item in _WORDS:
            self._set_by_word(channel, item, value)
            return True
        if item not in ("rxgain", "txgain"):
            return False
        try:
            gain = float(value)
        except ValueError:
            log.warning("%s: CHANNEL(%s): %r is no gain in dB", channel.name, item, value)
            return True
        receive, transmit = self.gains
        self.set_gains(*((gain, transmit) if item == "rxgain" else (receive, gain)))
        return True

    def _set_by_word(self, channel: DahdiChannel, item: str, value: str) -> None:
        word = value.strip().lower()
        if item == "buffers":
            verbose(3, "%s: CHANNEL(buffers) has no effect: the engine keeps as much sound as needed", channel.name)
        elif word in _WORDS[item]:
            self.cancel_echo(word != "off")
        else:
            log.warning("%s: CHANNEL(%s): %r is not one of %s", channel.name, item, value, ", ".join(_WORDS[item]))


_WORDS = {"echocan_mode": ("on", "off", "voice", "fax"), "buffers": ()}
"""Items that are told a word. Voice and fax are on: the canceller gives way to the tones of machines by itself."""
_ENDS = {
    Happening.ON_HOOK: ("ONHOOK", causes.NORMAL_CLEARING),
    Happening.ALARM: ("ALARM", causes.NETWORK_OUT_OF_ORDER),
}
"""What ends a call on the line, in Asterisk's words."""
_NOTHING_TO_SHOW = frozenset(
    {
        Condition.PROGRESS,
        Condition.PROCEEDING,
        Condition.CONNECTED_LINE,
        Condition.REDIRECTING,
        Condition.SOURCE_UPDATE,
        Condition.SOURCE_CHANGE,
        Condition.VIDEO_UPDATE,
    }
)
