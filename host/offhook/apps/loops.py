"""Loops in the dialplan: While, EndWhile, ExitWhile, ContinueWhile."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.dialplan.condition import holds
from offhook.dialplan.location import caller_number
from offhook.dialplan.subroutine import frames
from offhook.log import verbose
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)
module = Module("app_while", "While Loops and Conditional Execution")

_KEY = "loops"
Place = tuple[str, str, int]


class Loop:
    """A loop in progress: where its While is, in which subroutine call, and its EndWhile once that was reached."""

    __slots__ = ("depth", "end", "start")

    def __init__(self, start: Place, depth: int) -> None:
        self.start = start
        self.depth = depth
        self.end: Place | None = None


def _loops(channel: Channel) -> list[Loop]:
    """The loops in progress, the innermost last. Those of a subroutine that has returned are over."""
    found: list[Loop] = channel.data.setdefault(_KEY, [])
    depth = len(frames(channel))
    while found and found[-1].depth > depth:
        found.pop()
    return found


def _here(channel: Channel) -> Place:
    return channel.context, channel.exten, channel.priority


def application_at(channel: Channel, number: int) -> str:
    """The application of a priority of the channel's extension in small letters; "" when there is no such priority."""
    found = channel.pbx.dialplan.find(channel.context, channel.exten, number, caller_number(channel))
    return found.application.lower() if found is not None else ""


def _end_ahead(channel: Channel) -> int | None:
    """The priority of the EndWhile that closes the loop around the channel's place."""
    depth, number = 1, channel.priority + 1
    while application := application_at(channel, number):
        depth += (application == "while") - (application == "endwhile")
        if not depth:
            return number
        number += 1
    return None


def _start_behind(channel: Channel) -> Place | None:
    """The While around the channel's place, as it is written."""
    depth = 0
    for number in range(channel.priority - 1, 0, -1):
        application = application_at(channel, number)
        if application == "endwhile":
            depth += 1
        elif application == "while":
            if not depth:
                return channel.context, channel.exten, number
            depth -= 1
    return None


def _around(channel: Channel) -> Loop | None:
    """The loop that the channel is in. Loops inside it that were left by a jump are over."""
    loops = _loops(channel)
    if not loops or loops[-1].end == _here(channel):
        return loops[-1] if loops else None
    start = _start_behind(channel)
    if start is not None:
        _drop_inside(channel, loops, start)
    return loops[-1]


def _drop_inside(channel: Channel, loops: list[Loop], start: Place) -> bool:
    """Forget the loops inside the one that begins there; False when it is not in progress."""
    depth = len(frames(channel))
    for index in range(len(loops) - 1, -1, -1):
        if loops[index].start == start and loops[index].depth == depth:
            del loops[index + 1 :]
            return True
    return False


def _leave(channel: Channel, loop: Loop | None) -> None:
    """Go on after the EndWhile of a loop."""
    if loop is not None and loop.end is not None:
        context, exten, number = loop.end
        channel.goto(context, exten, number + 1)
        return
    end = _end_ahead(channel)
    if end is None:
        log.warning("%s: While at %s,%s,%d has no EndWhile; add one to the extension", channel.name, *_here(channel))
        return
    verbose(3, "Jumping to priority %d", end + 1)
    channel.goto(channel.context, channel.exten, end + 1)


@module.application("While", Syntax("expr"), see_also=("EndWhile", "ExitWhile", "ContinueWhile", "GotoIf"), raw=True)
def begin(channel: Channel, condition: str) -> None:
    """Begin a loop: what follows, up to EndWhile, is repeated as long as the condition holds."""
    loops, here = _loops(channel), _here(channel)
    if not _drop_inside(channel, loops, here):
        loops.append(Loop(here, len(frames(channel))))
    if not holds(condition):
        _leave(channel, loops.pop())


@module.application("EndWhile", see_also=("While", "ExitWhile", "ContinueWhile"))
def end(channel: Channel) -> None:
    """End of a loop: go back to its While."""
    loop = _around(channel)
    if loop is not None:
        loop.end = _here(channel)
        channel.goto(*loop.start)


@module.application("ExitWhile", see_also=("While", "EndWhile", "ContinueWhile"))
def leave(channel: Channel) -> None:
    """Leave a loop: go on after its EndWhile, whether the condition holds or not."""
    loop = _around(channel)
    if loop is not None:
        _loops(channel).pop()
    _leave(channel, loop)


@module.application("ContinueWhile", see_also=("While", "EndWhile", "ExitWhile"))
def again(channel: Channel) -> None:
    """Go back to the While of a loop without what is left before its EndWhile."""
    loop = _around(channel)
    if loop is not None:
        channel.goto(*loop.start)
