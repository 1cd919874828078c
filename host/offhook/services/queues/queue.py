"""One queue: its settings, its members, who waits, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from offhook.services.queues import events as told
from offhook.services.queues.events import CallerEvent, Details, MemberEvent
from offhook.services.queues.line import Entry, Line
from offhook.services.queues.member import Member, state_of, watch
from offhook.services.queues.moments import Moment
from offhook.services.queues.settings import RINGALL, Settings

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx


class Queue:
    """A queue. Members keep their order; they are found by their interface in lower case."""

    def __init__(self, pbx: Pbx, name: str, settings: Settings) -> None:
        self.pbx = pbx
        self.name = name
        self.settings = settings
        self.members: dict[str, Member] = {}
        self.line = Line()
        self.realtime = False
        """Comes from a database."""
        self.gone = False
        """Not configured any more: it ends with its last caller."""
        self.round = 0
        """Where in the members the round robin strategies go on."""
        self.round_more = False
        """Members follow there."""
        self.on_free: Callable[[Queue, Member], None] = lambda queue, member: None
        """Told when a member's device is free again, before it counts as free."""
        self.on_state: Callable[[Member], None] = lambda member: None
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self.holdtime = self.talktime = 0
        self.completed = self.abandoned = self.completed_in_level = self.abandoned_in_level = 0
        for member in self.members.values():
            member.calls = 0
            member.last_call = None
            for talk in member.talks:
                talk.counts = False

    # ---- members ------------------------------------------------------------------------------------

    def member(self, interface: str) -> Member | None:
        """The member with that interface, in any case."""
        return self.members.get(interface.lower())

    def add(self, member: Member) -> None:
        """Take a member in, or another one in the place of the same interface."""
        before = self.members.get(member.key)
        if before is not None:
            before.drop()
        member.login = member.login or Moment.of(self.pbx)
        if member.paused and member.last_pause is None:
            member.last_pause = Moment.of(self.pbx)
        self.members[member.key] = member
        member.state = state_of(self.pbx, member)
        watch(self.pbx, member, lambda: self.refresh(member))
        self.tell_paused(member)
        self.tell_available()

    def follow(self, member: Member, state_interface: str) -> None:
        """From now on another device tells what a member is doing."""
        if member.state_interface != state_interface:
            member.state_interface = state_interface
            self.add(member)

    def remove(self, member: Member) -> None:
        """Take a member out; whoever talks goes on talking."""
        order = list(self.members)
        if member.key in order and order.index(member.key) < self.round:
            self.round -= 1
        if self.members.get(member.key) is member:
            del self.members[member.key]
        member.drop()
        self.tell_paused(member)
        self.tell_available()

    def refresh(self, member: Member) -> None:
        """Look what a member's device is doing."""
        state = state_of(self.pbx, member)
        if state == member.state:
            return
        if state == "NOT_INUSE":
            self.on_free(self, member)
        member.state = state
        self.on_state(member)
        self.tell(told.STATUS, member)
        self.tell_available()

    def available_count(self) -> int:
        """How many members could take a call; no more than one where only the first caller is served."""
        count = sum(member.available(self) for member in self.members.values())
        return count if self.settings.autofill and self.settings.strategy != RINGALL else min(count, 1)

    def tell(self, kind: str, member: Member) -> None:
        """Tell the bus of a member."""
        if self.pbx.bus.wants(MemberEvent):
            self.pbx.bus.publish(MemberEvent(kind, tuple(member.headers(self))))

    def tell_available(self) -> None:
        """The state that shows whether anybody is free may be another one."""
        self.pbx.devices.changed(f"Queue:{self.name}_avail")

    def tell_paused(self, member: Member) -> None:
        """The state that shows whether a member is paused may be another one."""
        self.pbx.devices.changed(f"Queue:{self.name}_pause_{member.interface}")

    # ---- callers ------------------------------------------------------------------------------------

    def join(self, entry: Entry, wanted: int = 0) -> None:
        """A caller comes."""
        self.line.join(entry, wanted)
        self.pbx.devices.changed(f"Queue:{self.name}")
        self.tell_caller(told.JOIN, entry, ("Position", str(entry.position)), ("Count", str(len(self.line))))

    def leave(self, entry: Entry) -> None:
        """A caller leaves the line; nothing happens when it is out already."""
        if not self.line.leave(entry):
            return
        self.pbx.devices.changed(f"Queue:{self.name}")
        self.tell_caller(told.LEAVE, entry, ("Position", str(entry.position)), ("Count", str(len(self.line))))
        entry.channel.set("QUEUEPOSITION", str(entry.position))
        if self.gone and not len(self.line):
            self.close()

    def tell_caller(self, kind: str, entry: Entry, *details: tuple[str, str]) -> None:
        """Tell the bus of a caller."""
        named: Details = (("Queue", self.name), *details)
        self.pbx.bus.publish(CallerEvent(kind, entry.channel, named))

    def is_turn(self, entry: Entry) -> bool:
        """Whether members may be called for a caller now."""
        return self.line.turn(entry, self.available_count(), only_first=not self.settings.autofill)

    # ---- figures ------------------------------------------------------------------------------------

    def answered(self, entry: Entry) -> None:
        """A member answered: the average hold time changes."""
        waited = entry.waited
        first = not self.completed + self.abandoned
        self.holdtime = waited if first else (3 * self.holdtime + waited) >> 2

    def give_up(self, entry: Entry) -> None:
        """A caller was not served: count it, and say so on its channel."""
        channel = entry.channel
        channel.set("ABANDONED", "TRUE")
        self.show_on(channel.set)
        self.abandoned_in_level += entry.waited <= self.settings.servicelevel
        self.abandoned += 1
        self.tell_caller(
            told.ABANDON,
            entry,
            ("Position", str(entry.position)),
            ("OriginalPosition", str(entry.first_position)),
            ("HoldTime", str(entry.waited)),
        )

    def complete(self, talked_s: int, *, in_level: bool) -> None:
        """A talk is over: the average talk time changes."""
        self.completed += 1
        self.completed_in_level += in_level
        self.talktime = talked_s if self.completed == 1 else (3 * self.talktime + talked_s) >> 2

    @property
    def level(self) -> float:
        """Calls answered within the service level, percent of those answered."""
        return 100 * self.completed_in_level / self.completed if self.completed else 0.0

    @property
    def level_of_all(self) -> float:
        """Calls answered or given up within the service level, percent of all."""
        total = self.completed + self.abandoned
        return 100 * (self.completed_in_level + self.abandoned_in_level) / total if total else 0.0

    def variables(self) -> dict[str, str]:
        """What setqueuevar and QUEUE_VARIABLES() set."""
        return {
            "QUEUEMAX": str(self.settings.maxlen),
            "QUEUESTRATEGY": self.settings.strategy,
            "QUEUECALLS": str(len(self.line)),
            "QUEUEHOLDTIME": str(self.holdtime),
            "QUEUETALKTIME": str(self.talktime),
            "QUEUECOMPLETED": str(self.completed),
            "QUEUEABANDONED": str(self.abandoned),
            "QUEUESRVLEVEL": str(self.settings.servicelevel),
            "QUEUESRVLEVELPERF": f"{self.level:2.1f}",
        }

    def show_on(self, assign: Callable[[str, str], None]) -> None:
        """Assign its name and figures as variables, if setqueuevar wants that."""
        if self.settings.setqueuevar:
            shown: Mapping[str, str] = {"QUEUENAME": self.name, **self.variables()}
            for name, value in shown.items():
                assign(name, value)

    def close(self) -> None:
        """Look after its members' devices no more."""
        for member in self.members.values():
            member.drop()
