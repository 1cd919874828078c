"""One call of a span, between the library's handle and the channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from kernel_shims.pri.charges import PriCharge
    from kernel_shims.pri.events import PriTransfer
    from offhook.drivers.dahdi.channel import DahdiChannel
    from offhook.drivers.dahdi.isdn.bearer import BearerPort


NOBODY_SAID = -1
"""Who pays for a call, as CHANNEL(reversecharge) has it."""
REMOTE_HOLD, REMOTE_RETRIEVAL = 0x79, 0x7A
"""Notification indicators (Q.931 4.5.22)."""


class Level(IntEnum):
    """How far a call is."""

    SETUP = 1
    OVERLAP = 2
    PROCEEDING = 3
    ALERTING = 4
    DEFER_DIAL = 5
    """It is answered, and digits are dialled in tones before our side hears of that."""
    CONNECT = 6

    @property
    def text(self) -> str:
        """How the console shows it."""
        return "".join(word.capitalize() for word in self.name.split("_"))


class Hold(Enum):
    """Whether our side has put the far end on hold, and by what."""

    IDLE = 0
    MUSIC = 1
    NOTIFIED = 2
    ASKED = 3
    """HOLD was sent."""
    ASKED_IN_VAIN = 4
    """HOLD was sent, and the far end is wanted back already."""
    HELD = 5
    RETRIEVING = 6
    """RETRIEVE was sent."""
    RETRIEVING_IN_VAIN = 7
    """RETRIEVE was sent, and the far end is to be on hold again."""
    NOT_RETRIEVED = 8
    """There was no channel for it."""


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
    waits: bool = False
    """It was set up without a B channel, and takes the first that is free when it is answered."""
    progress: bool = False
    """PROGRESS was sent, or sound is to be heard already."""
    pressed: str = ""
    """Digit that went by the D channel, and whose key is still pressed."""
    pending: str = ""
    """Digits that wait for SETUP ACKNOWLEDGE."""
    deferred: str = ""
    """Digits to dial in tones after the answer (behind a w)."""
    no_digits: bool = False
    """SETUP had none: the far end gives dial tone."""
    keypad: str = ""
    reverse_charge: int = NOBODY_SAID
    """1: the called party pays."""
    hold: Hold = Hold.IDLE
    music: str = ""
    """Music that the other party wants to be heard on hold."""
    transfer: PriTransfer | None = None
    """What is answered when the call ends, since that is its success."""
    rates_asked: int | None = None
    """Number of the invocation by which the user asked for rates (AOC-S), until they are told."""
    last_charge: PriCharge | None = None
    """What the call has cost (AOC-E), kept until it is cleared."""
    awaits_charge: asyncio.TimerHandle | None = None
    """The far end has hung up, and the call ends when its price is known, or then."""
