"""What happens in conference rooms, for the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel

START, END, JOIN, LEAVE = "ConfbridgeStart", "ConfbridgeEnd", "ConfbridgeJoin", "ConfbridgeLeave"
MUTE, UNMUTE, TALKING = "ConfbridgeMute", "ConfbridgeUnmute", "ConfbridgeTalking"
RECORD, STOP_RECORD = "ConfbridgeRecord", "ConfbridgeStopRecord"
NAMES = (START, END, JOIN, LEAVE, MUTE, UNMUTE, TALKING, RECORD, STOP_RECORD)


@dataclass(slots=True)
class ConferenceEvent:
    """Something happened in a room: ``kind`` is one of NAMES, ``details`` what belongs to that kind."""

    kind: str
    conference: str
    bridge: Bridge
    channel: Channel | None = None
    details: tuple[tuple[str, str], ...] = ()
