"""STRFTIME and STRPTIME: times as texts and texts as times."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from typing import Any

from offhook.dialplan.arguments import number, octets
from offhook.dialplan.scope import Scope
from offhook.dialplan.timing import local_time
from offhook.functions.strings.declaration import module
from offhook.modules import Syntax

log = logging.getLogger(__name__)

_FRACTION = re.compile(r"%([1-6]?)q|%(%)|%(s)")


def show_time(epoch: float, zone: str, layout: str) -> str:
    """A time in seconds since 1970 by strftime's layout; ``%3q`` is its milliseconds."""
    moment = local_time(epoch, zone)

    def special(found: re.Match[str]) -> str:
        digits, percent, seconds = found.groups()
        if percent:
            return "%%"
        if seconds:
            return str(int(epoch))
        places = int(digits) if digits else 3
        return f"{moment.microsecond:06d}"[:places]

    return moment.strftime(_FRACTION.sub(special, layout))


def read_time(text: str, zone: str, layout: str) -> int | None:
    """Seconds since 1970 of a text by strptime's layout, its clock that of a zone; None when it does not fit."""
    broken = _strptime(octets(text), octets(layout))
    if broken is None:
        return None
    info = local_time(0, zone).tzinfo if zone else None
    try:
        moment = datetime(broken.year + 1900, broken.month + 1, max(1, broken.day), tzinfo=info)
        moment = moment.replace(hour=broken.hour, minute=broken.minute, second=min(broken.second, 59))
        return int(moment.timestamp())
    except (ValueError, OverflowError):
        return None


def _strptime(text: bytes, layout: bytes) -> Any:
    """C's strptime: a struct tm, or None when the text does not fit."""
    import ctypes

    numbers = ("second", "minute", "hour", "day", "month", "year", "weekday", "yearday", "summer")

    class Broken(ctypes.Structure):
        _fields_ = (
            *((name, ctypes.c_int) for name in numbers),
            ("offset", ctypes.c_long),
            ("zone", ctypes.c_char_p),
        )

    libc = ctypes.CDLL(None)
    libc.strptime.restype = ctypes.c_void_p
    broken = Broken()
    return broken if libc.strptime(ctypes.create_string_buffer(text), layout, ctypes.byref(broken)) else None


@module.function("STRFTIME", Syntax("[epoch]", "[timezone]", "[format]"), see_also=("STRPTIME",))
def string_from_time(scope: Scope, epoch: str = "", zone: str = "", layout: str = "%c") -> str:
    """A time as text, by the format of strftime.

    Without an epoch (seconds since 1970, perhaps with a fraction) it is the present time, without a time zone that
    of the system. %q is the fraction of the second in milliseconds, %1q to %6q with so many digits.
    """
    given = number(epoch)
    return show_time(scope.pbx.wall() if given is None else given, zone, layout)


@module.function("STRPTIME", Syntax("datetime", "timezone", "format"), see_also=("STRFTIME",))
def time_from_string(scope: Scope, text: str, zone: str, layout: str) -> str:
    """The seconds since 1970 of a date and time, by the format of strptime.

    ${STRPTIME(2006-03-01 07:30:35,America/Chicago,%Y-%m-%d %H:%M:%S)} is 1141219835.
    """
    seconds = read_time(text, zone, layout)
    if seconds is None:
        log.warning('STRPTIME: "%s" is no time by the format "%s"', text, layout)
        return ""
    return str(seconds)
