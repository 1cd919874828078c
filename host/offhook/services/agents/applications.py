"""AgentLogin, AgentRequest, and the function AGENT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Frame
from offhook.calls.holding import KEPT
from offhook.calls.prompts import play_all
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.outcome import ApplicationError
from offhook.log import verbose
from offhook.modules import Options, Syntax
from offhook.services.agents.agent import AGENT_STATUS, Agent, State, forget_status
from offhook.services.agents.module import module
from offhook.services.agents.pool import pool_of

if TYPE_CHECKING:
    from offhook.calls.member import Member
    from offhook.dialplan.scope import Scope


@module.application(
    "AgentLogin",
    Syntax("AgentId", "[options]", options={"s": "Silent: do not tell the agent that the login worked."}),
    see_also=("AgentRequest", "Queue", "AddQueueMember"),
)
async def agent_login(channel: Channel, name: str = "", options: str = "") -> None:
    """Log an agent in, who hears music and gets calls by AgentRequest until the channel hangs up or is logged off.

    The dialplan goes on only if that fails: AGENT_STATUS is then INVALID (there is no such agent) or
    ALREADY_LOGGED_IN. AGENTACKCALL, AGENTACCEPTDTMF, AGENTAUTOLOGOFF and AGENTWRAPUPTIME go before what agents.conf
    says. CHANNEL(dtmf_features) are what the agent may do in calls, CONNECTEDLINE() what the phone shows between them.
    """
    channel.answer()
    if not name:
        raise ApplicationError("AgentLogin needs an agent: AgentLogin(AgentId[,options])")
    agent = pool_of(channel.pbx).find(name)
    if agent is None or agent.channel is not None:
        channel.set(AGENT_STATUS, "INVALID" if agent is None else "ALREADY_LOGGED_IN")
        verbose(3, "Agent '%s' %s.", name, "does not exist" if agent is None else "already logged in")
        return
    agent.log_in(channel)
    channel.flags.add(KEPT)
    try:
        if "s" not in Options(options):
            await play_all(channel, ("agent-loginok",))
        await agent.serve(channel)
    finally:
        channel.flags.discard(KEPT)
        agent.log_out()
    raise Hangup


class Calling:
    """A bridge feature of a caller: the agent hears of the call as soon as the caller is in the bridge."""

    __slots__ = ("_agent", "_bridge")

    def __init__(self, agent: Agent, bridge: Bridge) -> None:
        self._agent = agent
        self._bridge = bridge

    def joined(self, member: Member) -> None:
        """The caller is there, for the first time or in another bridge."""
        if self._agent.state is State.READY and member.bridge is self._bridge:
            member.channel.set(AGENT_STATUS, "NOT_CONNECTED")
            member.channel.indicate(Condition.RINGING)
            self._agent.call(member.channel, self._bridge)

    def frame(self, member: Member, frame: Frame) -> bool:
        """Nothing is kept back."""
        return False

    def left(self, member: Member) -> None:
        """There is nothing to give up."""


@module.application("AgentRequest", Syntax("AgentId"), see_also=("AgentLogin",))
async def agent_request(channel: Channel, name: str = "") -> None:
    """Call an agent who is logged in, and wait until the agent takes the call and it is over.

    The dialplan goes on if nothing comes of it. AGENT_STATUS: INVALID (there is no such agent), NOT_LOGGED_IN, BUSY
    (the agent has another call, or rests after one), NOT_CONNECTED (the agent did not take the call).
    """
    if not name:
        raise ApplicationError("AgentRequest needs an agent: AgentRequest(AgentId)")
    agent = pool_of(channel.pbx).find(name)
    refused = _refuses(agent)
    if agent is None or refused:
        verbose(3, "Agent '%s' cannot be called: %s", name, refused)
        channel.set(AGENT_STATUS, refused)
        return
    forget_status(channel)
    bridge = Bridge(channel.pbx)
    try:
        await bridge.join(channel, Calling(agent, bridge))
    finally:
        agent.caller_left(bridge)
        bridge.dissolve()
    if not channel.get(AGENT_STATUS):
        raise Hangup


def _refuses(agent: Agent | None) -> str:
    """Why an agent cannot be called; "" when that can be."""
    if agent is None:
        return "INVALID"
    if agent.state in (State.LOGGED_OUT, State.LEAVING):
        return "NOT_LOGGED_IN"
    return "" if agent.state is State.READY else "BUSY"


@module.function(
    "AGENT",
    Syntax("AgentId[:item]", item="status (if not said), name, mohclass, channel, fullchannel."),
    raw=True,
    see_also=("AgentLogin",),
)
def agent_function(scope: Scope, text: str = "") -> str:
    """Tell of an agent: status (LOGGEDIN or LOGGEDOUT), name, music class, or the channel.

    channel is its name without what is behind the last dash.
    """
    name, _, item = text.partition(":")
    if not name:
        raise FunctionError("AGENT needs an agent: AGENT(AgentId[:item])")
    agent = pool_of(scope.pbx).find(name)
    if agent is None:
        raise FunctionError(f"AGENT: there is no agent {name!r} in agents.conf")
    channel = agent.channel.name if agent.channel is not None else ""
    found = {
        "status": "LOGGEDIN" if channel else "LOGGEDOUT",
        "name": agent.settings.fullname,
        "mohclass": agent.settings.musiconhold,
        "channel": channel.rpartition("-")[0] or channel,
        "fullchannel": channel,
    }.get(item.lower() or "status")
    if found is None:
        raise FunctionError(f'AGENT: "{item}" is not one of status, name, mohclass, channel, fullchannel')
    return found
