"""Somebody in a conference room, from asking to come in until gone."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.services.conference.menus import Menu
    from offhook.services.conference.profiles import BridgeProfile, UserProfile

IN = "conference user"
"""Key in a channel's data of the user it is."""


class User:
    """A channel with the profile it came with, and how things stand with it.

    ``muted`` is what somebody asked for; ``silent`` is whether it is heard in fact: music, and the wait for a marked
    user, silence as well.
    """

    __slots__ = (
        "channel",
        "heir",
        "in_bridge",
        "kicked",
        "menu",
        "music",
        "music_held",
        "muted",
        "name_file",
        "profile",
        "prompts",
        "replaced",
        "requested",
        "silent",
        "talking",
    )

    def __init__(self, channel: Channel, profile: UserProfile, requested: BridgeProfile, menu: Menu) -> None:
        self.channel = channel
        self.profile = profile
        self.requested = requested
        """The bridge profile it asked for: the room's, if it is the first."""
        self.menu = menu
        self.in_bridge: asyncio.Future[None] = channel.pbx.loop.create_future()
        """Done when it is in the bridge, or never will be: sounds for all wait for it."""
        self.muted = False
        self.silent = False
        self.kicked = False
        self.heir = False
        """It has another one's place."""
        self.replaced = False
        """Another channel has its place: it was transferred."""
        self.talking = False
        self.music = False
        """Music is to be heard, but for moments in which it is held back."""
        self.music_held = 0
        self.name_file = ""
        """Recording of its name, without extension."""
        self.prompts: deque[str] = deque()
        """What is still to be said to it, or to all, before it is in: names of ``Attendance``."""

    def successor(self, channel: Channel) -> User:
        """Another channel in its place, of which the same holds."""
        made = User(channel, self.profile, self.requested, self.menu)
        made.muted, made.silent, made.music = self.muted, self.silent, self.music
        made.name_file, self.name_file = self.name_file, ""
        self.replaced = made.heir = True
        return made

    def arrive(self) -> None:
        """It hears the room now; harmless twice."""
        if not self.in_bridge.done():
            self.in_bridge.set_result(None)

    def depart(self) -> None:
        """It hears something else for a while."""
        if self.in_bridge.done():
            self.in_bridge = self.channel.pbx.loop.create_future()

    @property
    def marked(self) -> bool:
        """Whether others wait for it."""
        return self.profile.marked

    @property
    def waits(self) -> bool:
        """Whether it waits for marked users, being none."""
        return self.profile.wait_marked and not self.profile.marked


def user_of(channel: Channel) -> User | None:
    """The user that a channel is in the room it is in, or on its way to."""
    found: User | None = channel.data.get(IN)
    return found
