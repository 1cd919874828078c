"""Dialplan functions that tell of queues and their members."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.dialplan.arguments import integer
from offhook.dialplan.invocation import FunctionError
from offhook.modules import Syntax
from offhook.services.queues.member import Member
from offhook.services.queues.membership import pause, set_penalty, set_ringinuse
from offhook.services.queues.module import module
from offhook.services.queues.queues import queues_of

if TYPE_CHECKING:
    from offhook.dialplan.scope import Scope
    from offhook.services.queues.queue import Queue

log = logging.getLogger(__name__)

_QUEUE = "Name of the queue; those of databases are known once somebody has used them."


def _queue(scope: Scope, name: str, function: str) -> Queue | None:
    """The queue of a name; the log tells when there is none."""
    if not name:
        raise FunctionError(f"{function} needs a queue: {function}(queuename)")
    found = queues_of(scope.pbx).find(name)
    if found is None:
        log.warning("%s: there is no queue %r", function, name)
    return found


@module.function("QUEUE_EXISTS", Syntax("queuename", queuename=_QUEUE), see_also=("Queue",))
def queue_exists(scope: Scope, name: str = "") -> str:
    """Whether there is a queue of that name: 1 or 0."""
    if not name:
        raise FunctionError("QUEUE_EXISTS needs a queue: QUEUE_EXISTS(queuename)")
    return str(int(queues_of(scope.pbx).find(name) is not None))


@module.function("QUEUE_VARIABLES", Syntax("queuename", queuename=_QUEUE), see_also=("Queue",))
def queue_variables(scope: Scope, name: str = "") -> str:
    """Set variables about a queue, if its setqueuevar is yes: 0 when they are set, else -1.

    QUEUEMAX, QUEUESTRATEGY, QUEUECALLS, QUEUEHOLDTIME, QUEUETALKTIME, QUEUECOMPLETED, QUEUEABANDONED, QUEUESRVLEVEL
    and QUEUESRVLEVELPERF.
    """
    queue = _queue(scope, name, "QUEUE_VARIABLES")
    if queue is None or not queue.settings.setqueuevar:
        return "-1"
    for variable, value in queue.variables().items():
        scope.set(variable, value)
    return "0"


def _ready(queue: Queue, member: Member) -> bool:
    return member.state == "NOT_INUSE" and not member.paused and not member.wraps_up(queue)


@module.function(
    "QUEUE_MEMBER",
    Syntax(
        "[queuename]",
        "option",
        "[interface]",
        queuename="Where it is assigned, empty for all queues.",
        option="logged, free, ready, count; penalty, paused, ringinuse (or ignorebusy) of one interface.",
    ),
    see_also=("Queue", "QUEUE_MEMBER_LIST", "QUEUE_MEMBER_PENALTY"),
)
def queue_member(scope: Scope, name: str = "", option: str = "", interface: str = "") -> str:
    """Count members of a queue, or tell something of one; penalty, paused and ringinuse can be assigned.

    logged: those whose device is there; free: those who are not paused and not in use; ready: those of them who do
    not wrap up; count: all.
    """
    if not name or not option:
        raise FunctionError("QUEUE_MEMBER: write QUEUE_MEMBER(queuename,option[,interface])")
    queue = _queue(scope, name, "QUEUE_MEMBER")
    if queue is None:
        return "0"
    word = option.lower()
    members = list(queue.members.values())
    if word == "logged":
        return str(sum(member.reachable for member in members))
    if word == "free":
        return str(sum(member.state == "NOT_INUSE" and not member.paused for member in members))
    if word == "ready":
        return str(sum(_ready(queue, member) for member in members))
    if word == "count":
        return str(len(members))
    if word not in ("penalty", "paused", "ringinuse", "ignorebusy"):
        log.error('QUEUE_MEMBER: "%s" is not one of logged, free, ready, count, penalty, paused, ringinuse', option)
        return "0"
    one = queue.member(interface)
    if one is None:
        return "0"
    return str(int({"penalty": one.penalty, "paused": one.paused}.get(word, one.ringinuse)))


@queue_member.writer
def assign_member(scope: Scope, value: str, name: str = "", option: str = "", interface: str = "") -> None:
    """Give a member a penalty, pause it, or have it called while it talks."""
    if not option or not interface:
        raise FunctionError("QUEUE_MEMBER: write QUEUE_MEMBER([queuename],option,interface)")
    queues, number, word = queues_of(scope.pbx), integer(value) or 0, option.lower()
    if word == "penalty":
        done = set_penalty(queues, name, interface, number)
    elif word == "paused":
        done = pause(queues, name, interface, "", number > 0)
    elif word in ("ringinuse", "ignorebusy"):
        done = set_ringinuse(queues, name, interface, number > 0)
    else:
        raise FunctionError(f'QUEUE_MEMBER: "{option}" is not one of penalty, paused, ringinuse')
    if not done:
        raise FunctionError(f"QUEUE_MEMBER({name},{option},{interface})={value}: no such queue or member, or value")


@module.function("QUEUE_MEMBER_COUNT", Syntax("queuename", queuename=_QUEUE), see_also=("QUEUE_MEMBER",))
def member_count(scope: Scope, name: str = "") -> str:
    """How many members of a queue have a device that is there: an older name of QUEUE_MEMBER(queuename,logged)."""
    queue = _queue(scope, name, "QUEUE_MEMBER_COUNT")
    return "-1" if queue is None else str(sum(member.reachable for member in queue.members.values()))


@module.function("QUEUE_MEMBER_LIST", Syntax("queuename", queuename=_QUEUE), see_also=("QUEUE_MEMBER",))
def member_list(scope: Scope, name: str = "") -> str:
    """The interfaces of a queue's members, with commas between."""
    queue = _queue(scope, name, "QUEUE_MEMBER_LIST")
    return "" if queue is None else ",".join(member.interface for member in queue.members.values())


