"""Subroutines on channels that were called and that nobody runs dialplan on: whoever called them waits for the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from offhook.dialplan.subroutine import run_gosub

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


async def run_called_gosub(channel: Channel, place: str) -> bool:
    """Run a subroutine in a task of the channel's own, so that its hangup ends it. False when there is no such place.

    The channel is still there afterwards, with its hangup asked for at most; the end of who waits ends it, too.
    """
    found = False

    async def work() -> None:
        nonlocal found
        try:
            found = await run_gosub(channel, place)
        except asyncio.CancelledError:
            found = True
            if channel.interruption is None:
                raise
        finally:
            channel.task = None

    task = channel.start_task(work())
    try:
        await asyncio.wait((task,))
    finally:
        task.cancel()
    return found
