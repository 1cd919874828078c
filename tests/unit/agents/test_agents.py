"""Agents log in, wait, and get calls. In simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from offhook.apps import flow, mixmonitor, monitors
from offhook.calls import causes, events
from offhook.calls.channel import Channel, State
from offhook.calls.party import Caller, Party
from offhook.calls.transfer import blind_transfer
from offhook.config.parser import loads
from offhook.config.paths import Paths
from offhook.dialplan.scope import scope_of
from offhook.modules.action import ActionError, ActionRequest
from offhook.modules.command import CommandError, Request
from offhook.services.agents import module as agent_module
from offhook.services.agents.events import AgentEvent
from offhook.services.agents.pool import Pool, pool_of
from offhook.services.queues import module as queue_module
from offhook.services.queues.queues import queues_of
from support.call_exchange import Exchange, press
from support.leaping_loop import LeapingLoop

PLAN = """
[phones]
exten => login,1,AgentLogin(1001)
 same => n,UserEvent(After,Status: ${AGENT_STATUS})
exten => silent,1,AgentLogin(1001,s)
exten => keen,1,Set(AGENTACKCALL=yes)
 same => n,Set(AGENTACCEPTDTMF=*1)
 same => n,Set(AGENTAUTOLOGOFF=5)
 same => n,Set(AGENTWRAPUPTIME=2000)
 same => n,AgentLogin(1001)
exten => nobody,1,AgentLogin(9999)
 same => n,UserEvent(After,Status: ${AGENT_STATUS})
exten => _1XXX,1,AgentRequest(${EXTEN})
 same => n,UserEvent(After,Status: ${AGENT_STATUS})
exten => queue,1,Queue(q)
exten => via,1,Dial(Local/1001@phones,10)
exten => away,1,UserEvent(Away)
 same => n,Wait(5)
exten => _w.,1,Wait(600)
"""
CONFIG = "[general]\n[1001]\nfullname = Ann Agent\n[1002]\nwrapuptime = 3000\n"
QUEUES = "[q]\nringinuse = no\nmember = Local/1001@phones,,Ann,Agent:1001\n"


class House:
    """An exchange with agents."""

    def __init__(self, folder: Path, config: str) -> None:
        (folder / "queues.conf").write_text(QUEUES)
        for prompt in ("beep", "agent-loginok"):
            (folder / f"{prompt}.ulaw").write_bytes(bytes(160))
        self.folder = folder
        self.exchange = Exchange(folder)
        self.pbx = self.exchange.pbx
        self.pbx.engine.playback_s = 1.0  # type: ignore[attr-defined]
        self.pbx.paths = Paths(str(folder / "asterisk.conf"))
        self.pbx.paths.monitor = str(folder)
        for source in (flow, mixmonitor, agent_module, queue_module):
            self.exchange.load(source)
        self.exchange.dialplan(PLAN)
        self.configure(config)
        self.pbx.devices.providers["agent"] = self.pool.device_state

    def configure(self, config: str) -> None:
        """agents.conf is this from now on."""
        self.pool.configure(loads(config, "agents.conf"))

    @property
    def pool(self) -> Pool:
        """All agents."""
        return pool_of(self.pbx)

    def state(self, name: str = "1001") -> str:
        """State of the agent's device."""
        return str(self.pbx.devices.state(f"Agent:{name}"))

    def call(self, number: str, exten: str) -> Channel:
        """A telephone calls."""
        media = self.pbx.engine.null_leg()
        phone = Channel(self.pbx, f"Phone/{number}-0001", state=State.RING, media=media, context="phones", exten=exten)
        phone.caller = Caller(id=Party.of(number))
        phone.start_pbx()
        return phone

    async def log_in(self, exten: str = "login") -> Channel:
        """Ann logs in, and waits."""
        phone = self.call("ann", exten)
        await asyncio.sleep(2)
        assert self.state() == "NOT_INUSE"
        return phone

    def statuses(self) -> list[str]:
        """AGENT_STATUS of everybody whose dialplan went on."""
        return [
            dict(event.headers)["Status"] for event in self.exchange.heard(events.UserEvent) if event.name == "After"
        ]

    def told(self) -> list[tuple[str, dict[str, str]]]:
        """Events of agents."""
        return [(event.kind, dict(event.details)) for event in self.exchange.heard(AgentEvent)]

    def command(self, line: str) -> str:
        """A command of the console; what it prints, or says in refusing."""
        words = line.split()
        entry = max(
            (one for one in agent_module.module.commands if tuple(words[: len(one.words)]) == one.words),
            key=lambda one: len(one.words),
        )
        request = Request(self.pbx, line, words, words[len(entry.words) :])
        try:
            entry.run(request)
        except CommandError as error:
            return f"refused: {error}"
        return request.text()

    def action(self, name: str, **headers: str) -> ActionRequest:
        """A manager action."""
        request = ActionRequest(self.pbx, name, list(headers.items()), None)
        next(one for one in agent_module.module.actions if one.name == name).run(request)
        return request


