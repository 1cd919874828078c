"""Manager actions for agents."""

from __future__ import annotations

from offhook.config.model import TRUE_WORDS
from offhook.modules import ActionError, ActionRequest, Syntax
from offhook.services.agents.agent import Agent
from offhook.services.agents.commands import talking_with
from offhook.services.agents.module import module
from offhook.services.agents.pool import pool_of


@module.action("Agents", ("agent",), Syntax(), see_also=("AgentLogoff",))
def agents(request: ActionRequest) -> None:
    """List all agents and what they do."""
    request.listed("Agents will follow")
    found = list(pool_of(request.pbx))
    for agent in found:
        request.event("Agents", _headers(agent))
    request.complete("AgentsComplete", len(found))


def _headers(agent: Agent) -> list[tuple[str, str]]:
    from offhook.control.manager.render import block_headers

    headers = [("Agent", agent.name), ("Name", agent.settings.fullname)]
    if agent.channel is None:
        return [*headers, ("Status", "AGENT_LOGGEDOFF")]
    if peer := talking_with(agent):
        headers += [("Status", "AGENT_ONCALL"), ("TalkingToChan", peer), ("CallStarted", str(agent.call_epoch))]
    else:
        headers.append(("Status", "AGENT_IDLE"))
    return [*headers, ("LoggedInTime", str(agent.login_epoch)), *block_headers(agent.channel)]


@module.action(
    "AgentLogoff", ("agent",), Syntax("Agent", "[Soft]", Soft="true: a call that goes on comes to its end first.")
)
def agent_logoff(request: ActionRequest) -> None:
    """Log an agent off."""
    name = request.require("Agent", "No agent specified")
    agent = pool_of(request.pbx).find(name)
    if agent is None:
        raise ActionError("No such agent")
    agent.log_off(soft=request.get("Soft").lower() in TRUE_WORDS)
    request.ok("Agent logged out")
