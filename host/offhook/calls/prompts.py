"""Playing prompts to a channel, with digits that break in."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Digit, Media
from offhook.media.events import PlaybackDone

if TYPE_CHECKING:
    from offhook.media.leg import Playback, Prompt

log = logging.getLogger(__name__)

ANY_DIGIT = "0123456789#*ABCD"


class NoPrompt(Exception):
    """A prompt does not exist in any language or format."""


def find(channel: Channel, name: str, language: str = "") -> Prompt:
    """The prompt of a name in the channel's language. Raises NoPrompt."""
    prompt = channel.pbx.prompts.find(name, language or channel.language)
    if prompt is None:
        raise NoPrompt(f"no prompt {name!r} in language {language or channel.language!r}; is it in the sounds folder?")
    return prompt


async def play(channel: Channel, name: str, escape: str = "", *, language: str = "", offset_ms: int = 0) -> str:
    """Play one prompt to its end; the digit of ``escape`` that broke in, or "". Raises NoPrompt."""
    prompt = find(channel, name, language)
    if channel.media is None or channel.hungup:
        raise Hangup
    bus = channel.pbx.bus
    if bus.wants(events.TestEvent):
        headers = (("Message", name), ("Channel", channel.name))
        bus.publish(events.TestEvent("PLAYBACK", headers, "file.c", "ast_streamfile"))
    return await until_done(channel, channel.media.play(prompt, offset_ms=offset_ms), escape)


async def play_all(channel: Channel, names: Iterable[str], escape: str = "", *, language: str = "") -> str:
    """Play prompts one after the other; missing ones are logged and skipped. The digit that broke in, or ""."""
    for name in names:
        try:
            digit = await play(channel, name, escape, language=language)
        except NoPrompt as missing:
            log.warning("%s: %s", channel.name, missing)
            continue
        if digit:
            return digit
    return ""


async def until_done(channel: Channel, playback: Playback, escape: str = "") -> str:
    """Wait for a playback to end; the digit of ``escape`` that broke in (the playback is stopped), or ""."""
    try:
        while not playback.done:
            frame = await channel.read()
            if isinstance(frame, Digit) and frame.end and frame.digit in escape:
                return frame.digit
            if isinstance(frame, Media) and isinstance(frame.event, PlaybackDone) and frame.event.playback is playback:
                break
        return ""
    finally:
        if not playback.done:
            playback.stop()
