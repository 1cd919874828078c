"""Collecting what a phone dials: digits against the dialplan, timers, and the codes of the phone's features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

_LONGEST = 79
NEVER = float("inf")


class Plan(Protocol):
    """What the dialplan knows of digits dialled in the phone's context."""

    def exists(self, digits: str) -> bool:
        """There is such an extension."""

    def more(self, digits: str) -> bool:
        """A longer extension could still match."""

    def possible(self, digits: str) -> bool:
        """These digits, or longer ones, can match."""

    def ignored(self, digits: str) -> bool:
        """The dial tone goes on after these (ignorepat)."""

    def parking(self, digits: str) -> bool:
        """This parks the call that is held."""


@dataclass(slots=True)
class Rules:
    """What the phone may dial. Times in seconds."""

    first_digit: float = 16.0
    next_digit: float = 8.0
    match_digit: float = 3.0
    call_waiting: bool = False
    forwarding: bool = False
    call_return: bool = False
    hide_caller_id: bool = False
    redial: bool = False
    park: bool = False
    pickup: str = "*8"
    last_caller: str = ""
    last_dialed: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on: the next digit has ``seconds``; ``tone`` (None: as it is, "": none) is heard meanwhile."""

    seconds: float
    tone: str | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """The number is complete."""

    exten: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot become a number."""


@dataclass(frozen=True, slots=True)
class Code:
    """A feature was dialled; with ``then`` the phone goes on dialling."""

    feature: str
    value: str = ""
    then: Wait | None = None


Step = Wait | Complete | Refused | Code
_RECALL = "dialrecall"
_STARRED = "678"
"""What may follow a star: *60, *67, *69, *70, *72, *73, *78, *79, *82. *0 is complete at once."""


@dataclass(slots=True)
class Collector:
    """The digits of one attempt."""

    plan: Plan
    rules: Rules
    consulting: bool = False
    """A call is held meanwhile."""
    digits: str = ""
    hidden: bool = field(default=False)
    """Whether the caller's number is to be withheld."""
    forwarding: bool = False
    call_waiting: bool = field(default=False)

    def __post_init__(self) -> None:
        self.hidden = self.rules.hide_caller_id
        self.call_waiting = self.rules.call_waiting

    def begin(self, tone: str, *, patient: bool = False) -> Wait:
        """The handset is up. ``patient``: the first digit has all the time of the world."""
        return Wait(NEVER if patient else self.rules.first_digit, tone)

    def digit(self, digit: str) -> Step:
        """A digit more."""
        self.digits += digit
        shorter = self.digits[:-1]
        if shorter and digit == "#" and not self.plan.exists(self.digits) and self.plan.exists(shorter):
            self.digits = shorter
            return self._complete()
        tone = "dial" if self.plan.ignored(self.digits) else ""
        return self._judge(tone)

    def timeout(self) -> Step:
        """No digit came in time."""
        if self.plan.exists(self.digits) and not self.plan.parking(self.digits):
            return self._complete()
        return Refused()

    def _judge(self, tone: str) -> Step:
        digits, plan = self.digits, self.plan
        if digits == "##" and self.rules.redial and not plan.exists("##"):
            return Complete(self.rules.last_dialed) if self.rules.last_dialed else Refused()
        if plan.exists(digits) and not plan.parking(digits):
            return Wait(self.rules.match_digit, tone) if plan.more(digits) else self._complete()
        found = self._code(digits)
        if found is not None:
            return found
        if not plan.possible(digits) and not self._begins_code(digits):
            return Refused()
        return Wait(self.rules.next_digit, tone) if len(digits) < _LONGEST else Refused()

    def _complete(self) -> Step:
        if not self.forwarding:
            return Complete(self.digits)
        number, self.digits, self.forwarding = self.digits, "", False
        return Code("forward", number, Wait(self.rules.first_digit, "dial"))

    def _begins_code(self, digits: str) -> bool:
        """A feature's code, or the redial sign, begins so."""
        if digits in ("*", "#") or self.rules.pickup.startswith(digits):
            return True
        return len(digits) == 2 and digits[0] == "*" and digits[1] in _STARRED

    def _again(self, feature: str, value: str = "", *, patient: bool = False) -> Code:
        """A code was carried out, a number may follow. ``patient``: it has the time of a first digit."""
        self.digits = ""
        return Code(feature, value, Wait(self.rules.first_digit if patient else self.rules.next_digit, _RECALL))

    def _code(self, digits: str) -> Step | None:
        rules = self.rules
        if digits == rules.pickup and rules.pickup:
            return Code("pickup")
        if rules.park and self.consulting and self.plan.parking(digits):
            return Code("park", digits)
        match digits:
            case "*70" if self.call_waiting:
                self.call_waiting = False
                return self._again("callwaiting", "no", patient=True)
            case "*67" if not self.hidden:
                self.hidden = True
                return self._again("hide", "yes", patient=True)
            case "*82" if self.hidden:
                self.hidden = False
                return self._again("hide", "no", patient=True)
            case "*69" if rules.call_return:
                return Code("callreturn", rules.last_caller)
            case "*78" | "*79":
                self.forwarding = False
                return self._again("dnd", "yes" if digits == "*78" else "no")
            case "*72" if rules.forwarding:
                self.forwarding = True
                self.digits = ""
                return Wait(rules.next_digit, _RECALL)
            case "*73" if rules.forwarding:
                self.forwarding = False
                return self._again("forward")
            case "*60" if rules.last_caller:
                return self._again("blacklist", rules.last_caller)
            case "*0" if self.consulting:
                return Code("flash")
        return None
