"""Who ended a call: told to both sides."""

from __future__ import annotations

from typing import Any

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State


async def test_who_hung_up_is_the_source_for_both(exchange: Any) -> None:
    one, two = (Channel(exchange.pbx, f"Phone/{name}", state=State.UP) for name in ("one", "two"))
    bridge = Bridge(exchange.pbx)
    bridge.impart(one)
    bridge.impart(two)
    one.far_end_hangup()
    assert (one.hangup_source, two.hangup_source) == ("Phone/one", "Phone/one")


async def test_the_first_source_remains(exchange: Any) -> None:
    one = Channel(exchange.pbx, "Phone/one", state=State.UP)
    one.name_hangup_source("dialplan/agi")
    one.name_hangup_source("somebody")
    one.far_end_hangup()
    assert one.hangup_source == "dialplan/agi"


async def test_a_half_of_a_local_channel_is_no_source(exchange: Any) -> None:
    exchange.dialplan("[test]\nexten => end,1,Answer()\nsame => n,Hangup()\n")
    sources: dict[str, str] = {}
    exchange.pbx.bus.subscribe(
        events.Hangup, lambda event: sources.__setitem__(event.channel.name[-2:], event.channel.hangup_source)
    )
    await exchange.call("Local/end@test")
    await exchange.until(lambda: len(sources) == 2)
    assert sources == {";1": "", ";2": "dialplan/builtin"}
