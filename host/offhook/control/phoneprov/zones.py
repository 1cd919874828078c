"""What phones are told of their time zone: offset, and when daylight saving begins and ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_LOCAL = "/etc/localtime"
_LOOK_AROUND = timedelta(days=400)
_STEP = timedelta(days=7)


def zone_named(name: str) -> tzinfo:
    """A zone by its name ("America/Denver"), the machine's for "". ValueError for one that is not known."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if name:
            return ZoneInfo(name)
        with open(_LOCAL, "rb") as file:
            return ZoneInfo.from_file(file)
    except OSError:
        return UTC
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f'"{name}" is no time zone such as Europe/Zurich') from None


def zone_variables(name: str, wall: float) -> dict[str, str]:
    """TZOFFSET (seconds east of UTC, without daylight saving) and, where there is daylight saving, when the time about
    now begins and ends. ValueError for a zone that is not known."""
    zone = zone_named(name)
    now = datetime.fromtimestamp(wall, UTC)
    last, following = _change(zone, now, -_STEP), _change(zone, now, _STEP)
    saving = bool(now.astimezone(zone).dst())
    offset = now.astimezone(zone).utcoffset() or timedelta()
    if saving and following is not None:
        offset = following.astimezone(zone).utcoffset() or timedelta()
    found = {"TZOFFSET": str(int(offset.total_seconds()))}
    if last is None or following is None or not (saving or following.astimezone(zone).dst()):
        return found
    start, end = (last, following) if saving else (following, last)
    found["DST_ENABLE"] = "1"
    for prefix, moment in (("DST_START", start), ("DST_END", end)):
        local = moment.astimezone(zone)
        found |= {
            f"{prefix}_MONTH": str(local.month),
            f"{prefix}_MDAY": str(local.day),
            f"{prefix}_HOUR": str(local.hour),
        }
    return found


def _change(zone: tzinfo, now: datetime, step: timedelta) -> datetime | None:
    """The first second after the clock was changed last, or will be changed next; None when it is not, about now."""
    known = now.astimezone(zone).utcoffset()
    at = now
    while at.astimezone(zone).utcoffset() == known:
        at += step
        if abs(at - now) > _LOOK_AROUND:
            return None
    # From at - step to at the offset changes: halve until the second is found.
    low, high = (at, at - step) if step < timedelta() else (at - step, at)
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
