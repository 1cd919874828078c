"""Manager events of call queues."""

from __future__ import annotations

from offhook.control.manager.permissions import AGENT
from offhook.control.manager.render import channel_block, render
from offhook.services.queues.events import (
    AGENT_NAMES,
    CALLER_NAMES,
    MEMBER_NAMES,
    AgentEvent,
    CallerEvent,
    Details,
    MemberEvent,
)


def _lines(details: Details) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in details)


@render(CallerEvent, lambda event: str(event.kind), AGENT, names=CALLER_NAMES)
def caller_event(event: CallerEvent) -> str | None:
    channel = channel_block(event.channel)
    return None if channel is None else channel + _lines(event.details)


@render(MemberEvent, lambda event: str(event.kind), AGENT, names=MEMBER_NAMES)
def member_event(event: MemberEvent) -> str:
    return _lines(event.details)


@render(AgentEvent, lambda event: str(event.kind), AGENT, names=AGENT_NAMES)
def agent_event(event: AgentEvent) -> str | None:
    caller, agent = channel_block(event.caller), channel_block(event.agent, "Dest")
    return None if caller is None or agent is None else caller + agent + _lines(event.details)
