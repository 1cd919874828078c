"""Message waiting: who tells it, who hears it, and the manager actions of mailboxes kept elsewhere."""

import asyncio
from types import SimpleNamespace

import pytest

from offhook.calls.events import DeviceStateChange, MessageWaiting
from offhook.calls.mailboxes import Count
from offhook.calls.pbx import Pbx
from offhook.modules import ActionError, ActionRequest
from offhook.services import mwi_devstate, mwi_external
from offhook.storage.astdb import AstDb


@pytest.fixture
async def house():
    pbx = Pbx(asyncio.get_running_loop())
    pbx.astdb = AstDb(":memory:")
    pbx.astdb.open()
    heard = []
    pbx.bus.subscribe(MessageWaiting, heard.append)
    pbx.bus.subscribe(DeviceStateChange, heard.append)
    yield SimpleNamespace(pbx=pbx, heard=heard)
    pbx.astdb.close()


def do(house, action, **headers):
    request = ActionRequest(house.pbx, action, list(headers.items()), None)
    getattr(mwi_external, f"mwi_{action[3:].lower()}")(request)
    return request


async def test_watchers_hear_each_count_until_they_stop(house):
    boxes, told = house.pbx.mailboxes, []
    asked = []
    boxes.on_watched.append(asked.append)
    drop = boxes.watch("1000@default", lambda name, count: told.append((name, count)))
    boxes.watch("1000@default", lambda name, count: None)
    boxes.publish("1000@default", 2, 1)
    boxes.publish("1001@default", 5, 5)
    drop()
    boxes.publish("1000@default", 0, 0)
    assert told == [("1000@default", Count(2, 1))]
    assert asked == ["1000@default"]
    assert boxes.count("1001@default") == (5, 5)
    assert boxes.count("nobody") == (0, 0)


async def test_a_mailbox_that_is_gone_is_empty(house):
    boxes = house.pbx.mailboxes
    boxes.publish("a", 1, 0)
    boxes.forget("a")
    boxes.forget("a")
    assert [(event.new, event.old) for event in house.heard] == [(1, 0), (0, 0)]
    assert list(boxes) == []


async def test_updates_from_outside_outlive_a_restart(house):
    do(house, "MWIUpdate", Mailbox="alice@default", NewMessages="3", OldMessages="2")
    do(house, "MWIUpdate", Mailbox="bob")
    house.pbx.mailboxes._counts.clear()
    mwi_external.load(house.pbx)
    assert list(house.pbx.mailboxes) == [("alice@default", (3, 2)), ("bob", (0, 0))]


async def test_mailboxes_are_chosen_by_name_or_pattern(house):
    for name in ("alice", "alina", "bob"):
        do(house, "MWIUpdate", Mailbox=name, NewMessages="1")
    got = do(house, "MWIGet", Mailbox="/^al/").events
    assert [dict(headers).get("Mailbox") for _, headers in got] == ["alice", "alina", None]
    assert [name for name, _ in do(house, "MWIGet", Mailbox="bob").events] == ["MWIGet", "MWIGetComplete"]
    do(house, "MWIDelete", Mailbox="/^al/")
    assert [name for name, _ in house.pbx.mailboxes] == ["bob"]
    assert len(do(house, "MWIGet", Mailbox="/./").events) == 2


@pytest.mark.parametrize(
    ("action", "headers", "message"),
    [
        ("MWIGet", {}, "Missing mailbox"),
        ("MWIGet", {"Mailbox": "/("}, "regex format invalid"),
        ("MWIUpdate", {"Mailbox": "a", "NewMessages": "-1"}, "Invalid NewMessages"),
    ],
)
async def test_bad_requests_are_told(house, action, headers, message):
    with pytest.raises(ActionError, match=message):
        do(house, action, **headers)


async def test_a_mailbox_is_a_device(house):
    house.pbx.mailboxes.publish("a@b", 1, 0)
    mwi_devstate.load(house.pbx)
    assert house.pbx.devices.state("MWI:a@b") == "INUSE"
    house.pbx.mailboxes.publish("a@b", 0, 1)
    states = [event.state for event in house.heard if isinstance(event, DeviceStateChange)]
    assert states == ["INUSE", "NOT_INUSE"]
    mwi_devstate.unload(house.pbx)
    assert house.pbx.devices.state("MWI:a@b") == "INVALID"
