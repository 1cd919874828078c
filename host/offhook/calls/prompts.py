"""Playing prompts to a channel, with digits that break in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.calls import events
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control, Digit, Frame, Media
from offhook.media.events import PlaybackDone

if TYPE_CHECKING:
    from offhook.media.leg import Playback, Prompt

log = logging.getLogger(__name__)

ANY_DIGIT = "0123456789#*ABCD"
SKIP_MS = 3000
"""How far an order from outside winds where nothing else is said."""


REMOTE = "remote sounds"
"""Part of the exchange that has an awaitable ``local(uri)``: the name here of a sound file elsewhere, or None."""


class NoPrompt(Exception):
    """A prompt does not exist in any language or format."""


async def here(channel: Channel, name: str) -> str:
    """The name by which a prompt can be played now: that of a URI's file once it has been fetched. Raises NoPrompt."""
    if "://" not in name:
        return name
    remote = channel.pbx.parts.get(REMOTE)
    found: str | None = await remote.local(name) if remote is not None else None
    if found is None:
        raise NoPrompt(f"{name} cannot be fetched; is res_http_media_cache loaded?")
    return found


def find(channel: Channel, name: str, language: str = "") -> Prompt:
    """The prompt of a name in the channel's language. Raises NoPrompt."""
    prompt = channel.pbx.prompts.find(name, language or channel.language)
    if prompt is None:
        raise NoPrompt(f"no prompt {name!r} in language {language or channel.language!r}; is it in the sounds folder?")
    return prompt


def start(channel: Channel, name: str, *, language: str = "", offset_ms: int = 0, told: str = "") -> Playback:
    """Begin to play one prompt, ``told`` by another name. Raises NoPrompt, and Hangup when the channel is over."""
    prompt = find(channel, name, language)
    if channel.media is None or channel.hungup:
        raise Hangup
    _tell(channel, "ast_streamfile", ("Message", told or name), ("Channel", channel.name))
    return channel.media.play(prompt, offset_ms=offset_ms)


async def play(channel: Channel, name: str, escape: str = "", *, language: str = "", offset_ms: int = 0) -> str:
    """Play one prompt to its end; the digit of ``escape`` that broke in, or "". Raises NoPrompt."""
    found = await here(channel, name)
    return await until_done(channel, start(channel, found, language=language, offset_ms=offset_ms, told=name), escape)


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
    ending = await follow(channel, playback, Keys(escape))
    return ending if isinstance(ending, str) else ""


@dataclass(frozen=True, slots=True)
class Keys:
    """Digits that steer a playback: those that end it, and those that go forward and back by ``skip_ms``."""

    escape: str = ""
    forward: str = ""
    reverse: str = ""
    skip_ms: int = 0


Read = Callable[[], Awaitable[Frame | None]]


async def follow(channel: Channel, playback: Playback, keys: Keys, read: Read | None = None) -> str | Condition:
    """Wait for a playback to end; the digit that ended it, STREAM_STOP, _SUSPEND or _RESTART when that was asked
    from outside, else "". The playback is stopped when it has not ended by itself.

    ``read`` gives the channel's frames, for callers that listen to something else as well.
    """
    read = read or channel.read
    try:
        while not playback.done:
            frame = await read()
            if isinstance(frame, Digit) and frame.end:
                if frame.digit in keys.forward:
                    _skip(channel, playback, keys.skip_ms)
                elif frame.digit in keys.reverse:
                    _skip(channel, playback, -keys.skip_ms)
                elif frame.digit in keys.escape:
                    _tell(channel, "waitstream_core", ("Channel", channel.name), ("Control", "Break"))
                    return frame.digit
            elif isinstance(frame, Control):
                condition = frame.condition
                if condition in _BREAKS:
                    _tell(channel, "waitstream_core", ("Channel", channel.name), ("Control", "Break"))
                    return condition
                if condition is Condition.STREAM_FORWARD:
                    _skip(channel, playback, keys.skip_ms or SKIP_MS)
                elif condition is Condition.STREAM_REVERSE:
                    _skip(channel, playback, -(keys.skip_ms or SKIP_MS))
            elif _is_end_of(playback, frame):
                break
        return ""
    finally:
        if not playback.done:
            playback.stop()


