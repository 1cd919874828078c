"""A tie line (E&M): both ends are alike; off hook seizes, a wink says that digits may come, off hook answers.

    state      what it is                                           leaves by
    idle       both ends on hook
    collecting seized by the far end (we winked, if that is asked)  digits, a pause after them
    pausing    a part was read; a while until we go off hook for    its time
               the caller's number
    offered    the dialplan runs, not answered                      answer (we go off hook)
    seizing    we are off hook; waiting for what comes before the   wink, off hook, or its time
               next part
    dialing    a part is being sent                                 its end
    waiting    all is dialled                                       the far end goes off hook: answer
    up         both ends off hook                                   either goes on hook

What is dialled and read in which parts is in ``schemes``.
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
from offhook.drivers.dahdi.analog.schemes import After, Call, Part, Read, Scheme, Then, Told

NEVER = float("inf")
_FIRST_DIGIT_S = 5.0
_NEXT_DIGIT_S = 3.0
_SETTLE_S = 0.6
"""From seizure to the first digit where no wink calls for it. To a DAHDI far end the first 0.3 s off hook may be a
wink: it listens afterwards. Asterisk waits as long for its own hook to settle (DAHDI_DEFAULT_DEBOUNCETIME)."""
_OFF_HOOK_S = 30.0
"""How long the far end may take to go off hook for the caller's number."""
_GUARD_S = 0.07
_MF_S = 0.12
"""What an MF digit takes at most with its pause, KP aside."""
_KP_S = 0.2
_PAUSES_S = {"w": 0.5, "W": 1.0}


class State(Enum):
    """See the table of this file."""

    IDLE = "idle"
    COLLECTING = "collecting"
    PAUSING = "pausing"
    OFFERED = "offered"
    SEIZING = "seizing"
    DIALING = "dialing"
    WAITING = "waiting"
    UP = "up"


@dataclass(slots=True)
class Manners:
    """What kind of tie line it is. Times in seconds."""

    scheme: Scheme
    outward: Scheme
    """That of calls out."""
    immediate: bool = False
    pulses: bool = False
    tone_s: float = 0.1
    wink_wait: float = 4.0
    information: int = 2
    """Digits before a caller's number."""
    next_digit: float = 8.0
    """For each further digit of a number of the dialplan's, and"""
    match_digit: float = 3.0
    """when it may be complete."""
    ani_wait: float = 1.0
    ani_within: float = 10.0


