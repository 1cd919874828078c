"""States of a circuit."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Level(IntEnum):
    """How far the call of a circuit is."""

    IDLE = 0
    ALLOCATED = 1
    CONTINUITY = 2
    SETUP = 3
    PROCEEDING = 4
    ALERTING = 5
    CONNECT = 6


class Blocked(IntFlag):
    """Why a circuit takes no calls."""

    MAINTENANCE = 1
    HARDWARE = 2


BOTH = Blocked.MAINTENANCE | Blocked.HARDWARE
