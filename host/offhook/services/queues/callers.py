"""What is done to callers in line: another priority, or out of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue
    from offhook.services.queues.queues import Queues


class Done(Enum):
    """How it went."""

    YES = 0
    NO_QUEUE = 1
    NO_CALLER = 2
    ALREADY = 3


def change_priority(queues: Queues, name: str, caller: str, priority: int, *, at_once: bool) -> Done:
    """Give a caller another priority, which puts it elsewhere ``at_once`` or counts for those who come."""
    found = _find(queues, name, caller)
    if isinstance(found, Done):
        return found
    queue, entry = found
    entry.priority = priority
    if at_once:
        queue.line.reorder(entry)
    return Done.YES


def withdraw(queues: Queues, name: str, caller: str, info: str) -> Done:
    """Have a caller leave the line as soon as it looks whether it is its turn."""
    found = _find(queues, name, caller)
    if isinstance(found, Done):
        return found
    _, entry = found
    if entry.withdrawn is not None:
        return Done.ALREADY
    entry.withdrawn = info
    return Done.YES


def _find(queues: Queues, name: str, caller: str) -> tuple[Queue, Entry] | Done:
    """A queue and its entry of a caller, or what is not there."""
    queue = queues.find(name)
    if queue is None:
        return Done.NO_QUEUE
    entry = queue.line.find(caller)
    return (queue, entry) if entry is not None else Done.NO_CALLER
