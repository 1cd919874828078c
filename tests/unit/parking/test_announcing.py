"""Who parks itself is told the place, and may be fetched before it has heard it to its end. In simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State
from offhook.calls.requesting import request
from offhook.config.parser import loads
from offhook.services.features.core import features_of
from offhook.services.parking import module
from offhook.services.parking.core import parking_of
from offhook.services.parking.lots import read_lots
from offhook.services.parking.place import ParkingEvent
from support.call_exchange import Exchange, press
from support.leaping_loop import LeapingLoop

WORD_S = 0.7
"""How long a digit takes to say; a place has three."""
PLAN = """
[callers]
include => parkedcalls
"""
CONFIG = """
[default]
parkext => 700
parkpos => 701-703
courtesytone = beep
parkedplay = callee
"""


class House:
    """An exchange with a parking lot, where prompts take their time."""

    def __init__(self, folder: Path) -> None:
        self.exchange = exchange = Exchange(folder)
        (folder / "digits").mkdir()
        for name in ("digits/7", "digits/0", "digits/1", "beep"):
            (folder / f"{name}.gsm").touch()
        exchange.pbx.engine.playback_s = WORD_S  # type: ignore[attr-defined]
        exchange.load(module)
        exchange.pbx.parts["member_features"] = [features_of(exchange.pbx).watch]
        exchange.dialplan(PLAN)
        self.parking = parking_of(exchange.pbx)
        self.parking.configure(*read_lots(loads(CONFIG, "res_parking.conf")))
        module.start(exchange.pbx)

    async def park(self, options: str = "") -> Channel:
        """Park a call by a pair of Local channels, as a transfer does; the pair's half in the lot."""
        half = request(self.exchange.pbx, f"Local/700@callers{options}")
        half.tech_call(f"700@callers{options}")
        self.bridge = Bridge(self.exchange.pbx)
        self.bridge.impart(half)
        await asyncio.sleep(0.1)
        assert [event.kind for event in self.exchange.heard(ParkingEvent)] == ["ParkedCall"]
        return half.tech_twin()

    def fetch(self) -> tuple[Channel, Bridge]:
        """A telephone fetches the call."""
        phone = Channel(self.exchange.pbx, "Phone/1", state=State.UP)
        bridge = self.parking.retrieve(self.parking.lots["default"], 701, phone)
        assert bridge is not None
        bridge.impart(phone)
        return phone, bridge

    def sent_to(self, channel: Channel) -> str:
        """Digits that the party of a channel was sent."""
        ends = [event for event in self.exchange.heard(events.DtmfEnd) if event.channel is channel]
        return "".join(event.digit for event in ends if event.direction == "Sent")


def story(folder: Path, tell: Callable[[House], Awaitable[None]]) -> None:
    """Tell a story; afterwards nothing is left."""
    loop = LeapingLoop(settle=0.0)

    async def run() -> None:
        house = House(folder)
        try:
            await tell(house)
        finally:
            for channel in house.exchange.pbx.channels:
                channel.request_hangup()
            await asyncio.sleep(1)
            house.parking.close()
            await house.exchange.quiet()
            await house.exchange.pbx.end_tasks()

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()


def test_digits_sent_while_the_place_is_said_arrive_afterwards(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        await house.park()
        phone, _ = house.fetch()
        press(phone, "54")
        transferred = Channel(house.exchange.pbx, "Phone/2", state=State.UP)
        house.bridge.impart(transferred)
        await asyncio.sleep(WORD_S)
        press(phone, "3")
        await asyncio.sleep(0)
        assert house.sent_to(transferred) == "", "the place is being said"
        await asyncio.sleep(4 * WORD_S)
        press(phone, "2")
        assert house.sent_to(transferred) == "5432"
        assert transferred.bridge is phone.bridge, "the pair is out of the way"
        assert len(phone.bridge) == 2

    story(tmp_path, tell)


def test_who_was_fetched_early_can_speak_afterwards(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        parked = await house.park("/n")
        _, bridge = house.fetch()
        assert bridge.members[parked].suspended
        await asyncio.sleep(2.5 * WORD_S)
        assert bridge.members[parked].suspended, "the place is not said to its end"
        await asyncio.sleep(WORD_S)
        assert bridge.members[parked].suspended, "the lot's tone comes after it"
        await asyncio.sleep(WORD_S)
        assert not bridge.members[parked].suspended

    story(tmp_path, tell)


def test_the_place_is_not_said_to_its_end_when_the_call_goes_elsewhere(tmp_path: Path) -> None:
    async def tell(house: House) -> None:
        parked = await house.park()
        await asyncio.sleep(0.1)
        parked.async_goto("callers", "702", 1)
        await asyncio.sleep(0)
        started = len(house.exchange.heard(events.TestEvent))
        await asyncio.sleep(5)
        played = [dict(event.headers).get("Message") for event in house.exchange.heard(events.TestEvent)[started:]]
        assert "digits/0" not in played

    story(tmp_path, tell)
