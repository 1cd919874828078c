"""Calling members for one caller, by the strategy, until one answers or the time is over."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.attempts import Attempt
from offhook.calls.channel import Channel
from offhook.calls.dialing import Dialing
from offhook.calls.frames import Condition, Control, Digit, Forward, Frame
from offhook.calls.requesting import RequestError, prepare, request
from offhook.dialplan.subroutine import complete_arguments, run_gosub
from offhook.log import verbose
from offhook.services.queues import events as told
from offhook.services.queues.events import AgentEvent
from offhook.services.queues.membership import pause
from offhook.services.queues.moments import since
from offhook.services.queues.records import record
from offhook.services.queues.settings import RINGALL
from offhook.services.queues.strategies import Candidate, best_of, candidates, next_ones, remember, skip

if TYPE_CHECKING:
    from offhook.services.queues.line import Entry
    from offhook.services.queues.member import Member
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.visit import Visit

log = logging.getLogger(__name__)

_ENOUGH_S = 0.5
"""With less left nobody else is called."""
_HEEDED = frozenset(
    {
        Condition.ANSWER,
        Condition.HANGUP,
        Condition.BUSY,
        Condition.CONGESTION,
        Condition.INCOMPLETE,
        Condition.RINGING,
        Condition.CONNECTED_LINE,
        Condition.REDIRECTING,
        Condition.AOC,
    }
)
_TOLD_MEMBERS = frozenset({Condition.CONNECTED_LINE, Condition.REDIRECTING})
_HANG_UP = "*"


@dataclass(frozen=True, slots=True)
class Answer:
    """A member answered."""

    member: Member
    channel: Channel
    rang_s: int


@dataclass(slots=True)
class Ringing:
    """One round of calling members."""

    visit: Visit
    among: list[Candidate] = field(default_factory=list)
    left_by_digit: bool = False
    """The caller dialled an extension of the queue's context."""
    disconnected: bool = False
    """The caller hung up by a digit (option H)."""
    _dialing: Dialing = field(init=False)
    _members: dict[int, Member] = field(default_factory=dict)
    """Whom an attempt (by its id) calls."""
    _timeout: float | None = None
    _began: float = 0.0
    """When the present member, or all of them, began to ring (monotonic)."""

    def __post_init__(self) -> None:
        """Prepare the dialling."""
        options = self.visit.order.options
        self._dialing = Dialing(
            self._queue.pbx,
            self.visit.channel,
            quiet=True,
            early_media=False,
            allow_forward="i" not in options,
            tell_connected="I" not in options,
            one_by_one=self._queue.settings.strategy != RINGALL,
            caller_learns=False,
            status_of=lambda cause: "NOANSWER",
            prepare_forwarded=partial(prepare, application=""),
            on_frame=self._watch,
            on_digit=self._ends,
            on_called=self._called,
            on_failed=self._failed,
            call_more=self._call_more,
        )

    @property
    def _queue(self) -> Queue:
        return self.visit.queue

    @property
    def _entry(self) -> Entry:
        return self.visit.entry

    async def run(self) -> Answer | None:
        """Call members; who answered, with all others given up, or None."""
        queue, entry, dialing = self._queue, self._entry, self._dialing
        if entry.expired:
            return None
        self.among = candidates(queue, entry)
        self._timeout = self._time_to_answer()
        begun = queue.pbx.now()
        answer: Answer | None = None
        entry.ringing = True
        try:
            if await self._call_next():
                self._began = queue.pbx.now()
                try:
                    outcome = await dialing.run(self._timeout)
                except asyncio.CancelledError:
                    self._cancelled(begun)
                    raise
                if outcome.cancelled:
                    self._cancelled(begun)
                elif outcome.channel is not None:
                    member = self._member_of(outcome.channel)
                    queue.pbx.bus.publish(events.DialEnd(self.visit.channel, outcome.channel, "ANSWER"))
                    answer = Answer(member, outcome.channel, int(queue.pbx.now() - begun))
                else:
                    self._nobody()
            remember(queue, entry, self.among)
        finally:
            self._give_up(answer)
        return answer

    def _time_to_answer(self) -> float | None:
        """Seconds that members ring, by the queue's timeout and what is left of the caller's."""
        settings, entry = self._queue.settings, self._entry
        own = float(settings.timeout) or None
        if settings.timeoutpriority == "conf" or entry.expires is None:
            return own
        left = entry.expires - self._queue.pbx.now()
        return left if own is None else min(own, left)

    # ---- calling ----------------------------------------------------------------------------------------

    async def _call_next(self) -> bool:
        """Call whoever is next by the strategy; False when nobody is left who can be."""
        called = False
        while not called and (chosen := next_ones(self._queue, self.among)):
            for candidate in chosen:
                candidate.open = False
                called |= await self._call(candidate)
            if self._entry.expired:
                break
        return called

    async def _call(self, candidate: Candidate) -> bool:
        queue, entry, member = self._queue, self._entry, candidate.member
        queues, caller = self.visit.queues, self.visit.channel
        if not queues.may_ring(queue, entry, member):
            return False
        try:
            called = request(queue.pbx, member.interface, caller)
        except RequestError as error:
            log.debug("queue %s cannot call %s: %s", queue.name, member.interface, error)
            skip(queue, entry)
            return False
        if not member.ringinuse:
            queues.pending.add(member.key)
        attempt = self._dialing.add(called, member.interface, known=self._prepare(called, member))
        attempt.shown = member.interface
        self._members[id(attempt)] = member
        gosub = self.visit.order.options["b"]
        if gosub:
            await run_gosub(called, complete_arguments(caller, gosub.replace("^", ",")))
        if self._dialing.call(attempt):
            verbose(3, "Called %s", member.interface)
            return True
        attempt.over = True
        queues.pending.discard(member.key)
        return False

    def _prepare(self, called: Channel, member: Member) -> bool:
        """Give a member's channel what it has from the caller; whether it has a number of its own."""
        caller = self.visit.channel
        own = called.caller.id.number.valid
        if not own and caller.connected.id.number.valid:
            called.caller.id = caller.connected.id.copy()
            called.tell_caller()
        known = prepare(called, caller, member.interface.partition("/")[2], application="AppQueue", keep_account=True)
        if self.visit.answered_elsewhere:
            called.hangup_cause = causes.ANSWERED_ELSEWHERE
        return own and known

    def _called(self, attempt: Attempt) -> None:
        member = self._members[id(attempt)]
        if attempt.channel.name == attempt.orig_name:  # else it is called by way of a forward
            self._tell(told.CALLED, attempt.channel, member)

    async def _call_more(self) -> bool:
        """Nobody rings any more: with ringall members of a higher penalty come, else the next one."""
        if self._queue.settings.strategy != RINGALL:
            if self._queue.settings.timeoutrestart:
                self._dialing.restart(self._timeout)
            left = self._dialing.left
            if left is not None and left <= _ENOUGH_S:
                return False
        if best_of(self.among) is None or not await self._call_next():
            return False
        self._began = self._queue.pbx.now()
        return True

    # ---- what the parties do ------------------------------------------------------------------------------

    def _watch(self, channel: Channel, frame: Frame) -> bool:
        """Keep back what does not concern the other side while nobody has answered."""
        if channel is self.visit.channel:
            if isinstance(frame, Digit):
                return not frame.end or not self._leaving(frame.digit)
            return not (isinstance(frame, Control) and frame.condition in _TOLD_MEMBERS)
        if isinstance(frame, Control):
            if frame.condition is Condition.RINGING:
                self._rings()
            return frame.condition not in _HEEDED
        return not isinstance(frame, Forward)

    def _leaving(self, digit: str) -> bool:
        if "H" in self.visit.order.options and digit == _HANG_UP:
            self.disconnected = True
        elif self.visit.leaves(digit):
            self.left_by_digit = True
        return self.disconnected or self.left_by_digit

    def _ends(self, _digit: str) -> bool:
        return self.disconnected or self.left_by_digit

    def _rings(self) -> None:
        """With option R the caller hears ringing as soon as a member's phone rings."""
        options, channel = self.visit.order.options, self.visit.channel
        if "R" in options and "r" not in options:
            channel.pbx.stop_music(channel)
            channel.indicate(Condition.RINGING)

    def _member_of(self, channel: Channel) -> Member:
        attempt = next(one for one in self._dialing.attempts if one.channel is channel)
        return self._members[id(attempt)]

    def _living(self) -> list[tuple[Attempt, Member]]:
        return [(one, self._members[id(one)]) for one in self._dialing.attempts if not one.over]

    # ---- nobody answered ------------------------------------------------------------------------------------

    def _failed(self, attempt: Attempt, how: Condition) -> None:
        """A member hung up, is busy or cannot be reached."""
        settings = self._queue.settings
        pauses = True
        if how is Condition.BUSY:
            pauses = settings.autopausebusy
        elif how in (Condition.CONGESTION, Condition.INCOMPLETE):
            pauses = settings.autopauseunavail
        member = self._members[id(attempt)]
        rang = 1000 * int(self._queue.pbx.now() - self._began)
        self._no_answer(attempt.channel, member, rang, pauses=pauses)
        self.visit.queues.pending.discard(member.key)

    def _nobody(self) -> None:
        """The time is over: those who still ring did not answer."""
        rang = int(1000 * (self._timeout or 0))
        for attempt, member in self._living():
            self._no_answer(attempt.channel, member, rang, pauses=True)

    def _no_answer(self, channel: Channel, member: Member, rang_ms: int, *, pauses: bool) -> None:
        queue, options = self._queue, self.visit.order.options
        verbose(3, "Nobody picked up in %d ms", rang_ms)
        if "R" in options and "r" not in options and not self.visit.channel.hungup:
            self.visit.channel.stop_tones()
            self.visit.announcer.entertain()
        self._tell(told.NO_ANSWER, channel, member, ("RingTime", str(rang_ms)))
        record(queue.pbx, queue.name, self.visit.channel.uniqueid, member.name, "RINGNOANSWER", rang_ms)
        autopause, delay = queue.settings.autopause, queue.settings.autopausedelay
        if not pauses or autopause == "no":
            return
        if delay and member.last_call is not None and since(queue.pbx, member.last_call) < delay:
            return
        verbose(3, "Auto-Pausing Queue Member %s since they failed to answer on queue %s.", member.name, queue.name)
        pause(self.visit.queues, "" if autopause == "all" else queue.name, member.interface, "Auto-Pause", True)

    def _cancelled(self, begun: float) -> None:
        """The caller left while members rang."""
        queue = self._queue
        rang = int(1000 * (queue.pbx.now() - begun))
        for _attempt, member in self._living():
            record(queue.pbx, queue.name, self.visit.channel.uniqueid, member.name, "RINGCANCELED", rang)

    def _give_up(self, answer: Answer | None) -> None:
        """End all calls but the one that was answered."""
        pending = self.visit.queues.pending
        for member in self._members.values():
            if answer is None or member is not answer.member:
                pending.discard(member.key)
        elsewhere = answer is not None or self.visit.answered_elsewhere
        self._dialing.finish(causes.ANSWERED_ELSEWHERE if elsewhere else 0)
        self._entry.ringing = answer is not None

    def _tell(self, kind: str, channel: Channel, member: Member, *details: tuple[str, str]) -> None:
        named = (("Queue", self._queue.name), ("Interface", member.interface), ("MemberName", member.name), *details)
        self._queue.pbx.bus.publish(AgentEvent(kind, self.visit.channel, channel, named))
