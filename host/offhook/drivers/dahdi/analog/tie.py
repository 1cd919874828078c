"""A tie line (E&M): both ends are alike; off hook seizes, a wink says that digits may come, off hook answers.

    state      what it is                                           leaves by
    idle       both ends on hook
    collecting seized by the far end (we winked, if that is asked)  digits, a pause after them
    offered    the dialplan runs, not answered                      answer (we go off hook)
    seizing    we are off hook; waiting for the wink, if asked      wink, or its time
    dialing    digits are being sent                                their end
    waiting    dialled                                              the far end goes off hook: answer
    up         both ends off hook                                   either goes on hook

With feature group D (DTMF) the digits are ``*caller*called*``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kernel_shims.line import Happening, Hook, LineEvent
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Plan
from offhook.drivers.dahdi.analog.orders import Order

NEVER = float("inf")
_FIRST_DIGIT_S = 5.0
_NEXT_DIGIT_S = 3.0
_SETTLE_S = 0.2


class State(Enum):
    """See the table of this file."""

    IDLE = "idle"
    COLLECTING = "collecting"
    OFFERED = "offered"
    SEIZING = "seizing"
    DIALING = "dialing"
    WAITING = "waiting"
    UP = "up"


@dataclass(slots=True)
class Manners:
    """What kind of tie line it is. Times in seconds."""

    wink: bool = False
    feature_group_d: bool = False
    immediate: bool = False
    pulses: bool = False
    tone_s: float = 0.1
    wink_wait: float = 4.0


class Tie:
    """The machine of one tie line."""

    def __init__(self, plan: Plan, manners: Manners) -> None:
        self.plan = plan
        self.manners = manners
        self.state = State.IDLE
        self.alarm = False
        self.caller = ""
        """Who calls, as feature group D told."""
        self._call = 0
        self._next = 0
        self._digits = ""
        self._to_dial = ""
        self._deadline = NEVER
        self._far_off_hook = False

    # ---- what can be asked -----------------------------------------------------------------------------------

    @property
    def calls(self) -> tuple[int, ...]:
        """The one call, if there is one."""
        return (self._call,) if self._call else ()

    @property
    def next_timer(self) -> float:
        """When ``tick`` is due."""
        return self._deadline

    @property
    def collecting(self) -> bool:
        """Digits are the machine's own."""
        return self.state is State.COLLECTING

    def takes_call(self) -> int:
        """0 when a call out may begin, else the cause why not."""
        if self.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        free = self.state is State.IDLE and not self._far_off_hook
        return 0 if free else causes.NORMAL_CIRCUIT_CONGESTION

    def new_number(self) -> int:
        """A number for a call."""
        self._next += 1
        return self._next

    # ---- the line --------------------------------------------------------------------------------------------

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Something happened on the line."""
        match event.kind:
            case Happening.OFF_HOOK:
                self._far_off_hook = True
                return self._far_up(now)
            case Happening.ON_HOOK:
                self._far_off_hook = False
                return self._over(causes.NORMAL_CLEARING) if self._call else []
            case Happening.FLASH if self.state is State.SEIZING and self.manners.wink:
                return self._dial(now)
            case Happening.PULSE_DIGIT:
                return self.digit(event.digit, now)
            case Happening.DIAL_COMPLETE if self.state is State.DIALING and self.manners.pulses:
                return self._dialled()
            case Happening.ALARM:
                self.alarm = True
                return self._over(causes.NETWORK_OUT_OF_ORDER) if self._call else []
            case Happening.NO_ALARM:
                self.alarm = False
            case Happening.REMOVED:
                return self.gone()
        return []

    def gone(self) -> list[Order]:
        """The port is no more."""
        out: list[Order] = [orders.End(self._call, causes.DESTINATION_OUT_OF_ORDER)] if self._call else []
        self._rest()
        return [*out, orders.Sound(False)]

    def _far_up(self, now: float) -> list[Order]:
        if self.state is State.IDLE and not self.alarm:
            return self._seized(now)
        if self.state in (State.WAITING, State.DIALING):
            self.state = State.UP
            self._deadline = NEVER
            return [orders.Hear((self._call,)), orders.Listen(True), orders.Tell(self._call, Condition.ANSWER)]
        return []

    def _seized(self, now: float) -> list[Order]:
        self._call = self.new_number()
        self._digits = self.caller = ""
        out: list[Order] = [orders.NewCall(self._call), orders.Sound(True), orders.Listen(True)]
        if self.manners.immediate:
            self.state = State.OFFERED
            return [*out, orders.Hear((self._call,)), orders.Start(self._call, "s")]
        self.state = State.COLLECTING
        self._deadline = now + _FIRST_DIGIT_S
        return [*out, orders.DoHook(Hook.WINK)] if self.manners.wink else out

    def digit(self, digit: str, now: float) -> list[Order]:
        """A digit of the far end's."""
        if self.state is not State.COLLECTING:
            return []
        self._digits += digit
        self._deadline = now + _NEXT_DIGIT_S
        if self.manners.feature_group_d:
            return self._offer() if digit == "*" and self._digits.count("*") >= 3 else []
        complete = self.plan.exists(self._digits) and not self.plan.more(self._digits)
        hopeless = not self.plan.possible(self._digits)
        return self._offer() if complete or hopeless else []

    def _offer(self) -> list[Order]:
        """The digits are all there."""
        self._deadline = NEVER
        exten = self._digits
        if self.manners.feature_group_d:
            parts = self._digits.strip("*").split("*")
            exten = parts[-1]
            self.caller = parts[0] if len(parts) > 1 else ""
        if not self.plan.exists(exten or "s"):
            note = orders.Note(f'no extension "{exten}" for a call on a tie line')
            return [note, *self._over(causes.UNALLOCATED)]
        self.state = State.OFFERED
        return [orders.Hear((self._call,)), orders.Start(self._call, exten or "s")]

    # ---- calls -----------------------------------------------------------------------------------------------

    def call(self, number: int, digits: str, now: float, caller: str = "") -> list[Order]:
        """Call out (``takes_call`` said that it may)."""
        self.state = State.SEIZING
        self._call = number
        self._to_dial = f"*{caller}*{digits}*" if self.manners.feature_group_d else digits
        self._deadline = now + (self.manners.wink_wait if self.manners.wink else _SETTLE_S)
        return [orders.DoHook(Hook.OFF), orders.Sound(True)]

    def _dial(self, now: float) -> list[Order]:
        self.state = State.DIALING
        if not self._to_dial:
            return self._dialled()
        length = len(self._to_dial) * (self.manners.tone_s + 0.07) + 0.1
        self._deadline = NEVER if self.manners.pulses else now + length
        return [orders.Dial(self._to_dial, "P" if self.manners.pulses else "T")]

    def _dialled(self) -> list[Order]:
        self.state = State.WAITING
        self._deadline = NEVER
        told = orders.Tell(self._call, Condition.RINGING)
        return [orders.Hear((self._call,)), orders.Listen(True), told]

    def answered(self, number: int, now: float) -> list[Order]:
        """The dialplan answers the call that came in."""
        if number != self._call or self.state is not State.OFFERED:
            return []
        self.state = State.UP
        return [orders.DoHook(Hook.OFF), orders.Sound(True), orders.Listen(True), orders.Hear((number,))]

    def ended(self, number: int, now: float) -> list[Order]:
        """The call was ended by its other side."""
        if number != self._call:
            return []
        self._call = 0
        return self._release()

    def _over(self, cause: int) -> list[Order]:
        number, self._call = self._call, 0
        return [orders.End(number, cause), *self._release()]

    def _release(self) -> list[Order]:
        self._rest()
        return [orders.Hear(()), orders.Listen(False), orders.DoHook(Hook.ON), orders.Sound(False)]

    def _rest(self) -> None:
        self.state = State.IDLE
        self._call = 0
        self._deadline = NEVER

    # ---- the clock -------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""
        if now < self._deadline:
            return []
        self._deadline = NEVER
        match self.state:
            case State.COLLECTING:
                return self._offer() if self._digits else self._over(causes.INVALID_NUMBER_FORMAT)
            case State.SEIZING if self.manners.wink:
                return [orders.Note("no wink"), *self._over(causes.NORMAL_CIRCUIT_CONGESTION)]
            case State.SEIZING:
                return self._dial(now)
            case State.DIALING:
                return self._dialled()
        return []
