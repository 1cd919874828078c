"""Connections by ODBC, and realtime through them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from offhook.config.parser import loads
from offhook.modules import LoadError
from offhook.storage import realtime_odbc
from offhook.storage.odbc import Odbc, Unreachable, odbc_of
from offhook.storage.realtime import Target, realtime_of
from support.odbc_data import data_source

SCRIPT = """
CREATE TABLE phones (id TEXT PRIMARY KEY, context TEXT, "100rel" TEXT);
INSERT INTO phones VALUES ('a_b', 'office', NULL), ('axb', 'hall', 'no');
"""


@pytest.fixture
def databases(tmp_path: Path) -> Any:
    pbx: Any = SimpleNamespace(parts={})
    found = odbc_of(pbx)
    found.errors = found.configure(loads(data_source(tmp_path, SCRIPT), "res_odbc.conf"))  # type: ignore[attr-defined]
    realtime_odbc.load(pbx)
    realtime_of(pbx).targets["phones"] = [Target("phones", "odbc", "data", "phones")]
    yield found, realtime_of(pbx)
    found.close()


async def test_realtime(databases: Any) -> None:
    _, realtime = databases
    assert await realtime.one("phones", [("id", "axb")]) == [("id", "axb"), ("context", "hall"), ("100rel", "no")]
    assert await realtime.many("phones", [("id LIKE", "a%")]) == [
        [("id", "a_b"), ("context", "office")],
        [("id", "axb"), ("context", "hall"), ("100rel", "no")],
    ]
    assert await realtime.update("phones", [("id", "axb")], [("context", "roof")]) == 1
    assert await realtime.store("phones", [("id", "new"), ("context", "x")]) == 1
    assert await realtime.destroy("phones", [("id", "a_b")]) == 1
    assert [dict(row)["id"] for row in await realtime.many("phones", [("id LIKE", "%")])] == ["axb", "new"]
    assert await realtime.found("phones", [("id; DROP TABLE phones", "x")]) is None
    assert await realtime.found("phones", [("id", "axb"), ("context IN", "x")]) is None


async def test_connections_are_as_many_as_may_be(databases: Any) -> None:
    found, _ = databases
    one = found.find("DATA")
    answers = await asyncio.gather(*(one.execute("SELECT count(*) FROM phones") for _ in range(10)))
    assert {answer.rows[0][0] for answer in answers} == {"2"}
    assert 1 <= one.connections <= 2
    assert one.statements == 10


async def test_a_connection_that_died_is_made_anew(databases: Any) -> None:
    one = databases[0].find("data")
    await one.execute("SELECT 1")
    for connection in list(one._open):
        connection.close()
    assert (await one.execute("SELECT 2")).rows == [["2"]]


async def test_what_cannot_be_reached_is_not_tried_for_a_while(databases: Any) -> None:
    del databases  # a driver is there
    text = "[gone]\ndsn => none\nnegative_connection_cache => 60\n[off]\nenabled => no\n[bare]\n"
    other = Odbc()
    errors = other.configure(loads(text, "res_odbc.conf"))
    assert [str(error) for error in errors] == ["res_odbc.conf:6: [bare] has no dsn: name of odbc.ini"]
    with pytest.raises(Unreachable, match="Data source name not found"):
        await other.find("gone").execute("SELECT 1")
    with pytest.raises(Unreachable, match="a while ago"):
        await other.find("gone").execute("SELECT 1")
    with pytest.raises(Unreachable, match="no class"):
        other.find("off")
    other.close()


def test_a_section_that_is_as_it_was_keeps_its_connections(databases: Any, tmp_path: Path) -> None:
    found, _ = databases
    before = found.find("data")
    found.configure(loads("[data]\ndsn => source\nmax_connections => 2\nlogging => yes\n", "res_odbc.conf"))
    assert found.find("data") is before
    found.configure(loads("[data]\ndsn => source\n", "res_odbc.conf"))
    assert found.find("data") is not before


def test_pyodbc_is_needed_only_where_a_database_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    assert Odbc().configure(loads("[off]\nenabled => no\ndsn => x\n", "res_odbc.conf")) == []
    with pytest.raises(LoadError, match="pip install pyodbc"):
        Odbc().configure(loads("[on]\ndsn => x\n", "res_odbc.conf"))
