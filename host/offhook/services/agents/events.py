"""Agents log in and off, for the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

LOGIN, LOGOFF = "AgentLogin", "AgentLogoff"
NAMES = (LOGIN, LOGOFF)


@dataclass(slots=True)
class AgentEvent:
    """An agent logged in or off; ``kind`` is one of NAMES, ``details`` what belongs to that kind."""

    kind: str
    channel: Channel
    details: tuple[tuple[str, str], ...]
