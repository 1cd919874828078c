"""Leaving a room: what the others hear of it, and what is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.functions.gains import apply_gains
from offhook.services.conference import asking
from offhook.services.conference.user import IN
from offhook.services.conference.volume import Volume

if TYPE_CHECKING:
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User


def tell_others(room: Room, user: User) -> None:
    """Let the others hear who has gone."""
    if user.profile.quiet:
        return
    names = [user.name_file, room.sound("has_left")] if user.name_file else []
    room.announcements.say([*names, room.sound("leave")], after=lambda: asking.drop_name(user))


def forget(room: Room, user: User) -> None:
    """The user is gone; with the last one the room ends."""
    room.leave(user)
    user.channel.data.pop(IN, None)
    apply_gains(user.channel, Volume.SOURCE, 0.0, 0.0)
