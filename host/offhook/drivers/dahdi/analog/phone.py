"""A port with a telephone on it (an FXS port, signalled fxo_ls, fxo_gs or fxo_ks).

The phone has up to three calls: the active one, which it hears; a waiting one, which beeps or was put on hold for the
active one by a flash; a third one, held while another is dialled, or in conference with the active one.

    handset     active            waiting   third
    down        none                                  idle
    down        alerting                              rings; lifting answers
    up          collecting                  (held)    dials
    up          going, up                             talks
    up          up                alerting            beeps; flash answers and holds the other, hanging up rings for it
    up          up                up                  flash toggles
    up          going, up                   held      flash joins all three, hanging up transfers
    up          up                          joined    flash drops the last, hanging up transfers
    up          none                                  reorder tone, then howler
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel_shims.line import Happening, Hook, LineEvent
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import NEVER, Code, Collector, Complete, Plan, Refused, Step, Wait
from offhook.drivers.dahdi.analog.habits import Habits, PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order

_BOUNCE = 2.0
"""Seconds after a flash within which going on hook is taken for the end of both calls."""
_BEEP_EVERY = 10.0
_DECIDE_S = 1.0
"""Call waiting deluxe waits that long for a digit."""
_DISCONNECT_S = 1.0
"""The battery drop that tells a phone of the end is over by then."""
_HOWLER_AFTER = 30.0
_QUIET_AFTER = 90.0


class Phone:
    """The machine of one phone."""

    def __init__(self, plan: Plan, habits: Habits) -> None:
        self.plan = plan
        self.habits = habits
        self.off_hook = False
        self.alarm = False
        self.do_not_disturb = False
        self.messages = False
        """Whether the dial tone stutters."""
        self.call_waiting = habits.call_waiting
        self.collector: Collector | None = None
        self.conference = False
        self._active: PhoneCall | None = None
        self._waiting: PhoneCall | None = None
        self._third: PhoneCall | None = None
        self._rings = 0
        self._identity_after = habits.caller_id_after
        self._next = 0
        self._flashed = -NEVER
        self._deadline = NEVER
        self._beep = NEVER
        self._noise = NEVER
        self._noise_next = ""
        self._again = NEVER
        """When dial tone comes again for a phone that stayed off hook."""
        self._decide_by = NEVER
        self._deciding = False
        """A flash was given for a waiting call with call waiting deluxe: a digit says what for."""

    # ---- what can be asked ---------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[int, ...]:
        """Every call, the active one first."""
        return tuple(call.number for call in (self._active, self._waiting, self._third) if call is not None)

    @property
    def idle(self) -> bool:
        """On hook, no call."""
        return not self.off_hook and self._active is None

    @property
    def takes_digits(self) -> bool:
        """Digits are the phone's own: it dials, or decides what becomes of a waiting call."""
        return self.collector is not None or self._deciding

    def stage(self, call: int) -> Stage | None:
        """How far a call is; None when it is none of the phone's."""
        found = self._find(call)
        return found.stage if found is not None else None

    def takes_call(self) -> int:
        """0 when another call may ring or beep here, else the cause why not."""
        if self.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        if self.do_not_disturb:
            return causes.USER_BUSY
        if self.idle:
            return 0
        beeps = self.call_waiting and self.off_hook and self._waiting is None and self._third is None
        return 0 if beeps and self._active is not None and self._active.stage is Stage.UP else causes.USER_BUSY

    @property
    def next_timer(self) -> float:
        """When ``tick`` is due; infinity: never."""
        return min(self._deadline, self._beep, self._noise, self._again, self._decide_by)

    def new_number(self) -> int:
        """A number for a call that comes from outside."""
        self._next += 1
        return self._next

    def _find(self, number: int) -> PhoneCall | None:
        for call in (self._active, self._waiting, self._third):
            if call is not None and call.number == number:
                return call
        return None

    # ---- the line ------------------------------------------------------------------------------------------

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Something happened on the line."""
        match event.kind:
            case Happening.OFF_HOOK if not self.alarm:
                return self._lifted(now)
            case Happening.ON_HOOK:
                return self._put_down(now)
            case Happening.FLASH if not self.alarm:
                return self._flash(now)
            case Happening.PULSE_START if self.collector is not None and not self.collector.digits:
                return [orders.Tone("")]
            case Happening.PULSE_DIGIT:
                return self.digit(event.digit, now, pulses=True)
            case Happening.RINGER_OFF:
                return self._burst_over()
            case Happening.ALARM:
                self.alarm = True
                return self._put_down(now, causes.NETWORK_OUT_OF_ORDER)
            case Happening.NO_ALARM:
                self.alarm = False
                return []
            case Happening.REMOVED:
                return self.gone()
        return []

    def gone(self) -> list[Order]:
        """The port is no more: every call is over."""
        out: list[Order] = [orders.End(number, causes.DESTINATION_OUT_OF_ORDER) for number in self.calls]
        self._forget()
        self.off_hook = False
        return [*out, orders.Sound(False)]

    def _forget(self) -> None:
        self._active = self._waiting = self._third = self.collector = None
        self.conference = self._deciding = False
        self._deadline = self._beep = self._noise = self._again = self._decide_by = NEVER

    def _lifted(self, now: float) -> list[Order]:
        if self.off_hook:
            return []
        self.off_hook = True
        call = self._active
        out: list[Order] = [orders.DoHook(Hook.OFF), orders.Sound(True)]
        if call is None:
            return out + self._new_call(now, "stutter" if self.messages else "dial")
        out += [orders.Listen(True), orders.Hear((call.number,))]
        if call.stage is Stage.ALERTING:
            out.append(orders.Tell(call.number, Condition.ANSWER))
            if self.habits.reverse_on_answer:
                out.append(orders.Battery(True))
        else:
            out.append(orders.Tell(call.number, Condition.UNHOLD))
        call.stage = Stage.UP
        return out

    def _new_call(self, now: float, tone: str, *, patient: bool = False) -> list[Order]:
        call = self._active = PhoneCall(self.new_number(), Stage.COLLECTING)
        out: list[Order] = [orders.NewCall(call.number)]
        if self.habits.immediate and self._third is None:
            call.stage = Stage.GOING
            return [*out, orders.Listen(True), orders.Hear((call.number,)), orders.Start(call.number, "s")]
        self.collector = Collector(self.plan, self.habits.rules, consulting=self._third is not None)
        self.collector.call_waiting = self.call_waiting
        wait = self.collector.begin(tone, patient=patient)
        self._deadline = now + wait.seconds
        return [*out, orders.Hear(()), orders.Listen(True), orders.Tone(tone)]

    def _put_down(self, now: float, cause: int = causes.NORMAL_CLEARING) -> list[Order]:
        if not self.off_hook and not (self.alarm and self.calls):
            return []
        self.off_hook = self._deciding = False
        self.collector = None
        self._deadline = self._beep = self._noise = self._again = NEVER
        call, waiting, third = self._active, self._waiting, self._third
        if call is None:
            return self._at_rest()
        if self.alarm:
            out: list[Order] = [orders.End(number, cause) for number in self.calls]
            self._forget()
            return out + self._at_rest()
        if waiting is not None:
            self._active, self._waiting = waiting, None
            return [orders.End(call.number, cause), *self._ring_again(waiting)]
        if third is not None:
            return self._put_down_on_two(call, third, now)
        if self._may_lift_again(call):
            return [orders.Hear(()), orders.Sound(False)]
        self._active = None
        return [orders.End(call.number, cause), *self._at_rest()]

    def _may_lift_again(self, call: PhoneCall) -> bool:
        return self.habits.held_by_caller and call.called and call.stage is Stage.UP

    def _put_down_on_two(self, call: PhoneCall, third: PhoneCall, now: float) -> list[Order]:
        both: list[Order] = [orders.End(call.number), orders.End(third.number)]
        conference, self.conference = self.conference, False
        if now - self._flashed < _BOUNCE:
            self._active = self._third = None
            return [*both, orders.Note("a flash that became a hangup: both calls end"), *self._at_rest()]
        if call.stage is Stage.COLLECTING or (call.busy and not self.habits.transfer_to_busy):
            self._active, self._third = third, None
            return [orders.End(call.number), *self._ring_again(third)]
        self._active = self._third = None
        if not self.habits.transfer:
            return [*both, *self._at_rest()]
        held, other = (call, third) if conference else (third, call)
        return [orders.Transfer(held.number, other.number), *self._at_rest()]

    def _ring_again(self, call: PhoneCall) -> list[Order]:
        """The handset went down while a call was waiting or held: the phone rings for it."""
        if call.stage is not Stage.ALERTING:
            call.stage = Stage.RECALLING
        self._rings = 0
        return [
            orders.Tone(""),
            orders.Hear(()),
            orders.Listen(False),
            orders.DoHook(Hook.ON),
            orders.Ring(call.number),
        ]

    def _at_rest(self) -> list[Order]:
        out: list[Order] = [orders.Tone(""), orders.Hear(()), orders.Listen(False), orders.DoHook(Hook.ON)]
        if self.habits.reverse_on_answer or self.habits.reverse_on_hangup:
            out.append(orders.Battery(False))
        self.call_waiting = self.habits.call_waiting
        return [*out, orders.Sound(False)]

    def _burst_over(self) -> list[Order]:
        call = self._active
        if call is None or self.off_hook or call.stage not in (Stage.ALERTING, Stage.RECALLING):
            return []
        self._rings += 1
        out: list[Order] = [orders.Tell(call.number, Condition.RINGING)]
        if self._rings == self._identity_after:
            out.append(orders.SendCallerId(call.number))
        return out

    # ---- flash ---------------------------------------------------------------------------------------------

    def _flash(self, now: float) -> list[Order]:
        self._flashed = now
        self._deciding = False
        call, waiting, third = self._active, self._waiting, self._third
        if call is None or not self.off_hook:
            return []
        if waiting is not None:
            if self.habits.waiting_deluxe and waiting.stage is Stage.ALERTING:
                self._deciding = True
                self._decide_by = now + _DECIDE_S
                return []
            return self._toggle(call, waiting)
        if call.stage is Stage.RECALLING:
            call.stage = Stage.UP
            return [orders.Tone(""), orders.Tell(call.number, Condition.UNHOLD), orders.Hear((call.number,))]
        if third is None:
            return self._flash_on_one(call, now)
        if self.conference:
            return self._drop_last(call, third)
        reached = call.stage is not Stage.COLLECTING and (self.habits.transfer_to_busy or not call.busy)
        return self._join_all(call, third) if reached else self._back_to(third, drop=call)

    def _flash_on_one(self, call: PhoneCall, now: float) -> list[Order]:
        if not self.habits.three_way:
            return [orders.Tell(call.number, Condition.FLASH)]
        if call.stage is Stage.COLLECTING:
            return []
        self._third = call
        out: list[Order] = [orders.Tell(call.number, Condition.HOLD)]
        return out + self._new_call(now, "dialrecall", patient=not self.habits.silent_hold)

    def _toggle(self, call: PhoneCall, waiting: PhoneCall) -> list[Order]:
        self._active, self._waiting = waiting, call
        self._beep = NEVER
        out: list[Order] = [orders.Tone("")]
        if waiting.stage is Stage.ALERTING:
            waiting.stage = Stage.UP
            out.append(orders.Tell(waiting.number, Condition.ANSWER))
        out += [orders.Tell(call.number, Condition.HOLD), orders.Tell(waiting.number, Condition.UNHOLD)]
        return [*out, orders.Hear((waiting.number,))]

    def _drop_last(self, call: PhoneCall, third: PhoneCall) -> list[Order]:
        if call.stage is not Stage.UP and third.stage is Stage.UP:
            call, third = third, call
        self._active, self._third, self.conference = call, None, False
        return [orders.End(third.number), orders.Hear((call.number,))]

    def _join_all(self, call: PhoneCall, third: PhoneCall) -> list[Order]:
        self._active, self._third, self.conference = third, call, True
        return [
            orders.Tone(""),
            orders.Tell(third.number, Condition.UNHOLD),
            orders.Hear((third.number, call.number)),
        ]

    def _back_to(self, third: PhoneCall, drop: PhoneCall) -> list[Order]:
        self._active, self._third, self.collector = third, None, None
        self._deadline = NEVER
        return [
            orders.Tone(""),
            orders.End(drop.number),
            orders.Tell(third.number, Condition.UNHOLD),
            orders.Hear((third.number,)),
        ]

    # ---- digits --------------------------------------------------------------------------------------------

    def digit_begins(self) -> list[Order]:
        """A key is pressed: the dial tone ends."""
        return [orders.Tone("")] if self.collector is not None and not self.collector.digits else []

    def digit(self, digit: str, now: float, *, pulses: bool = False) -> list[Order]:
        """A digit was dialled: a key let go, or a train of pulses."""
        if self.collector is not None:
            return self._collected(self.collector.digit(digit), now)
        if self._active is None or not self.off_hook:
            return []
        if self._deciding:
            self._deciding = False
            self._decide_by = NEVER
            return self._decided(digit)
        return [orders.PressDigit(self._active.number, digit)] if pulses else []

    def _decided(self, digit: str) -> list[Order]:
        """Call waiting deluxe: 3 joins all, 7 drops the present call, 6 and 8 ask to wait, 9 forwards; else as ever."""
        call, waiting = self._active, self._waiting
        if call is None or waiting is None:
            return []
        match digit:
            case "3":
                out = self._toggle(call, waiting)
                self._third, self._waiting, self.conference = call, None, True
                unhold = orders.Tell(call.number, Condition.UNHOLD)
                return [*out, unhold, orders.Hear((waiting.number, call.number))]
            case "7":
                out = self._toggle(call, waiting)
                self._waiting = None
                return [*out, orders.End(call.number)]
            case "6" | "8":
                return [orders.Feature("announce", waiting.number)]
            case "9":
                self._waiting, self._beep = None, NEVER
                return [orders.Feature("forwardwaiting", waiting.number), orders.End(waiting.number)]
        return self._toggle(call, waiting)

    def _collected(self, step: Step, now: float) -> list[Order]:
        call, collector = self._active, self.collector
        assert call is not None and collector is not None
        match step:
            case Wait():
                self._deadline = now + step.seconds
                return [orders.Tone(step.tone)] if step.tone is not None else []
            case Complete():
                call.stage = Stage.GOING
                self._stop_collecting()
                hide = orders.Feature("hide", call.number, "yes" if collector.hidden else "no")
                ready: list[Order] = [orders.Tone(""), hide, orders.Hear((call.number,))]
                return [*ready, orders.Start(call.number, step.exten)]
            case Refused():
                self._stop_collecting()
                return self._refused(call, now)
            case Code():
                return self._code(step, call, now)
        raise AssertionError(step)

    def _stop_collecting(self) -> None:
        self.collector = None
        self._deadline = NEVER

    def _refused(self, call: PhoneCall, now: float) -> list[Order]:
        third = self._third
        if third is not None:
            self._active, self._third = None, third
        else:
            self._active = None
        silent = third is not None and self.habits.silent_hold
        out: list[Order] = [orders.End(call.number, causes.UNALLOCATED), *([] if silent else self._reorder(now))]
        if third is not None:
            self._active, self._third = third, None
            third.stage = Stage.RECALLING
        return out

    def _code(self, code: Code, call: PhoneCall, now: float) -> list[Order]:
        out: list[Order] = [orders.Feature(code.feature, call.number, code.value)]
        if code.feature == "callwaiting":
            self.call_waiting = code.value == "yes"
        elif code.feature == "dnd":
            self.do_not_disturb = code.value == "yes"
        if code.then is not None:
            self._deadline = now + code.then.seconds
            return [*out, orders.Tone(code.then.tone or "")]
        self._stop_collecting()
        call.stage = Stage.GOING
        return [orders.Tone(""), orders.Hear((call.number,)), *out]

    # ---- the clock -----------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""
        out: list[Order] = []
        if now >= self._deadline:
            self._deadline = NEVER
            if self.collector is not None:
                out += self._collected(self.collector.timeout(), now)
        if now >= self._decide_by:
            self._decide_by = NEVER
            if self._deciding and self._active is not None and self._waiting is not None:
                out += self._toggle(self._active, self._waiting)
            self._deciding = False
        if now >= self._beep:
            self._beep = now + _BEEP_EVERY
            if self._waiting is not None:
                out.append(orders.WaitingTone(self._waiting.number, False))
        if now >= self._noise:
            out.append(orders.Tone(self._noise_next))
            self._noise = now + _QUIET_AFTER if self._noise_next else NEVER
            self._noise_next = ""
        if now >= self._again:
            self._again = NEVER
            out += [orders.DoHook(Hook.OFF), *self._new_call(now, "dial")]
        return out

    def _reorder(self, now: float) -> list[Order]:
        self._noise, self._noise_next = now + _HOWLER_AFTER, "howler"
        return [orders.Hear(()), orders.Tone("congestion")]

    # ---- the calls -----------------------------------------------------------------------------------------

    def ring(self, number: int, cadence: Sequence[int], now: float) -> list[Order]:
        """A call comes to the phone (``takes_call`` said that it may)."""
        call = PhoneCall(number, Stage.ALERTING, called=True)
        if self._active is None:
            self._active, self._rings = call, 0
            self._identity_after = _identity_burst(cadence) or self.habits.caller_id_after
            if not self.habits.caller_id_after:
                self._identity_after = 0
            return [orders.Sound(True), orders.Ring(number, tuple(cadence))]
        self._waiting = call
        self._beep = now + _BEEP_EVERY
        return [
            orders.WaitingTone(number, self.habits.waiting_caller_id),
            orders.Tell(number, Condition.RINGING),
        ]

    def answered(self, number: int) -> list[Order]:
        """What the phone dialled was answered."""
        call = self._find(number)
        if call is None or call.stage is not Stage.GOING:
            return []
        call.stage = Stage.UP
        return [orders.Battery(True)] if self.habits.reverse_on_answer and call is self._active else []

    def busy(self, number: int) -> None:
        """What the phone dialled is busy."""
        call = self._find(number)
        if call is not None:
            call.busy = True

    def ended(self, number: int, now: float) -> list[Order]:
        """A call was ended by its other side."""
        call = self._find(number)
        if call is None:
            return []
        if call is self._waiting:
            self._waiting, self._beep, self._deciding = None, NEVER, False
            return []
        if call is self._third:
            self._third, conference, self.conference = None, self.conference, False
            active = self._active
            return [orders.Hear((active.number,))] if conference and active is not None else []
        return self._active_ended(now)

    def _active_ended(self, now: float) -> list[Order]:
        if self.collector is not None:
            self._stop_collecting()
        waiting, third, self._active = self._waiting, self._third, None
        if not self.off_hook:
            return self._rang_in_vain(waiting, third)
        if third is not None:
            self._active, self._third = third, None
            conference, self.conference = self.conference, False
            if not conference:
                third.stage = Stage.RECALLING if third.stage is Stage.UP else third.stage
            return [orders.Hear((third.number,) if conference else ()), orders.Tone("")]
        if waiting is not None:
            self._active, self._waiting, self._beep = waiting, None, NEVER
            out: list[Order] = [orders.Tone("")]
            if waiting.stage is Stage.ALERTING:
                waiting.stage = Stage.UP
                out.append(orders.Tell(waiting.number, Condition.ANSWER))
            return [*out, orders.Tell(waiting.number, Condition.UNHOLD), orders.Hear((waiting.number,))]
        if self.habits.dial_again:
            self._again = now + _DISCONNECT_S
            out = [orders.DoHook(Hook.ON), orders.Hear(()), orders.Tone("")]
        else:
            out = [orders.DoHook(Hook.ON), *self._reorder(now)]
        return [*out, orders.Battery(True)] if self.habits.reverse_on_hangup else out

    def _rang_in_vain(self, waiting: PhoneCall | None, third: PhoneCall | None) -> list[Order]:
        left = waiting or third
        self._waiting = self._third = None
        if left is None:
            return self._at_rest()
        self._active = left
        return self._ring_again(left)


def _identity_burst(cadence: Sequence[int]) -> int:
    """After how many bursts of a distinctive cadence caller ID is sent: before its negative pause; 0 for none such."""
    place = next((place for place, ms in enumerate(cadence) if ms < 0), -1)
    return (place + 1) // 2
