"""A channel's presence in a bridge, what watches it there, and what is done to it one thing after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Frame
from offhook.log import call_id

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge


SPEAKER = "speaker"
"""Role of who is heard in a mixer and hears nothing: the exchange itself."""


class Feature(Protocol):
    """Something that watches a member while it is bridged: DTMF features, limits, interval hooks."""

    def joined(self, member: Member) -> None:
        """The member is in the bridge."""

    def frame(self, member: Member, frame: Frame) -> bool:
        """A frame came from the member; True keeps it from the others."""
        ...

    def left(self, member: Member) -> None:
        """The member is out of the bridge; give up timers."""


class Minder(Protocol):
    """Who decides what becomes of a bridge instead of the bridge itself (an attended transfer)."""

    def entered(self, bridge: Bridge, channel: Channel, swap: Channel | None) -> None:
        """A channel is in, perhaps in the place of another."""

    def departed(self, bridge: Bridge, channel: Channel) -> None:
        """A channel left on its own account: it hung up or was taken away."""


Work = Callable[["Member"], Coroutine[Any, Any, None]]
"""Something that is done to a member, like playing it a prompt. Meanwhile it is out of the mix, what its party sends is
read with ``channel.read``, and what the others send waits."""


class Member:
    """A channel's presence in a bridge."""

    __slots__ = (
        "_task",
        "_works",
        "bridge",
        "channel",
        "deferred",
        "departed",
        "features",
        "joined_at",
        "lonely",
        "muted",
        "role",
        "suspended",
    )

    def __init__(
        self, bridge: Bridge, channel: Channel, features: list[Feature], departed: asyncio.Future[None] | None
    ) -> None:
        self.bridge = bridge
        self.channel = channel
        self.features = features
        self.departed = departed
        """Set when a task waits in ``join``."""
        self.joined_at = channel.pbx.now()
        self.role = ""
        self.muted = False
        self.suspended = False
        """Out of the mix for a moment (a prompt is played, a transfer is dialled)."""
        self.deferred: list[Frame] = []
        """What the others sent that waits until it is not suspended any more."""
        self.lonely = False
        """Does not keep the bridge alive when only such members are left (announcers, spies)."""
        self._works: list[Work] = []
        self._task: asyncio.Task[None] | None = None

    def perform(self, work: Work) -> None:
        """Do something to the party as soon as what was to be done before is done."""
        self._works.append(work)
        if self._task is None:
            self.bridge.suspend(self)
            self._task = self.channel.pbx.spawn(self._perform(), f"work for {self.channel.name}")

    def end_works(self) -> None:
        """The member is out of the bridge: what is under way ends, the rest is not begun."""
        self._works.clear()
        if self._task is not None and self._task is not _current_task():
            self._task.cancel()

    async def _perform(self) -> None:
        channel = self.channel
        call_id.set(channel.callid)
        try:
            while self._works and self._present:
                work = self._works.pop(0)
                try:
                    await work(self)
                except Hangup:
                    channel.request_hangup()
        finally:
            self._task = None
            if self._present:
                self.bridge.resume(self)

    @property
    def _present(self) -> bool:
        return self.bridge.members.get(self.channel) is self


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
