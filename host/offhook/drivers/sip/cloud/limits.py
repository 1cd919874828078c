"""What a trunk may be used for: calls at once, calls a minute, destinations, money a day. No clock, no files."""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one trunk; 0 and () are none."""

    calls: int = 0
    a_minute: int = 0
    allowed: tuple[str, ...] = ()
    """Patterns of numbers, ``*`` for anything; () allows all."""
    denied: tuple[str, ...] = ()
    """Counts before ``allowed``."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """A minute's price by the beginning of the number; the longest that fits counts."""
    spend: float = 0.0
    """Most that a day may cost."""


class Meter:
    """Counts the use of one trunk against its limits. Times are monotonic seconds, days the caller's own."""

    def __init__(self, limits: Limits, day: str = "", spent: float = 0.0) -> None:
        self.limits = limits
        self.day = day
        self.spent = spent
        self.refused = 0
        self._running: dict[object, tuple[str, float | None]] = {}
        """Call -> (number, when it was answered)."""
        self._starts: deque[float] = deque()

    @property
    def calls(self) -> int:
        """Calls that go on."""
        return len(self._running)

    def price(self, number: str) -> float:
        """What a minute to a number costs, 0.0 when no price fits."""
        fits = [prefix for prefix in self.limits.prices if number.startswith(prefix)]
        return self.limits.prices[max(fits, key=len)] if fits else 0.0

    def why_not(self, number: str, day: str, now: float) -> str:
        """Why a call to a number may not be made now, "" when it may."""
        reason = self._why_not(number, day, now)
        self.refused += bool(reason)
        return reason

    def _why_not(self, number: str, day: str, now: float) -> str:
        limits = self.limits
        if any(fnmatch.fnmatchcase(number, pattern) for pattern in limits.denied):
            return f"calls to {number} are denied"
        if limits.allowed and not any(fnmatch.fnmatchcase(number, pattern) for pattern in limits.allowed):
            return f"calls to {number} are not among those allowed"
        if limits.calls and self.calls >= limits.calls:
            return f"{self.calls} calls go on already"
        while self._starts and now - self._starts[0] >= 60:
            self._starts.popleft()
        if limits.a_minute and len(self._starts) >= limits.a_minute:
            return f"{len(self._starts)} calls were begun within a minute"
        self._turn(day)
        if limits.spend and self.price(number) and self.cost(now) >= limits.spend:
            return f"{self.cost(now):.2f} were spent today, the limit is {limits.spend:.2f}"
        return ""

    def _turn(self, day: str) -> None:
        if day != self.day:
            self.day, self.spent = day, 0.0

    def begun(self, call: object, number: str, now: float, *, outgoing: bool) -> None:
        """A call begins; only outgoing ones cost and count for the rate."""
        self._running[call] = (number if outgoing else "", None)
        if outgoing:
            self._starts.append(now)

    def answered(self, call: object, now: float) -> None:
        """It was answered: from now on it costs."""
        if call in self._running:
            self._running[call] = (self._running[call][0], now)

    def ended(self, call: object, day: str, now: float) -> float:
        """It is over; what it cost. Begun minutes count as whole ones."""
        number, since = self._running.pop(call, ("", None))
        self._turn(day)
        cost = self._cost_of(number, since, now)
        self.spent += cost
        return cost

    def _cost_of(self, number: str, since: float | None, now: float) -> float:
        price = self.price(number) if number and since is not None else 0.0
        return price * -((now - since) // -60) if since is not None else 0.0

    def cost(self, now: float) -> float:
        """What today cost up to now, calls that go on included."""
        return self.spent + sum(self._cost_of(number, since, now) for number, since in self._running.values())

    def overspent(self, now: float) -> list[object]:
        """The calls to end now, because what goes on has reached the day's limit."""
        if not self.limits.spend or self.cost(now) <= self.limits.spend:
            return []
        return [call for call, (number, since) in self._running.items() if self._cost_of(number, since, now)]
