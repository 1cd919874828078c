"""A caller's time in a queue: it comes, waits for its turn, has members called, and leaves."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.calls.channel import Channel, Hangup
from offhook.calls.durations import set_duration
from offhook.calls.succession import SUCCESSION
from offhook.dialplan.subroutine import run_gosub
from offhook.log import verbose
from offhook.modules import Options
from offhook.services.queues.announcing import Announcer
from offhook.services.queues.connecting import connect
from offhook.services.queues.empty import deserted
from offhook.services.queues.inheritance import bequeath
from offhook.services.queues.line import Entry
from offhook.services.queues.realtime import fetch_members
from offhook.services.queues.records import NOBODY, record
from offhook.services.queues.ringing import Ringing
from offhook.services.queues.strategies import ONE_MORE_TRY

if TYPE_CHECKING:
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues

log = logging.getLogger(__name__)

RECHECK_S = 1.0
"""So often a waiting caller looks whether it is its turn."""
TIMEOUT, LEAVEEMPTY, WITHDRAW, CONTINUE, KEY = "TIMEOUT", "LEAVEEMPTY", "WITHDRAW", "CONTINUE", "KEY"


@dataclass(frozen=True, slots=True)
class Order:
    """The arguments of Queue()."""

    options: Options
    url: str = ""
    announce: str = ""
    """Prompts for the member instead of the queue's."""
    agi: str = ""
    gosub: str = ""
    rule: str = ""


