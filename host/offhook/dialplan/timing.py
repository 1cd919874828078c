"""Time conditions: ``times,weekdays,days of month,months[,timezone]`` of GotoIfTime, IFTIME and include."""

from __future__ import annotations

import logging
import re
from datetime import datetime, tzinfo
from functools import lru_cache

log = logging.getLogger(__name__)

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"\s*(\d{1,2}):\s*(\d{1,2})", re.ASCII)
_MINUTES_A_DAY = 24 * 60


class Timing:
    """A parsed time condition. Parts that make no sense are left out with a warning."""

    __slots__ = ("days", "minutes", "months", "text", "weekdays", "zone")

    def __init__(self, text: str, where: str = "") -> None:
        fields = re.split("[|,]", text)
        self.text = text
        prefix = f"{where}: " if where else ""
        self.minutes = _minutes(fields[0], prefix)
        self.weekdays = _cycle(fields[1] if len(fields) > 1 else "", 7, _DAYS, "day of the week", prefix)
        self.days = _cycle(fields[2] if len(fields) > 2 else "", 31, (), "day of the month", prefix)
        self.months = _cycle(fields[3] if len(fields) > 3 else "", 12, _MONTHS, "month", prefix)
        self.zone = fields[4] if len(fields) == 5 else ""

    def holds(self, now: float) -> bool:
        """Whether the condition holds at a time in seconds since 1970, in its zone or else the system's."""
        moment = local_time(now, self.zone)
        return bool(
            self.months >> (moment.month - 1) & 1
            and self.days >> (moment.day - 1) & 1
            and self.weekdays >> (moment.isoweekday() % 7) & 1
            and self.minutes >> (moment.hour * 60 + moment.minute) & 1
        )


def local_time(now: float, zone: str = "") -> datetime:
    """Seconds since 1970 as date and clock of a zone ("Europe/Berlin"); of the system's when empty or unknown."""
    return datetime.fromtimestamp(now, _zone(zone)) if zone else datetime.fromtimestamp(now).astimezone()


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name.removeprefix(":"))
    except (OSError, ValueError, KeyError) as error:
        log.warning('there is no time zone "%s" (%s); the system\'s is used', name, error)
        return None


def _index(text: str, size: int, names: tuple[str, ...]) -> int | None:
    if names and text[:1] > "9" and text.lower() in names:
        return names.index(text.lower())
    number = re.match(r"\s*(\d{1,2})", text, re.ASCII)
    if number and 1 <= int(number.group(1)) <= size:
        return int(number.group(1)) - 1
    return None


def _cycle(text: str, size: int, names: tuple[str, ...], what: str, prefix: str) -> int:
    """Bits of the values named; ranges may run over the end (fri-mon)."""
    if text in ("", "*"):
        return (1 << size) - 1
    bits = 0
    for part in text.split("&"):
        first, dash, last = part.partition("-")
        start = _index(first, size, names)
        end = _index(last, size, names) if dash else start
        if start is None or end is None:
            log.warning('%s"%s" is no %s; that part is left out', prefix, part, what)
            continue
        bits |= 1 << end
        while start != end:
            bits |= 1 << start
            start = (start + 1) % size
    return bits


def _clock(text: str) -> int | None:
    found = _CLOCK.match(text)
    if found is None or int(found.group(1)) > 23 or int(found.group(2)) > 59:
        return None
    return int(found.group(1)) * 60 + int(found.group(2))


def _minutes(text: str, prefix: str) -> int:
    if text in ("", "*"):
        return (1 << _MINUTES_A_DAY) - 1
    bits = 0
    for part in text.split("&"):
        first, dash, last = part.partition("-")
        start = _clock(first)
        end = _clock(re.sub(r"^\D+", "", last)) if dash else start
        if start is None or end is None:
            log.warning('%s"%s" is no time of day (write 9:00-17:30); that part is left out', prefix, part)
            continue
        bits |= 1 << end
        while start != end:
            bits |= 1 << start
            start = (start + 1) % _MINUTES_A_DAY
    return bits
