"""Branches in the dialplan: If, ElseIf, Else, EndIf, ExitIf."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.apps.loops import application_at
from offhook.dialplan.condition import holds
from offhook.log import verbose
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)
module = Module("app_if", "If Branch and Conditional Execution")


def _branches(channel: Channel) -> tuple[list[int], int | None, int | None]:
    """Priorities ahead in the conditional around the channel's place: each ElseIf, the Else, the EndIf."""
    depth, number = 1, channel.priority + 1
    conditions: list[int] = []
    other: int | None = None
    while application := application_at(channel, number):
        depth += (application == "if") - (application == "endif")
        if not depth:
            return conditions, other, number
        if depth == 1 and application == "elseif":
            conditions.append(number)
        elif depth == 1 and application == "else" and other is None:
            other = number
        number += 1
    return conditions, other, None


def _go(channel: Channel, number: int) -> None:
    verbose(3, "Jumping to priority %d", number)
    channel.goto(channel.context, channel.exten, number)


def _leave(channel: Channel) -> None:
    """Go on after the EndIf."""
    end = _branches(channel)[2]
    if end is None:
        _endless(channel)
    else:
        _go(channel, end + 1)


def _endless(channel: Channel) -> None:
    log.warning(
        "%s: If at %s,%s,%d has no EndIf, so the dialplan goes on below it; add one to the extension",
        channel.name,
        channel.context,
        channel.exten,
        channel.priority,
    )


@module.application("If", Syntax("expr"), see_also=("ElseIf", "Else", "EndIf", "ExitIf", "GotoIf"), raw=True)
def begin(channel: Channel, condition: str) -> None:
    """Begin a conditional: what follows runs when the condition holds.

    Else the dialplan goes on at the next ElseIf, after Else, or after EndIf, whichever there is first.
    """
    if holds(condition):
        return
    conditions, other, end = _branches(channel)
    if end is None:
        _endless(channel)
    elif conditions:
        _go(channel, conditions[0])
    else:
        _go(channel, (end if other is None else other) + 1)


@module.application("ElseIf", Syntax("expr"), see_also=("If", "Else", "EndIf", "ExitIf"), raw=True)
def otherwise_if(channel: Channel, condition: str) -> None:
    """Another condition, asked when those before did not hold.

    A branch that ran goes on with it too, unless it ends with ExitIf.
    """
    begin(channel, condition)


@module.application("Else", see_also=("If", "ElseIf", "EndIf", "ExitIf"), raw=True)
def otherwise(channel: Channel, unused: str = "") -> None:
    """What follows runs when no condition before held. A branch that ran goes on after EndIf here."""
    _leave(channel)


@module.application("EndIf", see_also=("If", "ElseIf", "Else", "ExitIf"))
def end(channel: Channel) -> None:
    """End of a conditional."""


@module.application("ExitIf", see_also=("If", "ElseIf", "Else", "EndIf"))
def leave(channel: Channel) -> None:
    """Leave a conditional: go on after its EndIf."""
    _leave(channel)