def story(folder: Path, tell: Callable[[House], Awaitable[None]], config: str = CONFIG) -> House:
    """Tell a story in simulated time; afterwards nothing of any call is left."""
    loop = LeapingLoop(settle=0.0)

    async def run() -> House:
        house = House(folder, config)
        broken: list[Any] = []
        loop.set_exception_handler(lambda _, context: broken.append(context))
        await tell(house)
        for channel in house.pbx.channels:
            channel.request_hangup()
        await asyncio.sleep(1)
        agent_module.forget(house.pbx)
        await house.exchange.quiet()
        assert not broken, broken[0]
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        await house.pbx.end_tasks()
        return house

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


async def hang_up(phone: Channel) -> None:
    """A party hangs up."""
    phone.far_end_hangup(causes.NORMAL_CLEARING)
    await asyncio.sleep(0.1)


def test_a_day_of_an_agent(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        assert house.state() == "UNAVAILABLE"
        agent = await house.log_in()
        assert agent.bridge is not None
        assert (agent.bridge.kind, agent.bridge.technology) == ("agent_hold", "holding_bridge")
        for number in ("55", "56"):
            caller = house.call(number, "1001")
            await asyncio.sleep(0.5)
            assert house.state() == "INUSE"
            assert caller.state is not State.UP, "the caller is not answered before the agent is"
            assert agent.connected.id.number.text == number
            await asyncio.sleep(1)
            assert caller.bridge is agent.bridge
            assert caller.state is State.UP
            await asyncio.sleep(10)
            await hang_up(caller)
            assert house.state() == "NOT_INUSE"
            assert not agent.connected.id.number.valid
        await hang_up(agent)
        assert house.state() == "UNAVAILABLE"

    house = story(tmp_path, tell)
    assert house.told() == [("AgentLogin", {"Agent": "1001"}), ("AgentLogoff", {"Agent": "1001", "Logintime": "25"})]
    assert house.statuses() == []


def test_the_agent_ends_a_call_by_a_transfer(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        caller = house.call("55", "1001")
        await asyncio.sleep(3)
        blind_transfer(agent, "phones", "away")
        await asyncio.sleep(1)
        assert (caller.exten, house.state()) == ("away", "NOT_INUSE")
        assert agent.bridge is house.pool.bridge()

    story(tmp_path, tell)


def test_an_agent_who_has_to_take_calls(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in("keen")
        press(agent, "*1")
        caller = house.call("55", "1001")
        await asyncio.sleep(3)
        assert caller.bridge is not agent.bridge, "what is dialled before the call takes none"
        press(agent, "**1")
        await asyncio.sleep(0.1)
        assert caller.bridge is agent.bridge
        await hang_up(caller)
        assert house.state() == "INUSE"
        house.call("56", "1001")
        await asyncio.sleep(1)
        assert house.statuses() == ["BUSY"]
        await asyncio.sleep(1.2)
        assert house.state() == "NOT_INUSE"
        house.call("57", "1001")
        await asyncio.sleep(0.5)
        press(agent, "*")  # breaks off the beep, and counts
        await asyncio.sleep(0.1)
        press(agent, "1")
        await asyncio.sleep(0.1)
        assert house.pool.find("1001").call_epoch  # type: ignore[union-attr]
        assert agent.bridge is not house.pool.bridge()

    story(tmp_path, tell)


def test_who_does_not_take_the_call_is_logged_off(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in("keen")
        house.call("55", "1001")
        await asyncio.sleep(5.5)
        press(agent, "1")
        await asyncio.sleep(1)
        assert agent.hungup
        assert house.state() == "UNAVAILABLE"

    house = story(tmp_path, tell)
    assert [kind for kind, _ in house.told()] == ["AgentLogin", "AgentLogoff"]
    assert house.statuses() == ["NOT_CONNECTED"]


@pytest.mark.parametrize("exten", ["login", "keen"])
def test_a_caller_who_does_not_wait_leaves_the_agent_ready(tmp_path: Path, exten: str) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in(exten)
        for wait in (0.5, 0.0):
            caller = house.call("55", "1001")
            await asyncio.sleep(wait)
            await hang_up(caller)
            assert house.state() == "NOT_INUSE"
        await asyncio.sleep(10)
        assert agent.bridge is house.pool.bridge()

    story(tmp_path, tell)


def test_an_agent_who_hangs_up_on_the_beep(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        house.call("55", "1001")
        await asyncio.sleep(0.5)
        await hang_up(agent)

    assert story(tmp_path, tell).statuses() == ["NOT_CONNECTED"]


def test_what_cannot_be(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        house.call("x", "nobody")
        house.call("y", "1999")
        house.call("z", "1001")
        await asyncio.sleep(1)
        await house.log_in()
        house.call("another", "login")
        await asyncio.sleep(1)

    house = story(tmp_path, tell)
    assert house.statuses() == ["INVALID", "INVALID", "NOT_LOGGED_IN", "ALREADY_LOGGED_IN"]


@pytest.mark.parametrize("soft", [False, True])
def test_logging_off(tmp_path: Path, soft: bool) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        caller = house.call("55", "1001")
        await asyncio.sleep(3)
        assert house.command(f"agent logoff 1001{' soft' if soft else ''}") == "Logging out 1001\n"
        await asyncio.sleep(1)
        assert agent.hungup != soft
        await hang_up(caller)
        assert agent.hungup

    story(tmp_path, tell)


def test_logging_off_who_waits(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        assert house.action("AgentLogoff", Agent="1001", Soft="true").response[0] == ("Response", "Success")
        await asyncio.sleep(0.1)
        assert agent.hungup
        with pytest.raises(ActionError, match="No such agent"):
            house.action("AgentLogoff", Agent="9")

    story(tmp_path, tell)


def test_calls_are_recorded_if_that_is_wanted(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        await house.log_in()
        caller = house.call("55", "1001")
        await asyncio.sleep(3)
        await house.exchange.until(lambda: bool(monitors.monitors(caller)), 100_000)

    story(tmp_path, tell, "[1001]\nrecordagentcalls = yes\n")


def test_another_agents_conf(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        house.configure("[1001]\nackcall = yes\nfullname = Anna\n")
        assert house.state("1002") == "INVALID"
        caller = house.call("55", "1001")
        await asyncio.sleep(2)
        await hang_up(caller)
        caller = house.call("55", "1001")
        await asyncio.sleep(2)
        assert caller.bridge is not agent.bridge, "it counts from the next time in the pool on"
        press(agent, "#")
        await asyncio.sleep(0.1)
        assert caller.bridge is agent.bridge
        house.configure("[1002]\n")
        await asyncio.sleep(0.1)
        assert agent.hungup

    story(tmp_path, tell)


def test_mistakes_are_told_with_their_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def tell(house: House) -> None:
        house.configure("[1001]\nakcall = yes\nwrapuptime = soon\n")

    story(tmp_path, tell)
    assert 'agents.conf:2: unknown option "akcall"; did you mean "ackcall"?' in caplog.text
    assert "agents.conf:3: wrapuptime: " in caplog.text


def test_what_is_shown(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        agent = await house.log_in()
        assert house.command("agent show online").splitlines()[-1] == "Defined agents: 2, Logged in: 1, Talking: 0"
        house.call("55", "1001")
        await asyncio.sleep(3)
        lines = house.command("agent show all").splitlines()
        assert lines[1].split() == ["1001", "Ann", "Agent", "In", "use", "Phone/ann-0001", "Phone/55-0001"]
        assert lines[2].split() == ["1002", "Unavailable"]
        assert lines[-1] == "Defined agents: 2, Logged in: 1, Talking: 1"
        shown = house.command("agent show 1001")
        assert "Name: Ann Agent\n" in shown
        assert "TalkingWith: Phone/55-0001\n" in shown
        assert house.command("agent show 7") == "Agent '7' not found\n"
        listed = house.action("Agents")
        heads = [dict(event[1]) for event in listed.events]  # type: ignore[misc]
        assert [head.get("Status") for head in heads[:2]] == ["AGENT_ONCALL", "AGENT_LOGGEDOFF"]
        assert (heads[0]["TalkingToChan"], heads[0]["Channel"]) == ("Phone/55-0001", agent.name)
        scope = scope_of(agent)
        found = [await scope.expanded(f"${{AGENT({text})}}") for text in ("1001", "1001:channel", "1002:status")]
        assert found == ["LOGGEDIN", "Phone/ann", "LOGGEDOUT"]
        assert await scope.expanded("${AGENT(1001:name)}/${AGENT(1001:mohclass)}") == "Ann Agent/default"

    story(tmp_path, tell)


def test_an_agent_takes_calls_of_a_queue(tmp_path: Path) -> None:
    """The queue looks at the agent's state, and calls it by way of a Local channel."""

    async def tell(house: House) -> None:
        await queue_module.load(house.pbx)
        agent = await house.log_in()
        for number in ("55", "56"):
            caller = house.call(number, "queue")
            await asyncio.sleep(4)
            assert agent.bridge is not house.pool.bridge()
            assert house.state() == "INUSE"
            await hang_up(caller)
            await asyncio.sleep(1)
            assert house.state() == "NOT_INUSE"
            assert agent.bridge is house.pool.bridge()
        queue = queues_of(house.pbx).find("q")
        assert queue is not None
        assert (queue.completed, queue.members["local/1001@phones"].state) == (2, "NOT_INUSE")
        queue_module.unload(house.pbx)

    story(tmp_path, tell)
