"""How many there are: said to one, or to all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from offhook.calls.prompts import ANY_DIGIT, play_all
from offhook.media.spoken import language_for

if TYPE_CHECKING:
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User


def names(room: Room, language: str) -> list[str]:
    """The prompts that tell one of those who take part how many others there are; none when there are none."""
    others = len(room.attendance.active) - 1
    if others <= 0:
        return []
    if others == 1:
        return [room.sound("only_one")]
    return [room.sound("there_are"), *language_for(language).number(others), room.sound("other_in_party")]


async def tell_count(room: Room, user: User, *, breaks: bool = False) -> str:
    """Tell one; with ``breaks`` a digit during the last prompt ends it and is returned."""
    *first, last = names(room, user.channel.language) or [""]
    if not last:
        return ""
    await play_all(user.channel, first)
    return await play_all(user.channel, [last], ANY_DIGIT if breaks else "")


def tell_all_count(room: Room) -> asyncio.Future[None]:
    """Tell all; done when that was said."""
    return room.announcements.say(names(room, room.announcements.language))
