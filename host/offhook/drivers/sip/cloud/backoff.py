"""How long to wait before the next attempt: longer each time, never for two boxes the same, short again on news."""

from __future__ import annotations

import random
from typing import Final

FIRST_S: Final = 0.5
NO_WAY_S: Final = 3.0
"""Longest wait while no packet gets through: a dead WAN costs nobody anything, and its return is seen soon."""
PATIENT_AFTER_S: Final = 600.0
REFUSED_S: Final = 60.0
"""Longest wait while a server answers, but not as wished: it may be ill, and a thousand boxes ask it."""
HOPELESS_S: Final = 300.0
"""Wait after an answer that asking again does not change: wrong password, no such account."""
HOPELESS: Final = frozenset((401, 403, 404, 407))


class Backoff:
    """Waits between attempts to reach one server. Times are monotonic seconds."""

    __slots__ = ("_dice", "_failing_since", "attempts")

    def __init__(self, dice: random.Random | None = None) -> None:
        self._dice = dice or random.Random()
        self._failing_since: float | None = None
        self.attempts = 0
        """Failures in a row."""

    def succeeded(self) -> None:
        """It works: the next failure begins with a short wait."""
        self.attempts = 0
        self._failing_since = None

    def news(self) -> None:
        """Something changed that may have been the cause: the network is another one now."""
        self.succeeded()

    def after(self, status: int, now: float) -> float:
        """Seconds to wait after a failure: the answer's status, 0 when none came.

        Half of it is certain, the other half is thrown with dice (between equal boxes "full jitter" would at times
        be no wait at all).
        """
        if self._failing_since is None:
            self._failing_since = now
        self.attempts += 1
        if status in HOPELESS:
            longest = HOPELESS_S
            wait = longest
        else:
            patient = now - self._failing_since > PATIENT_AFTER_S
            longest = REFUSED_S if status or patient else NO_WAY_S
            wait = min(longest, FIRST_S * 2.0 ** min(self.attempts - 1, 10))
        return wait * (0.5 + 0.5 * self._dice.random())