@dataclass(slots=True)
class Visit:
    """One caller in one queue, from the moment it is in line."""

    queues: Queues
    queue: Queue
    entry: Entry
    order: Order
    announcer: Announcer = field(init=False)
    tries: int = 0
    served: bool = False
    """A member answered and was connected, or the abandoned call is accounted for."""
    agent: str = NOBODY
    """The member who is about to get the caller."""
    digits: str = ""
    """What was dialled towards an extension of the queue's context."""
    handed_over: bool = False
    """Another channel has the place in line now."""
    answered_elsewhere: bool = False
    """Phones that ring are told so when they are given up."""

    def __post_init__(self) -> None:
        """Read the options."""
        options = self.order.options
        self.announcer = Announcer(
            self.queue,
            self.entry,
            ringing="r" in options,
            music=options["m"] or self.queue.settings.musicclass,
        )
        self.answered_elsewhere = "C" in options or self.entry.channel.hangup_cause == causes.ANSWERED_ELSEWHERE

    @property
    def channel(self) -> Channel:
        """The caller's."""
        return self.entry.channel

    async def run(self) -> str:
        """Wait and be served. Why it ended otherwise: a word for QUEUESTATUS, or "" after a digit. Raises Hangup."""
        reason = ""
        channel = self.channel
        channel.data[SUCCESSION] = self
        try:
            if self.order.options["B"]:
                await run_gosub(self.channel, self.order.options["B"].replace("^", ","))
            reason = await self._stay()
            if reason == CONTINUE and "c" not in self.order.options:
                raise Hangup
        finally:
            channel.data.pop(SUCCESSION, None)
            if not self.handed_over:
                if not self.served:
                    self.queue.give_up(self.entry)
                    record(self.queues.pbx, self.queue.name, channel.uniqueid, self.agent, "ABANDON", *self.place)
                self._leave()
        if not self.channel.hungup:
            self.announcer.quiet()
        return "" if reason == KEY else reason

    def hand_over(self, heir: Channel) -> None:
        """Another channel goes on waiting in this place."""
        if not self.served and self.entry in self.queue.line.entries:
            self.handed_over = True
            bequeath(self.queue, self.entry, heir)

    def log(self, event: str, *data: object) -> None:
        """A line of queue_log about the caller."""
        record(self.queues.pbx, self.queue.name, self.channel.uniqueid, NOBODY, event, *data)

    @property
    def place(self) -> tuple[int, int, int]:
        """Position, first position and seconds waited, as queue_log has them."""
        return self.entry.position, self.entry.first_position, self.entry.waited

    def _leave(self) -> None:
        channel = self.channel
        now = channel.pbx.now()
        if not channel.get("QUEUEWAIT"):
            set_duration(channel, "QUEUEWAIT", self.entry.waited)
        if not channel.get("DIALEDTIME"):
            set_duration(channel, "DIALEDTIME", now - channel.created_at)
        if not channel.get("ANSWEREDTIME"):
            set_duration(channel, "ANSWEREDTIME", 0)
        self.queue.show_on(channel.set)
        self.queue.leave(self.entry)

    # ---- the loop -------------------------------------------------------------------------------------

    async def _stay(self) -> str:
        while True:
            self.announcer.entertain()
            reason = await self._wait_turn()
            if not reason:
                reason = await self._be_served()
            if reason:
                return reason

    async def _wait_turn(self) -> str:
        """Wait until members may be called for it; why it leaves instead."""
        queue, entry, settings = self.queue, self.entry, self.queue.settings
        while not queue.is_turn(entry) and not entry.expired:
            settings = queue.settings
            if entry.withdrawn is not None:
                return self._withdraw()
            if self._deserted():
                return self._exit_empty()
            if settings.announce_frequency and await self._hear(self.announcer.position()):
                return KEY
            if entry.expired:
                break
            if settings.periodic_announce_frequency and await self._hear(self.announcer.periodic()):
                return KEY
            entry.penalties.advance(self.channel, entry.waited)
            if not entry.expired and await self._pause(RECHECK_S):
                return KEY
            if not queue.available_count() and entry.position == 1:
                await fetch_members(self.queues, queue)
        return self._withdraw() if entry.withdrawn is not None else ""

    async def _be_served(self) -> str:
        """Have members called until one takes the call; why it leaves, or "" to wait in line again."""
        queue, entry = self.queue, self.entry
        announced = queue.settings.announce_to_first_user
        while True:
            if announced and not entry.expired and entry.withdrawn is None:
                if queue.settings.announce_frequency and await self._hear(self.announcer.position()):
                    return KEY
                if queue.settings.periodic_announce_frequency and await self._hear(self.announcer.periodic()):
                    return KEY
            if entry.withdrawn is not None:
                return self._withdraw()
            if entry.expired:
                return self._time_out()
            entry.penalties.advance(self.channel, entry.waited)
            if reason := await self._call_members():
                return reason
            if self._deserted():
                return self._exit_empty()
            if "n" in self.order.options and self.tries >= len(queue.members):
                verbose(3, "Exiting on time-out cycle")
                return self._time_out()
            if entry.expired:
                return self._time_out()
            if await self._pause(queue.settings.retry):
                return KEY
            await fetch_members(self.queues, queue)
            if not queue.is_turn(entry):
                return ""

    async def _call_members(self) -> str:
        """Call members once; why the caller leaves, or "" when nobody took the call."""
        if "n" in self.order.options:
            more = self.queue.settings.strategy in ONE_MORE_TRY
            self.tries = self.tries + 1 if more else len(self.queue.members)
        ringing = Ringing(self)
        answer = await ringing.run()
        if ringing.left_by_digit:
            return self._exit_by_digit()
        if ringing.disconnected:
            raise Hangup
        if answer is None or not await connect(self, answer):
            return ""
        return CONTINUE

    # ---- ways out ---------------------------------------------------------------------------------------

    def _deserted(self) -> bool:
        reasons = self.queue.settings.leavewhenempty
        return bool(reasons) and deserted(self.queue, self.entry.penalties, reasons)

    def _exit_empty(self) -> str:
        return self._give_up(LEAVEEMPTY, "EXITEMPTY")

    def _time_out(self) -> str:
        return self._give_up(TIMEOUT, "EXITWITHTIMEOUT")

    def _withdraw(self) -> str:
        info = self.entry.withdrawn or ""
        if info:
            self.channel.set("QUEUE_WITHDRAW_INFO", info)
        return self._give_up(WITHDRAW, "WITHDRAW", info[:40])

    def _give_up(self, reason: str, event: str, *details: str) -> str:
        self.served = True
        self.queue.give_up(self.entry)
        self.log(event, *self.place, *details)
        return reason

    def _exit_by_digit(self) -> str:
        self.served = True
        self.log("EXITWITHKEY", self.digits, *self.place)
        return KEY

    # ---- digits -----------------------------------------------------------------------------------------

    async def _hear(self, announcement: Awaitable[str | None]) -> bool:
        """Hear an announcement if it is due; whether a digit took the caller out. Else music or ringing go on."""
        digit = await announcement
        if digit is None:
            return False
        if digit and self.leaves(digit):
            self._exit_by_digit()
            return True
        self.announcer.entertain()
        return False

    async def _pause(self, seconds: float) -> bool:
        """Wait; whether a digit took the caller out."""
        digit = await self.channel.read_digit(seconds)
        if digit and self.leaves(digit):
            self._exit_by_digit()
            return True
        return False

    def leaves(self, digit: str) -> bool:
        """Take a digit; whether it ends an extension of the queue's context, where the caller goes on then."""
        channel, context = self.channel, self.queue.settings.context
        if not context:
            return False
        self.digits += digit
        plan, number = channel.pbx.dialplan, channel.caller.id.number.text
        if plan.exists(context, self.digits, 1, number):
            channel.goto(context, self.digits, 1)
            return True
        if not plan.can_match(context, self.digits, number):
            self.digits = ""
        return False
