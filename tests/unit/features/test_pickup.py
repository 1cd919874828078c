"""Calls that ring elsewhere are picked up."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.apps import digits
from offhook.calls import events
from offhook.functions import channel as channel_functions
from offhook.functions import stack
from offhook.services import pickup

PLAN = """
[test]
exten => caller,1,Answer()
 same => n,Dial(Local/ring@test/n,,b(test^mark^1))
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => mark,1,Set(PICKUPMARK=red)
 same => n,Set(CHANNEL(namedcallgroup)=sales)
 same => n,Return()
exten => exten,1,Pickup(caller@test)
exten => marked,1,Pickup(red@PICKUPMARK)
exten => chan,1,PickupChan(Local/ring@test)
exten => group,1,Set(CHANNEL(namedpickupgroup)=sales)
 same => n,Pickup()
exten => strangers,1,Set(CHANNEL(namedpickupgroup)=others)
 same => n,Pickup()
 same => n,UserEvent(GoesOn)
"""


async def ringing(exchange: Any) -> None:
    for source in (pickup, digits, stack, channel_functions):
        exchange.load(source)
    exchange.dialplan(PLAN)
    exchange.pbx.spawn(exchange.call("Local/caller@test/n"))
    await exchange.until(lambda: exchange.heard(events.DialState) != [])


@pytest.mark.parametrize("way", ["exten", "marked", "chan", "group"])
async def test_picking_up(exchange: Any, way: str) -> None:
    await ringing(exchange)
    exchange.pbx.spawn(exchange.call(f"Local/{way}@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    picker = exchange.named(f"Local/{way}@test-00000002;2")
    caller = exchange.named("Local/caller@test-00000000;2")
    assert set(picker.bridge) == {caller, picker}
    told = exchange.heard(events.Pickup)
    assert [(event.channel, event.target.name) for event in told] == [(picker, "Local/ring@test-00000001;1")]
    assert caller.get("DIALEDPEERNAME") == picker.name
    assert exchange.pbx.channels.by_prefix("Local/ring@test") is None
    caller.request_hangup()
    await exchange.until(lambda: picker.hungup)


async def test_the_pickers_hangup_ends_the_call(exchange: Any) -> None:
    await ringing(exchange)
    exchange.pbx.spawn(exchange.call("Local/exten@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    exchange.named("Local/exten@test-00000002;2").request_hangup()
    await exchange.until(lambda: not len(exchange.pbx.channels))


async def test_without_a_call_in_the_group_the_dialplan_goes_on(exchange: Any) -> None:
    await ringing(exchange)
    exchange.pbx.spawn(exchange.call("Local/strangers@test/n"))
    await exchange.until(lambda: any(event.name == "GoesOn" for event in exchange.heard(events.UserEvent)))
