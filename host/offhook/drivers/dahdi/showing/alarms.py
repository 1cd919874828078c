"""Alarms in Asterisk's words."""

from __future__ import annotations

from kernel_shims.line import Alarm

_WORDS = (
    (Alarm.RED, "Red Alarm"),
    (Alarm.YELLOW, "Yellow Alarm"),
    (Alarm.BLUE, "Blue Alarm"),
    (Alarm.RECOVERING, "Recovering"),
    (Alarm.LOOPBACK, "Loopback"),
    (Alarm.NOT_OPEN, "Not Open"),
)


def words_of(bits: int) -> str:
    """The worst alarm of a channel; "" for none."""
    return next((word for bit, word in _WORDS if bits & bit), "")


_SHORT = (
    (Alarm.BLUE, "BLU"),
    (Alarm.YELLOW, "YEL"),
    (Alarm.RED, "RED"),
    (Alarm.LOOPBACK, "LB"),
    (Alarm.RECOVERING, "REC"),
    (Alarm.NOT_OPEN, "NOP"),
)


def short_of(bits: int, channels: int) -> str:
    """All alarms of a span with so many channels, as ``dahdi show status`` has them."""
    if not bits:
        return "OK" if channels else "UNCONFIGURED"
    return "/".join(word for bit, word in _SHORT if bits & bit) or "UUU"