@module.function("QUEUE_MEMBER_PENALTY", Syntax("queuename", "interface"), see_also=("QUEUE_MEMBER",))
def member_penalty(scope: Scope, name: str, interface: str) -> str:
    """A member's penalty, which can be assigned; with an empty queue name in all its queues."""
    queue = queues_of(scope.pbx).find(name)
    member = queue.member(interface) if queue is not None else None
    if member is None:
        log.error("QUEUE_MEMBER_PENALTY: %s is no member of a queue %r", interface, name)
        return ""
    return str(member.penalty)


@member_penalty.writer
def assign_penalty(scope: Scope, value: str, name: str, interface: str) -> None:
    """Give a member a penalty."""
    if not interface:
        raise FunctionError("QUEUE_MEMBER_PENALTY: write QUEUE_MEMBER_PENALTY([queuename],interface)")
    if not set_penalty(queues_of(scope.pbx), name, interface, integer(value) or 0):
        raise FunctionError(f"QUEUE_MEMBER_PENALTY({name},{interface})={value}: no such queue or member, or penalty")


@module.function("QUEUE_WAITING_COUNT", Syntax("queuename", queuename=_QUEUE), see_also=("Queue",))
def waiting_count(scope: Scope, name: str = "") -> str:
    """How many callers wait in a queue."""
    queue = _queue(scope, name, "QUEUE_WAITING_COUNT")
    return "0" if queue is None else str(len(queue.line))


@module.function("QUEUE_GET_CHANNEL", Syntax("queuename", "[position]"), see_also=("Queue",))
def get_channel(scope: Scope, name: str = "", position: str = "") -> str:
    """The name of the channel that waits at a position, 1 when not said; empty when nobody does."""
    queue = _queue(scope, name, "QUEUE_GET_CHANNEL")
    number = integer(position) if position else 1
    if number is None or number < 1:
        raise FunctionError(f"QUEUE_GET_CHANNEL: position {position!r} is no number above 0")
    if queue is None or number > len(queue.line):
        return ""
    return queue.line.entries[number - 1].channel.name
