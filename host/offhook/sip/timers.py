"""One heap for everything that is timed: transactions, reliable provisionals, sessions, subscriptions."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .events import Event


class Timed(Protocol):
    """Something with a timer. `entry` is the heap's own note: set it to None at first and leave it alone."""

    entry: list[object] | None

    @property
    def next_timer(self) -> float | None: ...

    def timer(self, now: float) -> list[Event]: ...


class TimerHeap:
    """Wakes each Timed at its `next_timer`.

    A Timed has one entry. Moving its time later costs nothing: the entry wakes early and is put back.
    """

    __slots__ = ("_heap", "_order", "earliest")

    def __init__(self) -> None:
        self.earliest = inf
        """Nothing is due before; it may turn out that nothing is due then either."""
        self._heap: list[list[object]] = []  # [when, order, Timed or None when cancelled]
        self._order = count()

    def __len__(self) -> int:
        return sum(1 for entry in self._heap if entry[2] is not None)

    def put(self, timed: Timed) -> None:
        """Schedule `timed`, or take note that its next_timer has changed (None: cancel)."""
        entry = timed.entry
        due = timed.next_timer
        if entry is not None:
            if due is not None and entry[0] <= due:  # type: ignore[operator]
                return
            entry[2] = None
            timed.entry = None
        if due is not None:
            entry = [due, next(self._order), timed]
            timed.entry = entry
            heappush(self._heap, entry)
            if due < self.earliest:
                self.earliest = due

    def remove(self, timed: Timed) -> None:
        """Cancel."""
        entry = timed.entry
        if entry is not None:
            entry[2] = None
            timed.entry = None

    @property
    def next(self) -> float | None:
        """When something is due next (it may turn out to be a cancelled or postponed timer)."""
        heap = self._heap
        while heap:
            if heap[0][2] is not None:
                return heap[0][0]  # type: ignore[return-value]
            heappop(heap)
        return None

    def pop(self, now: float) -> Timed | None:
        """Take out one Timed that is due at `now`; put() it again after acting."""
        heap = self._heap
        while heap:
            when, _, timed = heap[0]
            if timed is None:
                heappop(heap)
                continue
            if when > now:  # type: ignore[operator]
                self.earliest = when  # type: ignore[assignment]
                return None
            heappop(heap)
            assert timed is not None
            due: Timed = timed  # type: ignore[assignment]
            due.entry = None
            at = due.next_timer
            if at is not None and at <= now:
                return due
            self.put(due)
        self.earliest = inf
        return None
