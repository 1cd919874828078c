"""Calling out: make channels for dial strings, ring them, and see who answers.

Dial, Originate, Page, Queue and the rest share ``Dialing``; what they do with the answered channel is theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.advice import Rates
from offhook.calls.alarm import Alarm
from offhook.calls.attempts import Attempt, Outcome, Tally, status_of_cause
from offhook.calls.channel import Channel, State
from offhook.calls.durations import set_duration
from offhook.calls.frames import Condition, Control, Digit, Forward, Frame, Text
from offhook.calls.party import Connected, Number, Redirecting
from offhook.calls.requesting import RequestError, connected_from, max_forwards, prepare, request
from offhook.log import NOTICE

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

DIALING = "dialing"
"""Key in a called channel's data of the Dialing that it rings for."""
INHERITED_CALLS = "inherited calls"
"""Key in a channel's data of a Dialing that it goes on with: who began it transferred the channel to it."""


@dataclass(slots=True)
class Dialing:
    """Channels being called for ``caller`` (or for nobody: Originate) until one answers.

    ``on_frame(channel, frame)`` sees what the called parties and the caller send, before it is acted upon;
    true means it has been dealt with. ``on_digit(digit)`` true ends the dialling with that digit.
    """

    pbx: Pbx
    caller: Channel | None = None
    quiet: bool = False
    """Do not pass ringing and progress to the caller (it hears music or a ring tone of ours)."""
    early_media: bool = True
    allow_forward: bool = True
    tell_connected: bool = True
    """Tell the caller who is being called, or who answered of several; and pass on what changes of that."""
    handed_over: bool = False
    """Another channel goes on with it: the one that began it leaves the called channels alone."""
    forward_ends_timeout: bool = False
    """After a forward an answer is waited for without end."""
    one_by_one: bool | None = None
    """Channels are called one after the other (or all at the same time) and the caller is not told beforehand who is
    called. None: all at the same time; a single one it is told of."""
    caller_learns: bool = True
    """The caller gets RINGTIME, PROGRESSTIME and the hangup cause of those that failed."""
    status_of: Callable[[int], str] = status_of_cause
    """The dial status of a called channel that hangs up with a cause."""
    prepare_forwarded: Callable[[Channel, Channel | None, str], bool] = prepare
    """Gives the channel of a forward what it has from its caller."""
    on_frame: Callable[[Channel, Frame], bool] | None = None
    on_digit: Callable[[str], bool] | None = None
    on_progress: Callable[[Channel], None] | None = None
    on_forward: Callable[[Channel, Channel], None] | None = None
    """(forwarding channel, new channel) before the new one is called."""
    on_refused: Callable[[Channel, int], None] | None = None
    """(channel, cause) of one that could not even be called."""
    on_called: Callable[[Attempt], None] | None = None
    """One is called now, and DialBegin follows."""
    on_failed: Callable[[Attempt, Condition], None] | None = None
    """One hung up, is busy or congested, and ends next."""
    call_more: Callable[[], Awaitable[bool]] | None = None
    """Nobody who is called is left: true when it has others called (``add`` and ``call``) and it goes on."""
    attempts: list[Attempt] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    answered: Channel | None = None
    progressed: bool = False
    """Somebody rings or sends early media: the time for that does not count any more."""
    _lines: int = 0
    _timed: set[str] = field(default_factory=set)
    _deadline: float | None = None
    _frames: deque[tuple[Channel, Frame]] = field(default_factory=deque)
    _waiter: asyncio.Future[None] | None = None
    _early: Channel | None = None
    _sent_ringing: bool = False

    def add(self, channel: Channel, dial_string: str, *, known: bool = False) -> Attempt:
        """Take a requested channel in; it is called by ``start``. ``known`` as ``prepare`` said."""
        attempt = Attempt(channel, dial_string, dial_string.partition("/")[2], orig_name=channel.name, known=known)
        self.attempts.append(attempt)
        if self.caller is not None:
            channel.data["dialed_by"] = self.caller
        return attempt

    def start(self) -> None:
        """Call every channel that was added. What ``tally`` counts already could not be called."""
        self._lines = self.tally.total
        for attempt in list(self.attempts):
            if not self.call(attempt):
                self.attempts.remove(attempt)
            elif attempt.channel.state is State.UP:
                break
        if self.early_media and self.caller is not None and len(self.attempts) == 1:
            self._connect_early(self.attempts[0].channel)

    def call(self, attempt: Attempt) -> bool:
        """Call one channel that was added; False when that cannot be, and then it has ended."""
        channel = attempt.channel
        channel.consumer = self._consumer(channel)
        channel.data[DIALING] = self
        try:
            channel.tech_call(attempt.address)
        except RequestError as error:
            log.log(NOTICE, "cannot call %s: %s", attempt.dial_string, error)
            cause = error.cause or channel.hangup_cause
            if self.caller is not None and cause and self.caller_learns:
                self.caller.hangup_cause = cause
            if self.on_refused is not None:
                self.on_refused(channel, cause)
            channel.hangup(cause)
            return False
        if self.on_called is not None:
            self.on_called(attempt)
        self.pbx.bus.tell(events.DialBegin, self.caller, channel, attempt.shown or attempt.address)
        return True

    def restart(self, seconds: float | None) -> None:
        """Wait so long from now on."""
        self._deadline = None if seconds is None else self.pbx.loop.time() + seconds

    @property
    def left(self) -> float | None:
        """Seconds that are left to wait for an answer; None: without end."""
        return None if self._deadline is None else self._deadline - self.pbx.loop.time()

    @property
    def _single(self) -> bool:
        """Only one is called at a time, and what it says of itself is for the caller at once."""
        return len(self.attempts) == 1 if self.one_by_one is None else self.one_by_one

    def pick_up(self, target: Channel, picker: Channel) -> bool:
        """Have a channel answer in the place of one that rings, which ends; False when that rings no more."""
        attempt = next((one for one in self.attempts if one.channel is target and not one.over), None)
        if attempt is None or self.answered is not None:
            return False
        self._drop_early(target)
        attempt.channel = picker
        target.consumer = None
        target.data.pop(DIALING, None)
        self._frames.append((picker, Control(Condition.ANSWER)))
        self._wake()
        return True

    def _consumer(self, channel: Channel) -> Callable[[Frame], None]:
        def take(frame: Frame) -> None:
            self._frames.append((channel, frame))
            self._wake()

        return take

    def _wake(self) -> None:
        """Have ``run`` look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def run(self, timeout: float | None = None, progress_timeout: float | None = None) -> Outcome:
        """Wait until somebody answers, everybody failed, or ``timeout`` seconds passed.

        Channels that did not answer are ended by ``finish``, which the caller must call in any case.
        """
        caller = self.caller
        loop = self.pbx.loop
        self._deadline = None if timeout is None else loop.time() + timeout
        if progress_timeout is not None:
            limit = loop.time() + progress_timeout
        alarm = Alarm(loop, self._wake)
        previous = None
        if caller is not None:
            previous, caller.consumer = caller.consumer, self._consumer(caller)
            while caller.frames:
                caller.consumer(caller.frames.popleft())
        try:
            if len(self.attempts) == 1 and self.one_by_one is None:
                self._tell(self.attempts[0])
            while True:
                while self._frames:
                    channel, frame = self._frames.popleft()
                    outcome = self._caller_frame(frame) if channel is caller else self._frame(channel, frame)
                    if outcome is not None:
                        return outcome
                lines = self._lines + len(self.attempts)
                if not self.attempts:
                    return Outcome(self.tally.status(lines) if lines else "CHANUNAVAIL")
                if all(attempt.over for attempt in self.attempts):
                    if self.call_more is not None and await self.call_more():
                        continue
                    return Outcome(self.tally.status(lines))
                now = loop.time()
                until = self._deadline
                if progress_timeout is not None and not self.progressed:
                    until = limit if until is None else min(until, limit)
                if until is not None and now >= until:
                    if self._deadline is not None and now >= self._deadline:
                        self._end_event("NOANSWER")
                        return Outcome("NOANSWER")
                    self._end_event("CHANUNAVAIL")
                    return Outcome("CHANUNAVAIL")
                alarm.set(until)
                await self._wait()
        except asyncio.CancelledError:
            if not self.handed_over and self.caller is caller:
                self._end_event("CANCEL")
            raise
        finally:
            alarm.cancel()
            if caller is not None and not caller.hungup:
                caller.consumer = previous

    async def _wait(self) -> None:
        self._waiter = waiter = self.pbx.loop.create_future()
        try:
            await waiter
        finally:
            if self._waiter is waiter:  # else somebody who took the calls over waits meanwhile
                self._waiter = None

    def _caller_frame(self, frame: Frame) -> Outcome | None:
        assert self.caller is not None
        if self.on_frame is not None and self.on_frame(self.caller, frame):
            return None
        if isinstance(frame, Digit):
            if frame.end and self.on_digit is not None and self.on_digit(frame.digit):
                self._end_event("CANCEL")
                return Outcome("CANCEL", digit=frame.digit, cancelled=True)
            for channel in self._living():
                if frame.end:
                    channel.send_digit_end(frame.digit, frame.duration_ms)
                else:
                    channel.send_digit_begin(frame.digit)
        elif isinstance(frame, Text):
            for channel in self._living():
                channel.tech_send_text(frame)
        elif isinstance(frame, Control) and frame.condition in _PASSED_TO_ALL:
            if self.tell_connected or frame.condition not in _IDENTITY:
                for channel in self._living():
                    channel.indicate(frame.condition, frame.payload)
        elif isinstance(frame, Control) and frame.condition in _MEDIA and self._alone:
            for channel in self._living():
                channel.indicate(frame.condition, frame.payload)
        return None

    def _living(self) -> list[Channel]:
        """The channels that may still answer."""
        return [attempt.channel for attempt in self.attempts if not attempt.over]

    @property
    def _alone(self) -> bool:
        """Caller and the only one called hear each other already."""
        return len(self.attempts) == 1 and self.early_media

    def _frame(self, channel: Channel, frame: Frame) -> Outcome | None:
        attempt = next((a for a in self.attempts if a.channel is channel), None)
        if attempt is None or attempt.over:
            return None
        if self.on_frame is not None and self.on_frame(channel, frame):
            return None
        if isinstance(frame, Forward):
            self._forward(attempt, frame.destination)
            return None
        if isinstance(frame, Control):
            return self._condition(attempt, frame)
        caller = self.caller
        if isinstance(frame, Digit) and self.early_media:
            self.progressed = True
            if caller is not None and self._alone:
                if frame.end:
                    caller.send_digit_end(frame.digit, frame.duration_ms)
                else:
                    caller.send_digit_begin(frame.digit)
        elif isinstance(frame, Text) and caller is not None and len(self.attempts) == 1:
            caller.tech_send_text(frame)
        return None

    def _condition(self, attempt: Attempt, frame: Control) -> Outcome | None:
        channel, caller = attempt.channel, self.caller
        condition = frame.condition
        if condition is Condition.ANSWER:
            self.answered = channel
            channel.hangup_cause = causes.NORMAL_CLEARING
            if not self._single or (self.one_by_one and attempt.connected is None):
                self._tell(attempt)
            if caller is not None:
                channel.exten = ""
                caller.hangup_cause = causes.NORMAL_CLEARING
                if attempt.rates is not None:
                    caller.indicate(Condition.AOC, attempt.rates)
            for other in self.attempts:
                if other is not attempt and not other.over:
                    self.pbx.bus.tell(events.DialEnd, caller, other.channel, "CANCEL")
            return Outcome("ANSWER", channel)
        if condition is Condition.HANGUP:
            cause = channel.hangup_cause
            self._failed(attempt, cause, self.status_of(cause), condition)
        elif condition is Condition.BUSY:
            self._failed(attempt, causes.USER_BUSY, "BUSY", condition)
        elif condition in (Condition.CONGESTION, Condition.INCOMPLETE):
            self._failed(attempt, causes.NORMAL_CIRCUIT_CONGESTION, "CONGESTION", condition)
        elif condition is Condition.RINGING:
            self.progressed = True
            self._time("RINGTIME", channel)
            if caller is not None and not self.quiet and not self._sent_ringing:
                caller.indicate(Condition.RINGING)
                self._sent_ringing = True
            self.pbx.bus.tell(events.DialState, caller, channel, "RINGING")
        elif condition is Condition.PROGRESS:
            self.progressed = True
            self._time("PROGRESSTIME", channel)
            if caller is not None and not self.quiet:
                caller.indicate(Condition.PROGRESS)
            if self.on_progress is not None:
                self.on_progress(channel)
            self.pbx.bus.tell(events.DialState, caller, channel, "PROGRESS")
        elif condition is Condition.PROCEEDING:
            if caller is not None and not self.quiet:
                caller.indicate(Condition.PROCEEDING)
            self.pbx.bus.tell(events.DialState, caller, channel, "PROCEEDING")
        elif condition is Condition.CONNECTED_LINE and isinstance(frame.payload, Connected):
            attempt.connected = frame.payload
            if self._single:
                self._tell(attempt)
        elif condition is Condition.REDIRECTING and isinstance(frame.payload, Redirecting):
            self._tell_redirecting(frame.payload)
        elif condition is Condition.AOC and isinstance(frame.payload, Rates):
            attempt.rates = frame.payload
        elif caller is not None and self._passes(condition):
            caller.indicate(condition, frame.payload)
        return None

    def _passes(self, condition: Condition) -> bool:
        """Whether the caller is shown a condition of a called party."""
        if condition in _MEDIA:
            return self._alone
        return condition in _HOLDING or (condition in _CALLEE_PASSES and len(self.attempts) == 1)

    def _time(self, name: str, channel: Channel) -> None:
        """Note on the caller, once, how long after its creation a called channel rang or made progress."""
        if self.caller is not None and self.caller_learns and name not in self._timed:
            self._timed.add(name)
            set_duration(self.caller, name, self.pbx.now() - channel.created_at)

    def _tell(self, attempt: Attempt) -> None:
        """Tell the caller whom the attempt reaches, if that is known."""
        connected = attempt.connected
        if connected is None and attempt.known:
            caller = attempt.channel.caller
            connected = Connected(id=caller.id.copy(), ani=caller.ani.copy(), ani2=caller.ani2, source="answer")
        if connected is not None and self.caller is not None and self.tell_connected:
            self.caller.set_connected(connected)

    def _tell_redirecting(self, redirecting: Redirecting) -> None:
        """Tell the caller who redirected its call: of several that are called it would be confusing."""
        if self.caller is not None and self._single and self.tell_connected:
            self._sent_ringing = False
            self.caller.set_redirecting(redirecting)

    def _failed(self, attempt: Attempt, cause: int, status: str, how: Condition) -> None:
        channel = attempt.channel
        attempt.over = True
        self.tally.count(cause if status != "BUSY" else causes.USER_BUSY)
        if self.caller is not None and self.caller_learns:
            self.caller.hangup_cause = channel.hangup_cause or cause
        self.pbx.bus.tell(events.DialEnd, self.caller, channel, status)
        if self.on_failed is not None:
            self.on_failed(attempt, how)
        self._drop_early(channel)
        channel.hangup(cause)

    def _forward(self, attempt: Attempt, destination: str) -> None:
        """Follow a called party's forward: the new channel takes the attempt's place."""
        original, caller = attempt.channel, self.caller
        if "/" in destination:
            dial_string = destination
        else:
            context = original.get("FORWARD_CONTEXT") or (caller.context if caller else original.context)
            exten, at, named = destination.partition("@")
            dial_string = f"Local/{exten}@{named if at else context}"
        left = max_forwards(caller or original)
        try:
            if not self.allow_forward or left <= 0:
                raise RequestError(causes.USER_BUSY, "it is not followed")
            channel = request(self.pbx, dial_string, caller or original)
        except RequestError as error:
            log.log(NOTICE, "forward of %s to %s: %s", original.name, dial_string, error)
            status = "BUSY" if self.allow_forward and self.one_by_one is None else "CANCEL"
            self.pbx.bus.tell(events.DialEnd, caller, original, status, destination)
            attempt.over = True
            self.tally.count(error.cause)
            self._drop_early(original)
            original.hangup()
            return
        known = self.prepare_forwarded(channel, caller, attempt.address)
        channel.set("FORWARDERNAME", original.name)
        channel.redirect_like(original)
        if caller is not None and not channel.redirecting.from_.number.text:
            channel.redirecting.from_.number = Number(True, caller.exten)
        self._sent_ringing = False
        if self.forward_ends_timeout:
            self._deadline = None
        if self.on_forward is not None:
            self.on_forward(original, channel)
        self._drop_early(original)
        attempt.channel, attempt.dial_string, attempt.address = channel, dial_string, dial_string.partition("/")[2]
        attempt.known, attempt.connected = known, None
        self.pbx.bus.tell(events.DialEnd, caller, original, "CANCEL", destination)
        attempt.shown = ""
        started = self.call(attempt)
        original.consumer = None
        original.hangup()
        self._tell_redirecting(channel.redirecting.copy())
        if not started:
            attempt.over = True
            self.tally.count(causes.NORMAL_CIRCUIT_CONGESTION)
        elif caller is not None and len(self.attempts) == 1 and self.one_by_one is None:
            if self.early_media:
                self._connect_early(channel)
            self._tell(attempt)

    def hand_over(self, heir: Channel) -> None:
        """Have another channel go on with it, as soon as that runs Dial; it ends with the channel otherwise."""
        self.handed_over = True
        if self._early is not None:
            self._drop_early(self._early)
        heir.data[INHERITED_CALLS] = self
        heir.at_end(self._give_up_inheritance)

    def _give_up_inheritance(self) -> None:
        if self.handed_over:
            self.handed_over = False
            self._end_event("CANCEL")
            self.finish()

    def take_over(self, caller: Channel) -> None:
        """Go on for this channel: the called ones are told who it is."""
        self.handed_over = False
        self.caller = caller
        for attempt in self.attempts:
            if not attempt.over:
                attempt.channel.data["dialed_by"] = caller
                attempt.channel.set_connected(connected_from(caller))
        if self.early_media and len(self.attempts) == 1 and not self.attempts[0].over:
            self._connect_early(self.attempts[0].channel)

    def _end_event(self, status: str) -> None:
        for attempt in self.attempts:
            if not attempt.over and attempt.channel is not self.answered:
                self.pbx.bus.tell(events.DialEnd, self.caller, attempt.channel, status)

    def _connect_early(self, channel: Channel) -> None:
        caller = self.caller
        if caller is not None and caller.media is not None and channel.media is not None:
            caller.media.connect(channel.media, digits=False)
            self._early = channel

    def _drop_early(self, channel: Channel) -> None:
        if self._early is channel:
            self._early = None
            if self.caller is not None and self.caller.media is not None:
                self.caller.media.disconnect()

    def finish(self, cause: int = 0) -> None:
        """End every channel but the one that answered, with this cause."""
        if self.handed_over:
            return
        if self._early is not None:
            self._drop_early(self._early)
        for attempt in self.attempts:
            channel = attempt.channel
            if channel is self.answered or channel.hungup:
                continue
            channel.consumer = None
            channel.hangup_cause = cause or channel.hangup_cause
            channel.hangup(cause)
        if self.answered is not None and self.answered.bridge is None:
            self.answered.consumer = None
        self._frames.clear()
        self.on_digit = self.on_forward = self.on_refused = self.on_frame = None
        self.on_called = self.on_failed = self.call_more = None


_HOLDING = frozenset({Condition.HOLD, Condition.UNHOLD})
_IDENTITY = frozenset({Condition.CONNECTED_LINE, Condition.REDIRECTING})
_MEDIA = frozenset({Condition.VIDEO_UPDATE, Condition.SOURCE_UPDATE, Condition.SOURCE_CHANGE})
_PASSED_TO_ALL = _HOLDING | _IDENTITY | {Condition.FLASH}
_CALLEE_PASSES = frozenset({Condition.WINK})
