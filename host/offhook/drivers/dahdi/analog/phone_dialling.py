"""A telephone that dials: a new call, its digits, the codes among them, and what is refused."""

from __future__ import annotations

from offhook.calls import causes
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import NEVER, Code, Collector, Complete, Refused, Step, Wait
from offhook.drivers.dahdi.analog.habits import PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone_state import PhoneState


class PhoneDialling(PhoneState):
    """See the text of this file."""

    def _new_call(self, now: float, tone: str, *, patient: bool = False) -> list[Order]:
        call = self._active = PhoneCall(self.new_number(), Stage.COLLECTING)
        out: list[Order] = [orders.NewCall(call.number)]
        if self.habits.immediate:
            call.stage = Stage.GOING
            return [*out, orders.Listen(True), orders.Hear((call.number,)), orders.Start(call.number, "s")]
        self.collector = Collector(self.plan, self.habits.rules, consulting=self._third is not None)
        self.collector.call_waiting = self.call_waiting
        wait = self.collector.begin(tone, patient=patient)
        self._deadline = now + wait.seconds
        return [*out, orders.Hear(()), orders.Listen(True), orders.Tone(tone)]

    def digit_begins(self) -> list[Order]:
        """A key is pressed: the dial tone ends."""
        return [orders.Tone("")] if self.collector is not None and not self.collector.digits else []

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

    def refused(self, number: int, now: float) -> list[Order]:
        """A feature that was dialled cannot be had: the phone hears so."""
        call = self._active
        return self._refused(call, now) if call is not None and call.number == number and self.off_hook else []

    def _code(self, code: Code, call: PhoneCall, now: float) -> list[Order]:
        out: list[Order] = [orders.Feature(code.feature, call.number, code.value)]
        match code.feature:
            case "callwaiting":
                self.call_waiting = code.value == "yes"
            case "dnd":
                self.do_not_disturb = code.value == "yes"
            case "pickup":
                # What was held is a waiting call to the one that is picked up: a flash changes over.
                self._waiting, self._third = self._third, None
        if code.then is not None:
            self._deadline = now + code.then.seconds
            return [*out, orders.Tone(code.then.tone or "")]
        self._stop_collecting()
        call.stage = Stage.GOING
        return [orders.Tone(""), orders.Hear((call.number,)), *out]
