"""One call detail record while it is being made: who is party A and B, when it began, was answered and ended.

The states and their rules are those of Asterisk's specification of CDRs (version 12 and later): a record is
``SINGLE`` until its channel dials or is bridged, ``DIAL`` while somebody is called, ``PENDING`` after the answer until
the bridge, ``BRIDGE`` or ``PARKED`` meanwhile, and ``FINAL`` in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple

from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.joining import BROUGHT_IN


class Moment(NamedTuple):
    """A point in time: monotonic seconds for durations, wall seconds for display."""

    clock: float
    wall: float


class Phase(Enum):
    """What a record is doing."""

    SINGLE = "Single"
    DIAL = "Dial"
    PENDING = "DialedPending"
    BRIDGE = "Bridged"
    PARKED = "Parked"
    FINAL = "Finalized"


class Disposition(IntEnum):
    """How the call ended; the numbers are those CDR(disposition) shows raw."""

    NULL = 1 << 0
    NOANSWER = 0
    FAILED = 1 << 1
    BUSY = 1 << 2
    ANSWERED = 1 << 3
    CONGESTION = 1 << 4
    CANCEL = 1 << 5

    @property
    def text(self) -> str:
        """The word in the record."""
        return _DISPOSITIONS[self]


_DISPOSITIONS = {
    Disposition.NULL: "NO ANSWER",
    Disposition.NOANSWER: "NO ANSWER",
    Disposition.FAILED: "FAILED",
    Disposition.BUSY: "BUSY",
    Disposition.ANSWERED: "ANSWERED",
    Disposition.CONGESTION: "CONGESTION",
    Disposition.CANCEL: "CANCEL",
}


@dataclass(slots=True)
class Rules:
    """What cdr.conf says about how records are cut."""

    enabled: bool = True
    unanswered: bool = False
    congestion: bool = False
    end_before_h: bool = True
    initiated_seconds: bool = False
    channel_default_enabled: bool = True
    ignore_state_changes: bool = False
    ignore_dial_changes: bool = False
    cancel_disposition: bool = False


@dataclass(slots=True)
class Side:
    """A party of a record: its channel, its variables and its user field."""

    channel: Channel
    variables: dict[str, str] = field(default_factory=dict)
    user_field: str = ""
    party_a: bool = False
    """Set by CDR_PROP(party_a): is party A whenever it may be."""

    def copy(self) -> Side:
        """The same party for another record."""
        return Side(self.channel, dict(self.variables), self.user_field, self.party_a)


_AS_B = "records with it as party B"
"""Key in a channel's data."""


def records_with_b(channel: Channel) -> list[Record]:
    """The records in the making that have a channel as their party B."""
    return list(channel.data.get(_AS_B, ()))


def is_dialed(channel: Channel) -> bool:
    """Whether the channel was called by somebody here (and not originated for itself)."""
    return (channel.outgoing and not channel.originated) or BROUGHT_IN in channel.flags


def pick_party_a(left: Side, right: Side) -> Side:
    """Which of two bridged parties is party A."""
    if is_dialed(left.channel) != is_dialed(right.channel):
        return right if is_dialed(left.channel) else left
    if left.party_a != right.party_a:
        return left if left.party_a else right
    return right if left.channel.created_at > right.channel.created_at else left


