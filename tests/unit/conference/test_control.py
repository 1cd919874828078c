"""Conferences at the console and over the manager interface."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from offhook.control.manager.events_conference import conference_event
from offhook.modules.action import ActionError, ActionRequest
from offhook.modules.command import Request
from offhook.services.conference import module as conference
from offhook.services.conference.events import ConferenceEvent
from support.call_exchange import Exchange
from unit.apps.stories import eventually
from unit.conference.test_rooms import comes, muted, room, rooms  # noqa: F401  (a fixture)


def typed(exchange: Exchange, line: str) -> list[str]:
    """What the console answers."""
    words = line.split()
    command = exchange.pbx.registry.command(words)
    assert command is not None, line
    request = Request(exchange.pbx, line, words, words[len(command.words) :])
    command.run(request)
    return request.out


async def acts(exchange: Exchange, name: str, **headers: str) -> ActionRequest:
    """A manager action, carried out."""
    action = exchange.pbx.registry.action(name)
    assert action is not None
    request = ActionRequest(exchange.pbx, name, list(headers.items()), None)
    result = action.run(request)
    if inspect.isawaitable(result):
        await result
    return request


async def test_the_console_lists_and_does(rooms: Exchange) -> None:  # noqa: F811
    assert typed(rooms, "confbridge list")[2:] == []
    admin, other = await comes(rooms, "leader"), await comes(rooms)
    assert typed(rooms, "confbridge list")[2:] == [f"{'1':<32} {2:>6} {1:>6} {'No':<6} No"]
    rows = typed(rooms, "confbridge list 1")[2:]
    assert [row.split()[:4] for row in rows] == [
        [admin.name, "AM", "leader", "default_bridge"],
        [other.name, "quiet", "default_bridge", "default_menu"],
    ]
    assert typed(rooms, "confbridge mute 1 participants") == ["Muting participants from confbridge 1"]
    assert muted(rooms, other) and not muted(rooms, admin)
    assert typed(rooms, "confbridge unmute 1 Local/s@test") == ["Unmuting Local/s@test from confbridge 1"]
    assert muted(rooms, other)  # the first whose name begins so is the admin
    assert typed(rooms, "confbridge lock 1") == ["Conference 1 is locked."] and room(rooms).locked
    assert typed(rooms, "confbridge unlock 2") == ["Conference 2 is not found"]
    assert typed(rooms, "confbridge record stop 1") == ["Recording could not be stopped."]
    assert typed(rooms, f"confbridge kick 1 {other.name}") == [f"Kicked '{other.name}' out of conference '1'"]
    await eventually(lambda: other.application == "Wait")
    assert typed(rooms, "confbridge kick 1 nobody") == ["No participant named 'nobody' found!"]


async def test_the_console_shows_profiles_and_completes(rooms: Exchange) -> None:  # noqa: F811
    await comes(rooms)
    assert "leader" in typed(rooms, "confbridge show profile users")
    assert "Marked User:             true" in typed(rooms, "confbridge show profile user leader")
    assert "Max Members:          1" in typed(rooms, "confbridge show profile bridge small")
    assert typed(rooms, "confbridge show menu keys")[:3] == ["Name: keys", "1=toggle_mute", "2=leave_conference"]
    assert typed(rooms, "confbridge show menu none") == ["No conference menu named 'none' found!"]
    registry = rooms.pbx.registry
    assert registry.complete(rooms.pbx, "confbridge lock ") == ["1"]
    assert registry.complete(rooms.pbx, "confbridge kick 1 par") == ["participants"]
    assert registry.complete(rooms.pbx, "confbridge show menu k") == ["keys"]


async def test_manager_actions(rooms: Exchange) -> None:  # noqa: F811
    with pytest.raises(ActionError, match="No active conferences"):
        await acts(rooms, "ConfbridgeListRooms")
    admin = await comes(rooms, "leader")
    other = await comes(rooms)
    listed = await acts(rooms, "ConfbridgeListRooms")
    assert dict(listed.events[0][1]) == {  # type: ignore[arg-type]
        "Conference": "1",
        "Parties": "2",
        "Marked": "1",
        "Locked": "No",
        "Muted": "No",
    }
    people = [dict(event[1]) for event in (await acts(rooms, "ConfbridgeList", Conference="1")).events]  # type: ignore[arg-type]
    assert [each["Channel"] for each in people[:-1]] == [admin.name, other.name]
    assert (people[0]["Admin"], people[0]["MarkedUser"], people[1]["Muted"]) == ("Yes", "Yes", "No")
    await acts(rooms, "ConfbridgeMute", Conference="1", Channel=other.name)
    assert muted(rooms, other)
    await acts(rooms, "ConfbridgeLock", Conference="1")
    assert room(rooms).locked
    await acts(rooms, "ConfbridgeSetSingleVideoSrc", Conference="1", Channel=other.name)
    assert room(rooms).bridge.video_source == other.uniqueid
    for name, headers, complaint in (
        ("ConfbridgeKick", {}, "No Conference name provided"),
        ("ConfbridgeMute", {"Conference": "1"}, "No channel name provided"),
        ("ConfbridgeUnlock", {"Conference": "9"}, "No Conference by that name found"),
        ("ConfbridgeKick", {"Conference": "1", "Channel": "x"}, "No Channel by that name found in Conference"),
        ("ConfbridgeStopRecord", {"Conference": "1"}, "Internal error while stopping recording"),
    ):
        with pytest.raises(ActionError, match=complaint):
            await acts(rooms, name, **headers)
    await acts(rooms, "ConfbridgeKick", Conference="1", Channel="all")
    await eventually(lambda: not conference.rooms(rooms.pbx))


async def test_events_name_the_room_its_bridge_and_the_channel(rooms: Exchange) -> None:  # noqa: F811
    leader = await comes(rooms, "leader")
    join: Any = next(event for event in rooms.heard(ConferenceEvent) if event.kind == "ConfbridgeJoin")
    text = conference_event(join)
    assert text is not None
    lines = text.split("\r\n")
    assert lines[0] == "Conference: 1" and f"BridgeUniqueid: {room(rooms).bridge.uniqueid}" in lines
    assert f"Channel: {leader.name}" in lines and lines[-3:-1] == ["Admin: Yes", "Muted: No"]
