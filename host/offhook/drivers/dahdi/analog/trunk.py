"""A port with a line from an exchange on it (an FXO port, signalled fxs_ls, fxs_gs or fxs_ks).

state      what it is                                       leaves by
idle       on hook                                          ring, polarity, call
warned     something came before the ring: caller ID        ring; nothing for 4 s
lifted     off hook for caller ID (NTT's), at a short ring  caller ID, which failed or not; 10 s: back to warned
ringing    it rings; caller ID is listened for, and how     caller ID; the second burst; 6 s
           the bursts follow each other
offered    the dialplan runs, not answered                  answer; no ring for a time; battery drop
seizing    off hook for a call out, waiting for dial tone   dial tone or its time
dialing    digits are being sent                            their end
waiting    dialled; not answered                            answer by polarity, tone, or nothing of it wanted
up         a call                                           either side
guarded    on hook, not yet to be used for calls out        2 s
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kernel_shims.line import Happening, Hook, LineEvent
from offhook.calls import causes
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.orders import Order

NEVER = float("inf")
_WARNED_S = 4.0
_CALLER_ID_S = 6.0
_LIFTED_S = 10.0
_GUARD_S = 2.0
_SETTLE_S = 0.5
_GROUND_SETTLE_S = 1.5
_RING_FRAME_S = 0.02
_MOST_BURSTS = 3
_TONE_GAP_S = 6.6
"""Ringing tone that stays away for that long has ended: somebody answered."""


class State(Enum):
    """See the table of this file."""

    IDLE = "idle"
    WARNED = "warned"
    LIFTED = "lifted"
    RINGING = "ringing"
    OFFERED = "offered"
    SEIZING = "seizing"
    DIALING = "dialing"
    WAITING = "waiting"
    UP = "up"
    GUARDED = "guarded"


@dataclass(slots=True)
class Manners:
    """The settings that change what the port does. Times in seconds."""

    ground_start: bool = False
    caller_id: bool = True
    caller_id_start: str = "ring"
    """ring, polarity, polarity_in, dtmf; "any" takes whatever comes first."""
    lifts_for_caller_id: bool = False
    """The exchange tells it to a line off hook, for which it rings shortly after a reversal (NTT's)."""
    ring_timeout: float = 8.0
    immediate: bool = False
    distinctive: tuple[tuple[tuple[int, int, int], int, str], ...] = ()
    """(pattern, range, context) of distinctive rings. A pattern tells of each burst after the first how much of the
    ring timeout was left at its end, counted from the end of the first one, in fiftieths of a second; -1 is anything.
    """
    distinctive_after_id: bool = False
    """Only rings behind the caller's identity count."""
    answer_on_polarity: bool = False
    hang_up_on_polarity: bool = False
    polarity_delay: float = 0.6
    wait_for_dial_tone: float = 0.0
    dial_tone_ends: float = 0.0
    """For how long after the answer dial tone ends a call that came in; infinity: always."""
    progress: bool = False
    pulses: bool = False
    tone_s: float = 0.1


class Trunk:
    """The machine of one line."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.state = State.IDLE
        self.alarm = False
        self.incoming = False
        self.context = ""
        """Where the call goes by its distinctive ring, "" for the port's context."""
        self._call = 0
        self._next = 0
        self._deadline = NEVER
        self._digits = ""
        self._turned = False
        """The battery was reversed before the call."""
        self._told = False
        """The line was lifted and put down again for caller ID."""
        self._polarity_from = -NEVER
        """Reversals soon after that say nothing."""
        self._answered = -NEVER
        self._waits_s = 0.0
        """How long this call waits for dial tone."""
        self._bursts: list[int] = []
        self._first_over = -1.0
        """When the first burst of ringing ended; below 0: it has not."""
        self._ring_seen = 0.0
        self._rang = False
        """Ringing tone was heard."""

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
    def awaits_dial_tone(self) -> bool:
        """It is off hook for a call out, and does not dial without dial tone."""
        return self.state is State.SEIZING and self._waits_s > 0

    def takes_call(self) -> int:
        """0 when a call out may begin, else the cause why not."""
        if self.alarm:
            return causes.NETWORK_OUT_OF_ORDER
        return 0 if self.state is State.IDLE else causes.NORMAL_CIRCUIT_CONGESTION

    def new_number(self) -> int:
        """A number for a call that comes from outside."""
        self._next += 1
        return self._next

    # ---- the line --------------------------------------------------------------------------------------------

    def line(self, event: LineEvent, now: float) -> list[Order]:
        """Something happened on the line."""
        match event.kind:
            case Happening.RING_BEGIN:
                return self._ring(now, burst_over=False)
            case Happening.OFF_HOOK:
                return self._ring(now, burst_over=True)
            case Happening.POLARITY:
                return self._polarity(now)
            case Happening.ON_HOOK:
                return self._dropped(now)
            case Happening.DIAL_COMPLETE if self.state is State.DIALING and self.manners.pulses:
                return self._dialled(now)
            case Happening.ALARM:
                self.alarm = True
                return self._over(now, causes.NETWORK_OUT_OF_ORDER)
            case Happening.NO_ALARM:
                self.alarm = False
            case Happening.REMOVED:
                return self.gone()
        return []

    def gone(self) -> list[Order]:
        """The port is no more."""
        out: list[Order] = [orders.End(self._call, causes.DESTINATION_OUT_OF_ORDER)] if self._call else []
        self._rest(State.IDLE)
        return [*out, orders.Sound(False)]

    def _ring(self, now: float, *, burst_over: bool) -> list[Order]:
        match self.state:
            case State.IDLE | State.GUARDED if not self.alarm:
                return self._first_ring(now, burst_over=burst_over)
            case State.WARNED if self.manners.lifts_for_caller_id and not self._told:
                return [] if burst_over else self._lift(now)
            case State.WARNED:
                self._ring_seen = now
                return self._offer(now)
            case State.RINGING:
                return self._next_ring(now, burst_over=burst_over)
            case State.OFFERED:
                self._deadline = now + self.manners.ring_timeout
        return []

    @property
    def _listens(self) -> bool:
        """Caller ID may come after the ring."""
        return self.manners.caller_id and self.manners.caller_id_start != "polarity"

    def _first_ring(self, now: float, *, burst_over: bool) -> list[Order]:
        self._begin(State.RINGING)
        self.incoming = True
        self._ring_seen = now
        self._first_over = now if burst_over else -1.0
        out: list[Order] = [orders.NewCall(self._call, ringing=True)]
        if self._listens:
            out += [orders.Sound(True), orders.HearCallerId(True)]
        elif not self.manners.distinctive and (burst_over or self.manners.immediate):
            return out + self._offer(now)
        within = self.manners.ring_timeout if self.manners.distinctive else _CALLER_ID_S
        self._deadline = now + within + (0 if burst_over else 2)
        return out

    def _next_ring(self, now: float, *, burst_over: bool) -> list[Order]:
        if not burst_over:
            return []
        self._ring_seen = now
        if self._first_over < 0:
            self._first_over = now
            return [] if self._listens or self.manners.distinctive else self._offer(now)
        if not self.manners.distinctive:
            return self._offer(now)
        base = round(self.manners.ring_timeout / _RING_FRAME_S)
        self._bursts.append(base - round((now - self._first_over) / _RING_FRAME_S))
        enough = len(self._bursts) >= _MOST_BURSTS or self._bursts[-1] < base / 2
        return self._offer(now) if enough else []

    def _lift(self, now: float) -> list[Order]:
        self.state = State.LIFTED
        self._deadline = now + _LIFTED_S
        return [orders.DoHook(Hook.OFF)]

    def _put_down(self, now: float) -> list[Order]:
        """The exchange has told who calls, or will not: it rings in earnest once the line is on hook."""
        self.state = State.WARNED
        self._told = True
        self._deadline = now + _WARNED_S
        return [orders.HearCallerId(False), orders.DoHook(Hook.ON)]

    def caller_id_failed(self, now: float) -> list[Order]:
        """What came instead of the caller's identity cannot be read."""
        return self._put_down(now) if self.state is State.LIFTED else []

    def caller_id(self, now: float) -> list[Order]:
        """The caller's identity is known (it is on the channel already)."""
        if self.state is State.LIFTED:
            return self._put_down(now)
        if self.state is not State.RINGING:
            return []
        if not self.manners.distinctive:
            return self._offer(now)
        if self.manners.distinctive_after_id:
            self._bursts.clear()
        return []

    def message_only(self, now: float) -> list[Order]:
        """It rang to tell of waiting messages: nobody calls."""
        return self._over(now, causes.NORMAL_CLEARING) if self.state in (State.WARNED, State.RINGING) else []

    def _offer(self, now: float) -> list[Order]:
        self.state = State.OFFERED
        self._deadline = max(now + 1, self._ring_seen + self.manners.ring_timeout)
        self.context = self._distinct()
        return [orders.HearCallerId(False), orders.Sound(False), orders.Start(self._call, "s")]

    @property
    def ring_pattern(self) -> tuple[int, ...]:
        """How it rang, as patterns of distinctive rings are written."""
        return (*self._bursts, *[0] * _MOST_BURSTS)[:_MOST_BURSTS]

    def _distinct(self) -> str:
        """The context of the first distinctive ring that these bursts are."""
        heard = self.ring_pattern
        for pattern, tolerance, context in self.manners.distinctive:
            near = tolerance or 10
            if tolerance == -1 or all(
                wanted == -1 or abs(found - wanted) <= near for found, wanted in zip(heard, pattern, strict=False)
            ):
                return context
        return ""

    def warned(self, now: float) -> list[Order]:
        """A digit came on the idle line (DTMF caller ID before the first ring)."""
        return self._warn(now) if self.state is State.IDLE and not self.alarm else []

    def _warn(self, now: float) -> list[Order]:
        self._begin(State.WARNED)
        self.incoming = True
        self._deadline = now + _WARNED_S
        return [orders.NewCall(self._call, ringing=True), orders.Sound(True), orders.HearCallerId(True)]

    def _polarity(self, now: float) -> list[Order]:
        manners = self.manners
        if self.state in (State.IDLE, State.WARNED):
            self._turned = True
        if self.state is State.IDLE:
            wanted = manners.caller_id and manners.caller_id_start not in ("ring", "dtmf") and not self.alarm
            return self._warn(now) if wanted else []
        if now - self._polarity_from < manners.polarity_delay:
            return []
        match self.state:
            case State.DIALING | State.WAITING if manners.answer_on_polarity:
                self._polarity_from = now
                return self._up(now)
            case State.UP | State.OFFERED if manners.hang_up_on_polarity:
                return self._over(now, causes.NORMAL_CLEARING)
            case State.RINGING if manners.hang_up_on_polarity and self._turned:
                return self._over(now, causes.NORMAL_CLEARING)
        return []

    def _dropped(self, now: float) -> list[Order]:
        """Battery is gone: kewlstart's way to say that the far end hung up."""
        return self._over(now, causes.NORMAL_CLEARING) if self._call and self.state is not State.LIFTED else []

    # ---- what the sound tells --------------------------------------------------------------------------------

    def hears_busy(self, now: float) -> list[Order]:
        """A busy tone: the far end hung up, or is busy."""
        if self.state is State.UP:
            return self._over(now, causes.NORMAL_CLEARING)
        return self._over(now, causes.USER_BUSY) if self.state is State.WAITING else []

    def hears_nothing(self, now: float) -> list[Order]:
        """Nobody has said anything for longer than a call may last so."""
        return self._over(now, causes.NORMAL_CLEARING) if self.state is State.UP else []

    def hears_progress(self, tone: str, now: float) -> list[Order]:
        """A call progress tone: dial, ring, busy, congestion."""
        if self.state is State.SEIZING and tone == "dial":
            return self._dial(now)
        if self.state is State.UP and tone == "dial":
            ends = self.incoming and now - self._answered <= self.manners.dial_tone_ends
            return self._over(now, causes.NORMAL_CLEARING) if ends else []
        if self.state is not State.WAITING or not self.manners.progress:
            return []
        match tone:
            case "ring":
                self._deadline = now + _TONE_GAP_S
                first, self._rang = not self._rang, True
                return [orders.Tell(self._call, Condition.RINGING)] if first else []
            case "busy":
                return self._over(now, causes.USER_BUSY)
            case "congestion" | "info":
                return self._over(now, causes.NORMAL_CIRCUIT_CONGESTION)
        return []

    # ---- calls -----------------------------------------------------------------------------------------------

    def call(self, number: int, digits: str, now: float, dial_tone_s: float | None = None) -> list[Order]:
        """Call out (``takes_call`` said that it may); ``dial_tone_s``: wait so long for dial tone, whatever is set."""
        self._begin(State.SEIZING, number)
        self.incoming = False
        self._digits = digits
        self._polarity_from = now
        self._waits_s = self.manners.wait_for_dial_tone if dial_tone_s is None else dial_tone_s
        self._deadline = now + (self._waits_s or (_GROUND_SETTLE_S if self.manners.ground_start else _SETTLE_S))
        state = Hook.START if self.manners.ground_start else Hook.OFF
        return [orders.DoHook(state), orders.Sound(True)]

    def _dial(self, now: float) -> list[Order]:
        self.state = State.DIALING
        if not self._digits:
            return self._dialled(now)
        pauses = sum(0.5 if digit == "w" else 1.0 if digit == "W" else 0 for digit in self._digits)
        tones = sum(digit not in "wW" for digit in self._digits)
        length = tones * (self.manners.tone_s + 0.07) + pauses + 0.1
        self._deadline = NEVER if self.manners.pulses else now + length
        return [orders.Dial(self._digits, "P" if self.manners.pulses else "T")]

    def _dialled(self, now: float) -> list[Order]:
        """Nothing tells an analog line's answer but polarity and tones: without them it is answered now."""
        self.state = State.WAITING
        self._deadline = NEVER
        self._rang = False
        out: list[Order] = [orders.Hear((self._call,)), orders.Listen(True)]
        if self.manners.answer_on_polarity:
            return [*out, orders.Tell(self._call, Condition.PROGRESS)]
        return [*out, orders.Tell(self._call, Condition.PROGRESS)] if self.manners.progress else out + self._up(now)

    def _up(self, now: float) -> list[Order]:
        self.state = State.UP
        self._deadline = NEVER
        self._answered = now
        return [orders.Hear((self._call,)), orders.Tell(self._call, Condition.ANSWER)]

    def answered(self, number: int, now: float) -> list[Order]:
        """The dialplan answers the call that came in."""
        if number != self._call or self.state not in (State.WARNED, State.RINGING, State.OFFERED):
            return []
        self.state = State.UP
        self._deadline = NEVER
        self._polarity_from = self._answered = now
        seize: list[Order] = [orders.HearCallerId(False), orders.DoHook(Hook.OFF), orders.Sound(True)]
        return [*seize, orders.Listen(True), orders.Hear((number,))]

    def flash(self, number: int) -> list[Order]:
        """Flash towards the exchange."""
        return [orders.DoHook(Hook.FLASH)] if number == self._call and self.state is State.UP else []

    def ended(self, number: int, now: float) -> list[Order]:
        """The call was ended by its other side."""
        if number != self._call:
            return []
        self._call = 0
        return self._release(now)

    def _over(self, now: float, cause: int) -> list[Order]:
        """The line ends the call."""
        number, self._call = self._call, 0
        out: list[Order] = [orders.End(number, cause)] if number else []
        return out + self._release(now) if self.state not in (State.IDLE, State.GUARDED) else out

    def _release(self, now: float) -> list[Order]:
        used = self.state not in (State.WARNED, State.RINGING)
        self._rest(State.GUARDED if used else State.IDLE)
        if used:
            self._deadline = now + _GUARD_S
        quiet: list[Order] = [orders.HearCallerId(False), orders.Hear(()), orders.Listen(False)]
        return [*quiet, orders.DoHook(Hook.ON), orders.Sound(False)]

    def _begin(self, state: State, number: int = 0) -> None:
        self.state = state
        self._call = number or self.new_number()
        self._bursts = []
        self._first_over = -1.0
        self._told = False
        self.context = ""

    def _rest(self, state: State) -> None:
        self.state = state
        self._call = 0
        self._deadline = NEVER
        self._turned = False

    # ---- the clock -------------------------------------------------------------------------------------------

    def tick(self, now: float) -> list[Order]:
        """Time has passed."""
        if now < self._deadline:
            return []
        self._deadline = NEVER
        match self.state:
            case State.WARNED:
                return self._over(now, causes.NORMAL_CLEARING)
            case State.LIFTED:
                return self._put_down(now)
            case State.RINGING:
                return self._offer(now)
            case State.OFFERED:
                return self._over(now, causes.NORMAL_CLEARING)
            case State.SEIZING if self._waits_s:
                note = orders.Note("no dial tone")
                return [note, *self._over(now, causes.NORMAL_CIRCUIT_CONGESTION)]
            case State.SEIZING:
                return self._dial(now)
            case State.DIALING:
                return self._dialled(now)
            case State.WAITING if self._rang:
                return self._up(now)
            case State.GUARDED:
                self.state = State.IDLE
        return []
