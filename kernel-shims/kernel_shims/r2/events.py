"""What an MFC/R2 channel tells, and what it is told. Numbers are libopenr2's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """Kinds of events."""

    CALL_INIT = 0
    """The far end seized the line."""
    OFFERED = 1
    """A call with all its digits: accept or disconnect."""
    ACCEPTED = 2
    """The tones are over: from now on the line carries sound."""
    ANSWERED = 3
    DISCONNECTED = 4
    """The far end clears: disconnect as well."""
    ENDED = 5
    """The line is idle again."""
    ALARM = 6
    SYSTEM_ERROR = 7
    PROTOCOL_ERROR = 8
    BLOCKED = 9
    IDLE = 10
    ANI_DIGIT = 11
    BILLING_PULSE = 12


class Cause(IntEnum):
    """Why a call is cleared."""

    BUSY = 0
    CONGESTION = 1
    UNALLOCATED = 2
    OUT_OF_ORDER = 3
    UNSPECIFIED = 4
    NO_ANSWER = 5
    NORMAL = 6
    COLLECT_REJECTED = 7
    FORCED_RELEASE = 8
    NUMBER_CHANGED = 9


class Direction(IntEnum):
    """Which side of a call the line is."""

    STOPPED = 0
    FORWARD = 1
    BACKWARD = 2


COLLECT_CALL = 4
"""Category of calls that the called party pays for."""


@dataclass(frozen=True, slots=True)
class R2Event:
    """Something happened. ``value``: category, call mode, cause, alarm, errno or protocol error, by the kind."""

    kind: Kind
    value: int = 0
    ani: str | None = None
    """None: the number is restricted."""
    dnis: str = ""
