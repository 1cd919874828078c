"""Calls are parked, fetched, given up and sent back."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.calls.transfer import Transfer, blind_transfer
from offhook.config.parser import loads
from offhook.control.manager.events_parking import block
from offhook.modules.command import Request
from offhook.services.features.configuration import read_features
from offhook.services.features.core import features_of
from offhook.services.parking import module
from offhook.services.parking.core import Parking, parking_of
from offhook.services.parking.lots import read_lots
from offhook.services.parking.place import ParkingEvent

PLAN = """
[callers]
include => parkedcalls
exten => alice,1,Dial(Local/bob@callers/n,,kK)
exten => bob,1,Answer()
 same => n,Wait(60)
exten => park,1,Park(,${OPTIONS})
exten => fetch,1,ParkedCall(default,701)
exten => first,1,ParkedCall()
exten => back,1,Answer()
 same => n,Wait(60)
"""
CONFIG = """
[default]
parkext => 700
parkpos => 701-703
parkingtime => 45
parkinghints = yes
parkedcalltransfers = caller
"""


def start(exchange: Any, config: str = CONFIG) -> Parking:
    """An exchange with a parking lot."""
    exchange.load(module)
    features = features_of(exchange.pbx)
    exchange.pbx.parts["member_features"] = [features.watch]
    features.config = read_features(loads("[featuremap]\nparkcall = #7\n", "features.conf"))
    exchange.dialplan(PLAN)
    parking = parking_of(exchange.pbx)
    parking.configure(*read_lots(loads(config, "res_parking.conf")))
    module.start(exchange.pbx)
    exchange.parking = parking
    return parking


def told(exchange: Any) -> list[str]:
    """What became of parked calls."""
    return [event.kind for event in exchange.heard(ParkingEvent)]


async def talk(exchange: Any) -> tuple[Channel, Channel]:
    await exchange.call("Local/alice@callers/n")
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    return exchange.named("Local/alice@callers-00000000;2"), exchange.named("Local/bob@callers-00000001;1")


async def finish(exchange: Any) -> None:
    """The lots' bridges stay as long as the lots."""
    for channel in exchange.pbx.channels:
        channel.request_hangup()
    await exchange.until(lambda: not len(exchange.pbx.channels))
    exchange.parking.close()


async def test_a_caller_parks_itself_and_is_fetched(exchange: Any) -> None:
    parking = start(exchange)
    await exchange.call("Local/park@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    parked = exchange.named("Local/park@callers-00000000;2")
    assert parking.lots["default"].places[701].channel is parked
    assert parking.lots["default"].places[701].parker == "Local/park@callers"
    assert exchange.pbx.devices.state("park:701@parkedcalls") == "INUSE"
    assert exchange.pbx.dialplan.hint("parkedcalls", "701") is not None
    await exchange.call("Local/701@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall", "UnParkedCall"])
    fetcher = exchange.named("Local/701@callers-00000001;2")
    await exchange.until(lambda: parked.bridge is not None and set(parked.bridge) == {parked, fetcher})
    assert parked.bridge.technology == "simple_bridge"
    assert fetcher.data["dtmf features"] == "T"
    assert exchange.pbx.devices.state("park:701@parkedcalls") == "NOT_INUSE"
    fetcher.request_hangup()
    await exchange.until(lambda: parked.hungup)
    await finish(exchange)


