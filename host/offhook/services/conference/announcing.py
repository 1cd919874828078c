"""What a room says to all: a channel of its own that speaks in its bridge, one sound after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls.announcer import Announcer
from offhook.calls.channel import Channel, Hangup, State
from offhook.calls.member import SPEAKER
from offhook.calls.prompts import play_all

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge

log = logging.getLogger(__name__)


class Voice(Channel):
    """What is played to it is heard in the bridge that its other half is in."""

    technology = Announcer.technology
    internal = True
    __slots__ = ()


@dataclass(slots=True)
class _Announcement:
    """Prompts to be played, once ``ready`` is done; ``done`` is when they are."""

    names: tuple[str, ...]
    done: asyncio.Future[None]
    ready: asyncio.Future[None] | None = None
    after: Callable[[], None] | None = field(default=None)


class Announcements:
    """The announcements of one room, in the order in which they were asked for."""

    def __init__(self, bridge: Bridge, place: str, language: str) -> None:
        pbx = self._pbx = bridge.pbx
        near, far = pbx.engine.pipe()
        name = f"{Voice.technology}/{place}-{pbx.next_name(Voice.technology):08x}"
        self.voice = Voice(pbx, f"{name};1", state=State.UP, media=near, formats=("slin",))
        self.voice.language = language
        self._half = Announcer(pbx, f"{name};2", state=State.UP, media=far, formats=("slin",))
        bridge.impart(self._half, lonely=True, role=SPEAKER)
        self._queue: deque[_Announcement] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def language(self) -> str:
        """The language it speaks."""
        return self.voice.language

    def say(
        self,
        names: Sequence[str],
        *,
        ready: asyncio.Future[None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> asyncio.Future[None]:
        """Have prompts played to all; what is returned is done when they were, or never will be.

        Unless ``ready`` is done they wait, and all that are asked for later. ``after`` is called behind them.
        """
        done = self._pbx.loop.create_future()
        if self._closed:
            done.set_result(None)
            if after is not None:
                after()
            return done
        self._queue.append(_Announcement(tuple(names), done, ready, after))
        if self._task is None:
            self._task = self._pbx.spawn(self._speak(), f"announcements of {self.voice.name}")
        return done

    async def _speak(self) -> None:
        try:
            while self._queue:
                item = self._queue.popleft()
                try:
                    if item.ready is not None:
                        await asyncio.shield(item.ready)
                    await play_all(self.voice, item.names)
                finally:
                    _finish(item)
        except Hangup:
            log.debug("%s is gone", self.voice.name)
        finally:
            self._task = None

    def close(self) -> None:
        """The room ends: nothing more is said, and the channel goes."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        while self._queue:
            _finish(self._queue.popleft())
        self._half.hangup()
        self.voice.hangup()


def _finish(item: _Announcement) -> None:
    if not item.done.done():
        item.done.set_result(None)
    if item.after is not None:
        item.after()
