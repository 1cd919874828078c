"""Functions on the AstDB, custom device states and presence that are kept in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook.calls import watched_events
from offhook.functions import database, presence, states
from offhook.storage.astdb import AstDb
from support.exchange import Exchange


@pytest.fixture
def astdb(tmp_path: Path) -> Iterator[AstDb]:
    found = AstDb(str(tmp_path / "astdb.sqlite3"))
    found.open()
    yield found
    found.close()


@pytest.fixture
def exchange(exchange: Exchange, astdb: AstDb) -> Exchange:
    exchange.pbx.astdb = astdb
    exchange.load(database, states, presence)
    return exchange


async def test_values_are_written_and_read(exchange: Exchange):
    channel = exchange.channel()
    await exchange.write("DB(family/key)", "value", channel)
    assert await exchange.read("${DB(family/key)} ${DB_RESULT}", channel) == "value value"
    assert await exchange.read("${DB_EXISTS(family/key)}${DB_EXISTS(family/other)}[${DB(family/other)}]", channel) == (
        "10[]"
    )
    assert await exchange.read("${DB_DELETE(family/key)}${DB_EXISTS(family/key)}", channel) == "value0"
    await exchange.write("DB(family/key)", "again", channel)
    await exchange.write("DB_DELETE(family/key)", "", channel)
    assert await exchange.read("${DB_EXISTS(family/key)} ${DB_RESULT}", channel) == "0 again"


async def test_keys_are_listed_level_by_level(exchange: Exchange):
    channel = exchange.channel()
    for key in ("a/1", "a/2/x", "a/2/y", "b/1", "ab/1", "a/k,l"):
        await exchange.write(f"DB({key})", "v", channel)
    assert await exchange.read("${DB_KEYS()}", channel) == "a,ab,b"
    assert await exchange.read("${DB_KEYS(a)} ${DB_KEYCOUNT(a)}", channel) == "1,2,k\\,l 3"
    assert await exchange.read("${DB_KEYS(a/2)} ${DB_KEYCOUNT(/a/2/)}", channel) == "x,y 2"
    assert await exchange.read("[${DB_KEYS(nothing)}] ${DB_KEYCOUNT(nothing)}", channel) == "[] 0"


async def test_a_key_is_needed(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${DB(family)}", exchange.channel()) == ""
    assert "DB needs a family and a key" in caplog.text
    await exchange.write("DB(family//key)", "x", exchange.channel(name="Test/2"))
    assert 'the key "/key" is odd' in caplog.text


async def test_the_blacklist(exchange: Exchange):
    channel = exchange.channel(number="0900")
    assert await exchange.read("${BLACKLIST()}", channel) == "0"
    exchange.pbx.astdb.put("blacklist", "0900", "1")
    assert await exchange.read("${BLACKLIST()}", channel) == "1"


async def test_dial_groups(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    await exchange.write("DIALGROUP(sales)", "PJSIP/a&PJSIP/b&PJSIP/a", channel)
    assert await exchange.read("${DIALGROUP(sales)}", channel) == "PJSIP/a&PJSIP/b"
    await exchange.write("DIALGROUP(sales,add)", "PJSIP/c", channel)
    await exchange.write("DIALGROUP(sales,del)", "PJSIP/a", channel)
    assert await exchange.read("${DIALGROUP(sales)}", channel) == "PJSIP/b&PJSIP/c"
    await exchange.write("DIALGROUP(sales,multiply)", "PJSIP/a", channel)
    assert '"multiply" is no operation' in caplog.text
    await exchange.write("DIALGROUP(sales)", "", channel)
    assert await exchange.read("[${DIALGROUP(sales)}]", channel) == "[]"
    assert 'no dial group "sales"' in caplog.text


async def test_custom_device_states_are_kept_and_told(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("${DEVICE_STATE(Custom:lamp)} ${DEVICE_STATE(Nothing/x)}") == "UNKNOWN INVALID"
    await exchange.write("DEVICE_STATE(Custom:lamp)", "inuse")
    assert await exchange.read("${DEVICE_STATE(Custom:lamp)}") == "INUSE"
    assert [(event.device, event.state) for event in exchange.heard(watched_events.DeviceStateChange)] == [
        ("Custom:lamp", "INUSE")
    ]
    await exchange.write("DEVICE_STATE(Custom:lamp)", "glowing")
    await exchange.write("DEVICE_STATE(PJSIP/lamp)", "INUSE")
    assert '"glowing" is no state' in caplog.text
    assert 'not for "PJSIP/lamp"' in caplog.text
    later = Exchange()
    later.pbx.astdb = exchange.pbx.astdb
    later.load(states)
    assert await later.read("${DEVICE_STATE(Custom:lamp)}") == "INUSE"


async def test_hints_and_their_state(exchange: Exchange):
    from offhook.functions import places

    exchange.load(places)
    exchange.dialplan(
        """
[default]
exten => 100,hint,Custom:lamp&Custom:bell
exten => 100,1,NoOp()
[other]
exten => 200,hint,Custom:bell
"""
    )
    exchange.pbx.hints.start()
    assert (
        await exchange.read("${HINT(100)} ${HINT(200@other)}[${HINT(300)}]") == "Custom:lamp&Custom:bell Custom:bell[]"
    )
    await exchange.write("DEVICE_STATE(Custom:bell)", "RINGING")
    assert await exchange.read("${EXTENSION_STATE(100)} ${EXTENSION_STATE(200@other)}") == "RINGING RINGING"
    await exchange.write("DEVICE_STATE(Custom:lamp)", "INUSE")
    assert await exchange.read("${EXTENSION_STATE(100)} ${EXTENSION_STATE(300)}") == "RINGINUSE UNKNOWN"


async def test_custom_presence(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    await exchange.write("PRESENCE_STATE(CustomPresence:ada)", "Away,holiday,at the sea")
    read = "${PRESENCE_STATE(CustomPresence:ada,%s)}"
    assert await exchange.read(read % "value" + ";" + read % "subtype") == "away;holiday"
    await exchange.write("PRESENCE_STATE(CustomPresence:ada)", "dnd,bWVldGluZw==,dGlsbCAzLCBhdCBsZWFzdA==,e")
    assert await exchange.read(read % "subtype" + ";" + read % "message") == "meeting;till 3, at least"
    assert await exchange.read(read % "subtype,e") == "bWVldGluZw=="
    assert [event.status for event in exchange.heard(watched_events.PresenceStateChange)] == ["away", "dnd"]
    assert await exchange.read("${PRESENCE_STATE(CustomPresence:bob,value)}") == "not_set"
    await exchange.write("PRESENCE_STATE(CustomPresence:ada)", "asleep")
    assert '"asleep" is not state' in caplog.text
    assert await exchange.read("${PRESENCE_STATE(Skype:ada,value)}") == ""
    assert 'nobody knows "Skype:ada"' in caplog.text
