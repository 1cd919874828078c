"""A port: one channel of the hardware with its settings, its machine, and the calls it has.

The machine decides (``analog``); the port carries its orders out on the line (kernel_shims), in the engine and on the
channels, and tells it what line, calls and clock do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kernel_shims.line import TIMES, Alarm, Happening, LineError, LineEvent, LinePort
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Digit, Media
from offhook.calls.signalling import LineSignal
from offhook.calls.transfer import attended_transfer
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.calls import Calls
from offhook.drivers.dahdi.tones import tone_of
from offhook.media.events import DigitBegin, DigitEnd

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.addresses import Address
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.reading import ChannelSettings
    from offhook.media.events import MediaEvent
    from offhook.media.line import LineLeg
    from offhook.media.playing import Playback
    from offhook.media.tones import ToneSpec

log = logging.getLogger(__name__)

_CONFIRMING = "dahdi_confirming"
"""Key in the data of a called channel whose answer counts only once # was pressed (option c)."""
BLOCK = 80
"""Samples of a read and a write: one tick of the engine."""
AHEAD = 3
_PULSE_MS = 100
_TAPS_A_MS = 8
_USUAL_TAPS = 128
_LONGEST_ECHO_MS = 128


class Machine(Protocol):
    """What every machine of an analog port can be told."""

    alarm: bool

    @property
    def calls(self) -> tuple[int, ...]:
        """The calls it knows, the active one first."""

    @property
    def next_timer(self) -> float:
        """When ``tick`` is due."""

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Something happened on the line."""

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""

    def ended(self, number: int, now: float) -> list[Order]:
        """A call was ended by its other side."""

    def gone(self) -> list[Order]:
        """The port is no more."""


class Port:
    """See the text of this file. ``kind`` names it on the console ("FXO Kewlstart")."""

    machine: Machine
    two_wire = True
    """Sound of both directions shares a pair of wires: there is echo."""

    def __init__(self, pbx: Pbx, line: LinePort, settings: ChannelSettings, signalling: str) -> None:
        self.pbx = pbx
        self.number = line.number
        self.line: LinePort | None = line
        self.span = line.span
        self.law = line.law
        self.settings = settings
        self.signalling = signalling
        self.leg: LineLeg | None = None
        self.calls = Calls(self)
        self.destroyed = False
        self.do_not_disturb = False
        self.forward = ""
        self.last_caller = ""
        self.alarm_bits = 0
        self.gains = (settings["rxgain"], settings["txgain"])
        self.on_alarm: Callable[[Port, int], None] | None = None
        """Called when the alarms of the port change."""
        self.on_gone: Callable[[Port], None] | None = None
        """Called when its hardware was pulled out."""
        self.sound_since = 0.0
        """When the present sound path was opened."""
        self._timer: asyncio.TimerHandle | None = None
        self._tone: Playback | None = None
        self._listening = False

    @property
    def signalling_code(self) -> int:
        """The kernel's number of the signalling."""
        return self.line.signalling if self.line is not None else 0

    def echo_lines(self) -> Iterator[str]:
        """The echo canceller as ``dahdi show channel`` tells of it."""
        taps = self.echo_ms * _TAPS_A_MS
        if not taps:
            yield "\tnone"
            return
        yield f"\t{taps} taps"
        found = self.leg.echo_state() if self.leg is not None else None
        yield f"\t(unless TDM bridged) currently {'OFF' if found is None or found.state == 'off' else 'ON'}"
        if found is not None:
            yield f"\t{found.state}, ERL {found.return_loss_db:.1f} dB, ERLE {found.enhancement_db:.1f} dB"

    @property
    def serving(self) -> bool:
        """Whether it is in service."""
        return self.line is not None

    @property
    def block_flags(self) -> str:
        """Which side has blocked it (L, R), as the table of channels shows it; "" where nobody can."""
        return ""

    def signalling_lines(self) -> Iterator[str]:
        """What ``dahdi show channel`` tells of the signalling beyond its name."""
        return iter(())

    @property
    def echo_ms(self) -> int:
        """The longest echo that is cancelled: 8 taps are a millisecond."""
        taps = self.settings["echocancel"]
        if taps is None:
            taps = _USUAL_TAPS if self.two_wire else 0
        return min(_LONGEST_ECHO_MS, max(1, taps // _TAPS_A_MS)) if taps else 0

    def now(self) -> float:
        """The machine's clock."""
        return self.pbx.now()

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

    def leave_alone(self) -> None:
        """Somebody takes the idle line's sound for a while: what listens on it stops."""

    def is_idle(self) -> None:
        """The line's sound is nobody's: what listens on an idle line may do so."""

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
        self.obey(self.machine.line(event, self.now()))

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
            log.info("%s", error)

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
                self.calls.hear(order.calls)
            case orders.Tell():
                self._tell(order)
            case orders.PressDigit():
                self._pressed(order)
            case orders.End():
                self.calls.end(order.call, order.cause)
            case orders.Transfer():
                self._transfer(order)
            case orders.Battery():
                self.on_line(lambda line: line.polarity(order.reversed))
            case orders.Note():
                log.info("channel %d: %s", self.number, order.text)
            case _:
                raise NotImplementedError(f"channel {self.number} ({self.signalling}) has no {type(order).__name__}")

    def dial(self, order: orders.Dial) -> None:
        """Dial in pulses, which the driver makes, or in tones of the engine's."""
        if order.way == "P":
            self.on_line(lambda line: line.dial(f"P{order.digits}"))
        elif self.leg is not None:
            for digit in order.digits:
                self.leg.send_digit(digit, self.settings["toneduration"])

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

    # ---- sound -----------------------------------------------------------------------------------------------

    def _sound(self, on: bool) -> None:
        if on and self.leg is None and self.line is not None:
            self.leave_alone()
            self._open_sound(self.line)
        elif not on and self.leg is not None:
            leg, self.leg = self.leg, None
            self._tone = None
            self._listening = False
            self.calls.rejoin(None)
            leg.close()
            self.is_idle()

    def _open_sound(self, line: LinePort) -> None:
        try:
            line.ready_audio(BLOCK)
        except LineError as error:
            log.warning("%s: no sound", error)
            return
        self.leg = leg = self.pbx.engine.line_leg(
            line.descriptor, self.law, block=BLOCK, ahead=AHEAD, echo_ms=self.echo_ms
        )
        leg.name = f"DAHDI/{self.number}"
        leg.on_event = self._media_event
        self.sound_since = self.now()
        self.set_gains(*self.gains)
        self.calls.rejoin(leg)

    def set_gains(self, receive_db: float, transmit_db: float) -> None:
        """Change the level of the line's sound, in dB."""
        self.gains = (receive_db, transmit_db)
        if self.leg is not None:
            self.leg.line_gain(receive_db, transmit_db)

    def _play(self, name: str) -> None:
        if self._tone is not None:
            self._tone.stop()
            self._tone = None
        if name and self.leg is not None:
            self._tone = self.leg.tones(self.tone(name))

    def tone(self, name: str) -> ToneSpec:
        """A tone of the port's zone, or what stands for it where the zone has none such."""
        return tone_of(self.pbx, name)

    def _listen(self, on: bool) -> None:
        self._listening = on
        if self.leg is not None:
            self.leg.detect_digits(on, relax=self.settings["relaxdtmf"])

    def _media_event(self, event: MediaEvent) -> None:
        if isinstance(event, DigitBegin):
            self.digit_heard(event.digit, None)
        elif isinstance(event, DigitEnd):
            self.digit_heard(event.digit, event.duration_ms)
        else:
            for number in self.calls.heard:
                channel = self.calls.get(number)
                if channel is not None:
                    channel.deliver(Media(event))

    def digit_heard(self, digit: str, duration_ms: int | None) -> None:
        """DTMF on the line: it begins (None), or ended. It is for the calls that hear the line."""
        for number in self.calls.heard:
            channel = self.calls.get(number)
            if channel is not None and channel.data.get(_CONFIRMING):
                if digit == "#" and duration_ms is not None:
                    del channel.data[_CONFIRMING]
                    channel.deliver(Control(Condition.ANSWER))
            elif channel is not None:
                channel.deliver(Digit(digit, duration_ms is not None, duration_ms or 0))

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
            channel.data[_CONFIRMING] = True
            return
        channel.deliver(Control(order.condition, payload))

    def _pressed(self, order: orders.PressDigit) -> None:
        channel = self.calls.get(order.call)
        if channel is not None:
            channel.deliver(Digit(order.digit, False))
            channel.deliver(Digit(order.digit, True, _PULSE_MS))

    def _transfer(self, order: orders.Transfer) -> None:
        held, other = self.calls.get(order.held), self.calls.get(order.other)
        if held is None or other is None:
            return
        held.deliver(Control(Condition.UNHOLD))
        result = attended_transfer(held, other)
        log.info("channel %d: transfer of %s to %s: %s", self.number, held.name, other.name, result.value)
        for channel in (held, other):
            channel.far_end_hangup(causes.NORMAL_CLEARING)

    def call(self, channel: DahdiChannel) -> None:
        """Call the far end on behalf of a channel. Raises RequestError."""
        raise NotImplementedError

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
        self.calls.forget(channel)
        self.obey(self.machine.ended(channel.call, self.now()))

    def requested(self, address: Address, requester: Channel | None, ids: tuple[str, str]) -> DahdiChannel:
        """A channel for a call to the far end. Raises RequestError when the port takes none."""
        raise NotImplementedError

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