def _is_end_of(playback: Playback, frame: Frame | None) -> bool:
    return isinstance(frame, Media) and isinstance(frame.event, PlaybackDone) and frame.event.playback is playback


_BREAKS = (Condition.STREAM_STOP, Condition.STREAM_SUSPEND, Condition.STREAM_RESTART)


def _skip(channel: Channel, playback: Playback, delta_ms: int) -> None:
    playback.skip(delta_ms)
    control = "FastForward" if delta_ms > 0 else "Rewind"
    _tell(
        channel,
        "waitstream_control",
        ("Channel", channel.name),
        ("Control", control),
        ("SkipMs", str(abs(delta_ms))),
    )


def _tell(channel: Channel, function: str, *headers: tuple[str, str], file: str = "file.c") -> None:
    bus = channel.pbx.bus
    if bus.wants(events.TestEvent):
        bus.publish(events.TestEvent("PLAYBACK", headers, file, function))


# ---- playing that can be paused ------------------------------------------------------------------------


@dataclass(slots=True)
class Steered:
    """How a steered playback ended: the digit or condition that did it ("" is its end), and where, in ms.

    ``position_ms`` is -1 when the prompt was played to its end.
    """

    ending: str | Condition
    position_ms: int


async def play_steered(
    channel: Channel,
    name: str,
    keys: Keys,
    *,
    stop: str = "",
    suspend: str = "",
    restart: str = "",
    offset_ms: int = 0,
    language: str = "",
    read: Read | None = None,
) -> Steered:
    """Play a prompt that digits, or orders from outside, wind, pause, begin anew and stop.

    A name ending in ``:end`` begins ``offset_ms`` before its end. Raises NoPrompt.
    """
    keys = Keys(stop + suspend + restart, keys.forward, keys.reverse, keys.skip_ms)
    position, told = offset_ms, name
    from_end = name.lower().endswith(":end")
    name = await here(channel, name[:-4] if from_end else name)
    if from_end:
        position = await channel.pbx.off_loop(_before_end, find(channel, name, language).path, offset_ms)
    while True:
        playback = start(channel, name, language=language, offset_ms=max(0, position), told=told)
        position = 0
        ending = await follow(channel, playback, keys, read)
        if not ending:
            return Steered("", -1)
        if _one_of(ending, restart) or ending is Condition.STREAM_RESTART:
            _control(channel, "Restart")
            continue
        position = playback.position_ms
        if _one_of(ending, suspend) or ending is Condition.STREAM_SUSPEND:
            _control(channel, "Pause")
            ending = await _paused(channel, stop + suspend, read)
            if _one_of(ending, suspend) or ending is Condition.STREAM_SUSPEND:
                _control(channel, "Unpause")
                continue
        _control(channel, "Stop")
        return Steered(ending, position)


async def _paused(channel: Channel, digits: str, read: Read | None) -> str | Condition:
    read = read or channel.read
    while True:
        frame = await read()
        if isinstance(frame, Digit) and frame.end and frame.digit in digits:
            return frame.digit
        if isinstance(frame, Control) and frame.condition in _BREAKS[:2]:
            return frame.condition


def _one_of(ending: str | Condition, digits: str) -> bool:
    return isinstance(ending, str) and ending in digits


def _control(channel: Channel, control: str) -> None:
    _tell(channel, "control_streamfile", ("Channel", channel.name), ("Control", control), file="app.c")


def _before_end(path: str, offset_ms: int) -> int:
    """The place so far before a sound file's end, in ms."""
    from offhook.media.length import length_ms

    return max(0, length_ms(path) - abs(offset_ms))
