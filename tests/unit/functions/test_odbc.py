"""Dialplan functions that are SQL statements."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.dialplan.scope import Scope
from offhook.functions import odbc
from offhook.storage import odbc as connections
from support.exchange import Exchange
from support.odbc_data import data_source

SCRIPT = """
CREATE TABLE presence (id TEXT PRIMARY KEY, location TEXT, floor INTEGER);
INSERT INTO presence VALUES ('100', 'hall, left', 1), ('200', 'attic', NULL), ('300', 'back\\slash', 3);
"""
QUERIES = """
[PRESENCE]
writehandle = nowhere,data
readsql = SELECT location, floor FROM presence WHERE id='${SQL_ESC(${ARG1})}'
writesql = UPDATE presence SET location='${SQL_ESC(${VAL1})}' WHERE id='${SQL_ESC(${ARG1})}'
insertsql = INSERT INTO presence VALUES ('${SQL_ESC(${ARG1})}', '${SQL_ESC(${VALUE})}', 0)
minargs = 1
synopsis = Where somebody is
syntax = <who>
[ALL]
dsn = data
mode = multirow
readsql = SELECT id, location FROM presence ORDER BY id
[TWO]
dsn = data
rowlimit = 2
prefix = DB
escapecommas = no
readsql = SELECT location FROM presence ORDER BY id
[RAW]
dsn = data
readsql = ${ARG1}
[EMPTY]
dsn = data
[HOMELESS]
readsql = SELECT 1
"""


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    (tmp_path / "res_odbc.conf").write_text(data_source(tmp_path, SCRIPT))
    (tmp_path / "func_odbc.conf").write_text(QUERIES)
    found = Exchange()
    found.pbx.config = Configuration(str(tmp_path))
    await connections.load(found.pbx)
    found.load(odbc)
    yield found
    connections.unload(found.pbx)
    await found.pbx.end_tasks()


def told(channel: Any) -> tuple[str | None, str | None]:
    return channel.get("ODBCROWS"), channel.get("ODBCSTATUS")


async def test_reading(exchange: Exchange) -> None:
    channel = exchange.channel()
    channel.set("ARG1", "kept")
    assert await exchange.read("${ODBC_PRESENCE(100)}", channel) == "hall\\, left,1"
    assert told(channel) == ("1", "SUCCESS")
    assert channel.get("~ODBCFIELDS~") == "location,floor"
    assert channel.get("ARG1") == "kept"
    assert await exchange.read("${ODBC_PRESENCE(200)}", channel) == "attic,"
    assert await exchange.read("${ODBC_PRESENCE(300)}", channel) == "back\\\\slash,3"
    assert await exchange.read("${ODBC_PRESENCE(o'neill)}", channel) == ""
    assert told(channel) == ("0", "NODATA")
    assert await exchange.read("${ODBC_RAW(SELECT 'no'\\, 5.5)}") == "no,5.5", "outside any channel"


async def test_writing(exchange: Exchange) -> None:
    channel = exchange.channel()
    await exchange.write("ODBC_PRESENCE(100)", "o'clock,2", channel)
    assert told(channel) == ("1", "SUCCESS")
    assert await exchange.read("${ODBC_PRESENCE(100)}", channel) == "o'clock,1"
    await exchange.write("ODBC_PRESENCE(400)", "roof,3", channel)
    assert told(channel) == ("1", "FAILOVER")
    assert await exchange.read("${ODBC_PRESENCE(400)}", channel) == "roof\\,3,0"


async def test_many_rows(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    channel = exchange.channel()
    number = await exchange.read("${ODBC_ALL()}", channel)
    assert told(channel) == ("3", "SUCCESS")
    fetched = [await exchange.read(f"${{ODBC_FETCH({number})}}", channel) for _ in range(4)]
    assert fetched == ["100,hall\\, left", "200,attic", "300,back\\\\slash", ""]
    assert channel.get("ODBC_FETCH_STATUS") == "FAILURE"
    number = await exchange.read("${ODBC_ALL()}", channel)
    odbc.finish(channel, number)
    assert await exchange.read(f"${{ODBC_FETCH({number})}}", channel) == ""
    assert await exchange.read("${DB_TWO()}", channel) == "hall, left"
    assert await exchange.read("${ODBC_FETCH(DB_TWO)}", channel) == "attic"
    assert await exchange.read("${ODBC_FETCH(DB_TWO)}", channel) == ""


async def test_what_is_wrong_is_told(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    channel = exchange.channel()
    assert await exchange.read("${ODBC_RAW(SELECT nonsense FROM nowhere)}", channel) == ""
    assert told(channel) == ("-1", "FAILURE")
    assert "no such table" in caplog.text
    assert await exchange.read("${ODBC_PRESENCE()}", channel) == ""
    assert "needs 1 arguments" in caplog.text
    errors: list[Any] = []
    names = [query.name for query in odbc.read_queries(loads(QUERIES, "func_odbc.conf"), errors)]
    assert names == ["ODBC_PRESENCE", "ODBC_ALL", "DB_TWO", "ODBC_RAW"]
    assert [str(error) for error in errors] == [
        "func_odbc.conf:23: [EMPTY] has neither readsql nor writesql; it is left out",
        "func_odbc.conf:25: [HOMELESS] has no dsn: a class of res_odbc.conf; it is left out",
    ]


async def test_texts_are_escaped(exchange: Exchange) -> None:
    scope = Scope(exchange.pbx)
    assert await scope.expanded("${SQL_ESC(it's 'so')}") == "it''s ''so''"
    assert await scope.expanded("${SQL_ESC_BACKSLASHES(a\\b)}") == "a\\\\b"


async def test_a_reload_defines_them_anew(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "func_odbc.conf").write_text("[NEW]\ndsn = data\nreadsql = SELECT 7\n")
    odbc.reload(exchange.pbx)
    assert await exchange.read("${ODBC_NEW()}") == "7"
    assert "ODBC_PRESENCE" not in exchange.pbx.registry.functions
    odbc.unload(exchange.pbx)
    assert "ODBC_NEW" not in exchange.pbx.registry.functions
    odbc.load(exchange.pbx)
