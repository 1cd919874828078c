"""A telephone whose hook is flashed: call waiting, hold, three-way calls and transfer."""

from __future__ import annotations

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
