"""One call of a span, between the library's handle and the channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel_shims.pri.charges import PriCharge
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.bearer import BearerPort


REMOTE_HOLD, REMOTE_RETRIEVAL = 0x79, 0x7A
"""Notification indicators (Q.931 4.5.22)."""


class Level(IntEnum):
    """How far a call is."""

    SETUP = 1
    OVERLAP = 2
    PROCEEDING = 3
    ALERTING = 4
    CONNECTED = 5


@dataclass(slots=True)
class IsdnCall:
    """See the text of this file."""

    handle: Any
    port: BearerPort
    channel: DahdiChannel | None
    level: Level = Level.SETUP
    clearing: bool = False
    """DISCONNECT or RELEASE was sent: the next order only lets go of the handle."""
    outgoing: bool = False
    progress: bool = False
    """PROGRESS was sent."""
    pending: str = ""
    """Digits that wait for SETUP ACKNOWLEDGE."""
    held: bool = False
    rates_asked: int | None = None
    """Number of the invocation by which the user asked for rates (AOC-S), until they are told."""
    last_charge: PriCharge | None = None
    """What the call has cost (AOC-E), kept until it is cleared."""
