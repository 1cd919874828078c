"""The way into a room: PIN, name, counts; and what is told of those inside."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from offhook.apps import mixmonitor
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Media, Text
from offhook.media.events import Noise, Silence
from offhook.services.cdr.delivery import Backend, Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Rules
from offhook.services.conference import module as conference
from offhook.services.conference.counting import names
from offhook.services.conference.entry import take_part
from support.call_exchange import Exchange
from support.silent_engine import SnoopLeg
from unit.apps.stories import assigned, eventually
from unit.conference.test_rooms import comes, dial, room, rooms, told  # noqa: F401  (a fixture)

PLAN = "[test]\nexten => s,1,Answer()\n same => n,Set(CONFBRIDGE(user,{option})={value})\n same => n,ConfBridge(1)\n"


async def knocks(exchange: Exchange, option: str, value: str) -> Channel:
    """Somebody on the way in, with one option."""
    exchange.dialplan(PLAN.format(option=option, value=value))
    before = set(exchange.pbx.channels)
    await exchange.call("Local/s@test/n", application="Wait", data="60")
    channel = next(each for each in exchange.pbx.channels if each not in before and each.name.endswith(";2"))
    await eventually(lambda: channel.application == "ConfBridge")
    return channel


async def test_the_right_pin_in_three_tries(rooms: Exchange) -> None:  # noqa: F811
    channel = await knocks(rooms, "pin", "1234")
    for digits in ("12#", "9999#", "1234#"):
        dial(channel, digits)
    await eventually(lambda: [event.channel for event in told(rooms, "ConfbridgeJoin")] == [channel])


async def test_no_pin_no_entry(rooms: Exchange) -> None:  # noqa: F811
    channel = await knocks(rooms, "pin", "1234")
    dial(channel, "1#2#3#")
    await eventually(lambda: assigned(rooms, "CONFBRIDGE_RESULT") == ["FAILED"])
    await eventually(lambda: channel.hungup)
    assert not conference.rooms(rooms.pbx)


async def test_a_name_is_said_and_heard(rooms: Exchange, caplog: pytest.LogCaptureFixture) -> None:  # noqa: F811
    channel = await knocks(rooms, "announce_join_leave", "yes")
    await eventually(lambda: channel.waiter is not None)
    with caplog.at_level(logging.WARNING):
        dial(channel, "#")
        await eventually(lambda: [event.channel for event in told(rooms, "ConfbridgeJoin")] == [channel])
    name = room(rooms).users[0].name_file
    assert name.endswith(f"confbridge/confbridge-name-1-{channel.uniqueid}")
    # There is no sound in this exchange: what would be played is what is missed.
    missed = [record.getMessage() for record in caplog.records if "CBAnn/1-" in record.getMessage()]
    assert [name in missed[0], "conf-hasjoin" in missed[1]] == [True, True]


async def test_a_name_may_be_heard_and_said_again(rooms: Exchange) -> None:  # noqa: F811
    channel = await knocks(rooms, "announce_join_leave_review", "yes")
    recordings = []
    for digit in ("#", "2", "3", "#", "9", "1"):
        await eventually(lambda: channel.waiter is not None and not channel.frames)
        recordings.append(channel.media.recorded)  # type: ignore[union-attr]
        assert not told(rooms, "ConfbridgeJoin")
        dial(channel, digit)
    await eventually(lambda: [event.channel for event in told(rooms, "ConfbridgeJoin")] == [channel])
    assert recordings == [1, 1, 1, 2, 2, 2]


async def test_how_many_there_are(rooms: Exchange) -> None:  # noqa: F811
    await comes(rooms)
    assert names(room(rooms), "en") == []
    await comes(rooms)
    assert names(room(rooms), "en") == ["conf-onlyone"]
    for _ in range(2):
        await comes(rooms)
    assert names(room(rooms), "en") == ["conf-thereare", "digits/3", "conf-otherinparty"]


async def test_who_talks_is_told_and_mixed(rooms: Exchange) -> None:  # noqa: F811
    channel = await knocks(rooms, "talk_detection_events", "yes")
    await eventually(lambda: channel.bridge is not None)
    user = room(rooms).users[0]
    user.profile.dsp_drop_silence = True
    watch: Any = channel.media.watch  # type: ignore[union-attr]
    channel.deliver(Media(Noise(channel.media, watch, 20)))  # type: ignore[arg-type]
    assert user.talking and not room(rooms).bridge.members[channel].muted
    channel.deliver(Media(Silence(channel.media, watch, 2500)))  # type: ignore[arg-type]
    assert not user.talking and room(rooms).bridge.members[channel].muted
    channel.deliver(Media(Noise(channel.media, watch, 20)))  # type: ignore[arg-type]
    channel.deliver(Control(Condition.HOLD))
    talking = [dict(event.details)["TalkingStatus"] for event in told(rooms, "ConfbridgeTalking")]
    assert talking == ["on", "off", "on", "off"]
    channel.deliver(Control(Condition.UNHOLD))
    assert channel.media.watch is not watch  # type: ignore[union-attr]


async def test_a_room_is_recorded(rooms: Exchange) -> None:  # noqa: F811
    rooms.load(mixmonitor)
    engine: Any = rooms.pbx.engine
    await comes(rooms)
    recording = room(rooms).recording
    assert await recording.start("talk.wav") and not await recording.start()
    recorder = next(each for each in room(rooms).bridge if each.name.startswith("CBRec/1-"))
    (monitor,) = recorder.data["mixmonitors"]
    assert monitor.path.rpartition("/")[2].startswith("talk-") and monitor.path.endswith(".wav")
    first = monitor.path
    assert recording.stop() and not recording.stop()
    assert await recording.start()
    recorder = next(each for each in room(rooms).bridge if each.name.startswith("CBRec/1-"))
    assert recorder.data["mixmonitors"][0].path == first, "record_file_append: the same file"
    kinds = [event.kind for event in told(rooms, "ConfbridgeRecord") + told(rooms, "ConfbridgeStopRecord")]
    assert kinds == ["ConfbridgeRecord", "ConfbridgeRecord", "ConfbridgeStopRecord"]
    room(rooms).kick_named("all")
    await eventually(lambda: not any(isinstance(leg, SnoopLeg) for leg in engine.legs))
    assert len(told(rooms, "ConfbridgeStopRecord")) == 2


class Browser(Channel):
    """A party that shows text messages."""

    technology = "Browser"
    texts = "ENHANCED"
    __slots__ = ("shown",)

    def tech_send_text(self, text: Text) -> bool:
        self.shown.append(text)
        return True


async def test_a_browser_is_told_of_comings_and_goings(rooms: Exchange) -> None:  # noqa: F811
    pbx = rooms.pbx
    config = conference.configuration_of(pbx)
    config.users["quiet"].send_events = True
    config.bridges["default_bridge"].enable_events = True
    browser = Browser(pbx, "Browser/1", state=State.UP, media=pbx.engine.null_leg(), formats=("slin",))
    browser.shown = []
    browser.start_task(take_part(browser, config, "1", "", "quiet", ""))
    await eventually(lambda: len(browser.shown) == 1)
    other = await comes(rooms)
    other.request_hangup()
    await eventually(lambda: len(browser.shown) == 3)
    told_texts = [json.loads(text.body) for text in browser.shown]
    assert [text["type"] for text in told_texts] == ["ConfbridgeWelcome", "ConfbridgeJoin", "ConfbridgeLeave"]
    assert {text.content_type for text in browser.shown} == {"application/x-asterisk-confbridge-event+json"}
    join = told_texts[1]
    assert join["bridge"]["id"] and join["bridge"]["name"] == "1"
    (channel,) = join["channels"]
    assert (channel["id"], channel["admin"], channel["muted"]) == (other.uniqueid, False, False)
    assert "dialplan" not in channel and "accountcode" not in channel
    browser.request_hangup()
    await eventually(lambda: not conference.rooms(pbx))


async def test_records_name_those_who_talked_and_not_the_room(rooms: Exchange) -> None:  # noqa: F811
    found: list[Fields] = []
    engine = rooms.pbx.parts["cdr"] = CdrEngine(rooms.pbx)
    engine.configure(Rules(), Batch())
    engine.delivery.backends["test"] = Backend(found.append)
    one, two = await comes(rooms), await comes(rooms)
    room(rooms).kick_named("all")
    for channel in rooms.pbx.channels:
        channel.request_hangup()
    await eventually(lambda: {one.name, two.name} <= {fields.channel for fields in found})
    assert (one.name, two.name) in [(fields.channel, fields.dstchannel) for fields in found]
    assert not any("CBAnn" in fields.channel + fields.dstchannel for fields in found)
