"""One agent: logged in on a channel that waits in the pool, called, connected, and back in the pool."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING

from offhook.calls.frames import Digit, Frame
from offhook.calls.holding import PARTICIPANT, Waiting
from offhook.calls.prompts import ANY_DIGIT, NoPrompt, play
from offhook.calls.requesting import connected_from
from offhook.log import verbose
from offhook.services import one_touch
from offhook.services.agents.events import LOGIN, LOGOFF, AgentEvent
from offhook.services.agents.settings import Overrides, Settings

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel
    from offhook.calls.member import Member
    from offhook.calls.party import Connected
    from offhook.services.agents.pool import Pool

log = logging.getLogger(__name__)

AGENT_STATUS = "AGENT_STATUS"


class State(Enum):
    """What an agent does; the value is the state of the device Agent:."""

    LOGGED_OUT = "UNAVAILABLE", "logged out"
    READY = "NOT_INUSE", "ready"
    ALERTED = "INUSE", "hears of a call"
    ASKED = "INUSE", "has to take the call"
    TALKING = "INUSE", "talks"
    WRAPUP = "INUSE", "rests"
    LEAVING = "INUSE", "is logged off"

    @property
    def device(self) -> str:
        """State of the device."""
        return self.value[0]


class InPool(Waiting):
    """An agent's presence in the pool: music, and digits that take a call."""

    __slots__ = ("_agent", "_typed")

    def __init__(self, agent: Agent) -> None:
        super().__init__("m", agent.settings.musiconhold)
        self._agent = agent
        self._typed = ""

    def joined(self, member: Member) -> None:
        """The agent is here (again): the next call may come, now or after a while."""
        super().joined(member)
        self._agent.arrive()

    def frame(self, member: Member, frame: Frame) -> bool:
        """Digits may take a call; nobody hears anything of somebody who waits."""
        if isinstance(frame, Digit) and frame.end:
            self.dialled(frame.digit)
        return super().frame(member, frame)

    def dialled(self, digit: str) -> None:
        """A digit: the call is taken with the last one of those that do."""
        code = self._agent.settings.acknowledged_by
        self._typed = (self._typed + digit)[-len(code) :] if code else ""
        if code and self._typed == code:
            self._agent.acknowledge()

    def forget(self) -> None:
        """What was dialled before a call came takes none."""
        self._typed = ""


