"""Searching an extension through contexts, their includes and their switches.

A search is a generator: it asks whoever drives it about each switch on the way, so that one search serves those
who may wait for the answer and those who may not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from offhook.dialplan.context import Context, Extension, Priority, SwitchUse
from offhook.dialplan.patterns import Match

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel

log = logging.getLogger(__name__)

MOST_NESTED_INCLUDES = 128


class Switch(Protocol):
    """A source of extensions outside the contexts (``switch => Realtime/...``)."""

    async def exists(
        self, channel: Channel | None, context: str, exten: str, priority: int, caller: str, data: str, asked: Match
    ) -> bool:
        """Whether it has the extension (EXACT), or one that the digits may become (CAN, MORE)."""

    async def execute(
        self, channel: Channel, context: str, exten: str, priority: int, caller: str, data: str
    ) -> object:
        """Run that priority; the result counts as an application's."""


@runtime_checkable
class ReadySwitch(Switch, Protocol):
    """A switch that also answers without waiting."""

    def knows(self, context: str, exten: str, priority: int, caller: str, data: str, asked: Match) -> bool:
        """As ``exists``."""


class SwitchMatch(NamedTuple):
    """An extension that a switch has."""

    switch: Switch
    context: str
    data: str


class Found(NamedTuple):
    """Where a search ended: the extension in which it ended, and its priority when one was asked for."""

    extension: Extension
    priority: Priority | None


class Question(NamedTuple):
    """Put by a search: has this switch, used in that context, what is looked for?"""

    use: SwitchUse
    context: str


class Query(NamedTuple):
    """What is looked for: a priority by number, or by label when one is given, and how exactly the digits must fit."""

    exten: str
    caller: str
    number: int
    label: str
    asked: Match


Search = Generator[Question, SwitchMatch | None, Found | SwitchMatch | None]


def search(
    contexts: dict[str, Context],
    wall: Callable[[], float],
    name: str,
    query: Query,
    seen: list[str] | None = None,
) -> Search:
    """Search a context and its includes; each switch on the way is a question to whoever drives the search."""
    seen = [] if seen is None else seen
    context = contexts.get(name)
    if context is None or name.lower() in seen:
        return None
    if len(seen) >= MOST_NESTED_INCLUDES:
        log.warning("more than %d contexts include each other; [%s] is not searched", MOST_NESTED_INCLUDES, name)
        return None
    if query.asked is Match.EXACT:
        for extension in context.matching(query.exten, query.caller):
            priority = _wanted(extension, query)
            if priority is not None:
                return Found(extension, priority)
    else:
        for candidate in context.progressing(query.exten, query.caller, query.asked):
            if candidate is None:
                return None
            if query.number in candidate.priorities:
                return Found(candidate, None)
    for use in context.switches:
        found = yield Question(use, name)
        if found is not None:
            return found
    seen.append(name.lower())
    for include in context.includes:
        if include.timing is None or include.timing.holds(wall()):
            deeper = yield from search(contexts, wall, include.context, query, seen)
            if deeper is not None:
                return deeper
    return None


def _wanted(extension: Extension, query: Query) -> Priority | None:
    return extension.labels.get(query.label) if query.label else extension.priorities.get(query.number)
