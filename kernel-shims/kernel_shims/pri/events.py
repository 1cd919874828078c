"""What a D channel tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from kernel_shims.pri.charges import PriAdvice, PriAsked
from kernel_shims.pri.completion import PriCompletion


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


@dataclass(frozen=True, slots=True)
class PartySubaddress:
    """A subaddress (Q.931 4.5.9): kind 0 is NSAP, 2 the user's own; ``odd``: the last half octet does not count."""

    data: bytes
    kind: int = 0
    odd: bool = False


@dataclass(slots=True)
class PartyId:
    """A party as Q.931 and Q.SIG tell it; None: not told. Presentation is Q.951's octet, ``plan`` type and plan."""

    number: str | None = None
    name: str | None = None
    plan: int = 0
    presentation: int = 0
    name_presentation: int = 0
    subaddress: PartySubaddress | None = None


@dataclass(slots=True)
class Redirection:
    """Who redirected the call."""

    from_: PartyId = field(default_factory=PartyId)
    to: PartyId = field(default_factory=PartyId)
    original: PartyId = field(default_factory=PartyId)
    count: int = 0
    reason: int = 0
    original_reason: int = 0


@dataclass(slots=True)
class PriRerouting:
    """The far end wants the call to go elsewhere: call rerouting (Q.SIG), call deflection (ETSI EN 300 207-1).

    ``subscription``: 0, 1: the caller is not told the new number; ``call`` and ``invoke`` are for the answer.
    """

    deflection: Redirection
    subscription: int
    call: Any
    invoke: int


@dataclass(slots=True)
class PriTransfer:
    """The far end wants two calls joined (ETSI EN 300 369-1, Q.SIG); ``call`` and ``invoke`` are for the answer."""

    first: Any
    second: Any
    call: Any
    invoke: int


@dataclass(slots=True)
class PriMalicious:
    """The far end reports a call as malicious: who it says calls, and who answered."""

    originator: PartyId
    answerer: PartyId


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
    none: bool = False
    """There is no B channel (call waiting), as opposed to any (channel -1)."""
    on_hold: bool = False
    """The call is held; ``channel`` is what is wanted for it."""
    signalling_only: bool = False
    """The call never has a B channel: it carries services."""
    cause: int = 0
    inband: bool = False
    """Sound is to be heard already."""
    interworking: bool = False
    """The call leaves ISDN: sound may be heard."""
    caller: PartyId = field(default_factory=PartyId)
    ani: str = ""
    ani_plan: int = 0
    ani2: int = -1
    """ANI II: the kind of the caller's line; -1: not told."""
    called: str = ""
    called_plan: int = 0
    called_subaddress: PartySubaddress | None = None
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
    redirecting_plan: int = 0
    redirecting_reason: int = -1
    """-1: not told."""
    reverse_charge: int = -1
    """1: the called party is to pay; -1: not told."""
    capability: int = 0
    """Information transfer capability (Q.931 4.5.5)."""
    user_user: str = ""
    connected: PartyId | None = None
    redirection: Redirection | None = None
    display: str = ""
    """Text to be shown, in UTF-8 or Latin-1."""
    rerouting: PriRerouting | None = None
    transfer: PriTransfer | None = None
    malicious: PriMalicious | None = None
    completion: tuple[PriCompletion, ...] = ()
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
