"""Answering, and waiting until the party can hear."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, State
from offhook.calls.frames import Digit, Text

if TYPE_CHECKING:
    from offhook.media.leg import Leg

MEDIA_WITHIN_S = 0.5
"""Nobody waits longer for the party's media."""
LOOK_EVERY_S = 0.02


async def wait_for_media(channel: Channel) -> None:
    """Wait until the party's media arrive, or a digit or text does; at most half a second."""
    media, now = channel.media, channel.pbx.now
    until = now() + MEDIA_WITHIN_S
    before: dict[Leg, int] = {}
    while (left := until - now()) > 0 and media is not None and not media.sounds(before):
        if any(isinstance(frame, Digit | Text) for frame in channel.frames):
            return
        await asyncio.sleep(min(left, LOOK_EVERY_S))


async def answer_and_wait(channel: Channel) -> None:
    """Answer a channel that is not answered, and go on once the party can hear. Raises Hangup when it is ending."""
    if channel.state is State.UP:
        return
    calling = channel.state in (State.RING, State.RINGING)
    channel.answer()
    if calling:
        await wait_for_media(channel)
