"""What a telephone's machine knows: whether the handset is up, its calls, and when it wants to know the time."""

from __future__ import annotations

from enum import Enum

from kernel_shims.line import Hook
from offhook.calls import causes
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import NEVER, Collector, Plan
from offhook.drivers.dahdi.analog.habits import Habits, PhoneCall, Stage
from offhook.drivers.dahdi.analog.orders import Order

_HOWLER_AFTER = 30.0


class Doing(Enum):
    """What a phone does, in words for people."""

    IDLE = "idle"
    DIAL_TONE = "dial tone"
    DIALING = "dialing"
    CALLING = "calling"
    RINGING = "ringing"
    UP = "up"
    LEFT = "off hook"
    """Nothing comes of it: it hears the reorder tone or the howler."""


_DOING = {
    Stage.COLLECTING: Doing.DIALING,
    Stage.GOING: Doing.CALLING,
    Stage.ALERTING: Doing.RINGING,
    Stage.RECALLING: Doing.RINGING,
    Stage.UP: Doing.UP,
}


class PhoneState:
    """The state of one phone, and the few things that every part of its machine does."""

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

    @property
    def calls(self) -> tuple[int, ...]:
        """Every call, the active one first."""
        return tuple(call.number for call in (self._active, self._waiting, self._third) if call is not None)

    @property
    def idle(self) -> bool:
        """On hook, no call."""
        return not self.off_hook and self._active is None

    @property
    def state(self) -> Doing:
        """What it does."""
        if self._active is None:
            return Doing.LEFT if self.off_hook else Doing.IDLE
        if self.collector is not None and not self.collector.digits:
            return Doing.DIAL_TONE
        return _DOING[self._active.stage]

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
            return causes.REQUESTED_CHAN_UNAVAIL
        if self.idle:
            return 0
        holds = self._third is not None and not self.conference
        beeps = self.call_waiting and self.off_hook and self._waiting is None and not holds
        return 0 if beeps and self._active is not None and self._active.stage is Stage.UP else causes.USER_BUSY

    @property
    def shown_calls(self) -> tuple[int, int, int]:
        """The active, the waiting and the third call, 0 where there is none."""
        active, waiting, third = (call.number if call else 0 for call in (self._active, self._waiting, self._third))
        return active, waiting, third

    @property
    def conference(self) -> bool:
        """Whether two calls are joined: the third and the active one, or the waiting one after a change to another."""
        return self._partner is not None

    @property
    def _partner(self) -> PhoneCall | None:
        """The call that the third is joined to."""
        return next((call for call in (self._active, self._waiting) if call is not None and call.joined), None)

    def _hear(self) -> orders.Hear:
        """Who hears whom: the phone its active call, with the third if they are joined."""
        active, partner, third = self._active, self._partner, self._third
        joined = () if partner is None or third is None else (partner.number, third.number)
        talking = self.off_hook and active is not None and active.stage is not Stage.RECALLING
        if active is None or not talking:
            return orders.Hear((), joined)
        return orders.Hear(joined) if partner is active and joined else orders.Hear((active.number,), joined)

    def _part(self) -> None:
        """No call is joined to another any more."""
        for call in (self._active, self._waiting, self._third):
            if call is not None:
                call.joined = False

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

    def _forget(self) -> None:
        self._active = self._waiting = self._third = self.collector = None
        self._deciding = False
        self._deadline = self._beep = self._noise = self._again = self._decide_by = NEVER

    def _at_rest(self) -> list[Order]:
        out: list[Order] = [orders.Tone(""), orders.Hear(()), orders.Listen(False), orders.DoHook(Hook.ON)]
        if self.habits.reverse_on_answer or self.habits.reverse_on_hangup:
            out.append(orders.Battery(False))
        self.call_waiting = self.habits.call_waiting
        return [*out, orders.Sound(False)]

    def _ring_again(self, call: PhoneCall) -> list[Order]:
        """The handset went down while a call was waiting or held: the phone rings for it."""
        if call.stage is not Stage.ALERTING:
            call.stage = Stage.RECALLING
        self._rings = 0
        return [
            orders.Tone(""),
            self._hear(),
            orders.Listen(False),
            orders.DoHook(Hook.ON),
            orders.Ring(call.number),
        ]

    def _reorder(self, now: float) -> list[Order]:
        self._noise, self._noise_next = now + _HOWLER_AFTER, "howler"
        return [orders.Hear(()), orders.Tone("congestion")]
