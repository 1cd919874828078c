"""What a D channel tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from kernel_shims.pri.charges import PriAdvice, PriAsked


class Kind(IntEnum):
    """Kinds of events; the numbers are PRI_EVENT_*."""

    UP = 1
    DOWN = 2
    RESTART = 3
    CONFIG_ERROR = 4
    RING = 5
    HANGUP = 6
    RINGING = 7
    ANSWER = 8
    HANGUP_ACK = 9
    RESTART_ACK = 10
    FACILITY = 11
    INFORMATION = 12
    PROCEEDING = 13
    SETUP_ACK = 14
    HANGUP_REQUEST = 15
    NOTIFY = 16
    PROGRESS = 17
    KEYPAD = 18
    SERVICE = 19
    SERVICE_ACK = 20
    HOLD = 21
    HOLD_ACK = 22
    HOLD_REJECT = 23
    RETRIEVE = 24
    RETRIEVE_ACK = 25
    RETRIEVE_REJECT = 26
    CONNECT_ACK = 27


@dataclass(slots=True)
class PartyId:
    """A party as Q.931 and Q.SIG tell it; None: not told. Presentation is Q.951's octet, ``plan`` type and plan."""

    number: str | None = None
    name: str | None = None
    plan: int = 0
    presentation: int = 0
    name_presentation: int = 0


@dataclass(slots=True)
class Redirection:
    """Who redirected the call."""

    from_: PartyId = field(default_factory=PartyId)
    to: PartyId = field(default_factory=PartyId)
    original: PartyId = field(default_factory=PartyId)
    count: int = 0
    reason: int = 0


@dataclass(slots=True)
class PriEvent:
    """An event. ``call`` is the library's handle (None: about the link); ``channel`` a B channel of the span."""

    kind: Kind
    call: Any = None
    channel: int = 0
    span: int = 0
    """Logical span of a group with a common D channel."""
    explicit: bool = False
    """The channel was told with its span."""
    cause: int = 0
    inband: bool = False
    """Sound is to be heard already."""
    caller: PartyId = field(default_factory=PartyId)
    ani: str = ""
    called: str = ""
    called_plan: int = 0
    complete: bool = True
    """No more digits will come."""
    flexible: bool = True
    """Another channel will do."""
    digital: bool = False
    layer1: int = 0
    digits: str = ""
    """Further digits, or keypad digits."""
    redirecting_number: str = ""
    redirecting_name: str = ""
    redirecting_reason: int = 0
    reverse_charge: bool = False
    connected: PartyId | None = None
    redirection: Redirection | None = None
    display: str = ""
    change: int = 0
    """Of service messages: 0 in service, 1 in the loop, 2 out of service."""
    notification: int = 0
    advice: tuple[PriAdvice, ...] = ()
    """What the call costs."""
    asked: PriAsked | None = None
    """The far end wants to be told what the call costs."""
    held: Any = None
    """On disconnect: the held call that may be joined with ``active``."""
    active: Any = None
