"""The waiting line: who waits in a queue, in which order, and how long."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.log import NOTICE
from offhook.services.queues.moments import Moment
from offhook.services.queues.penalties import Penalties

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Entry:
    """A caller in line."""

    channel: Channel
    begun: Moment
    priority: int = 0
    penalties: Penalties = field(default_factory=Penalties)
    expires: float | None = None
    """Monotonic seconds when the caller has waited enough; None is never."""
    position: int = 0
    """From 1 on; the last one it had when it has left."""
    first_position: int = 0
    ringing: bool = False
    """Members are called for it."""
    linear: int = 0
    """Where in the members the strategy linear goes on."""
    linear_more: bool = False
    """Members follow there."""
    withdrawn: str | None = None
    """Somebody wants it out of the line, with this to say about it."""

    @property
    def waited(self) -> int:
        """Whole seconds since it came."""
        return int(self.channel.pbx.now() - self.begun.at)

    @property
    def expired(self) -> bool:
        """Whether it has waited enough."""
        return self.expires is not None and self.channel.pbx.now() >= self.expires


class Line:
    """Entries by priority, and those of one priority as they came."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def join(self, entry: Entry, wanted: int = 0) -> None:
        """Take a caller in, at a ``wanted`` position if nobody of a higher priority has to be passed for that."""
        at = len(self.entries)
        for index, other in enumerate(self.entries):
            outranks = entry.priority > other.priority
            if outranks or (wanted and entry.priority >= other.priority and wanted <= index + 1):
                at = index
                break
        self.entries.insert(at, entry)
        self._number()
        entry.first_position = entry.position
        if wanted and wanted < entry.position:
            log.log(
                NOTICE,
                "%s asked for position %d and got %d: callers of higher priority are before it",
                entry.channel.name,
                wanted,
                entry.position,
            )

    def leave(self, entry: Entry) -> bool:
        """Take a caller out, who keeps its position; False when it is not in line."""
        if entry not in self.entries:
            return False
        self.entries.remove(entry)
        self._number()
        return True

    def reorder(self, entry: Entry) -> None:
        """Its priority is another one: put it where it belongs now."""
        self.entries.remove(entry)
        at = next(
            (index for index, other in enumerate(self.entries) if entry.priority > other.priority), len(self.entries)
        )
        self.entries.insert(at, entry)
        self._number()

    def find(self, name: str) -> Entry | None:
        """The caller whose channel has that name."""
        return next((entry for entry in self.entries if entry.channel.name == name), None)

    def turn(self, entry: Entry, available: int, *, only_first: bool) -> bool:
        """Whether members may be called for it, when so many can take a call.

        Those before it for whom somebody rings already need none of them.
        """
        if only_first and entry.position != 1:
            return False
        before = 0
        for other in self.entries:
            if other is entry:
                return before < available
            before += not other.ringing
        return False

    def _number(self) -> None:
        for index, entry in enumerate(self.entries):
            entry.position = index + 1

    def __len__(self) -> int:
        return len(self.entries)
