"""Applications that put channels into bridges."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.apps import bridging, playing
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit

PLAN = """
[test]
exten => wait,1,Answer()
 same => n,Wait(60)
 same => n,UserEvent(GoneOn)
 same => n,Wait(60)
exten => bridge,1,Bridge(Local/wait@test-00000000)
 same => n,UserEvent(Result,Result: ${BRIDGERESULT})
 same => n,Wait(60)
exten => nobody,1,Bridge(Local/none)
 same => n,UserEvent(Result,Result: ${BRIDGERESULT})
exten => add,1,BridgeAdd(Local/bridge@test-00000001\\;2)
exten => participant,1,BridgeWait(room,participant,e(r))
exten => announcer,1,BridgeWait(room,announcer)
exten => short,1,BridgeWait(,,e(n)S(1))
 same => n,UserEvent(GoneOn)
 same => n,Wait(60)
"""


def start(exchange: Any) -> None:
    exchange.load(bridging)
    exchange.load(playing)
    exchange.dialplan(PLAN)


def told(exchange: Any, name: str) -> list[dict[str, str]]:
    return [dict(event.headers) for event in exchange.heard(events.UserEvent) if event.name == name]


async def test_bridge_takes_a_channel_out_of_its_application_and_lets_both_go_on(exchange: Any) -> None:
    start(exchange)
    await exchange.call("Local/wait@test/n")
    exchange.pbx.spawn(exchange.call("Local/bridge@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    bridge = next(iter(exchange.pbx.bridges))
    other = next(channel for channel in bridge if channel.name.startswith("Local/wait@test"))
    bridge.remove(other)
    await exchange.until(lambda: told(exchange, "Result") == [{"Result": "SUCCESS"}])


async def test_bridge_without_such_a_channel(exchange: Any) -> None:
    start(exchange)
    exchange.pbx.spawn(exchange.call("Local/nobody@test/n"))
    await exchange.until(lambda: told(exchange, "Result") == [{"Result": "NONEXISTENT"}])


async def test_a_third_party_may_come_and_go(exchange: Any) -> None:
    start(exchange)
    await exchange.call("Local/wait@test/n")
    exchange.pbx.spawn(exchange.call("Local/bridge@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    bridge = next(iter(exchange.pbx.bridges))
    exchange.pbx.spawn(exchange.call("Local/add@test/n"))
    await exchange.until(lambda: len(bridge) == 3)
    exchange.named("Local/add@test").request_hangup()
    await exchange.until(lambda: len(bridge) == 2)


async def test_who_takes_a_place_comes_when_the_other_has_left(exchange: Any) -> None:
    start(exchange)
    await exchange.call("Local/wait@test/n")
    exchange.pbx.spawn(exchange.call("Local/bridge@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    bridge = next(iter(exchange.pbx.bridges))
    replaced = next(channel for channel in bridge if channel.name.startswith("Local/wait@test"))
    order: list[tuple[str, str, int]] = []
    for kind in (events.BridgeEnter, events.BridgeLeave):
        exchange.pbx.bus.subscribe(kind, lambda e: order.append((type(e).__name__, e.channel.name, len(e.bridge))))
    other = Waiter(exchange.pbx, "Waiter/1")
    bridge.impart(other, swap=replaced)
    assert order == [("BridgeLeave", replaced.name, 2), ("BridgeEnter", "Waiter/1", 2)]
    assert not bridge.dissolved
    bridge.remove(other)


class Waiter(Channel):
    """A channel without sound; ``digits`` are those it was sent."""

    digits = ""

    def tech_digit_end(self, digit: str, duration_ms: int) -> None:
        Waiter.digits += digit


async def test_digits_wait_for_a_member_that_is_suspended(exchange: Any) -> None:
    start(exchange)
    await exchange.call("Local/wait@test/n")
    exchange.pbx.spawn(exchange.call("Local/bridge@test/n"))
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    bridge = next(iter(exchange.pbx.bridges))
    replaced = next(channel for channel in bridge if channel.name.startswith("Local/wait@test"))
    other = Waiter(exchange.pbx, "Waiter/2")
    bridge.impart(other, swap=replaced)
    speaker = bridge.peer(other)
    Waiter.digits = ""
    bridge.suspend(bridge.members[other])
    for frame in (Digit("5", False), Digit("5", True, 100)):
        bridge.write(speaker, frame)
    assert not Waiter.digits
    bridge.resume(bridge.members[other])
    assert Waiter.digits == "5"
    bridge.remove(other)


async def test_participants_ring_until_the_announcer_comes(exchange: Any) -> None:
    start(exchange)
    exchange.pbx.zones["us"] = Zone()
    await exchange.call("Local/participant@test/n")
    participant = exchange.named("Local/participant@test-00000000;2")
    await exchange.until(lambda: "tone" in participant.data)
    assert participant.bridge.technology == "holding_bridge"
    await exchange.call("Local/announcer@test/n")
    announcer = exchange.named("Local/announcer@test-00000001;2")
    await exchange.until(lambda: "tone" not in participant.data)
    announcer.request_hangup()
    await exchange.until(lambda: "tone" in participant.data)


class Zone:
    """A tone zone in which every tone is there."""

    def tone(self, name: str) -> str:
        return name


async def test_waiting_ends_in_time(exchange: Any) -> None:
    start(exchange)
    exchange.pbx.spawn(exchange.call("Local/short@test/n"))
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    await asyncio.sleep(1.02)
    await exchange.until(lambda: told(exchange, "GoneOn") == [{}])
