"""Hints that make themselves."""

import asyncio

from offhook.calls import watched_events


async def test_a_device_that_is_heard_of_gets_a_hint_where_autohints_are_on(exchange):
    exchange.dialplan("[hints]\nautohints=yes\n[other]\nexten => s,1,NoOp()\n")
    await asyncio.sleep(0)
    exchange.pbx.devices.providers["custom"] = lambda name: "INUSE"
    exchange.pbx.devices.publish("Custom:alice", "INUSE")
    exchange.pbx.devices.publish("nothing", "INUSE")
    (told,) = exchange.heard(watched_events.ExtensionState)
    assert (told.exten, told.context, told.hint, told.state) == ("alice", "hints", "Custom:alice", 1)
    assert [hint.exten for hint in exchange.pbx.hints] == ["alice"]
