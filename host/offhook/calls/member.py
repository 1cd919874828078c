"""A channel's presence in a bridge, and what watches it there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from offhook.calls.channel import Channel
from offhook.calls.frames import Digit, Frame

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


class Member:
    """A channel's presence in a bridge."""

    __slots__ = (
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
        self.deferred: list[Digit] = []
        """Digits that wait until it is not suspended any more."""
        """Out of the mix for a moment (a prompt is played, a transfer is dialled)."""
        self.lonely = False
        """Does not keep the bridge alive when only such members are left (announcers, spies)."""
