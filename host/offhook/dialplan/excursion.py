"""Dialplan run on a channel beside what it does, from a place of its own to the end, and back again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.dialplan.executor import Run, until_end

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


async def excursion(channel: Channel, place: tuple[str, str, int]) -> None:
    """Run dialplan from a place to its end; the channel is then where it was before, if it has not hung up.

    Neither extension h nor hangup handlers belong to it. A Hangup() there only ends the excursion.
    """
    saved = channel.context, channel.exten, channel.priority
    announced = channel.application, channel.application_data
    jumped, state = channel.take_goto(), channel.dialplan_state
    channel.context, channel.exten, channel.priority = place
    run = channel.dialplan_state = Run(channel)
    try:
        await until_end(channel, run)
    finally:
        channel.take_goto()
        channel.context, channel.exten, channel.priority = saved
        channel.application, channel.application_data = announced
        channel.dialplan_state = state
        if jumped:
            channel.goto(*saved)
