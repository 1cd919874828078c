"""What happens in queues, for the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

JOIN, LEAVE, ABANDON = "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"
STATUS, ADDED, REMOVED = "QueueMemberStatus", "QueueMemberAdded", "QueueMemberRemoved"
PAUSE, PENALTY, RINGINUSE = "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse"
CALLED, CONNECT, COMPLETE = "AgentCalled", "AgentConnect", "AgentComplete"
DUMP, NO_ANSWER = "AgentDump", "AgentRingNoAnswer"

Details = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class CallerEvent:
    """A caller joins, leaves or gives up."""

    kind: str
    channel: Channel
    details: Details


@dataclass(slots=True)
class MemberEvent:
    """Something of a member changed."""

    kind: str
    details: Details


@dataclass(slots=True)
class AgentEvent:
    """A member is called for a caller, or what came of it."""

    kind: str
    caller: Channel
    agent: Channel
    details: Details


CALLER_NAMES = (JOIN, LEAVE, ABANDON)
MEMBER_NAMES = (STATUS, ADDED, REMOVED, PAUSE, PENALTY, RINGINUSE)
AGENT_NAMES = (CALLED, CONNECT, COMPLETE, DUMP, NO_ANSWER)
