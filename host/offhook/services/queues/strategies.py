"""Strategies: in which order members are called. Members with the smallest metric come first."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.services.queues.moments import since
from offhook.services.queues.settings import (
    FEWESTCALLS,
    LEASTRECENT,
    LINEAR,
    RANDOM,
    RINGALL,
    RRMEMORY,
    RRORDERED,
    WRANDOM,
)

if TYPE_CHECKING:
    from offhook.services.queues.line import Entry
    from offhook.services.queues.member import Member
    from offhook.services.queues.queue import Queue

ROUND_ROBIN = (RRMEMORY, RRORDERED)
ONE_MORE_TRY = (*ROUND_ROBIN, LINEAR)
"""With these, option n counts members as they are tried."""
_ROUND = 1000
"""A round of members: those before the place come after all behind it."""
_PENALTY = 1_000_000
"""A penalty weighs more than anything else."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A member who may get the call."""

    member: Member
    metric: int
    open: bool = True
    """Has not been tried yet."""


def candidates(queue: Queue, entry: Entry) -> list[Candidate]:
    """The members whose penalty lets them take a caller's call."""
    ignored = len(queue.members) <= queue.settings.penaltymemberslimit
    found = []
    for place, member in enumerate(queue.members.values()):
        penalty = 0 if ignored else entry.penalties.effective(member.penalty)
        if penalty is not None:
            found.append(Candidate(member, _metric(queue, entry, member, place, penalty)))
    return found


def _metric(queue: Queue, entry: Entry, member: Member, place: int, penalty: int) -> int:
    strategy = queue.settings.strategy
    if strategy == WRANDOM:
        return random.randrange((1 + penalty) * 1000)
    metric = 0
    if strategy == LINEAR:
        metric = _ROUND + place if place < entry.linear else place
        entry.linear_more |= place > entry.linear
    elif strategy in ROUND_ROBIN:
        metric = _ROUND + place if place < queue.round else place
        queue.round_more |= place > queue.round
    elif strategy == RANDOM:
        metric = random.randrange(1000)
    elif strategy == FEWESTCALLS:
        metric = member.calls
    elif strategy == LEASTRECENT and member.last_call is not None:
        metric = _PENALTY - int(since(queue.pbx, member.last_call))
    return metric + penalty * _PENALTY


def next_ones(queue: Queue, among: list[Candidate]) -> list[Candidate]:
    """Who is called next: the best, or with ringall everybody who is as good."""
    best = best_of(among)
    if best is None:
        return []
    if queue.settings.strategy != RINGALL:
        return [best]
    return [one for one in among if one.open and one.metric <= best.metric]


def best_of(among: list[Candidate]) -> Candidate | None:
    """The best who has not been tried."""
    return min((one for one in among if one.open), key=lambda one: one.metric, default=None)


def skip(queue: Queue, entry: Entry) -> None:
    """Somebody could not be called at all: the next time another one is first."""
    queue.round += 1
    entry.linear += 1


def remember(queue: Queue, entry: Entry, among: list[Candidate]) -> None:
    """Keep the place where the next call begins."""
    best = best_of(among)
    if queue.settings.strategy in ROUND_ROBIN:
        queue.round = _next(best, queue.round, more=queue.round_more)
        queue.round_more = False
    elif queue.settings.strategy == LINEAR:
        entry.linear = _next(best, entry.linear, more=entry.linear_more)
        entry.linear_more = False


def _next(best: Candidate | None, place: int, *, more: bool) -> int:
    if best is not None:
        return best.metric % _ROUND
    return 0 if more else place + 1
