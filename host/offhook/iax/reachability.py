"""Whether a peer is there, and how far away (RFC 5456 6.7.1): POKE and PONG, again and again."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from offhook.iax.elements import Address, Elements
from offhook.iax.frames import Command, FullFrame

if TYPE_CHECKING:
    from offhook.iax.association import Association
    from offhook.iax.exchange import Exchange, Timer

MOST_MS = 2000
FREQUENCY_OK_MS, FREQUENCY_NOT_OK_MS = 60000, 10000


class Reach(Enum):
    """How a peer was found last; values are what PeerStatus says."""

    UNKNOWN = "Unknown"
    REACHABLE = "Reachable"
    LAGGED = "Lagged"
    UNREACHABLE = "Unreachable"


class Asker(Protocol):
    """Who wants to know."""

    def found(self, reachability: Reachability, reach: Reach, *, changed: bool) -> None:
        """A question was answered, or was not."""


class Reachability:
    """The questions to one peer. Times in ms; ``last`` -1: it did not answer, 0: nobody asked yet."""

    def __init__(self, exchange: Exchange, asker: Asker) -> None:
        self.exchange = exchange
        self.asker = asker
        self.most = MOST_MS
        self.smoothing = False
        self.frequency_ok = FREQUENCY_OK_MS
        self.frequency_not_ok = FREQUENCY_NOT_OK_MS
        self.last = 0
        self.history = 0
        self.reach = Reach.UNKNOWN
        self._address: Address | None = None
        self._local = 0
        self._association: Association | None = None
        self._timer: Timer | None = None

    def ask(self, address: Address, local: int, now: float) -> None:
        """Ask this address now, and go on asking."""
        self._address, self._local = address, local
        self._ask(now)

    def stop(self, now: float) -> None:
        """Ask no more."""
        self._address = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._drop(now)

    def _drop(self, now: float) -> None:
        association, self._association = self._association, None
        if association is not None:
            association.role = None
            association.end(now)

    def _ask(self, now: float) -> None:
        self._drop(now)
        if self._address is None:
            return
        association = self.exchange.begin(self._address, self._local, now)
        if association is None:
            self._later(self.frequency_not_ok, now)
            return
        self._association = association
        association.role = self
        association.round_trip = self.most / 1000 / 4 + 0.001
        association.command(Command.POKE, None, now)
        patience = self.most * 2 if self.last >= 0 else self.frequency_not_ok
        self._later(patience, now, self._unanswered)

    def _later(self, ms: int, now: float, what: object = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        ring = what if callable(what) else self._ask
        self._timer = self.exchange.after(ms / 1000, ring, now)

    def _unanswered(self, now: float) -> None:
        changed = self.reach is not Reach.UNREACHABLE
        self.last = self.history = -1
        self.reach = Reach.UNREACHABLE
        self._drop(now)
        self._later(self.frequency_not_ok, now)
        self.asker.found(self, self.reach, changed=changed)

    # ---- what comes (Role) --------------------------------------------------------------------------------------

    def received(self, frame: FullFrame, elements: Elements, now: float) -> None:
        """See Role."""
        association = self._association
        if frame.subclass != Command.PONG or association is None:
            return
        ms = max(1, association.elapsed(now) - frame.time)
        association.acknowledge_now(frame, now)
        self._drop(now)
        self.last = ms
        self.history = (ms + max(0, self.history)) // 2 if self.smoothing else ms
        reach = Reach.REACHABLE if self.history <= self.most else Reach.LAGGED
        changed, self.reach = reach is not self.reach, reach
        self._later(self.frequency_ok if reach is Reach.REACHABLE else self.frequency_not_ok, now)
        self.asker.found(self, reach, changed=changed)

    def keyed(self) -> None:
        """See Role."""

    def lost(self, now: float) -> None:
        """See Role."""
        self._association = None

    def invalid(self, now: float) -> None:
        """See Role."""
        self._association = None

    def finished(self, now: float) -> None:
        """See Role."""
        self._association = None
