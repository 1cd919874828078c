"""Manager actions that change queues, their members and callers."""

from __future__ import annotations

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.dialplan.arguments import integer
from offhook.modules import ActionError, ActionRequest, Syntax
from offhook.services.queues.callers import Done, change_priority, withdraw
from offhook.services.queues.member import Member
from offhook.services.queues.membership import Result, add, pause, remove, set_penalty, set_ringinuse
from offhook.services.queues.module import module
from offhook.services.queues.queues import queues_of
from offhook.services.queues.realtime import fetch
from offhook.services.queues.records import NOBODY, record
from offhook.services.queues.reloading import ALL, Parts, read, reset

_BY = "MANAGER"
_ALL_QUEUES = "All the member's queues when empty."


@module.action(
    "QueueAdd",
    ("agent",),
    Syntax(
        "Queue",
        "Interface",
        "[Penalty]",
        "[Paused]",
        "[MemberName]",
        "[StateInterface]",
        "[Reason]",
        "[Wrapuptime]",
        Interface="What is dialled for the member.",
        StateInterface="Whose state counts instead.",
        Reason="Why it is paused.",
    ),
    see_also=("QueueRemove", "QueuePause"),
)
async def queue_add(request: ActionRequest) -> None:
    """Add a member to a queue."""
    name = request.require("Queue", "'Queue' not specified.")
    interface = request.require("Interface", "'Interface' not specified.")
    member = Member(
        interface,
        request.get("MemberName"),
        max(0, integer(request.get("Penalty") or "0") or 0),
        request.get("StateInterface"),
        wrapuptime=max(0, integer(request.get("Wrapuptime") or "0") or 0),
        paused=request.get("Paused").lower() in TRUE_WORDS,
        reason=request.get("Reason"),
    )
    queues = queues_of(request.pbx)
    await fetch(queues, name)
    result = add(queues, name, member, _BY)
    if result is Result.ALREADY:
        raise ActionError("Unable to add interface: Already there")
    if result is Result.NO_QUEUE:
        raise ActionError("Unable to add interface to queue: No such queue")
    request.ok("Added interface to queue")


@module.action("QueueRemove", ("agent",), Syntax("Queue", "Interface"), see_also=("QueueAdd",))
def queue_remove(request: ActionRequest) -> None:
    """Take a dynamic member out of a queue."""
    name, interface = request.get("Queue"), request.get("Interface")
    if not name or not interface:
        raise ActionError("Need 'Queue' and 'Interface' parameters.")
    result = remove(queues_of(request.pbx), name, interface, _BY)
    if result is Result.NOT_THERE:
        raise ActionError("Unable to remove interface: Not there")
    if result is Result.NO_QUEUE:
        raise ActionError("Unable to remove interface from queue: No such queue")
    if result is Result.NOT_DYNAMIC:
        raise ActionError("Member not dynamic")
    request.ok("Removed interface from queue")


@module.action(
    "QueuePause",
    ("agent",),
    Syntax("Interface", "Paused", "[Queue]", "[Reason]", Queue=_ALL_QUEUES, Paused="true or false."),
    see_also=("QueueAdd",),
)
def queue_pause(request: ActionRequest) -> None:
    """Pause a member, or let it take calls again."""
    interface, paused = request.get("Interface"), request.get("Paused")
    if not interface or not paused:
        raise ActionError("Need 'Interface' and 'Paused' parameters.")
    on = paused.lower() in TRUE_WORDS
    if not pause(queues_of(request.pbx), request.get("Queue"), interface, request.get("Reason"), on):
        raise ActionError("Interface not found")
    request.ok("Interface paused successfully" if on else "Interface unpaused successfully")


@module.action("QueuePenalty", ("agent",), Syntax("Interface", "Penalty", "[Queue]", Queue=_ALL_QUEUES))
def queue_penalty(request: ActionRequest) -> None:
    """Give a member a penalty."""
    interface, penalty = request.get("Interface"), request.get("Penalty")
    if not interface or not penalty:
        raise ActionError("Need 'Interface' and 'Penalty' parameters.")
    if not set_penalty(queues_of(request.pbx), request.get("Queue"), interface, integer(penalty) or 0):
        raise ActionError("Invalid interface, queuename or penalty")
    request.ok("Interface penalty set successfully")


