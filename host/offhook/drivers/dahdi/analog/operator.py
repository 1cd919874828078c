"""A phone whose calls an operator may take over (Dial's option O), and the phone of such an operator.

caller's handset goes down     the call stays; the phone rings at once, or when the operator flashes
it rings, and is lifted        both talk on
caller flashes                 nothing
operator hangs up              the call is over
"""

from __future__ import annotations

from kernel_shims.line import Hook
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Plan
from offhook.drivers.dahdi.analog.habits import Habits, PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone import Phone


class OperatorPhone(Phone):
    """The machine of one phone; see above and Phone."""

    def __init__(self, plan: Plan, habits: Habits) -> None:
        super().__init__(plan, habits)
        self._operated = 0
        """Call that its operator alone ends; 0: none."""
        self._rings_at_once = False
        self._operates = 0
        """Call in which a flash rings the other party; 0: none."""

    def operated(self, number: int, *, rings_at_once: bool) -> None:
        """A call is an operator's from now on."""
        self._operated, self._rings_at_once = number, rings_at_once

    def operates(self, number: int) -> None:
        """In a call, a flash rings the other party if that has hung up."""
        self._operates = number

    def recall(self, number: int) -> list[Order]:
        """The operator rings the phone of a call, if it is on hook."""
        call = self._operated_call()
        if call is None or call.number != number or self.off_hook or call.stage is Stage.RECALLING:
            return []
        return [orders.Sound(True), *self._ring_again(call), orders.Tell(call.number, Condition.RINGING)]

    def _operated_call(self) -> PhoneCall | None:
        call = self._active
        return call if call is not None and call.number == self._operated else None

    def _put_down(self, now: float, cause: int = causes.NORMAL_CLEARING) -> list[Order]:
        call = self._operated_call()
        if call is None or self.alarm or not self.off_hook:
            return super()._put_down(now, cause)
        self.off_hook = False
        self._stop_collecting()
        if self._rings_at_once:
            return self.recall(call.number)
        return [orders.Hear(()), orders.Listen(False), orders.DoHook(Hook.ON), orders.Sound(False)]

    def _lifted(self, now: float) -> list[Order]:
        call = self._operated_call()
        back = call is not None and call.stage is Stage.RECALLING and not self.off_hook
        out = super()._lifted(now)
        return [*out, orders.Tell(self._operated, Condition.STOP)] if back else out

    def _flash(self, now: float) -> list[Order]:
        if self._operated_call() is not None:
            return []
        if self._active is not None and self._active.number == self._operates:
            return [orders.Feature("recall", self._operates)]
        return super()._flash(now)
