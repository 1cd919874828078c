"""What a channel waits for that another one can go on with in its place, when it is transferred there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

SUCCESSION = "succession"
"""Key in a channel's data of what it waits for, as long as it does."""


class Succession(Protocol):
    """Calls that ring, a place in a queue."""

    def hand_over(self, heir: Channel) -> None:
        """Another channel runs the same application next, and goes on with this there."""


def hand_over(channel: Channel, heir: Channel) -> None:
    """Have another channel go on with what a channel waits for, if it waits."""
    waiting: Succession | None = channel.data.get(SUCCESSION)
    if waiting is not None:
        waiting.hand_over(heir)