async def test_who_takes_a_parked_channels_place_in_the_bridge_is_parked(exchange: Any) -> None:
    parking = start(exchange)
    await exchange.call("Local/park@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    parked = exchange.named("Local/park@callers-00000000;2")
    other = Channel(exchange.pbx, "Other/1")
    parked.bridge.impart(other, swap=parked)
    assert told(exchange) == ["ParkedCall", "ParkedCallSwap"]
    assert parking.lots["default"].places[701].channel is other
    parked.request_hangup()
    await exchange.until(lambda: parked.hungup)
    assert told(exchange) == ["ParkedCall", "ParkedCallSwap"], "the place is the other one's now"
    assert 701 in parking.lots["default"].places
    await finish(exchange)


async def test_giving_up(exchange: Any) -> None:
    parking = start(exchange)
    await exchange.call("Local/park@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    exchange.named("Local/park@callers-00000000;2").request_hangup()
    await exchange.until(lambda: told(exchange) == ["ParkedCall", "ParkedCallGiveUp"])
    assert not parking.lots["default"].places
    await finish(exchange)


async def test_fetching_where_nobody_is_parked_ends(exchange: Any) -> None:
    start(exchange)
    exchange.pbx.spawn(exchange.call("Local/first@callers/n"))
    await exchange.until(lambda: exchange.heard(events.Hangup) != [])
    await finish(exchange)


async def test_a_blind_transfer_to_the_parking_extension_parks(exchange: Any) -> None:
    parking = start(exchange)
    caller, callee = await talk(exchange)
    assert blind_transfer(callee, "parkedcalls", "700") is Transfer.SUCCESS
    assert parking.lots["default"].places[701].channel is caller
    assert parking.lots["default"].places[701].parker == callee.name.rpartition("-")[0]
    assert [event.transferee for event in exchange.heard(events.BlindTransfer)] == [None]
    await exchange.until(lambda: callee.hungup)
    assert caller.alive
    await finish(exchange)


async def test_the_code_parks_in_one_step(exchange: Any) -> None:
    parking = start(exchange)
    caller, callee = await talk(exchange)
    for digit in "#7":
        caller.deliver(Digit(digit, True, 100))
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    assert parking.lots["default"].places[701].channel is callee
    await exchange.until(lambda: caller.hungup)
    assert callee.bridge is parking.lots["default"].bridge
    await finish(exchange)


async def test_nobody_fetches_in_time(exchange: Any) -> None:
    parking = start(exchange, CONFIG.replace("parkingtime => 45", "parkingtime => 45\ncomebackdialtime = 7"))
    caller, callee = await talk(exchange)
    parking.park_bridged(caller, callee, ",t(1)")
    caller.set("ready", "1")
    await asyncio.sleep(1.02)
    await exchange.until(lambda: told(exchange) == ["ParkedCall", "ParkedCallTimeOut"])
    assert caller.get("PARKER") == "Local/bob@callers"
    assert caller.get("PARKING_SPACE") == "701"
    flat = "Local_bob@callers"
    step = exchange.pbx.dialplan.find("park-dial", flat, 1)
    assert (step.application, step.data) == ("Dial", "Local/bob@callers,7")
    await exchange.until(lambda: caller.exten == flat)
    await finish(exchange)


async def test_a_full_lot_refuses(exchange: Any) -> None:
    start(exchange, CONFIG.replace("701-703", "701-701"))
    await exchange.call("Local/park@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    exchange.pbx.spawn(exchange.call("Local/park@callers/n"))
    await exchange.until(lambda: any("00000001" in event.channel.name for event in exchange.heard(events.Hangup)))
    assert told(exchange) == ["ParkedCall"]
    await finish(exchange)


async def test_a_lot_is_made_for_a_call_and_goes_with_it(exchange: Any) -> None:
    parking = start(exchange, "[general]\nparkeddynamic=yes\n" + CONFIG)
    variables = [("__PARKINGLOT", "mine"), ("__PARKINGDYNPOS", "10-12"), ("__PARKINGDYNCONTEXT", "lots")]
    await exchange.call("Local/park@callers/n", variables=variables)
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    assert list(parking.lots["mine"].places) == [10]
    assert exchange.pbx.dialplan.exists("lots", "12")
    exchange.named("Local/park@callers-00000000;2").request_hangup()
    await exchange.until(lambda: "mine" not in parking.lots)
    assert not exchange.pbx.dialplan.exists("lots", "12")
    await finish(exchange)


async def test_what_people_are_shown(exchange: Any) -> None:
    parking = start(exchange)
    await exchange.call("Local/park@callers/n")
    await exchange.until(lambda: told(exchange) == ["ParkedCall"])
    text = block(parking.lots["default"].places[701])
    assert text is not None
    assert text.startswith("ParkeeChannel: Local/park@callers-00000000;2\r\n")
    assert text.endswith(
        "ParkerDialString: Local/park@callers\r\nParkinglot: default\r\nParkingSpace: 701\r\n"
        "ParkingTimeout: 45\r\nParkingDuration: 0\r\n"
    )
    request = Request(exchange.pbx, "parking show default", ["parking", "show", "default"], ["default"])
    module.parking_show(request)
    assert "  Space               :  701" in request.out
    await finish(exchange)
