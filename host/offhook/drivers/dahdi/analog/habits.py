"""What a phone on a port is set to do, and how far its calls are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from offhook.drivers.dahdi.analog.collecting import Rules


class Stage(Enum):
    """How far a call is, as the phone sees it."""

    COLLECTING = "collecting"
    GOING = "going"
    """Its dialplan runs; not answered."""
    ALERTING = "alerting"
    """It rings here, or beeps."""
    RECALLING = "recalling"
    """Answered before, and rings here again because the handset went down."""
    UP = "up"


@dataclass(slots=True)
class Habits:
    """The settings that change what the phone does."""

    rules: Rules = field(default_factory=Rules)
    immediate: bool = False
    three_way: bool = False
    transfer: bool = False
    transfer_to_busy: bool = True
    call_waiting: bool = False
    waiting_caller_id: bool = False
    waiting_deluxe: bool = False
    caller_id_after: int = 1
    """Bursts of ringing before caller ID is sent; 0: it is not sent."""
    silent_hold: bool = False
    """Dial tone after a flash may time out, to silence."""
    held_by_caller: bool = False
    """A called phone that hangs up may lift again while the caller stays."""
    dial_again: bool = False
    """Dial tone comes again once the far end has hung up."""
    reverse_on_answer: bool = False
    reverse_on_hangup: bool = False


@dataclass(slots=True)
class PhoneCall:
    """A call as its phone sees it."""

    number: int
    stage: Stage
    called: bool = False
    """It was called here."""
    busy: bool = False
    joined: bool = False
    """It is in conference with another one."""
