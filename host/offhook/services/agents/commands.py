"""What the console shows of agents and does to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from offhook.calls.devices import STATE_TEXTS
from offhook.modules import Request
from offhook.services.agents.agent import Agent
from offhook.services.agents.module import module
from offhook.services.agents.pool import pool_of

_ROW = "{:<8} {:<20} {:<11} {:<30} {}"


def _names(pbx: Any, words: list[str], _typed: str) -> Iterable[str]:
    return (agent.name for agent in pool_of(pbx)) if not words else ()


def _logoff_words(pbx: Any, words: list[str], _typed: str) -> Iterable[str]:
    if words:
        return ("soft",) if len(words) == 1 else ()
    return (agent.name for agent in pool_of(pbx) if agent.channel is not None)


def talking_with(agent: Agent) -> str:
    """The name of the channel that an agent is connected with, or ""."""
    return (agent.channel.get("BRIDGEPEER") or "") if agent.channel is not None else ""


def _list(request: Request, *, online: bool) -> None:
    if request.args:
        raise request.usage()
    agents = list(pool_of(request.pbx))
    present = [agent for agent in agents if agent.channel is not None]
    request.print(_ROW.format("Agent-ID", "Name", "State", "Channel", "Talking with"))
    for agent in present if online else agents:
        channel = agent.channel.name if agent.channel is not None else ""
        state = STATE_TEXTS[agent.state.device]
        request.print(_ROW.format(agent.name, agent.settings.fullname, state, channel, talking_with(agent)).rstrip())
    talking = sum(bool(talking_with(agent)) for agent in present)
    request.print("", f"Defined agents: {len(agents)}, Logged in: {len(present)}, Talking: {talking}")


@module.command("agent show online", "Show status of online agents")
def show_online(request: Request) -> None:
    """Show the agents who are logged in."""
    _list(request, online=True)


@module.command("agent show all", "Show status of all agents")
def show_all(request: Request) -> None:
    """Show all agents."""
    _list(request, online=False)


@module.command("agent show <agent-id>", "Show information about an agent", complete=_names)
def show(request: Request) -> None:
    """Show one agent's settings and what it does."""
    if len(request.args) != 1:
        raise request.usage()
    agent = pool_of(request.pbx).find(request.args[0])
    if agent is None:
        request.print(f"Agent '{request.args[0]}' not found")
        return
    settings = agent.settings
    request.print(
        f"Id: {agent.name}",
        f"Name: {settings.fullname}",
        f"Beep: {settings.custom_beep}",
        f"MOH: {settings.musiconhold}",
        f"RecordCalls: {'Yes' if settings.recordagentcalls else 'No'}",
        f"State: {STATE_TEXTS[agent.state.device]}",
    )
    if agent.channel is not None:
        request.print(f"LoggedInChannel: {agent.channel.name}", f"LoggedInTime: {agent.login_epoch}")
        if peer := talking_with(agent):
            request.print(f"TalkingWith: {peer}", f"CallStarted: {agent.call_epoch}")


@module.command("agent logoff <agent-id> [soft]", "Sets an agent offline", complete=_logoff_words)
def logoff(request: Request) -> None:
    """Log an agent off; with soft a call that goes on comes to its end first."""
    args = request.args
    if len(args) not in (1, 2) or (len(args) == 2 and args[1].lower() != "soft"):
        raise request.usage()
    agent = pool_of(request.pbx).find(args[0])
    if agent is not None:
        agent.log_off(soft=len(args) == 2)
        request.print(f"Logging out {args[0]}")
