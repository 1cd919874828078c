"""Attempts to reach somebody: what is known of each, how they failed, and the dial status that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.calls import causes
from offhook.calls.advice import Rates
from offhook.calls.channel import Channel
from offhook.calls.party import Connected


@dataclass(slots=True)
class Attempt:
    """One destination being called."""

    channel: Channel
    dial_string: str
    address: str
    over: bool = False
    orig_name: str = ""
    known: bool = False
    """Has an identity of its own, which the caller may be told."""
    connected: Connected | None = None
    """Whom it said to be, among several being called."""
    shown: str = ""
    """What DialBegin tells as dialled instead of the address."""
    rates: Rates | None = None
    """What it said the call will cost: of interest once it answers."""


@dataclass(slots=True)
class Tally:
    """How many destinations failed which way; the dial status comes of it."""

    busy: int = 0
    congestion: int = 0
    unavailable: int = 0

    def count(self, cause: int) -> None:
        """Count one failure by its cause."""
        if cause == causes.USER_BUSY:
            self.busy += 1
        elif cause == causes.NORMAL_CIRCUIT_CONGESTION:
            self.congestion += 1
        elif cause not in (causes.NO_ANSWER, causes.NORMAL_CLEARING):
            self.unavailable += 1

    @property
    def total(self) -> int:
        """All failures."""
        return self.busy + self.congestion + self.unavailable

    def status(self, lines: int) -> str:
        """The dial status when nobody of so many destinations is left; NOANSWER unless every one has its reason."""
        if self.total != lines:
            return "NOANSWER"
        if self.busy:
            return "BUSY"
        if self.congestion:
            return "CONGESTION"
        if self.unavailable:
            return "CHANUNAVAIL"
        return "NOANSWER"


def status_of_cause(cause: int) -> str:
    """The dial status that a hangup cause of a called channel means."""
    if cause == causes.USER_BUSY:
        return "BUSY"
    if cause == causes.NORMAL_CIRCUIT_CONGESTION:
        return "CONGESTION"
    if cause in (causes.NO_ROUTE_DESTINATION, causes.SUBSCRIBER_ABSENT):
        return "CHANUNAVAIL"
    return "NOANSWER"


@dataclass(slots=True)
class Outcome:
    """How dialling ended: ``status`` as DIALSTATUS, the answered channel if any, and a digit that ended it."""

    status: str
    channel: Channel | None = None
    digit: str = ""
    cancelled: bool = False
