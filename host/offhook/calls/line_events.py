"""What happens to lines, for the bus."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DndState:
    """Do not disturb was switched on a port."""

    channel: str
    on: bool


@dataclass(frozen=True, slots=True)
class ChannelAlarm:
    """A channel's alarms changed; ``alarm`` is Asterisk's words for them, "" when they are over."""

    channel: int
    alarm: str


@dataclass(frozen=True, slots=True)
class SpanAlarm:
    """A span's alarms changed."""

    span: int
    alarm: str


@dataclass(frozen=True, slots=True)
class ChannelAssigned:
    """A call has its channel on a span."""

    channel: object
    span: int
    number: int
