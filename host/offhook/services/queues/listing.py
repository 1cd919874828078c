"""Manager actions that list queues, their members, callers and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.modules import ActionRequest, Syntax
from offhook.services.queues.member import DYNAMIC, FREE, Member
from offhook.services.queues.module import module
from offhook.services.queues.queues import queues_of
from offhook.services.queues.realtime import fetch_all
from offhook.services.queues.showing import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.rules import Step

Header = tuple[str, str]


def _wanted(request: ActionRequest) -> Iterator[Queue]:
    name = request.get("Queue").lower()
    return (queue for queue in queues_of(request.pbx) if name in ("", queue.name.lower()))


@module.action(
    "QueueStatus",
    (),
    Syntax("[Queue]", "[Member]", Queue="Only this queue.", Member="Only this member, by name or interface."),
    see_also=("QueueSummary",),
)
async def queue_status(request: ActionRequest) -> None:
    """List queues with their figures, members and callers."""
    await fetch_all(queues_of(request.pbx), request.get("Queue"))
    member_filter = request.get("Member")
    request.listed("Queue status will follow")
    count = 0
    for queue in _wanted(request):
        request.event("QueueParams", _parameters(queue))
        members = [
            one for one in queue.members.values() if not member_filter or member_filter in (one.interface, one.name)
        ]
        for member in members:
            request.event("QueueMember", _member(queue, member))
        for entry in queue.line.entries:
            request.event("QueueEntry", _entry(queue, entry))
        count += 1 + len(members) + len(queue.line)
    request.complete("QueueStatusComplete", count)


def _parameters(queue: Queue) -> list[Header]:
    settings = queue.settings
    return [
        ("Queue", queue.name),
        ("Max", str(settings.maxlen)),
        ("Strategy", settings.strategy),
        ("Calls", str(len(queue.line))),
        ("Holdtime", str(queue.holdtime)),
        ("TalkTime", str(queue.talktime)),
        ("Completed", str(queue.completed)),
        ("Abandoned", str(queue.abandoned)),
        ("ServiceLevel", str(settings.servicelevel)),
        ("ServicelevelPerf", f"{queue.level:2.1f}"),
        ("ServicelevelPerf2", f"{queue.level_of_all:2.1f}"),
        ("Weight", str(settings.weight)),
    ]


def _member(queue: Queue, member: Member) -> list[Header]:
    """As member events have it, under the names that this list has always had."""
    names = {"MemberName": "Name", "Interface": "Location"}
    kind = DYNAMIC if member.kind == DYNAMIC else "static"
    found = [(names.get(name, name), kind if name == "Membership" else value) for name, value in member.headers(queue)]
    return [header for header in found if header[0] != "Ringinuse"]


def _entry(queue: Queue, entry: Entry) -> list[Header]:
    channel = entry.channel
    caller, connected = channel.caller.id, channel.connected.id
    return [
        ("Queue", queue.name),
        ("Position", str(entry.position)),
        ("Channel", channel.name),
        ("Uniqueid", channel.uniqueid),
        ("CallerIDNum", caller.number.text if caller.number.valid else "unknown"),
        ("CallerIDName", caller.name.text if caller.name.valid else "unknown"),
        ("ConnectedLineNum", connected.number.text if connected.number.valid else "unknown"),
        ("ConnectedLineName", connected.name.text if connected.name.valid else "unknown"),
        ("Wait", str(entry.waited)),
        ("Priority", str(entry.priority)),
    ]


@module.action("QueueSummary", (), Syntax("[Queue]", Queue="Only this queue."), see_also=("QueueStatus",))
async def queue_summary(request: ActionRequest) -> None:
    """List for each queue how many members and callers there are, and how long they wait."""
    await fetch_all(queues_of(request.pbx), request.get("Queue"))
    request.listed("Queue summary will follow")
    count = 0
    for queue in _wanted(request):
        here = [member for member in queue.members.values() if member.reachable]
        request.event(
            "QueueSummary",
            [
                ("Queue", queue.name),
                ("LoggedIn", str(len(here))),
                ("Available", str(sum(member.state in FREE and not member.paused for member in here))),
                ("Callers", str(len(queue.line))),
                ("HoldTime", str(queue.holdtime)),
                ("TalkTime", str(queue.talktime)),
                ("LongestHoldTime", str(max((entry.waited for entry in queue.line.entries), default=0))),
            ],
        )
        count += 1
    request.complete("QueueSummaryComplete", count)


@module.action("Queues", (), Syntax(), see_also=("QueueStatus",))
async def queues_action(request: ActionRequest) -> None:
    """Show the queues as the console's queue show does."""
    queues = queues_of(request.pbx)
    await fetch_all(queues)
    request.events.append("".join(f"{line}\r\n" for line in shown(queues)))


@module.action("QueueRule", (), Syntax("[Rule]", Rule="Only this rule."))
def queue_rule(request: ActionRequest) -> None:
    """Show the rules of queuerules.conf."""
    wanted = request.get("Rule").lower()
    headers: list[Header] = []
    for rule in queues_of(request.pbx).rules.values():
        if wanted in ("", rule.name.lower()):
            headers.append(("RuleList", rule.name))
            for change in rule.changes:
                headers.append(("Rule", f"{change.after_s},{_step(change.highest)},{_step(change.lowest)}"))
    request.respond("Success", headers=headers)


def _step(step: Step) -> str:
    return f"{step.value:+}" if step.relative else str(step.value)
