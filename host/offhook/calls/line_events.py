"""What happens to analog and digital lines, for the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.party import Party


@dataclass(frozen=True, slots=True)
class DndState:
    """Do not disturb was switched on a line."""

    channel: int
    on: bool
    analog: bool = True


@dataclass(frozen=True, slots=True)
class ChannelAlarm:
    """A line's alarms changed; ``alarm`` is a phrase, "" when they are over."""

    channel: int
    alarm: str
    analog: bool = False


@dataclass(frozen=True, slots=True)
class SpanAlarm:
    """A span's alarms changed."""

    span: int
    alarm: str


@dataclass(frozen=True, slots=True)
class LineAssigned:
    """A call has its place on the hardware. ``groups`` has a bit for each group of the line."""

    channel: Channel
    groups: int
    span: int
    line: str


@dataclass(frozen=True, slots=True)
class MaliciousCall:
    """The far end reports a call as malicious (MCID); ``channel`` is None when it is over already."""

    channel: Channel | None
    caller: Party
    connected: Party
