"""What is done to members: they come and go, are paused, get another penalty. With what queue_log and events tell."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from offhook.services.queues import events as told
from offhook.services.queues.member import DYNAMIC, REALTIME, Member
from offhook.services.queues.moments import Moment
from offhook.services.queues.persistence import keep
from offhook.services.queues.realtime import change_row
from offhook.services.queues.records import NOBODY, record

if TYPE_CHECKING:
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues

log = logging.getLogger(__name__)


class Result(Enum):
    """How adding or removing a member went."""

    DONE = 0
    NO_QUEUE = 1
    ALREADY = 2
    NOT_THERE = 3
    NOT_DYNAMIC = 4


def add(queues: Queues, name: str, member: Member, by: str) -> Result:
    """Add a dynamic member to a queue; ``by`` is told in queue_log."""
    queue = queues.find(name)
    if queue is None:
        return Result.NO_QUEUE
    if queue.member(member.interface) is not None:
        return Result.ALREADY
    member.kind = DYNAMIC
    member.ringinuse = queue.settings.ringinuse
    queue.add(member)
    queue.tell(told.ADDED, member)
    keep(queues, queue)
    record(queues.pbx, queue.name, by, queues.logged_name(member), "ADDMEMBER", "PAUSED" if member.paused else "")
    return Result.DONE


def remove(queues: Queues, name: str, interface: str, by: str) -> Result:
    """Take a dynamic member out of a queue; ``by`` is told in queue_log."""
    queue = queues.find(name)
    if queue is None:
        return Result.NO_QUEUE
    member = queue.member(interface)
    if member is None:
        return Result.NOT_THERE
    if member.kind == REALTIME and member.row and queues.general.negative_penalty_invalid:
        change_row(queues.pbx, member, penalty="-1")
    elif member.kind != DYNAMIC:
        return Result.NOT_DYNAMIC
    queue.tell(told.REMOVED, member)
    queue.remove(member)
    keep(queues, queue)
    record(queues.pbx, queue.name, by, queues.logged_name(member), "REMOVEMEMBER", "")
    return Result.DONE


def memberships(queues: Queues, name: str, interface: str) -> Iterator[tuple[Queue, Member]]:
    """An interface's memberships: in the queue of that name, or in all for ""."""
    for queue in queues if not name else filter(None, (queues.find(name),)):
        member = queue.member(interface)
        if member is not None:
            yield queue, member


def pause(queues: Queues, name: str, interface: str, reason: str, on: bool) -> bool:
    """Pause a member, or let it take calls again, in a queue or ("") in all; False when there is no such member."""
    found = list(memberships(queues, name, interface))
    for index, (queue, member) in enumerate(found):
        if not index and not name:
            record(queues.pbx, NOBODY, NOBODY, member.name, "PAUSEALL" if on else "UNPAUSEALL", reason)
        _pause(queues, queue, member, reason, on)
    return bool(found)


def _pause(queues: Queues, queue: Queue, member: Member, reason: str, on: bool) -> None:
    pbx = queues.pbx
    if on and member.paused and queues.general.log_unpause_on_reason_change and member.reason != reason:
        record(pbx, queue.name, NOBODY, member.name, "UNPAUSE", "Auto-Unpause")
    if member.kind == REALTIME and member.row:
        change_row(pbx, member, paused=str(int(on)), reason_paused=reason if on else "")
    member.paused = on
    if on:
        member.last_pause = Moment.of(pbx)
    member.reason = reason if on else ""
    keep(queues, queue)
    queue.tell_paused(member)
    queue.tell_available()
    member.reason = reason  # why it is not paused any more is told, and then forgotten
    record(pbx, queue.name, NOBODY, member.name, "PAUSE" if on else "UNPAUSE", reason)
    queue.tell(told.PAUSE, member)
    if not on:
        member.reason = ""


def set_penalty(queues: Queues, name: str, interface: str, penalty: int) -> bool:
    """Give a member a penalty in a queue or ("") in all; False when that cannot be, which the log tells."""
    if penalty < 0 and not queues.general.negative_penalty_invalid:
        log.error("penalty %d of %s: it is 0 or more", penalty, interface)
        return False
    found = _found(queues, name, interface)
    for queue, member in found:
        if member.kind == REALTIME:
            change_row(queues.pbx, member, penalty=str(penalty))
        member.penalty = penalty
        record(queues.pbx, queue.name, NOBODY, interface, "PENALTY", penalty)
        queue.tell(told.PENALTY, member)
    return bool(found)


def set_ringinuse(queues: Queues, name: str, interface: str, on: bool) -> bool:
    """Have a member called while it talks, in a queue or ("") in all; False when there is no such member."""
    found = _found(queues, name, interface)
    for queue, member in found:
        if member.kind == REALTIME:
            change_row(queues.pbx, member, ringinuse=str(int(on)))
        member.ringinuse = on
        record(queues.pbx, queue.name, NOBODY, member.interface, "RINGINUSE", int(on))
        queue.tell(told.RINGINUSE, member)
    return bool(found)


def _found(queues: Queues, name: str, interface: str) -> list[tuple[Queue, Member]]:
    found = list(memberships(queues, name, interface))
    if not found:
        if name and queues.find(name) is None:
            log.error("there is no queue %r", name)
        else:
            log.error("%s is no member of %s", interface, f"queue {name}" if name else "any queue")
    return found
