"""Channels that come into a room by other ways than ConfBridge: transferred there, they take a user's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.services.conference.farewell import forget, tell_others
from offhook.services.conference.presence import Presence
from offhook.services.conference.user import IN, user_of

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User


class Succession:
    """The minder of a room's bridge."""

    __slots__ = ("_room",)

    def __init__(self, room: Room) -> None:
        self._room = room

    def entered(self, bridge: Bridge, channel: Channel, swap: Channel | None) -> None:
        """A channel is in: in the place of a user it is that user from now on."""
        user = user_of(swap) if swap is not None else None
        if user is None or user not in self._room.users:
            return
        heir = channel.data[IN] = user.successor(channel)
        self._room.attendance.replace(user, heir)
        bridge.members[channel].features.append(Presence(self._room, heir))
        if heir.music:
            self._room.start_music(heir)

    def departed(self, bridge: Bridge, channel: Channel) -> None:
        """A channel left: for one that came like this nobody else sees to it."""
        user = user_of(channel)
        if user is not None and user.heir:
            bridge.pbx.loop.call_soon(self._depart, user)

    def _depart(self, user: User) -> None:
        tell_others(self._room, user)
        forget(self._room, user)
