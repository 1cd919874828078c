"""Message waiting: who tells it, who hears it, and the manager actions of mailboxes kept elsewhere."""

import asyncio
from types import SimpleNamespace

import pytest

from offhook.calls.mailboxes import Count
from offhook.calls.pbx import Pbx
from offhook.calls.watched_events import DeviceStateChange, MessageWaiting
from offhook.config.store import Configuration
from offhook.modules import ActionError, ActionRequest
from offhook.services import mwi_devstate, mwi_external
from offhook.storage.astdb import AstDb


@pytest.fixture
async def house(tmp_path):
    pbx = Pbx(asyncio.get_running_loop())
    pbx.config = Configuration(str(tmp_path))
    pbx.astdb = AstDb(":memory:")
    pbx.astdb.open()
    await mwi_external.load(pbx)
    heard = []
    pbx.bus.subscribe(MessageWaiting, heard.append)
    pbx.bus.subscribe(DeviceStateChange, heard.append)
    yield SimpleNamespace(pbx=pbx, heard=heard)
    pbx.astdb.close()


async def do(house, action, **headers):
    request = ActionRequest(house.pbx, action, list(headers.items()), None)
    await getattr(mwi_external, f"mwi_{action[3:].lower()}")(request)
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
    await do(house, "MWIUpdate", Mailbox="a", NewMessages="1")
    await do(house, "MWIDelete", Mailbox="a")
    await do(house, "MWIDelete", Mailbox="a")
    assert [(event.new, event.old) for event in house.heard] == [(1, 0), (0, 0)]
    assert list(boxes) == []


async def test_updates_from_outside_outlive_a_restart(house):
    await do(house, "MWIUpdate", Mailbox="alice@default", NewMessages="3", OldMessages="2")
    await do(house, "MWIUpdate", Mailbox="bob")
    house.pbx.mailboxes._counts.clear()
    await mwi_external.load(house.pbx)
    assert list(house.pbx.mailboxes) == [("alice@default", (3, 2)), ("bob", (0, 0))]


async def test_mailboxes_are_chosen_by_name_or_pattern(house):
    for name in ("alice", "alina", "bob"):
        await do(house, "MWIUpdate", Mailbox=name, NewMessages="1")
    got = (await do(house, "MWIGet", Mailbox="/^al/")).events
    assert [dict(headers).get("Mailbox") for _, headers in got] == ["alice", "alina", None]
    assert [name for name, _ in (await do(house, "MWIGet", Mailbox="bob")).events] == ["MWIGet", "MWIGetComplete"]
    await do(house, "MWIDelete", Mailbox="/^al/")
    assert [name for name, _ in house.pbx.mailboxes] == ["bob"]
    assert len((await do(house, "MWIGet", Mailbox="/./")).events) == 2


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
        await do(house, action, **headers)


async def test_a_mailbox_is_a_device(house):
    house.pbx.mailboxes.publish("a@b", 1, 0)
    mwi_devstate.load(house.pbx)
    assert house.pbx.devices.state("MWI:a@b") == "INUSE"
    house.pbx.mailboxes.publish("a@b", 0, 1)
    states = [event.state for event in house.heard if isinstance(event, DeviceStateChange)]
    assert states == ["INUSE", "NOT_INUSE"]
    assert house.pbx.devices.state("MWI:c@d") == "INVALID"
    mwi_devstate.unload(house.pbx)
    assert house.pbx.devices.state("MWI:a@b") == "INVALID"


class Rows:
    """A realtime family in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {"dazed": {"id": "dazed", "msgs_new": "5", "msgs_old": "4"}}

    async def many(self, family, criteria):
        assert (family, criteria) == ("boxes", [("id LIKE", "%")])
        return [list(row.items()) for row in self.rows.values()]

    async def one(self, family, criteria):
        row = self.rows.get(dict(criteria)["id"])
        return list(row.items()) if row is not None else None

    async def update(self, family, criteria, values):
        self.rows[dict(criteria)["id"]].update(values)
        return 1

    async def store(self, family, values):
        self.rows[dict(values)["id"]] = dict(values)
        return 1

    async def destroy(self, family, criteria):
        del self.rows[dict(criteria)["id"]]
        return 1


async def test_counts_may_be_kept_in_a_database(house, tmp_path, monkeypatch):
    (tmp_path / "sorcery.conf").write_text("[res_mwi_external]\nmailboxes = realtime,boxes\n")
    rows = Rows()
    monkeypatch.setattr(mwi_external, "realtime_of", lambda _: rows)
    await mwi_external.load(house.pbx)
    assert house.pbx.mailboxes.count("dazed") == (5, 4)
    await do(house, "MWIUpdate", Mailbox="dazed", NewMessages="300")
    await do(house, "MWIUpdate", Mailbox="confused", OldMessages="8")
    assert [tuple(row.values()) for row in rows.rows.values()] == [("dazed", "300", "0"), ("confused", "0", "8")]
    await do(house, "MWIDelete", Mailbox="/^d/")
    assert list(rows.rows) == ["confused"]
    assert len((await do(house, "MWIGet", Mailbox="/^/")).events) == 2
