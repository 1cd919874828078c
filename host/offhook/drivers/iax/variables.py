"""Remote variables: what IAXVAR() sets goes along with calls to other exchanges, and what comes along it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.channel import INHERITED

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

VARIABLES = "iax variables"
"""Key of what a channel hands down to those called from it: names and values, for the far end."""


def variables_of(channel: Channel) -> dict[str, str]:
    """Remote variables that go along with calls from a channel."""
    kept = channel.data.get(INHERITED, {}).get(VARIABLES, [])
    return dict(kept)


def keep(channel: Channel, variables: dict[str, str]) -> None:
    """Add remote variables to a channel's."""
    kept = variables_of(channel) | variables
    channel.data.setdefault(INHERITED, {})[VARIABLES] = list(kept.items())
