"""Where a called party goes when its bridge is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.dialplan.location import parse_location

if TYPE_CHECKING:
    from offhook.calls.channel import Channel


def going_on(channel: Channel, where: str) -> Callable[[Channel], None]:
    """For ``after_bridge``: run the dialplan at a place as option F has it, else behind what the channel runs now."""
    context, exten, priority = channel.context, channel.exten, channel.priority + 1
    if where:
        context, exten, priority = parse_location(channel, where.replace("^", ","))

    def go(peer: Channel) -> None:
        peer.outgoing = False
        peer.async_goto(context, exten, priority)

    return go
