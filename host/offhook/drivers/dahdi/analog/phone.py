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
    up          joined            alerting  joined    beeps; flash answers, the two others go on with each other
    up          up                joined    joined    flash toggles between the one and the conference
    up, down    (held, of it)                         its other calls have ended: flash, or lifting, takes it back
    up          none                                  reorder tone, then howler
"""

from __future__ import annotations

from collections.abc import Sequence

from kernel_shims.line import Happening, Hook, LineEvent
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import NEVER
from offhook.drivers.dahdi.analog.habits import PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone_flashing import PhoneFlashing

_BEEP_EVERY = 10.0
_DISCONNECT_S = 1.0
"""The battery drop that tells a phone of the end is over by then."""
_QUIET_AFTER = 90.0


class Phone(PhoneFlashing):
    """The machine of one phone."""

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

    def _lifted(self, now: float) -> list[Order]:
        if self.off_hook:
            return []
        self.off_hook = True
        call = self._active
        out: list[Order] = [orders.DoHook(Hook.OFF), orders.Sound(True)]
        if call is None:
            return out + self._new_call(now, "stutter" if self.messages else "dial")
        recalled = call.stage is not Stage.ALERTING
        if recalled:
            call.stage = Stage.UP
        out += [orders.Listen(True), self._hear()]
        if not recalled:
            out.append(orders.Tell(call.number, Condition.ANSWER))
            if self.habits.reverse_on_answer:
                out.append(orders.Battery(True))
        else:
            out.append(orders.Tell(call.number, Condition.UNHOLD))
        call.stage = Stage.UP
        return out

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
            leaves: list[Order] = [orders.End(call.number, cause)]
            if third is not None and call.joined:
                self._third = None
                leaves = self._leave_two(call, third)
            return [*leaves, *self._ring_again(waiting)]
        if call.stage is Stage.RECALLING:
            return self._ring_again(call)
        if third is not None:
            return self._put_down_on_two(call, third, now)
        if self._may_lift_again(call):
            return [orders.Hear(()), orders.Sound(False)]
        self._active = None
        return [orders.End(call.number, cause), *self._at_rest()]

    def left_up(self, now: float) -> list[Order]:
        """It was taken for put down by somebody's order, and its handset is up still."""
        self.off_hook = True
        return [orders.Sound(True), *self._reorder(now)]

    def _may_lift_again(self, call: PhoneCall) -> bool:
        return self.habits.held_by_caller and call.called and call.stage is Stage.UP

    def _burst_over(self) -> list[Order]:
        call = self._active
        if call is None or self.off_hook or call.stage not in (Stage.ALERTING, Stage.RECALLING):
            return []
        self._rings += 1
        # Who is held goes on hearing music.
        out: list[Order] = [orders.Tell(call.number, Condition.RINGING)] if call.stage is Stage.ALERTING else []
        if self._rings == self._identity_after:
            out.append(orders.SendCallerId(call.number))
        return out

    # ---- digits and the clock ------------------------------------------------------------------------------

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

    # ---- the calls -----------------------------------------------------------------------------------------

    def ring(self, number: int, cadence: Sequence[int], now: float) -> list[Order]:
        """A call comes to the phone (``takes_call`` said that it may)."""
        call = PhoneCall(number, Stage.ALERTING, called=True)
        if self._active is None:
            self._active, self._rings = call, 0
            after = self.habits.caller_id_after
            self._identity_after = _identity_burst(cadence) if cadence and after else after
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
            return self._waiting_ended(call)
        if call is self._third:
            return self._third_ended()
        return self._active_ended(now)

    def _waiting_ended(self, call: PhoneCall) -> list[Order]:
        self._waiting, self._beep, self._deciding = None, NEVER, False
        third = self._third
        if not call.joined or third is None:
            return []
        # They were in conference while the phone talks to somebody else: who is left is the waiting one now, on hold.
        self._waiting, self._third = third, None
        self._part()
        return [orders.Tell(third.number, Condition.HOLD), self._hear()]

    def _third_ended(self) -> list[Order]:
        partner, self._third = self._partner, None
        self._part()
        if partner is None:
            return []
        held = [orders.Tell(partner.number, Condition.HOLD)] if partner is self._waiting else []
        return [*held, self._hear()]

    def _active_ended(self, now: float) -> list[Order]:
        if self.collector is not None:
            self._stop_collecting()
        waiting, third, self._active = self._waiting, self._third, None
        if not self.off_hook:
            return self._rang_in_vain(waiting, third)
        if third is not None:
            self._follow(waiting, third)
            return [self._hear(), orders.Tone("")]
        if waiting is not None:
            self._active, self._waiting, self._beep = waiting, None, NEVER
            out: list[Order] = [orders.Tone("")]
            if waiting.stage is Stage.ALERTING:
                waiting.stage = Stage.UP
                out.append(orders.Tell(waiting.number, Condition.ANSWER))
            return [*out, orders.Tell(waiting.number, Condition.UNHOLD), self._hear()]
        if self.habits.dial_again:
            self._again = now + _DISCONNECT_S
            out = [orders.DoHook(Hook.ON), orders.Hear(()), orders.Tone("")]
        else:
            out = [orders.DoHook(Hook.ON), *self._reorder(now)]
        away = not self.habits.reverse_on_answer
        return [*out, orders.Battery(away)] if self.habits.reverse_on_hangup else out

    def _follow(self, waiting: PhoneCall | None, third: PhoneCall) -> None:
        """The active call has ended, and a third one is there: held ones wait for a flash."""
        if waiting is not None and waiting.joined:
            self._active, self._waiting = waiting, None
            waiting.stage = Stage.RECALLING
            return
        self._active, self._third = third, None
        if not third.joined and third.stage is Stage.UP:
            third.stage = Stage.RECALLING
        self._part()

    def _rang_in_vain(self, waiting: PhoneCall | None, third: PhoneCall | None) -> list[Order]:
        left = waiting or third
        self._waiting = self._third = None
        for call in (waiting, third):
            if call is not None:
                call.joined = False
        if left is None:
            return self._at_rest()
        self._active = left
        return self._ring_again(left)


def _identity_burst(cadence: Sequence[int]) -> int:
    """After how many bursts of a distinctive cadence caller ID is sent: before its negative pause, or the first one."""
    return next((place + 1 for place, ms in enumerate(cadence[1::2]) if ms < 0), 1)
