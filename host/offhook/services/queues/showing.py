"""Queues as the console shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.devices import STATE_TEXTS
from offhook.services.queues.member import DYNAMIC, REALTIME, Member
from offhook.services.queues.moments import since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues
    from offhook.services.queues.rules import Rules, Step


def shown(queues: Queues, name: str = "") -> list[str]:
    """The queue of a name, or ("") all by their names."""
    if name:
        queue = queues.find(name)
        return [f"No such queue: {name}."] if queue is None else list(_lines(queue))
    ordered = sorted(queues, key=lambda queue: queue.name)
    return [line for queue in ordered for line in _lines(queue)] or ["No queues."]


def _lines(queue: Queue) -> Iterator[str]:
    settings = queue.settings
    yield (
        f"{queue.name} has {len(queue.line)} calls (max {settings.maxlen or 'unlimited'}) in "
        f"'{settings.strategy}' strategy ({queue.holdtime}s holdtime, {queue.talktime}s talktime), "
        f"W:{settings.weight}, C:{queue.completed}, A:{queue.abandoned}, SL:{queue.level:2.1f}%, "
        f"SL2:{queue.level_of_all:2.1f}% within {settings.servicelevel}s"
    )
    yield "   Members: " if queue.members else "   No Members"
    for member in queue.members.values():
        yield f"      {_member(queue, member)}"
    yield "   Callers: " if len(queue.line) else "   No Callers"
    for entry in queue.line.entries:
        yield f"      {_caller(entry)}"
    yield ""


def _member(queue: Queue, member: Member) -> str:
    text = member.name
    if member.name.lower() != member.interface.lower():
        source = f" from {member.state_interface}" if member.state_interface != member.interface else ""
        text += f" ({member.interface}{source})"
    if member.penalty:
        text += f" with penalty {member.penalty}"
    text += f" (ringinuse {'enabled' if member.ringinuse else 'disabled'})"
    for marked, mark in (
        (member.kind == DYNAMIC, "dynamic"),
        (member.kind == REALTIME, "realtime"),
        (bool(member.talks), "in call"),
    ):
        text += f" ({mark})" if marked else ""
    if member.paused:
        reason = f":{member.reason}" if member.reason else ""
        text += f" (paused{reason} was {int(since(queue.pbx, member.last_pause))} secs ago)"
    text += f" ({STATE_TEXTS[member.state]})"
    if member.calls:
        text += f" has taken {member.calls} calls (last was {int(since(queue.pbx, member.last_call))} secs ago)"
    else:
        text += " has taken no calls yet"
    return f"{text} (login was {int(since(queue.pbx, member.login))} secs ago)"


def _caller(entry: Entry) -> str:
    minutes, seconds = divmod(entry.waited, 60)
    return f"{entry.position}. {entry.channel.name} (wait: {minutes}:{seconds:02}, prio: {entry.priority})"


def rule_lines(rules: Rules, name: str = "") -> list[str]:
    """The rule of a name, or ("") all."""
    lines = []
    for rule in rules.values():
        if name.lower() not in ("", rule.name.lower()):
            continue
        lines.append(f"Rule: {rule.name}")
        for change in rule.changes:
            lines.append(
                f"\tAfter {change.after_s} seconds, adjust QUEUE_MAX_PENALTY {_step(change.highest)}, adjust "
                f"QUEUE_MIN_PENALTY {_step(change.lowest)} and adjust QUEUE_RAISE_PENALTY {_step(change.raised)}"
            )
    return lines


def _step(step: Step) -> str:
    return f"{'by' if step.relative else 'to'} {step.value}"
