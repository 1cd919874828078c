"""Music on hold on channels: which class plays, where it went on from, and the digits that choose another one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from offhook.calls.channel_state import State
from offhook.calls.events import MusicOnHoldStart, MusicOnHoldStop
from offhook.calls.frames import Digit, Frame
from offhook.log import verbose
from offhook.media.moh import MohSource

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.media.moh import MusicSource

log = logging.getLogger(__name__)

INTERPRETED = "music interpreted"
"""Key in a channel's data: the class that its driver is set to (mohinterpret)."""
_PLAYING, _PLACE, _HOOKS = "music", "music place", "frame_hooks"


class MusicClasses(Protocol):
    """Where music on hold comes from."""

    @property
    def prefers_channel(self) -> bool:
        """A channel's own class goes before the one asked for (preferchannelclass)."""

    @property
    def digits(self) -> Mapping[str, str]:
        """Classes that a listener may choose, by digit."""

    def source(self, name: str, language: str = "") -> MusicSource | None:
        """A new listener's place in a class; None when there is no such class."""


class NoMusic:
    """As long as no module has any."""

    prefers_channel = True
    digits: Mapping[str, str] = MappingProxyType({})

    def source(self, name: str, language: str = "") -> None:
        """There is no such class."""
        return


def start(channel: Channel, asked: str = "") -> bool:
    """Play music on hold to a channel, unless it plays: of its own class, the one asked for, its driver's, or default.

    False: nothing is played, for want of a class or because the class is for answered channels only.
    """
    if channel.media is None or _PLAYING in channel.data:
        return True
    music: MusicClasses = channel.pbx.music
    names = [channel.music_class, asked] if music.prefers_channel else [asked, channel.music_class]
    names += [channel.data.get(INTERPRETED, ""), "default"]
    source = next((found for name in names if name and (found := _source(channel, name))), None)
    if source is None:
        wanted = next(name for name in names if name)
        log.warning("no music on hold class %r: nothing is played to %s", wanted, channel.name)
        return False
    if source.music_class.answered_only and channel.state is not State.UP:
        verbose(3, "The channel '%s' is not answered yet. Ignore the moh request.", channel.name)
        return False
    name = source.music_class.name
    channel.data[_PLAYING] = name
    channel.data[_PLACE] = source
    channel.media.music(source)
    channel.latest_music_class = name
    if music.digits:
        channel.data.setdefault(_HOOKS, []).append(_Chooser(channel).look)
    channel.pbx.bus.publish(MusicOnHoldStart(channel, name))
    return True


def _source(channel: Channel, name: str) -> MusicSource | None:
    """A class, where the channel was in it if it heard it last."""
    source = channel.pbx.music.source(name, channel.language)
    before = channel.data.get(_PLACE)
    if (
        isinstance(source, MohSource)
        and isinstance(before, MohSource)
        and before.music_class == source.music_class
        and set(before.files) == set(source.files)
    ):
        return before
    return source


def stop(channel: Channel) -> None:
    """Stop music on hold on a channel, if it plays."""
    if channel.data.pop(_PLAYING, None) is not None:
        hooks = channel.data.get(_HOOKS, [])
        hooks[:] = [hook for hook in hooks if not isinstance(getattr(hook, "__self__", None), _Chooser)]
        if channel.media is not None:
            channel.media.music(None)
        channel.pbx.bus.publish(MusicOnHoldStop(channel))


class _Chooser:
    """Looks at what a listener presses."""

    __slots__ = ("channel",)

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def look(self, frame: Frame) -> bool:
        """Change to the class of a digit; the digit goes on to whom it is for."""
        channel = self.channel
        if isinstance(frame, Digit) and frame.end:
            name = channel.pbx.music.digits.get(frame.digit)
            if name is not None:
                channel.music_class = name
                stop(channel)
                start(channel, name)
        return False
