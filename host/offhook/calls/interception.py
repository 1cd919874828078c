"""Subroutines that change identities before a party is told: CONNECTED_LINE_SEND_SUB and REDIRECTING_SEND_SUB."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

CONNECTED = "CONNECTED_LINE_SEND_SUB"
REDIRECTING = "REDIRECTING_SEND_SUB"
_WAITING = "identity subroutines"
"""Key in a channel's data of the subroutines to run, the first of which runs."""


def intercept(channel: Channel, variable: str, tell: Callable[[], None]) -> bool:
    """Run the subroutine that a variable of the channel names, with the arguments of ``variable_ARGS``, then ``tell``.

    False when there is none; the caller tells then.
    """
    place = channel.get(variable)
    if not place or not channel.alive:
        return False
    arguments = channel.get(f"{variable}_ARGS") or ""
    waiting: deque[tuple[str, Callable[[], None]]] = channel.data.setdefault(_WAITING, deque())
    waiting.append((f"{place}({arguments})" if arguments and "(" not in place else place, tell))
    if len(waiting) == 1:
        channel.pbx.spawn(_run(channel, waiting), f"{variable} of {channel.name}")
    return True


async def _run(channel: Channel, waiting: deque[tuple[str, Callable[[], None]]]) -> None:
    from offhook.dialplan.subroutine import run_gosub

    while waiting and channel.alive:
        place, tell = waiting[0]
        await run_gosub(channel, place)
        if channel.alive:
            tell()
        waiting.popleft()