@module.action("QueueMemberRingInUse", ("agent",), Syntax("Interface", "RingInUse", "[Queue]", Queue=_ALL_QUEUES))
def queue_ringinuse(request: ActionRequest) -> None:
    """Have a member called while it talks, or not."""
    interface, word = request.get("Interface"), request.get("RingInUse").lower()
    if not interface or not word:
        raise ActionError("Need 'Interface' and 'RingInUse' parameters.")
    if word not in TRUE_WORDS and word not in FALSE_WORDS:
        raise ActionError("'RingInUse' parameter must be a truth value (yes/no, on/off, 0/1, etc)")
    if not set_ringinuse(queues_of(request.pbx), request.get("Queue"), interface, word in TRUE_WORDS):
        raise ActionError("Invalid interface, queuename, or ringinuse value\n")
    request.ok("Interface ringinuse set successfully")


@module.action("QueueLog", ("agent",), Syntax("Queue", "Event", "[Uniqueid]", "[Interface]", "[Message]"))
def queue_log(request: ActionRequest) -> None:
    """Write a line into queue_log."""
    name, event = request.get("Queue"), request.get("Event")
    if not name or not event:
        raise ActionError("Need 'Queue' and 'Event' parameters.")
    call = request.get("UniqueId") or NOBODY
    record(request.pbx, name, call, request.get("Interface"), event, request.get("Message"))
    request.ok("Event added successfully")


@module.action(
    "QueueReload",
    (),
    Syntax(
        "[Queue]",
        "[Members]",
        "[Rules]",
        "[Parameters]",
        Members="yes reads the static members; without any of the three everything is read.",
    ),
    see_also=("QueueReset",),
)
async def queue_reload(request: ActionRequest) -> None:
    """Read queues.conf and queuerules.conf again, or parts of them."""
    members, rules, parameters = (request.get(header).lower() == "yes" for header in ("Members", "Rules", "Parameters"))
    parts = Parts(parameters=parameters, members=members, rules=rules)
    if not await read(queues_of(request.pbx), parts if parts != Parts() else ALL, request.get("Queue")):
        raise ActionError("Error encountered while reloading queue")
    request.ok("Queue reloaded successfully")


@module.action("QueueReset", (), Syntax("[Queue]"), see_also=("QueueReload",))
def queue_reset(request: ActionRequest) -> None:
    """Forget what was counted, of a queue or all."""
    if not reset(queues_of(request.pbx), request.get("Queue")):
        raise ActionError("Error encountered while resetting queue stats")
    request.ok("Queue stats reset successfully")


@module.action(
    "QueueChangePriorityCaller",
    (),
    Syntax(
        "Queue",
        "Caller",
        "Priority",
        "[Immediate]",
        Caller="Name of the waiting channel.",
        Immediate="yes puts it where it belongs at once.",
    ),
)
async def queue_priority(request: ActionRequest) -> None:
    """Give a waiting caller another priority."""
    name = request.require("Queue", "'Queue' not specified.")
    caller = request.require("Caller", "'Caller' not specified.")
    priority = integer(request.require("Priority", "'Priority' not specified."))
    if priority is None:
        raise ActionError("'Priority' need integer.")
    at_once = request.get("Immediate").lower() in TRUE_WORDS
    await fetch(queues_of(request.pbx), name)
    done = change_priority(queues_of(request.pbx), name, caller, priority, at_once=at_once)
    if done is not Done.YES:
        raise ActionError(f"Unable to change priority caller on queue: {_MISSING[done]}")
    request.ok("Priority change for caller on queue")


_MISSING = {
    Done.NO_QUEUE: "No such queue",
    Done.NO_CALLER: "No such caller",
    Done.ALREADY: "Already requested",
}


@module.action(
    "QueueWithdrawCaller",
    (),
    Syntax("Queue", "Caller", "[WithdrawInfo]", WithdrawInfo="Told in queue_log and in QUEUE_WITHDRAW_INFO."),
)
async def queue_withdraw(request: ActionRequest) -> None:
    """Have a caller leave a queue; its dialplan goes on."""
    name = request.require("Queue", "'Queue' not specified.")
    caller = request.require("Caller", "'Caller' not specified.")
    await fetch(queues_of(request.pbx), name)
    done = withdraw(queues_of(request.pbx), name, caller, request.get("WithdrawInfo"))
    if done is not Done.YES:
        raise ActionError(f"Unable to request withdraw from queue: {_MISSING[done]}")
    request.ok("Withdraw requested successfully")
