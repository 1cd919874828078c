"""All agents of the exchange, and the bridge in which they wait."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from offhook.calls.bridge import Bridge
from offhook.log import NOTICE
from offhook.services.agents.agent import Agent
from offhook.services.agents.settings import read_settings

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigError, ConfigFile

log = logging.getLogger(__name__)

_PART = "agents"


class Pool:
    """Agents by their number."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self._agents: dict[str, Agent] = {}
        self._bridge: Bridge | None = None

    def __iter__(self) -> Iterator[Agent]:
        return iter(sorted(self._agents.values(), key=lambda agent: agent.name))

    def find(self, name: str) -> Agent | None:
        """The agent of a number."""
        return self._agents.get(name)

    def bridge(self) -> Bridge:
        """Where agents wait."""
        if self._bridge is None or self._bridge.dissolved:
            self._bridge = Bridge(
                self.pbx,
                kind="agent_hold",
                creator="AgentPool",
                dissolve_on_hangup=False,
                dissolve_when_empty=False,
                holding=True,
            )
            self._bridge.data["transfer_prohibited"] = True
        return self._bridge

    def configure(self, config: ConfigFile | None) -> None:
        """Take agents.conf in; who is not in it any more is logged off."""
        errors: list[ConfigError] = []
        seen: set[str] = set()
        for section in config or ():
            if section.name.lower() == "general":
                continue
            seen.add(section.name)
            settings = read_settings(section, errors)
            agent = self._agents.get(section.name)
            if agent is None:
                self._agents[section.name] = Agent(self, section.name, settings)
                self.pbx.devices.changed(f"Agent:{section.name}")
            else:
                agent.configured = settings
        for error in errors:
            log.warning("%s", error)
        for name in self._agents.keys() - seen:
            self._dismiss(self._agents.pop(name))

    def _dismiss(self, agent: Agent) -> None:
        agent.gone = True
        if agent.channel is not None:
            log.log(
                NOTICE, "Forced logoff of agent %s(%s).  Agent no longer configured.", agent.name, agent.channel.name
            )
            agent.log_off(soft=False)
        self.pbx.devices.changed(f"Agent:{agent.name}")

    def close(self) -> None:
        """There are no agents any more."""
        for name in list(self._agents):
            self._dismiss(self._agents.pop(name))
        if self._bridge is not None:
            self._bridge.dissolve()

    def device_state(self, name: str) -> str:
        """State of the device Agent:name."""
        agent = self._agents.get(name)
        return "INVALID" if agent is None else agent.state.device


def pool_of(pbx: Pbx) -> Pool:
    """The exchange's agents."""
    found = pbx.parts.get(_PART)
    if found is None:
        found = pbx.parts[_PART] = Pool(pbx)
    assert isinstance(found, Pool)
    return found


def forget_pool(pbx: Pbx) -> None:
    """There are no agents any more."""
    pool_of(pbx).close()
    del pbx.parts[_PART]