class Tie:
    """The machine of one tie line."""

    def __init__(self, plan: Plan, manners: Manners) -> None:
        self.plan = plan
        self.manners = manners
        self.state = State.IDLE
        self.alarm = False
        self.told = Told()
        """Who calls whom, as the far end told."""
        self._call = 0
        self._next = 0
        self._parts: list[str] = []
        """What was read of the call that comes in."""
        self._place = 0
        """Which part is read."""
        self._to_dial: list[Part] = []
        self._dialling: Part | None = None
        self._deadline = NEVER
        self._far_off_hook = False
        self._dials_nothing = False
        self._winked = False
        """The wink before the next part has come."""

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
            case Happening.FLASH if self._awaits is After.WINK:
                self._winked = True
                return self._dial(now) if self.state is State.SEIZING else []
            case Happening.PULSE_DIGIT:
                return self.digit(event.digit, now)
            case Happening.DIAL_COMPLETE if self.state is State.DIALING and self._way == "P":
                return self._dialled(now)
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
        if self.state is State.SEIZING and self._awaits is After.OFF_HOOK:
            return self._dial(now)
        if self.state is State.WAITING or (self.state is State.DIALING and not self._to_dial and not self._told_ani):
            return self._answers()
        return []

    def _answers(self) -> list[Order]:
        self.state = State.UP
        self._deadline = NEVER
        return [orders.Hear((self._call,)), orders.Listen(True), orders.Tell(self._call, Condition.ANSWER)]

    # ---- a call comes in -------------------------------------------------------------------------------------

    def _seized(self, now: float) -> list[Order]:
        self._call = self.new_number()
        self._parts, self._place, self.told = [""], 0, Told()
        scheme = self.manners.scheme
        out: list[Order] = [orders.NewCall(self._call), orders.Sound(True), orders.Listen(True, scheme.hears_mf)]
        if scheme.winks:
            out.append(orders.DoHook(Hook.WINK))
        if self.manners.immediate:
            self.state = State.OFFERED
            return [*out, orders.Hear((self._call,)), orders.Start(self._call, "s")]
        self.state = State.COLLECTING
        self._deadline = now + _FIRST_DIGIT_S
        return out

    @property
    def _read(self) -> Read:
        return self.manners.scheme.reads[self._place]

    def digit(self, digit: str, now: float) -> list[Order]:
        """A digit of the far end's."""
        if self.state is not State.COLLECTING:
            return []
        self._parts[-1] += digit
        self._deadline = now + self._digit_time()
        return self._part_read(now) if self._complete() else []

    def _digit_time(self) -> float:
        """How long the next digit may take."""
        text = self._parts[-1]
        if self._read.ends or self._by_stars(text):
            return _NEXT_DIGIT_S
        return self.manners.match_digit if self.plan.exists(text) else self.manners.next_digit

    def _by_stars(self, text: str) -> bool:
        """Feature group D in DTMF, which any winking line understands."""
        return self.manners.scheme.winks and text.startswith("*")

    def _complete(self) -> bool:
        text, read = self._parts[-1], self._read
        if (not read.ends and self._by_stars(text)) or (read.ends == "*" and text.startswith("*")):
            return text.count("*") >= 3
        if read.ends and read.ends != "*":
            return text[-1] in read.ends
        return (self.plan.exists(text) and not self.plan.more(text)) or not self.plan.possible(text)

    def _part_read(self, now: float) -> list[Order]:
        """A part is complete: what follows it, or the call."""
        read, text = self._read, self._parts[-1]
        if self._international(text):
            # A carrier's code came first: it is winked at, and who calls follows (Bellcore TR-NPL-000258).
            self._parts[-1] = ""
            return self._go_on(now, Then.WINK)
        if self._place + 1 >= len(self.manners.scheme.reads):
            return self._offer()
        if not read.counts:
            self._parts.pop()
        self._parts.append("")
        self._place += 1
        return self._go_on(now, read.then)

    def _international(self, text: str) -> bool:
        group_d = self.manners.scheme.ends_with_wink and self._place == 0 and self._read.counts
        return group_d and text[1:2] not in ("", "0") and len(text) not in (1, 14)

    def _go_on(self, now: float, then: Then) -> list[Order]:
        self._deadline = now + _NEXT_DIGIT_S + (_FIRST_DIGIT_S if then is not Then.READ_ON else 0)
        match then:
            case Then.WINK:
                return [orders.DoHook(Hook.WINK)]
            case Then.OFF_HOOK:
                return [orders.DoHook(Hook.OFF)]
            case Then.ANI:
                self.state = State.PAUSING
                self._deadline = now + self.manners.ani_wait
        return []

    def _offer(self) -> list[Order]:
        """The digits are all there."""
        self._deadline = NEVER
        scheme = self.manners.scheme
        self.told = scheme.understands([part for part in self._parts if part] or [""], self.manners.information)
        exten = self.told.exten or "s"
        self.state = State.OFFERED
        ready: list[Order] = [orders.DoHook(Hook.WINK)] if scheme.ends_with_wink else []
        ready += [orders.Listen(True), orders.Hear((self._call,))]
        if self.plan.exists(exten):
            return [*ready, orders.Start(self._call, exten)]
        return [*ready, orders.Feature("noservice", self._call, exten)]

    # ---- calls -----------------------------------------------------------------------------------------------

    def call(self, number: int, what: Call, now: float) -> list[Order]:
        """Call out (``takes_call`` said that it may)."""
        self._call = number
        self._to_dial = self.manners.outward.dials(what)
        self._dials_nothing = not what.digits
        return [orders.DoHook(Hook.OFF), orders.Sound(True), *self._seize(now)]

    @property
    def _awaits(self) -> After | None:
        return self._to_dial[0].after if self._to_dial else None

    @property
    def _told_ani(self) -> bool:
        return self._dialling is not None and self._dialling.after is After.OFF_HOOK

    @property
    def _way(self) -> str:
        if self._dialling is not None and self._dialling.way:
            return self._dialling.way
        return "P" if self.manners.pulses else "T"

    def _seize(self, now: float) -> list[Order]:
        """Wait for what comes before the next part."""
        self.state = State.SEIZING
        early = self._far_off_hook if self._awaits is After.OFF_HOOK else self._winked
        if early and self._awaits is not After.SEIZURE:
            return self._dial(now)
        waits = {After.WINK: self.manners.wink_wait, After.OFF_HOOK: _OFF_HOOK_S, After.SEIZURE: _SETTLE_S}
        self._deadline = now + waits[self._to_dial[0].after]
        return []

    def _dial(self, now: float) -> list[Order]:
        self.state = State.DIALING
        self._winked = False
        self._dialling = part = self._to_dial.pop(0)
        if not part.digits:
            return self._dialled(now)
        way = self._way
        each = _MF_S if way == "M" else self.manners.tone_s + _GUARD_S
        length = sum(_PAUSES_S.get(digit, each) for digit in part.digits)
        self._deadline = NEVER if way == "P" else now + length + _KP_S
        return [orders.Dial(part.digits, way)]

    def _dialled(self, now: float) -> list[Order]:
        if self._to_dial:
            return self._seize(now)
        if self._told_ani or self._dials_nothing:
            return self._answers()
        self.state = State.WAITING
        self._deadline = NEVER
        # The far end tells by its tones whether it rings, or why not.
        told = orders.Tell(self._call, Condition.PROGRESS)
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
        self._winked = False
        self._to_dial, self._dialling = [], None
        self._deadline = NEVER

    # ---- the clock -------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""
        if now < self._deadline:
            return []
        self._deadline = NEVER
        match self.state:
            case State.COLLECTING:
                return self._offer()
            case State.PAUSING:
                self.state = State.COLLECTING
                self._deadline = now + self.manners.ani_within
                return [orders.DoHook(Hook.OFF), orders.Listen(True, self.manners.scheme.hears_mf)]
            case State.SEIZING if self._awaits is After.SEIZURE:
                return self._dial(now)
            case State.SEIZING if self._awaits is After.WINK and not self.manners.outward.insists:
                return [orders.Note("no wink: it is dialled all the same"), *self._dial(now)]
            case State.SEIZING:
                missing = "wink" if self._awaits is After.WINK else "off hook for the caller's number"
                return [orders.Note(f"no {missing}"), *self._over(causes.NORMAL_CIRCUIT_CONGESTION)]
            case State.DIALING:
                return self._dialled(now)
        return []
