"""The states a channel can be in."""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """A channel's state; the numbers are those of ChannelState in the manager interface."""

    DOWN = 0
    RESERVED = 1
    OFFHOOK = 2
    DIALING = 3
    RING = 4
    RINGING = 5
    UP = 6
    BUSY = 7
    DIALING_OFFHOOK = 8
    PRERING = 9

    @property
    def text(self) -> str:
        """The word Asterisk shows for it."""
        return _STATE_TEXTS[self]


_STATE_TEXTS = ("Down", "Rsrvd", "OffHook", "Dialing", "Ring", "Ringing", "Up", "Busy", "Dialing Offhook", "Pre-ring")
