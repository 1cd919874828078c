"""``bridge show``, ``kick`` and ``technology``: what the console tells of bridges, and what it does to them."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.control.cli import bridges
from offhook.modules import CommandError, Request

PLAN = """
[all]
exten => a,1,Dial(Local/b@all/n,,g)
 same => n,Wait(60)
exten => b,1,Answer()
 same => n,Wait(60)
"""


def ask(exchange: Any, command: Any, *args: str) -> str:
    """What a command prints."""
    request = Request(exchange.pbx, "bridge", ["bridge"], list(args))
    command(request)
    return "".join(f"{line}\n" for line in request.out)


async def talk(exchange: Any) -> tuple[Any, Any, Any]:
    """A call that is up: the bridge, the caller's and the called channel."""
    exchange.dialplan(PLAN)
    await exchange.call("Local/a@all/n")
    await exchange.until(lambda: [len(bridge) for bridge in exchange.pbx.bridges] == [2])
    bridge = next(iter(exchange.pbx.bridges))
    caller = next(channel for channel in bridge if channel.name.startswith("Local/a@"))
    return bridge, caller, next(channel for channel in bridge if channel is not caller)


async def test_bridges_are_listed_and_shown(exchange: Any) -> None:
    assert ask(exchange, bridges.show_all).splitlines() == [
        f"{'Bridge-ID':<36} {'Name':<36} Chans {'Type':<15} {'Technology':<15} Duration"
    ]
    bridge, caller, called = await talk(exchange)
    row = ask(exchange, bridges.show_all).splitlines()[1].split()
    assert row[:5] == [bridge.uniqueid, "<unknown>", "2", "basic", "simple_bridge"]
    assert row[5].startswith("00:00:")
    shown = ask(exchange, bridges.show, bridge.uniqueid)
    assert shown.startswith(f"Id: {bridge.uniqueid}\nType: basic\nTechnology: simple_bridge\n")
    assert "\nNum-Channels: 2\n" in shown
    assert {f"Channel: {caller.name}", f"Channel: {called.name}"} <= set(shown.splitlines())
    assert ask(exchange, bridges.show, "nix") == "Bridge 'nix' not found\n"
    with pytest.raises(CommandError):
        ask(exchange, bridges.show)


async def test_a_channel_is_kicked(exchange: Any) -> None:
    bridge, caller, called = await talk(exchange)
    assert ask(exchange, bridges.kick, "nix", "all") == "Bridge 'nix' not found\n"
    assert ask(exchange, bridges.kick, bridge.uniqueid, "SIP/nix") == "Channel 'SIP/nix' not found\n"
    said = ask(exchange, bridges.kick, bridge.uniqueid, called.name)
    assert said == f"Kicking channel '{called.name}' from bridge '{bridge.uniqueid}'\n"
    await exchange.until(lambda: called.hungup and caller.application == "Wait")
    assert not len(exchange.pbx.bridges)


async def test_everybody_is_kicked(exchange: Any) -> None:
    bridge, _, called = await talk(exchange)
    completed = bridges._members(exchange.pbx, [bridge.uniqueid], "")
    assert called.name in completed and "all" in completed
    assert ask(exchange, bridges.kick, bridge.uniqueid, "all").startswith("Kicking all channels")
    await exchange.until(lambda: called.hungup and not len(exchange.pbx.bridges))


def test_technologies_are_listed(exchange: Any) -> None:
    lines = ask(exchange, bridges.show_technologies).splitlines()
    assert lines[0].split() == ["Name", "Type", "Priority", "Suspended"]
    assert [line.split() for line in lines[1:]][-1] == ["softmix", "MultiMix", "10", "No"]


async def test_a_suspended_technology_is_not_chosen(exchange: Any) -> None:
    assert ask(exchange, bridges.suspend_technology, "nix") == "Bridge technology 'nix' not found\n"
    assert ask(exchange, bridges.suspend_technology, "Simple_Bridge") == "Suspended bridge technology 'Simple_Bridge'\n"
    assert "Yes" in next(
        line for line in ask(exchange, bridges.show_technologies).splitlines() if line.startswith("simple_bridge")
    )
    bridge, _, called = await talk(exchange)
    assert bridge.technology == "softmix"
    ask(exchange, bridges.unsuspend_technology, "simple_bridge")
    bridge.suspend(bridge.members[called])
    bridge.resume(bridge.members[called])
    assert bridge.technology == "simple_bridge"


async def test_a_bridge_goes_on_with_a_technology_suspended_later(exchange: Any) -> None:
    bridge, _, called = await talk(exchange)
    ask(exchange, bridges.suspend_technology, "simple_bridge")
    bridge.suspend(bridge.members[called])
    bridge.resume(bridge.members[called])
    assert bridge.technology == "simple_bridge" and len(bridge) == 2


async def test_a_bridge_that_nothing_can_serve_ends(exchange: Any, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("simple_bridge", "softmix"):
        ask(exchange, bridges.suspend_technology, name)
    exchange.dialplan(PLAN)
    await exchange.call("Local/a@all/n")
    caller = next(channel for channel in exchange.pbx.channels if channel.name.startswith("Local/a@all-00000000;2"))
    await exchange.until(lambda: caller.application == "Wait" or caller.hungup)
    assert not len(exchange.pbx.bridges)
    assert "has no technology available to support it" in caplog.text
    assert not any(record.exc_info for record in caplog.records)
