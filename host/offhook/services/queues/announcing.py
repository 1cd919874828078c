"""What callers hear while they wait: music or ringing, their position and hold time, periodic announcements."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

from offhook.calls.frames import Condition
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, find, play
from offhook.log import verbose
from offhook.media.spoken import language_for

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.services.queues.line import Entry
    from offhook.services.queues.queue import Queue

log = logging.getLogger(__name__)
_NEUTER = "n"


async def play_if_there(channel: Channel, name: str, escape: str = ANY_DIGIT) -> str:
    """Play a prompt, if there is one; the digit that broke in."""
    if not name:
        return ""
    if "://" not in name:
        try:
            find(channel, name)
        except NoPrompt:
            return ""
    try:
        return await play(channel, name, escape)
    except NoPrompt as missing:
        log.warning("%s: %s", channel.name, missing)
        return ""


async def say_number(channel: Channel, value: int) -> str:
    """Say a number; the digit that broke in."""
    return await _first_digit(channel, language_for(channel.language).number(value, _NEUTER))


async def _first_digit(channel: Channel, names: Iterable[str]) -> str:
    for name in names:
        digit = await play_if_there(channel, name)
        if digit:
            return digit
    return ""


class Announcer:
    """What one caller hears."""

    def __init__(self, queue: Queue, entry: Entry, *, ringing: bool, music: str) -> None:
        self.queue = queue
        self.entry = entry
        self.ringing = ringing
        """Ringing instead of music."""
        self.music = music
        self._told_at: float | None = None
        """When the position was told last (monotonic)."""
        self._told_position = 0
        self._periodic_at = entry.begun.at
        delay = queue.settings.periodic_announce_startdelay
        if delay >= 0:
            self._periodic_at += delay - queue.settings.periodic_announce_frequency
        self._periodic_next = 0

    def entertain(self) -> None:
        """Begin with music or ringing."""
        channel = self.entry.channel
        if self.ringing:
            channel.indicate(Condition.RINGING)
        else:
            channel.pbx.start_music(channel, self.music)

    def quiet(self) -> None:
        """Leave off."""
        channel = self.entry.channel
        if not channel.hungup:
            channel.stop_tones()
            channel.pbx.stop_music(channel)

    async def position(self) -> str | None:
        """Tell position and hold time; the digit that broke in. It is quiet then. None: it is not time to."""
        settings, entry, now = self.queue.settings, self.entry, self.queue.pbx.now()
        if self._told_at is not None:
            ago = now - self._told_at
            if ago < settings.min_announce_frequency:
                return None
            if self._told_position == entry.position and ago < settings.announce_frequency:
                return None
        if settings.announce_position_only_up and 0 < self._told_position <= entry.position:
            return None
        position, first_time = entry.position, self._told_at is None
        self.quiet()
        digit = await self._tell(position, first_time=first_time)
        self._told_at, self._told_position = now, position
        return digit

    async def _tell(self, position: int, *, first_time: bool) -> str:
        settings, channel = self.queue.settings, self.entry.channel
        how, limit = settings.announce_position, settings.announce_position_limit
        thanks = False
        digit = ""
        if how in ("yes", "more") or (how == "limit" and position <= limit):
            thanks = True
            if position == 1:
                digit = await play_if_there(channel, settings.queue_youarenext)
                return digit or await self._thank(position, thanks=True)
            digit = await self._tell_position(position, more=how == "more" and position > limit)
        if not digit and self._tells_time(first_time=first_time):
            minutes, seconds = self._estimate()
            if minutes or seconds:
                thanks = True
                digit = await self._tell_time(minutes, seconds)
        return digit or await self._thank(position, thanks=thanks)

    async def _tell_position(self, position: int, *, more: bool) -> str:
        settings, channel = self.queue.settings, self.entry.channel
        before, number, after = settings.queue_thereare, position, settings.queue_callswaiting
        if more:
            before, number, after = settings.queue_quantity1, settings.announce_position_limit, settings.queue_quantity2
        return (
            await play_if_there(channel, before)
            or await say_number(channel, number)
            or await play_if_there(channel, after)
        )

    def _tells_time(self, *, first_time: bool) -> bool:
        wanted = self.queue.settings.announce_holdtime
        return wanted == "yes" or (wanted == "once" and first_time)

    def _estimate(self) -> tuple[int, int]:
        """Minutes and seconds that it will still take, by the average; seconds as finely as is told."""
        left = abs(self.queue.holdtime + 30 - self.entry.waited)
        step = self.queue.settings.announce_round_seconds
        minutes = left // 60
        seconds = (left - 60 * minutes) // step * step if step else 0
        verbose(3, "Hold time for %s is %d minute(s) %d seconds", self.queue.name, minutes, seconds)
        return minutes, seconds

    async def _tell_time(self, minutes: int, seconds: int) -> str:
        settings, channel = self.queue.settings, self.entry.channel
        digit = await play_if_there(channel, settings.queue_holdtime)
        for value, unit in (
            (minutes, settings.queue_minute if minutes == 1 else settings.queue_minutes),
            (seconds, settings.queue_seconds),
        ):
            if value and not digit:
                digit = await say_number(channel, value) or await play_if_there(channel, unit)
        return digit

    async def _thank(self, position: int, *, thanks: bool) -> str:
        channel, name = self.entry.channel, self.queue.name
        verbose(3, "Told %s in %s their queue position (which was %d)", channel.name, name, position)
        return await play_if_there(channel, self.queue.settings.queue_thankyou) if thanks else ""

    async def periodic(self) -> str | None:
        """Play the next periodic announcement; the digit that broke in. It is quiet then. None: it is not time to."""
        settings, pbx = self.queue.settings, self.queue.pbx
        now = pbx.now()
        if now - self._periodic_at < settings.periodic_announce_frequency or not settings.periodic_announce:
            return None
        self.quiet()
        verbose(3, "Playing periodic announcement")
        names = settings.periodic_announce
        at = random.randrange(len(names)) if settings.random_periodic_announce else self._periodic_next % len(names)
        digit = await play_if_there(self.entry.channel, names[at])
        self._periodic_at = pbx.now() if settings.relative_periodic_announce else now
        self._periodic_next = at + 1
        return digit
