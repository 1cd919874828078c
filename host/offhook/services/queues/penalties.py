"""Penalties of one caller: which members may take the call, and how that changes with the time it waits."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.dialplan.arguments import integer

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.services.queues.rules import Change, Rule

log = logging.getLogger(__name__)

MAX, MIN, RAISE = "QUEUE_MAX_PENALTY", "QUEUE_MIN_PENALTY", "QUEUE_RAISE_PENALTY"


@dataclass(slots=True)
class Penalties:
    """Members below ``lowest`` or above ``highest`` do not get the call; None is no limit."""

    highest: int | None = None
    lowest: int | None = None
    raised: int | None = None
    """Smaller penalties count as this."""
    respects_lowest: bool = False
    """But not those below ``lowest``."""
    changes: list[Change] = field(default_factory=list)
    """What is still to come, by time."""

    @classmethod
    def of(cls, channel: Channel) -> Penalties:
        """What the channel's variables say; those that are no numbers are told in the log."""
        raised = channel.get(RAISE)
        respects = raised is not None and raised.startswith("r")
        return cls(
            _number(channel, MAX, channel.get(MAX)),
            _number(channel, MIN, channel.get(MIN)),
            _number(channel, RAISE, raised.removeprefix("r") if raised is not None else None),
            respects,
        )

    def effective(self, penalty: int) -> int | None:
        """The penalty that counts for this caller; None when the member does not get the call."""
        below = self.lowest is not None and penalty < self.lowest
        if self.raised is not None and penalty < self.raised and not (self.respects_lowest and below):
            penalty = self.raised
        if (self.highest is not None and penalty > self.highest) or (self.lowest is not None and penalty < self.lowest):
            return None
        return penalty

    def follow(self, rule: Rule | None) -> None:
        """Change with a rule from now on."""
        self.changes = list(rule.changes) if rule is not None else []

    def advance(self, channel: Channel, waited_s: float) -> None:
        """Make the changes that are due after waiting so long, and tell them in the channel's variables."""
        while self.changes and waited_s >= self.changes[0].after_s:
            self._change(channel, self.changes.pop(0))

    def _change(self, channel: Channel, change: Change) -> None:
        """Only what the dialplan has set is changed."""
        top: int | None = None
        if self.highest is not None:
            top = self.highest = change.highest.applied(self.highest)
            channel.set(MAX, str(top))
        if self.lowest is not None:
            self.lowest = _capped(change.lowest.applied(self.lowest), top)
            channel.set(MIN, str(self.lowest))
        if self.raised is not None:
            self.raised = _capped(change.raised.applied(self.raised), top)
            self.respects_lowest = change.respects_lowest
            channel.set(RAISE, f"{'r' if change.respects_lowest else ''}{self.raised}")


def _capped(value: int, top: int | None) -> int:
    return value if top is None else min(value, top)


def _number(channel: Channel, name: str, text: str | None) -> int | None:
    if text is None:
        return None
    found = integer(text)
    if found is None:
        log.warning("%s: %s=%s is no number; it has no effect", channel.name, name, text)
    return found