class Agent:
    """An agent of agents.conf."""

    def __init__(self, pool: Pool, name: str, settings: Settings) -> None:
        self.pool = pool
        self.pbx = pool.pbx
        self.name = name
        self.configured = settings
        """By agents.conf as it is now; it counts from the next time on that the agent comes into the pool."""
        self.settings = settings
        """Those that count."""
        self.state = State.LOGGED_OUT
        self.channel: Channel | None = None
        """On which the agent is logged in."""
        self.gone = False
        """Not in agents.conf any more."""
        self.login_epoch = self.call_epoch = 0
        self._login_at = 0.0
        self._deferred = False
        """To be logged off after the present call."""
        self._overrides = Overrides()
        self._connected: Connected | None = None
        """What the agent's telephone shows between calls."""
        self._waiting: InPool | None = None
        self._call: Bridge | None = None
        """In which somebody waits for this agent."""
        self._timer: asyncio.TimerHandle | None = None

    def _become(self, state: State) -> None:
        self.state = state
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.pbx.devices.changed(f"Agent:{self.name}")

    def _later(self, seconds: float, state: State) -> None:
        self._timer = self.pbx.loop.call_later(seconds, self._time_is_up, state)

    # ---- logged in ------------------------------------------------------------------------------------

    def log_in(self, channel: Channel) -> None:
        """The agent is at this channel from now on."""
        self.channel = channel
        self._deferred = False
        self._login_at, self.login_epoch = self.pbx.now(), int(self.pbx.wall())
        self._overrides = Overrides.of(channel)
        self._connected = channel.connected.copy()

    async def serve(self, channel: Channel) -> None:
        """Be in the pool between calls until the agent is logged off; for the channel's own task."""
        verbose(2, "Agent '%s' logged in", self.name)
        self.pbx.bus.publish(AgentEvent(LOGIN, channel, (("Agent", self.name),)))
        while not (self.gone or self._deferred or self.state is State.LEAVING) and channel.alive:
            self.settings = self._overrides.over(self.configured)
            self._waiting = InPool(self)
            await self.pool.bridge().join(channel, self._waiting, role=PARTICIPANT)
            self._drop_call()
            if channel.alive and self._connected is not None:
                channel.set_connected(self._connected.copy())

    def log_out(self) -> None:
        """The agent is not at the channel any more."""
        channel, self.channel = self.channel, None
        if channel is None:
            return
        seconds = int(self.pbx.now() - self._login_at)
        self._become(State.LOGGED_OUT)
        self._drop_call()
        self._waiting = None
        details = (("Agent", self.name), ("Logintime", str(seconds)))
        self.pbx.bus.publish(AgentEvent(LOGOFF, channel, details))
        verbose(2, "Agent '%s' logged out.  Logged in for %d seconds.", self.name, seconds)

    def log_off(self, *, soft: bool) -> None:
        """Somebody wants the agent logged off: at once, or (``soft``) after the present call."""
        if self.channel is None:
            return
        if not soft:
            self.channel.request_hangup()
            return
        self._deferred = True
        if self.channel.bridge is self.pool.bridge():
            self._leave_pool(State.LEAVING)

    def arrive(self) -> None:
        """In the pool: the next call may come, after a call only when the agent has rested."""
        if self.state is State.TALKING and self.settings.wrapuptime:
            self._become(State.WRAPUP)
            self._later(self.settings.wrapuptime / 1000, State.READY)
        else:
            self._become(State.READY)

    def _leave_pool(self, state: State) -> None:
        """Out of the pool; what the agent does then, ``serve`` sees."""
        self._become(state)
        bridge = self.pool.bridge()
        if self.channel is not None and self.channel.bridge is bridge:
            bridge.remove(self.channel)

    def _time_is_up(self, state: State) -> None:
        self._timer = None
        if state is State.LEAVING:
            verbose(3, "Agent '%s' did not take the call in time", self.name)
            self._leave_pool(state)
        else:
            self._become(state)

    # ---- a call -----------------------------------------------------------------------------------------

    def call(self, caller: Channel, bridge: Bridge) -> None:
        """Somebody comes into a bridge to wait for the agent, who is ready: tell the agent."""
        assert self.channel is not None
        assert self._waiting is not None
        self._call = bridge
        self._become(State.ALERTED)
        self.channel.set_connected(connected_from(caller))
        member = self.pool.bridge().members[self.channel]
        self._waiting.stop(member)
        self._waiting.forget()
        member.perform(self._alert)

    async def _alert(self, member: Member) -> None:
        settings, code = self.settings, self.settings.acknowledged_by
        digit = ""
        try:
            digit = await play(member.channel, settings.custom_beep, code[:1] or ANY_DIGIT)
        except NoPrompt as missing:
            log.warning("agent %s: %s", self.name, missing)
        if self.state is not State.ALERTED:
            return
        if not code:
            self.pbx.loop.call_soon(self._connect)
            return
        self._become(State.ASKED)
        if settings.autologoff:
            self._later(settings.autologoff, State.LEAVING)
        if digit and self._waiting is not None:
            self._waiting.dialled(digit)

    def acknowledge(self) -> None:
        """The agent takes the call, if there is one to take."""
        if self.state is State.ASKED:
            self.pbx.loop.call_soon(self._connect)

    def _connect(self) -> None:
        channel, bridge, pool = self.channel, self._call, self.pool.bridge()
        if self.state not in (State.ALERTED, State.ASKED) or channel is None or bridge is None:
            return
        self._call = None
        member = pool.members[channel]
        assert self._waiting is not None
        member.features.remove(self._waiting)
        self._become(State.TALKING)
        self.call_epoch = int(self.pbx.wall())
        pool.move(channel, bridge)
        for caller in bridge:
            if caller is not channel and caller.alive:
                caller.stop_tones()
                caller.answer()
                forget_status(caller)
        if self.settings.recordagentcalls:
            self.pbx.spawn(one_touch.record(member), f"recording of agent {self.name}")

    def caller_left(self, bridge: Bridge) -> None:
        """Who waited for the agent is gone, or was put through. Nothing is left to do in that case."""
        if self._call is bridge:
            self._call = None
            self._leave_pool(State.READY)

    def _drop_call(self) -> None:
        """Nobody waits for the agent any longer."""
        bridge, self._call = self._call, None
        if bridge is not None:
            bridge.dissolve()


def forget_status(channel: Channel) -> None:
    """There is no AGENT_STATUS any more."""
    if channel.variables.pop(AGENT_STATUS) is not None:
        channel.announce_variable(AGENT_STATUS, "")
