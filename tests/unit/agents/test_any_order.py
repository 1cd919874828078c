"""Whatever happens in which order: an agent is never stuck, and whoever calls comes to an end."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.transfer import blind_transfer
from offhook.services.agents.agent import State
from support.call_exchange import press
from unit.agents.test_agents import House, story

SECONDS = st.sampled_from((0.0, 0.3, 0.99, 1.0, 2.5, 6.0))
STEPS = st.tuples(
    st.sampled_from(
        (
            *("log in", "log in", "call", "call", "call", "caller hangs up", "agent hangs up", "agent takes it"),
            *("soft", "hard", "transfer", "redirect caller", "reload", "queue"),
        )
    ),
    SECONDS,
)


async def do(house: House, what: str, callers: list[Channel], logins: list[Channel], login: str) -> None:
    """One thing happens."""
    agent = house.pool.find("1001")
    assert agent is not None
    if what == "log in":
        logins.append(house.call(f"ann{len(logins)}", login))
    elif what in ("call", "queue"):
        callers.append(house.call(f"5{len(callers)}", "1001" if what == "call" else "via"))
    elif what == "caller hangs up" and callers:
        callers[-1].far_end_hangup(causes.NORMAL_CLEARING)
    elif what in ("soft", "hard"):
        house.command(f"agent logoff 1001{' soft' if what == 'soft' else ''}")
    elif what == "redirect caller" and callers and callers[-1].alive:
        callers[-1].async_goto("phones", "away", 1)
    elif what == "reload":
        house.configure("[1001]\nackcall = yes\n" if agent.configured.fullname else "[1001]\nfullname = Ann\n")
    elif agent.channel is not None and agent.channel.alive:
        if what == "agent hangs up":
            agent.channel.far_end_hangup(causes.NORMAL_CLEARING)
        elif what == "agent takes it":
            press(agent.channel, agent.settings.acceptdtmf)
        elif what == "transfer" and agent.state is State.TALKING:
            blind_transfer(agent.channel, "phones", "away")


def consistent(house: House) -> None:
    """What holds whenever nothing is under way."""
    agent = house.pool.find("1001")
    assert agent is not None
    pool = house.pool.bridge()
    where = agent.channel.bridge if agent.channel is not None else None
    if agent.state is State.LOGGED_OUT:
        assert where is None
    elif agent.state is State.TALKING:
        assert where is not None
        assert where is not pool
        assert len(where) >= 2
    else:
        assert where is pool, agent.state
    assert len(pool) <= 1


@settings(max_examples=60)
@given(st.sampled_from(("login", "silent", "keen")), st.lists(STEPS, min_size=1, max_size=16))
def test_an_agent_is_never_stuck(login: str, steps: list[tuple[str, float]]) -> None:
    async def tell(house: House) -> None:
        callers: list[Channel] = []
        logins: list[Channel] = []
        for what, seconds in steps:
            await do(house, what, callers, logins, login)
            await asyncio.sleep(seconds)
            if seconds:
                await asyncio.sleep(0.01)  # what happens in this very moment comes to its end
                consistent(house)
        for caller in callers:
            caller.far_end_hangup(causes.NORMAL_CLEARING)
        await asyncio.sleep(10)
        consistent(house)
        agent = house.pool.find("1001")
        assert agent is not None
        assert agent.state in (State.READY, State.LOGGED_OUT)
        assert all(caller.hungup for caller in callers)
        assert sum(phone.alive for phone in logins) == (agent.channel is not None)

    with tempfile.TemporaryDirectory() as folder:
        story(Path(folder), tell)
