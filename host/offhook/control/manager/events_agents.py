"""Manager events of agents."""

from __future__ import annotations

from offhook.control.manager.permissions import AGENT
from offhook.control.manager.render import channel_block, render
from offhook.services.agents.events import NAMES, AgentEvent


@render(AgentEvent, lambda event: str(event.kind), AGENT, names=NAMES)
def agent_event(event: AgentEvent) -> str | None:
    channel = channel_block(event.channel)
    return None if channel is None else channel + "".join(f"{name}: {value}\r\n" for name, value in event.details)
