"""All queues of the exchange, and what one must know of the others before it calls a member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offhook.services.queues.moments import Moment, since
from offhook.services.queues.settings import General

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.services.queues.line import Entry
    from offhook.services.queues.member import Member, Talk
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.rules import Rules

_PART = "queues"


class Queues:
    """Every queue by name, in any case."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.general = General()
        self.rules: Rules = {}
        self.pending: set[str] = set()
        """Members, by key, for whom a call is under way that their devices may not show yet."""
        self._queues: dict[str, Queue] = {}

    def __iter__(self) -> Iterator[Queue]:
        return iter(list(self._queues.values()))

    def __len__(self) -> int:
        return len(self._queues)

    def find(self, name: str) -> Queue | None:
        """The queue of a name."""
        return self._queues.get(name.lower())

    def add(self, queue: Queue) -> None:
        """Take a queue in."""
        queue.on_free = self.free
        queue.on_state = lambda member: self.pending.discard(member.key)
        self._queues[queue.name.lower()] = queue

    def drop(self, queue: Queue) -> None:
        """A queue is not there any more; who waits in it is served to the end."""
        self._queues.pop(queue.name.lower(), None)
        queue.gone = True
        if not len(queue.line):
            queue.close()

    # ---- whether a member may be called ---------------------------------------------------------------

    def may_ring(self, queue: Queue, entry: Entry, member: Member) -> bool:
        """Whether a member can get a caller's call now."""
        if queue.members.get(member.key) is not member:  # it was taken out while others rang
            return False
        if member.paused or (not member.ringinuse and member.state not in ("NOT_INUSE", "UNKNOWN")):
            return False
        if member.last_call is not None:
            wrapup = member.wrapup_s(member.last_queue or queue)
            if since(self.pbx, member.last_call) < wrapup:
                return False
        if self._outweighed(queue, member) or not self._waited_longest(queue, entry, member):
            return False
        return member.ringinuse or member.key not in self.pending

    def _others(self, queue: Queue, member: Member) -> Iterator[Queue]:
        """Other queues with callers that the same member serves."""
        for other in self:
            if other is not queue and len(other.line) and member.key in other.members:
                yield other

    def _outweighed(self, queue: Queue, member: Member) -> bool:
        """Whether a queue of more weight needs the member."""
        return any(
            other.settings.weight > queue.settings.weight and len(other.line) >= other.available_count()
            for other in self._others(queue, member)
        )

    def _waited_longest(self, queue: Queue, entry: Entry, member: Member) -> bool:
        """Whether nobody in another queue of the same weight goes before (force_longest_waiting_caller)."""
        force = self.general.force_longest_waiting_caller
        if force == "no":
            return True
        for other in self._others(queue, member):
            if other.settings.weight != queue.settings.weight:
                continue
            first = next((waiting for waiting in other.line.entries if not waiting.ringing), None)
            if first is None:
                continue
            if force == "prio" and first.priority != entry.priority:
                if first.priority > entry.priority:
                    return False
            elif first.begun.at < entry.begun.at:
                return False
        return True

    def logged_name(self, member: Member) -> str:
        """How queue_log names a member who comes or goes."""
        return member.name if self.general.log_membername_as_agent else member.interface

    # ---- talks ----------------------------------------------------------------------------------------

    def free(self, queue: Queue, member: Member) -> None:
        """A member's device is free: the talks it had, if any, are over."""
        for talk in list(member.talks):
            self.end_talk(queue, member, talk)

    def end_talk(self, queue: Queue, member: Member, talk: Talk) -> None:
        """A talk is over: count it, once."""
        if talk not in member.talks:
            return
        member.talks.remove(talk)
        self.pending.discard(member.key)
        if not talk.counts:
            return
        counted = [member]
        if self.general.shared_lastcall:
            counted = [found for each in self if (found := each.member(member.interface)) is not None]
        now = Moment.of(self.pbx)
        for one in counted:
            one.last_call = now
            one.calls += 1
            one.last_queue = queue
        queue.complete(int(now.at - talk.began.at), in_level=talk.in_level)


def queues_of(pbx: Pbx) -> Queues:
    """The exchange's queues."""
    found = pbx.parts.get(_PART)
    if found is None:
        found = pbx.parts[_PART] = Queues(pbx)
    assert isinstance(found, Queues)
    return found


def forget_queues(pbx: Pbx) -> None:
    """There are no queues any more."""
    for queue in queues_of(pbx):
        queues_of(pbx).drop(queue)
    del pbx.parts[_PART]


def device_state(queues: Queues, name: str) -> str:
    """State of the device Queue:name (callers wait), name_avail (a member is free) or name_pause_interface (paused)."""
    queue = queues.find(name)
    if queue is not None:
        return "RINGING" if len(queue.line) else "NOT_INUSE"
    if name.endswith("_avail") and (queue := queues.find(name.removesuffix("_avail"))) is not None:
        return "NOT_INUSE" if queue.available_count() else "INUSE"
    for queue in queues:
        prefix = f"{queue.name}_pause_".lower()
        if name.lower().startswith(prefix):
            member = queue.member(name[len(prefix) :])
            return "INUSE" if member is not None and member.paused else "NOT_INUSE"
    return "INVALID"
