"""A telephone whose hook is flashed: call waiting, hold, three-way calls and transfer."""

from __future__ import annotations

from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import NEVER
from offhook.drivers.dahdi.analog.habits import PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone_dialling import PhoneDialling

_BOUNCE = 2.0
"""Seconds after a flash within which going on hook is taken for the end of both calls."""
_DECIDE_S = 1.0
"""Call waiting deluxe waits that long for a digit."""


class PhoneFlashing(PhoneDialling):
    """See the text of this file."""

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
            return [orders.Tone(""), orders.Tell(call.number, Condition.UNHOLD), self._hear()]
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
        """Change over. Who is in conference goes on talking to the third party and is not put on hold."""
        self._active, self._waiting = waiting, call
        self._beep = NEVER
        out: list[Order] = [orders.Tone("")]
        if waiting.stage is Stage.ALERTING:
            waiting.stage = Stage.UP
            out.append(orders.Tell(waiting.number, Condition.ANSWER))
        if not call.joined:
            out.append(orders.Tell(call.number, Condition.HOLD))
        return [*out, orders.Tell(waiting.number, Condition.UNHOLD), self._hear()]

    def _drop_last(self, call: PhoneCall, third: PhoneCall) -> list[Order]:
        if call.stage is not Stage.UP and third.stage is Stage.UP:
            call, third = third, call
        self._part()
        self._active, self._third = call, None
        return [orders.End(third.number), self._hear()]

    def _join_all(self, call: PhoneCall, third: PhoneCall) -> list[Order]:
        self._active, self._third = third, call
        call.joined = third.joined = True
        return [orders.Tone(""), orders.Tell(third.number, Condition.UNHOLD), self._hear()]

    def _back_to(self, third: PhoneCall, drop: PhoneCall) -> list[Order]:
        self._active, self._third, self.collector = third, None, None
        self._deadline = NEVER
        return [
            orders.Tone(""),
            orders.End(drop.number),
            orders.Tell(third.number, Condition.UNHOLD),
            self._hear(),
        ]

    def back_from(self, number: int) -> list[Order]:
        """What was dialled while a call is held is done: back to that one."""
        call, third = self._active, self._third
        fits = call is not None and third is not None and call.number == number and self.off_hook
        return self._back_to(third, drop=call) if fits and call is not None and third is not None else []

    def _put_down_on_two(self, call: PhoneCall, third: PhoneCall, now: float) -> list[Order]:
        if now - self._flashed < _BOUNCE:
            self._active = self._third = None
            ends = [orders.End(call.number), orders.End(third.number, causes.NO_ANSWER)]
            return [*ends, orders.Note("a flash that became a hangup: both calls end"), *self._at_rest()]
        to_busy = call.busy and self.habits.transfer and not self.habits.transfer_to_busy
        if call.stage is Stage.COLLECTING or to_busy:
            self._active, self._third = third, None
            return [orders.End(call.number), *self._ring_again(third)]
        self._active = self._third = None
        return [*self._leave_two(call, third), *self._at_rest()]

    def _leave_two(self, call: PhoneCall, third: PhoneCall) -> list[Order]:
        """The phone leaves two calls: they are joined where it may transfer."""
        if not self.habits.transfer:
            return [orders.End(call.number), orders.End(third.number)]
        held, other = (call, third) if call.joined else (third, call)
        return [orders.Transfer(held.number, other.number)]

    def _decided(self, digit: str) -> list[Order]:
        """Call waiting deluxe: 3 joins all, 7 drops the present call, 6 and 8 ask to wait, 9 forwards; else as ever."""
        call, waiting = self._active, self._waiting
        if call is None or waiting is None:
            return []
        match digit:
            case "3":
                if self._third is not None:
                    return [orders.Note("there are three in a call already")]
                self._third, self._waiting, self._beep = waiting, None, NEVER
                waiting.stage = Stage.UP
                call.joined = waiting.joined = True
                return [orders.Tone(""), orders.Tell(waiting.number, Condition.ANSWER), self._hear()]
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
