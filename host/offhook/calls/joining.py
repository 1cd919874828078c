"""Putting channels into a bridge whatever they do at the moment (AMI's Bridge, the application Bridge)."""

from __future__ import annotations

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, Hangup
from offhook.calls.member import Feature

BROUGHT_IN = "brought in"
"""Among the flags of a channel that was taken out of its application for a bridge: records take it for a called one."""


def bring_in(
    bridge: Bridge,
    channel: Channel,
    *features: Feature,
    place: tuple[str, str, int] | None = None,
    end: bool = False,
) -> None:
    """Take a channel out of its application or bridge and put it into this bridge; it is answered for that.

    Afterwards its dialplan goes on at ``place``, or behind what it did; a channel that ran none begins where it
    stands. With ``end`` it is hung up instead.
    """
    if place is not None:
        channel.context, channel.exten, channel.priority = place
    source = channel.bridge
    if source is not None:
        if channel.task is None:
            channel.after_bridge = None if end else _go_on
        source.move(channel, bridge)
        member = bridge.members[channel]
        member.features.extend(features)
        for feature in features:
            feature.joined(member)
        if source.kind == "basic" and len(source) < 2:
            source.dissolve()
        return

    async def join(channel: Channel) -> None:
        if not bridge.dissolved:
            if not channel.get("BRIDGE_NOANSWER"):
                channel.answer()
            await bridge.join(channel, *features)
        if end:
            raise Hangup

    priority = channel.priority + (channel.task is not None and place is None)
    channel.data["errand"] = join
    channel.flags.add(BROUGHT_IN)
    channel.async_goto(channel.context, channel.exten, priority)


def _go_on(channel: Channel) -> None:
    channel.start_pbx()
