"""What libss7 tells of a linkset."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """libss7's event numbers: ISUP messages by their names, and what its links do."""

    UP = 1
    DOWN = 2
    LINK_UP = 3
    LINK_DOWN = 4
    IAM = 5
    ACM = 6
    ANM = 7
    REL = 8
    RLC = 9
    GRS = 10
    GRA = 11
    CON = 12
    COT = 13
    CCR = 14
    BLO = 15
    UBL = 16
    BLA = 17
    UBA = 18
    CGB = 19
    CGU = 20
    RSC = 21
    CPG = 22
    UCIC = 23
    LPA = 24
    CQM = 25
    FAR = 26
    FAA = 27
    CVT = 28
    CVR = 29
    SUS = 30
    RES = 31
    CGBA = 32
    CGUA = 33
    SAM = 34
    DIGITS_OVER = 35
    """T10: no more digits came."""
    FRJ = 36


class Sent(IntFlag):
    """What has passed on a circuit."""

    RSC = 1 << 3
    REL = 1 << 4
    IAM = 1 << 7
    GOT_IAM = 1 << 10
    SECOND_GRS = 1 << 20
    """T1.113 has a group reset twice, and acknowledged twice."""
    PENDING_IAM = 1 << 21
    """An IAM is about to be sent."""
    CALL = RSC | REL | IAM | GOT_IAM | PENDING_IAM | 1 << 8 | 1 << 9 | 0x7800 | 7 << 17
    """All that a call leaves behind: FAR, CCR, ACM, CON, ANM and INR too."""


class Nature(IntEnum):
    """Nature of an address (Q.763 3.9)."""

    SUBSCRIBER = 1
    UNKNOWN = 2
    NATIONAL = 3
    INTERNATIONAL = 4
    NETWORK_ROUTED = 8


class Progress(IntEnum):
    """What a CPG tells (Q.763 3.21)."""

    ALERTING = 1
    PROGRESS = 2
    IN_BAND = 3
    FORWARDED_BUSY = 4
    FORWARDED_NO_REPLY = 5
    FORWARDED_ALWAYS = 6


class Clearing(IntEnum):
    """What is to be done for a circuit once its channel is over; numbers are libss7's."""

    NOTHING = 0
    SEND_REL = 1
    SEND_RSC = 2
    SEND_RLC = 3
    FREE = 4
    TAKE_IAM = 5
    """The far end has seized the circuit too, and it controls it: take its call."""


class Occupied(IntEnum):
    """Answers to libss7 when it wants a call ended."""

    NO_CIRCUIT = 0
    IN_USE = 1
    IDLE = 2


@dataclass(slots=True)
class IsupCall:
    """libss7's record of a circuit, as long as ``alive``: the library frees it on its own when it cannot send."""

    pointer: object
    cic: int
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """A number with its nature, presentation and screening (Q.763 3.10)."""

    number: str = ""
    nature: int = Nature.NATIONAL
    presentation: int = 0
    screening: int = 0


@dataclass(slots=True)
class Iam:
    """An initial address message, as it came. Numbers are "" where there is none."""

    called: Address = Address()
    calling: Address = Address()
    category: int = 0
    continuity_here: bool = False
    continuity_before: bool = False
    """A continuity check is made on the circuit before this one."""
    echo_control: bool = False
    medium: int = 0
    charge_number: str = ""
    originating_line: int = 0
    generic_address: str = ""
    generic_address_type: int = 0
    generic_address_nature: int = 0
    generic_address_presentation: int = 0
    generic_address_plan: int = 0
    generic_digits: str = ""
    generic_digits_type: int = 0
    generic_digits_scheme: int = 0
    generic_name: str = ""
    jurisdiction: str = ""
    service_provider: str = ""
    original_called: Address = Address()
    redirecting: Address = Address()
    redirect_counter: int = 0
    redirection: tuple[int, int, int, int] | None = None
    """Indicator, original reason, counter and reason (Q.763 3.45); None: not told."""
    closed_group: int = 0
    closed_group_code: int = 0
    closed_group_network: str = ""


@dataclass(slots=True)
class Ss7Event:
    """One event; which fields have a meaning depends on its kind."""

    kind: Kind
    call: IsupCall | None = None
    cic: int = 0
    last: int = 0
    """The last circuit of a group."""
    point_code: int = 0
    """Of the far end."""
    passed: int = 0
    """What has passed on the circuit, bits of Sent."""
    cause: int = 0
    status: list[bool] = field(default_factory=list)
    """Of a group, by circuit: those that are meant."""
    hardware: bool = False
    """A group is blocked because of its hardware, not for maintenance."""
    iam: Iam | None = None
    digits: str = ""
    continuity_wanted: bool = False
    """The call waits for a continuity check, here or on the circuit before."""
    continuity_before: bool = False
    continuity_passed: bool = False
    connected: Address | None = None
    echo_control: bool = False
    progress: int = 0
    called_free: bool = False
    """The called party is told to be free."""
    network: bool = False
    """It is the network that suspends or resumes."""