class Record:
    """A record in the making."""

    __slots__ = (
        "_party_b",
        "answer",
        "application",
        "bridge",
        "context",
        "data",
        "dialed",
        "disabled",
        "disabled_for_good",
        "disposition",
        "end",
        "exten",
        "last",
        "linkedid",
        "lock_application",
        "party_a",
        "phase",
        "place",
        "rules",
        "sequence",
        "start",
        "uniqueid",
    )

    def __init__(self, party_a: Side, rules: Rules, sequence: int, now: Moment) -> None:
        channel = party_a.channel
        self.rules = rules
        self.party_a = party_a
        self._party_b: Side | None = None
        self.sequence = sequence
        self.uniqueid = channel.uniqueid
        self.linkedid = channel.linkedid
        self.context = channel.context
        self.exten = channel.exten
        self.application = ""
        self.data = ""
        self.lock_application = False
        self.place = (channel.application, channel.context, channel.exten, channel.priority)
        self.dialed = is_dialed(channel)
        """Party A was called by somebody here when the record was last about it."""
        self.bridge = ""
        self.disposition = Disposition.NULL
        self.disabled = False
        self.disabled_for_good = False
        self.answer: Moment | None = None
        self.end: Moment | None = None
        self.last = now
        self.start = now
        self.phase = Phase.SINGLE
        self.check_answer()

    @property
    def party_b(self) -> Side | None:
        """The second party, if there is one yet."""
        return self._party_b

    @party_b.setter
    def party_b(self, side: Side | None) -> None:
        self.detach()
        self._party_b = side
        if side is not None:
            side.channel.data.setdefault(_AS_B, {})[self] = None

    def detach(self) -> None:
        """What becomes of party B does not change the record any more."""
        if self._party_b is not None:
            self._party_b.channel.data.get(_AS_B, {}).pop(self, None)

    def pair(self, side: Side) -> None:
        """Somebody is party B; what was ended because nobody was goes on."""
        self.party_b = side.copy()
        self.end = None
        self.check_answer()
        if self.answer is not None:
            self.disposition = Disposition.NULL

    # ---- party A ------------------------------------------------------------------------------------

    def update_a(self, *, in_hangup: bool) -> bool:
        """Party A changed somehow; False when this record takes no part in it any more."""
        if self.phase is Phase.FINAL:
            return in_hangup and self.rules.end_before_h
        if self.phase is Phase.PENDING and self.place_changed(in_hangup):
            if self.party_b is not None:
                self.finish()
                return False
            self.phase = Phase.SINGLE
        self._base_update(in_hangup)
        return True

    def place_changed(self, in_hangup: bool) -> bool:
        """Whether party A runs another application at another place of the dialplan than when last looked at."""
        if in_hangup and self.rules.end_before_h:
            return False
        channel = self.party_a.channel
        application, context, exten, priority = self.place
        if channel.application == application or channel.application.lower().startswith("appdial"):
            return False
        return (channel.context, channel.exten, channel.priority) != (context, exten, priority)

    def _base_update(self, in_hangup: bool) -> None:
        channel = self.party_a.channel
        if in_hangup and self.rules.end_before_h:
            self.finalize()
            return
        if "subroutine" not in channel.flags or in_hangup:
            self.context, self.exten = channel.context, channel.exten
        self.place = (channel.application, channel.context, channel.exten, channel.priority)
        self.dialed = is_dialed(channel)
        name = channel.application
        if not self.lock_application and name and (not name.lower().startswith("appdial") or not self.application):
            self.application, self.data = name, channel.application_data
            if name == "Dial":
                self.lock_application = True
        self.linkedid = channel.linkedid
        self.check_answer()
        if channel.hungup:
            self.finish()

    def check_answer(self) -> None:
        """Note the answer once party A is up, unless the record has ended before."""
        if self.party_a.channel.state is State.UP and self.answer is None and self.end is None:
            self.answer = self.last

    # ---- dialling -----------------------------------------------------------------------------------

    def dial_begin(self, caller: Channel | None, peer: Channel) -> bool:
        """Somebody is called; False when this record has no room for it."""
        if self.phase is Phase.PENDING:
            self.finish()
            return False
        if self.phase is not Phase.SINGLE:
            return False
        self._base_update(in_hangup=False)
        if caller is not None and caller is self.party_a.channel:
            self.party_b = Side(peer)
            self.lock_application = True
        self.phase = Phase.DIAL
        return True

    def dial_end(self, peer: Channel, status: str) -> None:
        """A dial attempt ended."""
        if self.phase is not Phase.DIAL or (self.party_b is not None and self.party_b.channel is not peer):
            return
        self.disposition = self.of_status(status)
        if self.disposition is Disposition.ANSWERED:
            self.phase = Phase.PENDING
        else:
            self.finish()

    def of_status(self, status: str) -> Disposition:
        """The disposition that a dial status means."""
        if status == "ANSWER":
            return Disposition.ANSWERED
        if status == "BUSY":
            return Disposition.BUSY
        if status == "CANCEL":
            return Disposition.CANCEL if self.rules.cancel_disposition else Disposition.NOANSWER
        if status == "NOANSWER":
            return Disposition.NOANSWER
        if status == "CONGESTION":
            return Disposition.CONGESTION if self.rules.congestion else Disposition.FAILED
        return Disposition.FAILED

    # ---- the end ------------------------------------------------------------------------------------

    def finalize(self) -> None:
        """Set end and disposition; the record may still be taken up again."""
        if self.end is not None:
            return
        self.end = self.last
        if self.disposition is Disposition.NULL:
            if self.answer is not None:
                self.disposition = Disposition.ANSWERED
            elif self.party_a.channel.hangup_cause:
                self._of_cause(self.party_a.channel.hangup_cause)
            elif self.party_b is not None and self.party_b.channel.hangup_cause:
                self._of_cause(self.party_b.channel.hangup_cause)
            else:
                self.disposition = Disposition.FAILED

    def finish(self) -> None:
        """The record is complete."""
        self.phase = Phase.FINAL
        self.finalize()

    def _of_cause(self, cause: int) -> None:
        if cause == causes.USER_BUSY:
            self.disposition = Disposition.BUSY
        elif cause == causes.NORMAL_CIRCUIT_CONGESTION:
            self.disposition = Disposition.CONGESTION if self.rules.congestion else Disposition.FAILED
        elif cause in (causes.NO_ROUTE_DESTINATION, causes.SUBSCRIBER_ABSENT):
            self.disposition = Disposition.FAILED
        elif cause in (causes.NORMAL_CLEARING, causes.NO_ANSWER):
            self.disposition = Disposition.NOANSWER

    # ---- figures ------------------------------------------------------------------------------------

    def duration(self, now: Moment) -> int:
        """Whole seconds from start to end (to now while it lasts)."""
        return int((self.end or now).clock - self.start.clock)

    def billed(self, now: Moment) -> int:
        """Whole seconds from answer to end, 0 unanswered; rounded when initiatedseconds is set."""
        if self.answer is None:
            return 0
        seconds = (self.end or now).clock - self.answer.clock
        return int(seconds + 0.5) if self.rules.initiated_seconds else int(seconds)
