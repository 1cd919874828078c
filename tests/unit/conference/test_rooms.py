"""Rooms: callers come, hear and are heard, and go."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.calls.joining import bring_in
from offhook.calls.transfer import Transfer, attended_transfer
from offhook.functions import channel as channel_functions
from offhook.functions import shared
from offhook.services.conference import module as conference
from offhook.services.conference.events import ConferenceEvent
from offhook.services.conference.room import Room
from support.call_exchange import Exchange
from unit.apps.stories import assigned, eventually

CONFIG = """
[quiet]
type = user
quiet = yes
[waits](quiet)
wait_marked = yes
end_marked = yes
[leader](quiet)
marked = yes
admin = yes
[late](quiet)
timeout = 1
[passing](quiet)
dtmf_passthrough = yes
[small]
type = bridge
max_members = 1
regcontext = rooms
[keys]
type = menu
1 = toggle_mute
2 = leave_conference
3 = admin_kick_last
4 = dialplan_exec(aside,s,1)
5 = admin_toggle_conference_lock
6 = admin_toggle_mute_participants
77 = increase_talking_volume,increase_talking_volume,increase_talking_volume
"""
AFTER = "[test]\nexten => s,2,Wait(60)\n"
ASIDE = "[aside]\nexten => s,1,Set(GLOBAL(aside)=${CHANNEL(name)})\n same => n,Wait(0.01)\n"


@pytest.fixture
async def rooms(exchange: Exchange, tmp_path: Any) -> Exchange:
    """An exchange with ConfBridge and the profiles above."""
    (tmp_path / "confbridge.conf").write_text(CONFIG)
    for source in (conference, channel_functions, shared):
        exchange.load(source)
    exchange.pbx.paths = SimpleNamespace(spool=str(tmp_path), monitor=str(tmp_path))
    await conference.read(exchange.pbx)
    return exchange


async def comes(exchange: Exchange, profile: str = "quiet", name: str = "1", rest: str = "") -> Channel:
    """Somebody who is in a room; goes on to Wait when it leaves."""
    exchange.dialplan(f"[test]\nexten => s,1,ConfBridge({name},{rest or ',' + profile})\n same => n,Wait(60)\n" + ASIDE)
    known = [event.channel for event in told(exchange, "ConfbridgeJoin")]
    await exchange.call("Local/s@test/n", application="Wait", data="60")
    await eventually(lambda: len(told(exchange, "ConfbridgeJoin")) > len(known))
    channel = told(exchange, "ConfbridgeJoin")[-1].channel
    assert channel is not None and channel not in known
    return channel


def told(exchange: Exchange, kind: str) -> list[ConferenceEvent]:
    """What the bus said of that kind."""
    return [event for event in exchange.heard(ConferenceEvent) if event.kind == kind]


def room(exchange: Exchange, name: str = "1") -> Room:
    """The room of a name."""
    found = conference.find_room(exchange.pbx, name)
    assert found is not None
    return found


def dial(channel: Channel, digits: str) -> None:
    """The party dials."""
    for digit in digits:
        channel.deliver(Digit(digit, False))
        channel.deliver(Digit(digit, True, 100))


def muted(exchange: Exchange, channel: Channel) -> bool:
    """Whether nobody hears a channel."""
    return room(exchange).bridge.members[channel].muted


async def test_a_room_begins_with_the_first_and_ends_with_the_last(rooms: Exchange) -> None:
    one = await comes(rooms)
    two = await comes(rooms)
    assert [user.channel for user in room(rooms).users] == [one, two]
    assert rooms.pbx.devices.state("confbridge:1") == "INUSE"
    one.request_hangup()
    two.request_hangup()
    await eventually(lambda: not conference.rooms(rooms.pbx))
    assert [event.kind for event in rooms.heard(ConferenceEvent)] == [
        "ConfbridgeStart", "ConfbridgeJoin", "ConfbridgeJoin", "ConfbridgeLeave", "ConfbridgeLeave", "ConfbridgeEnd"
    ]  # fmt: skip
    assert assigned(rooms, "CONFBRIDGE_RESULT") == ["HANGUP", "HANGUP"]
    assert rooms.pbx.devices.state("confbridge:1") == "NOT_INUSE"
    assert not len(rooms.pbx.bridges)
    assert rooms.pbx.channels.by_prefix("CBAnn") is None


async def test_who_waits_for_a_leader_goes_with_it(rooms: Exchange) -> None:
    waits = await comes(rooms, "waits")
    assert muted(rooms, waits)
    leader = await comes(rooms, "leader")
    assert not muted(rooms, waits)
    leader.request_hangup()
    await eventually(lambda: waits.application == "Wait")
    assert "ENDMARKED" in assigned(rooms, "CONFBRIDGE_RESULT")
    assert not conference.rooms(rooms.pbx)


async def test_a_menu_mutes_leaves_and_runs_dialplan(rooms: Exchange) -> None:
    user = await comes(rooms, rest=",quiet,keys")
    dial(user, "1")
    await eventually(lambda: muted(rooms, user))
    await eventually(lambda: not room(rooms).bridge.members[user].suspended)
    assert [event.kind for event in rooms.heard(ConferenceEvent)][-1] == "ConfbridgeMute"
    dial(user, "4")
    await eventually(lambda: rooms.pbx.globals.get("aside") == user.name)
    await eventually(lambda: not room(rooms).bridge.members[user].suspended)
    assert user.application == "ConfBridge" and user.bridge is room(rooms).bridge
    dial(user, "77")
    await eventually(lambda: user.data.get("gains") is not None)
    assert round(user.data["gains"]["conference"][0], 1) == 9.5
    dial(user, "2")
    await eventually(lambda: user.application == "Wait")
    assert "DTMF" in assigned(rooms, "CONFBRIDGE_RESULT")


async def test_what_only_admins_may(rooms: Exchange) -> None:
    admin = await comes(rooms, rest=",leader,keys")
    other = await comes(rooms, rest=",quiet,keys")
    dial(other, "56")
    dial(admin, "6")
    await eventually(lambda: muted(rooms, other))
    assert not muted(rooms, admin) and not room(rooms).locked
    await eventually(lambda: not room(rooms).bridge.members[admin].suspended)
    dial(admin, "5")
    await eventually(lambda: room(rooms).locked)
    await eventually(lambda: not room(rooms).bridge.members[admin].suspended)
    dial(admin, "3")
    await eventually(lambda: other.application == "Wait")
    assert "KICKED" in assigned(rooms, "CONFBRIDGE_RESULT")
    late = "[test]\nexten => s,1,ConfBridge(1,,quiet)\n"
    rooms.dialplan(late)
    await rooms.call("Local/s@test/n", application="Wait", data="60")
    await eventually(lambda: "FAILED" in assigned(rooms, "CONFBRIDGE_RESULT"))


async def test_a_full_room_and_the_extension_it_makes(rooms: Exchange) -> None:
    one = await comes(rooms, rest="small,quiet")
    assert rooms.pbx.dialplan.exists("rooms", "1", 1)
    rooms.dialplan("[test]\nexten => s,1,ConfBridge(1,,quiet)\n")
    await rooms.call("Local/s@test/n", application="Wait", data="60")
    await eventually(lambda: "FAILED" in assigned(rooms, "CONFBRIDGE_RESULT"))
    await comes(rooms, "leader")
    conference.find_room(rooms.pbx, "1").kick_named("all")  # type: ignore[union-attr]
    await eventually(lambda: not conference.rooms(rooms.pbx))
    assert one.application == "Wait" and not rooms.pbx.dialplan.exists("rooms", "1", 1)


async def test_time_runs_out(rooms: Exchange) -> None:
    user = await comes(rooms, "late")
    async with asyncio.timeout(60):
        while user.application != "Wait":  # noqa: ASYNC110  (a timer has no event)
            await asyncio.sleep(0.05)
    assert assigned(rooms, "CONFBRIDGE_RESULT") == ["TIMEOUT"]


async def test_digits_pass_where_that_is_wanted(rooms: Exchange) -> None:
    one = await comes(rooms, "passing")
    two = await comes(rooms, "quiet")
    dial(two, "5")
    dial(one, "7")
    sent = [(event.channel, event.digit) for event in rooms.heard(events.DtmfEnd) if event.direction == "Sent"]
    assert sent == [(two, "7")]


async def test_functions_count_and_name(rooms: Exchange) -> None:
    admin, other = await comes(rooms, "leader"), await comes(rooms)
    asked = ("parties,1", "admins,1", "marked,1", "parties,2")
    counts = "".join(f"${{CONFBRIDGE_INFO({each})}}" for each in asked)
    rooms.dialplan(
        f"[ask]\nexten => s,1,Set(GLOBAL(counts)={counts})\n"
        " same => n,Set(GLOBAL(names)=${CONFBRIDGE_CHANNELS(parties,1)})\n same => n,ConfKick(1,participants)\n"
        " same => n,Set(GLOBAL(kicked)=${CONFKICKSTATUS})\n same => n,ConfKick(9)\n"
        " same => n,Set(GLOBAL(missed)=${CONFKICKSTATUS})\n" + AFTER
    )
    await rooms.call("Local/s@ask/n", application="Wait", data="60")
    await eventually(lambda: rooms.pbx.globals.get("missed") is not None)
    assert rooms.pbx.globals.get("counts") == "2110"
    assert rooms.pbx.globals.get("names") == f"{admin.name},{other.name}"
    assert (rooms.pbx.globals.get("kicked"), rooms.pbx.globals.get("missed")) == ("SUCCESS", "FAILURE")
    await eventually(lambda: other.application == "Wait")
    assert admin.application == "ConfBridge"


async def test_a_room_without_a_name_or_profile_is_none(rooms: Exchange) -> None:
    for arguments in ("", "x" * 80, "1,nobody", "1,,nobody", "1,,,nobody"):
        rooms.dialplan(f"[test]\nexten => s,1,ConfBridge({arguments})\n")
        await rooms.call("Local/s@test/n", application="Wait", data="60")
    await eventually(lambda: len(assigned(rooms, "CONFBRIDGE_RESULT")) == 5)
    assert set(assigned(rooms, "CONFBRIDGE_RESULT")) == {"FAILED"} and not conference.rooms(rooms.pbx)


async def test_who_is_transferred_into_a_room_has_the_place(rooms: Exchange) -> None:
    stays, leaves = await comes(rooms), await comes(rooms, "leader")
    rooms.dialplan("[test]\nexten => w,1,Answer()\n same => n,Wait(60)\nexten => s,2,Wait(60)\n")
    call = Bridge(rooms.pbx)
    for _ in range(2):
        before = set(rooms.pbx.channels)
        await rooms.call("Local/w@test/n", application="Wait", data="60")
        bring_in(call, next(each for each in rooms.pbx.channels if each not in before and each.name.endswith(";2")))
    await eventually(lambda: len(call) == 2)
    transferer, guest = call
    assert attended_transfer(transferer, leaves) is Transfer.SUCCESS
    (transfer,) = rooms.heard(events.AttendedTransfer)
    assert (transfer.dest_type, transfer.dest_app) == ("App", "ConfBridge")
    assert [user.channel for user in room(rooms).users] == [stays, guest]
    assert room(rooms).attendance.marked == 1
    assert [event.channel for event in told(rooms, "ConfbridgeLeave")] == [leaves]
    assert told(rooms, "ConfbridgeJoin")[-1].channel is guest
    await eventually(lambda: leaves.hungup)
    guest.request_hangup()
    await eventually(lambda: [user.channel for user in room(rooms).users] == [stays])
    room(rooms).kick_named("all")
    await eventually(lambda: not conference.rooms(rooms.pbx))


async def test_a_local_channel_stays_between_a_caller_and_the_room(rooms: Exchange) -> None:
    rooms.pbx.engine.heard = True  # type: ignore[attr-defined]  # sound comes: what has Local channels taken out
    rooms.dialplan("[test]\nexten => s,1,ConfBridge(1,,quiet)\n[out]\nexten => s,1,Dial(Local/s@test)\n")
    await rooms.call("Local/s@out/n", application="Wait", data="60")
    await eventually(lambda: len(told(rooms, "ConfbridgeJoin")) == 1)
    user = room(rooms).users[0].channel
    await eventually(lambda: bool(rooms.heard(events.DialEnd)))
    await asyncio.sleep(0.05)
    assert user.name.startswith("Local/s@test-") and user.alive and room(rooms).users[0].channel is user
    assert not rooms.heard(events.LocalOptimizationBegin)
