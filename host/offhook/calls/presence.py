"""Whether people are there, as they or somebody for them say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from offhook.calls.watched_events import PresenceStateChange

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

STATES = ("not_set", "unavailable", "available", "away", "xa", "chat", "dnd")
Report = tuple[str, str, str]
"""State, subtype, message."""

UNKNOWN: Report = ("not_set", "", "")
_WEIGHT = {
    word: place for place, word in enumerate(("not_set", "available", "unavailable", "chat", "away", "xa", "dnd"))
}
"""Which state wins where several presentities stand for one extension."""


class Presence:
    """The presence of people, asked of whoever provides it by the prefix of the name."""

    __slots__ = ("_known", "_pbx", "providers")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self.providers: dict[str, Callable[[str], Report | None]] = {}
        """By lower-case prefix ("custompresence"): asked with the rest of the name."""
        self._known: dict[str, Report] = {}

    def state(self, presentity: str) -> Report | None:
        """What is known of one; None when nobody knows such a one."""
        prefix, _, rest = presentity.partition(":")
        provider = self.providers.get(prefix.lower())
        return provider(rest) if provider is not None else None

    def combined(self, presentities: Iterable[str]) -> Report:
        """What several make together: the report whose state weighs most; UNKNOWN when nobody knows any."""
        reports = [report for each in presentities if (report := self.state(each)) is not None]
        return max(reports, key=lambda report: _WEIGHT.get(report[0], 0), default=UNKNOWN)

    def publish(self, presentity: str, report: Report) -> None:
        """Somebody's presence is this now: tell the bus if it changed."""
        if self._known.get(presentity) != report:
            self._known[presentity] = report
            self._pbx.bus.publish(PresenceStateChange(presentity, *report))

    def known(self) -> Iterator[tuple[str, Report]]:
        """Everybody whose presence was told so far."""
        return iter(sorted(self._known.items()))
