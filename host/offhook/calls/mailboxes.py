"""Message waiting: how many messages each mailbox is known to hold, and who wants to hear when that changes.

Whoever keeps messages (voicemail, a foreign message store, a phone that tells of its own) publishes counts; phones,
device states and manager clients listen. A mailbox is named as configuration files name it: ``1000@default``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from offhook.calls.watched_events import MessageWaiting

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx


class Count(NamedTuple):
    """What a mailbox holds."""

    new: int = 0
    old: int = 0


Watcher = Callable[[str, Count], None]


class Mailboxes:
    """The last known count of every mailbox anybody told of."""

    __slots__ = ("_counts", "_pbx", "_watchers", "on_watched")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._counts: dict[str, Count] = {}
        self._watchers: dict[str, list[Watcher]] = {}
        self.on_watched: list[Callable[[str], None]] = []
        """Called with the name of a mailbox that gets its first watcher: a store that counts on demand counts it."""

    def count(self, mailbox: str) -> Count:
        """What a mailbox holds; nothing when nobody told of it."""
        return self._counts.get(mailbox, Count())

    def publish(
        self, mailbox: str, new: int, old: int, channel: Channel | None = None, *, kept_here: bool = True
    ) -> None:
        """A mailbox holds this much now; ``channel`` is the one that changed it, if one did.

        ``kept_here`` is false when another exchange keeps the messages and only tells us.
        """
        count = self._counts[mailbox] = Count(new, old)
        self._tell(mailbox, count, MessageWaiting(mailbox, new, old, channel, kept_here))

    def drop(self, mailbox: str) -> None:
        """A mailbox is gone: nothing is known of it any more. Harmless when nobody told of it."""
        self._counts.pop(mailbox, None)

    def watch(self, mailbox: str, watcher: Watcher) -> Callable[[], None]:
        """Call watcher with name and count whenever a mailbox's count is told; returns the call that ends it."""
        if mailbox not in self._watchers:
            self._watchers[mailbox] = []
            for listener in self.on_watched:
                listener(mailbox)
        self._watchers[mailbox].append(watcher)

        def drop() -> None:
            left = self._watchers.get(mailbox, [])
            if watcher in left:
                left.remove(watcher)
            if not left:
                self._watchers.pop(mailbox, None)

        return drop

    @property
    def watched(self) -> list[str]:
        """The mailboxes that somebody watches."""
        return list(self._watchers)

    def __contains__(self, mailbox: str) -> bool:
        """Whether anybody told what it holds."""
        return mailbox in self._counts

    def __iter__(self) -> Iterator[tuple[str, Count]]:
        return iter(sorted(self._counts.items()))

    def _tell(self, mailbox: str, count: Count, event: MessageWaiting) -> None:
        self._pbx.bus.publish(event)
        for watcher in list(self._watchers.get(mailbox, ())):
            watcher(mailbox, count)
