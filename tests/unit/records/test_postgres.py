"""Records in a real PostgreSQL server."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from offhook.config.paths import Paths
from offhook.modules import LoadError
from offhook.services.cdr import core as cdr_core
from offhook.services.cdr import pgsql, sqlite
from offhook.services.cdr.delivery import Batch, encode
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.record import Rules
from offhook.services.cel import core as cel_core
from offhook.services.cel import tables
from offhook.services.cel.engine import CelRecord
from support.postgres_server import PostgresServer
from unit.records.test_delivery import record

CDR_TABLE = """
CREATE TABLE cdr (
  start timestamp, answer timestamp with time zone, "end" bigint, clid varchar(10), src text, dst text NOT NULL,
  disposition integer, amaflags text, duration integer, billsec double precision, uniqueid text, sequence integer,
  colour text, site text NOT NULL, made timestamp DEFAULT now())
"""
CEL_TABLE = """
CREATE TABLE cel (eventtype text, number integer DEFAULT 7, eventtime timestamp, channame text, cid_num integer,
  extra text, amaflags integer)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server with the tables; its folder's name is short, for a socket's path."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        Path(folder).chmod(0o755)
        running = PostgresServer(Path(folder) / "s")
        running.start()
        running.rows(CDR_TABLE)
        running.rows(CEL_TABLE)
        yield running
        running.stop()


@pytest.fixture
def pbx(exchange: Any, server: PostgresServer, tmp_path: Path) -> Any:
    """An exchange configured for the server."""
    server.rows("DELETE FROM cdr")
    server.rows("DELETE FROM cel")
    where = f"hostname={server.folder}\ndbname=postgres\nuser=offhook\n"
    (tmp_path / "cdr_pgsql.conf").write_text(f"[global]\n{where}table=cdr\n")
    (tmp_path / "cel_pgsql.conf").write_text(f"[global]\n{where}table=cel\n")
    exchange.pbx.paths = Paths(str(tmp_path / "asterisk.conf"))
    exchange.pbx.paths.log = str(tmp_path)
    engine = exchange.pbx.parts["cdr"] = CdrEngine(exchange.pbx)
    engine.configure(Rules(), Batch())
    engine.delivery.open(str(tmp_path / "journal"))
    return exchange.pbx


async def test_columns_get_what_their_names_say(pbx: Any, server: PostgresServer) -> None:
    await pgsql.load(pbx)
    pbx.parts["cdr"].delivery.add(record(5, "A long caller's name"))
    await pgsql.unload(pbx)
    ((start, answer, end, clid, src, dst, disposition, ama, duration, billsec, uid, seq, colour, site, made),) = (
        server.rows("SELECT * FROM cdr")
    )
    assert start == datetime.fromtimestamp(1_700_000_000)
    assert answer.timestamp() == 1_700_000_001.25
    assert end == 1_700_000_008
    assert clid == "A long cal", "texts are cut to the column's length"
    assert (src, dst, disposition, ama, duration, uid, seq) == (
        "100",
        "200",
        8,
        "DOCUMENTATION",
        8,
        "1700000000.5",
        5,
    )
    assert billsec == 7.25
    assert (colour, site) == ("blue", "")
    assert made is not None, "a column the record knows nothing of has its default"


async def test_a_server_that_is_away_gets_its_records_later_and_once(pbx: Any, server: PostgresServer) -> None:
    await pgsql.load(pbx)
    delivery = pbx.parts["cdr"].delivery
    delivery.add(record(1))
    await delivery.close()
    server.kill()
    delivery.add(record(2))
    delivery.add(record(3))
    await delivery.close()
    assert delivery.journal.sealed(), "the journal has them"
    server.start()
    await delivery.recover()
    assert server.rows("SELECT uniqueid FROM cdr ORDER BY 1") == [(f"1700000000.{n}",) for n in (1, 2, 3)]
    assert not delivery.journal.sealed()
    await pgsql.unload(pbx)


async def test_a_killed_exchange_leaves_nothing_out_and_nothing_twice(pbx: Any, server: PostgresServer) -> None:
    await pgsql.load(pbx)
    delivery = pbx.parts["cdr"].delivery
    delivery.add(record(1))
    await delivery.close()
    delivery.journal.append(encode(record(1)))  # as if killed after the insertion, before the journal was dropped
    delivery.journal.append(encode(record(2)))  # and before this one was inserted
    again = CdrEngine(pbx)
    again.configure(Rules(), Batch())
    again.delivery.open(delivery.journal.folder)
    again.delivery.backends = delivery.backends
    await again.delivery.recover()
    assert server.rows("SELECT uniqueid FROM cdr ORDER BY 1") == [("1700000000.1",), ("1700000000.2",)]
    await pgsql.unload(pbx)


async def test_a_table_that_does_not_exist_is_named(pbx: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "cdr_pgsql.conf"
    path.write_text(path.read_text().replace("table=cdr", "table=nowhere"))
    await pgsql.load(pbx)
    pbx.parts["cdr"].delivery.add(record(1))
    await pgsql.unload(pbx)
    assert "there is no table 'nowhere'; make it first" in caplog.text


def event(name: str, **more: Any) -> CelRecord:
    """A channel event."""
    empty = dict.fromkeys(CelRecord.__slots__, "")
    empty |= {"event": name, "time": 1_700_000_000.5, "ama_flags": 3, "channel": "PJSIP/a-1", "caller_number": "100"}
    return CelRecord(**{**empty, **more})  # type: ignore[arg-type]


async def test_channel_events(pbx: Any, server: PostgresServer) -> None:
    cel_core.read(pbx)
    await tables.load_pgsql(pbx)
    write = pbx.parts["cel"].backends[tables.PGSQL]
    write(event("CHAN_START"))
    write(event("USER_DEFINED", user_defined="mine", extra='{"extra":"x"}'))
    await tables.unload_pgsql(pbx)
    first, second = server.rows("SELECT * FROM cel")
    assert first == ("CHAN_START", 7, datetime.fromtimestamp(1_700_000_000.5), "PJSIP/a-1", 100, "", 3)
    assert (second[0], second[5]) == ("mine", '{"extra":"x"}')


async def test_without_the_driver_the_module_says_what_to_install(pbx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LoadError, match="pip install 'psycopg"):
        await pgsql.load(pbx)


async def test_sqlite_files_by_section(pbx: Any, tmp_path: Path) -> None:
    (tmp_path / "cdr_sqlite3_custom.conf").write_text(
        "[master]\ncolumns=a,b\nvalues='${CDR(uniqueid)}','it''s'\n[other]\ntable=t\ncolumns=a\nvalues='${CDR(dst)}'\n"
        "[bad]\ncolumns=a,b\nvalues='x'\n"
    )
    (tmp_path / "cel_sqlite3_custom.conf").write_text(
        "[events]\ncolumns=a,b\nvalues='${eventtype}','${CHANNEL(name)}'\n"
    )
    pbx.registry.add(cdr_core.function_module)
    cel_core.read(pbx)
    await sqlite.load(pbx)
    await tables.load_sqlite(pbx)
    pbx.parts["cdr"].delivery.add(record(9))
    pbx.parts["cel"].backends[tables.SQLITE](replace(event("HANGUP"), exten="s"))
    await sqlite.unload(pbx)
    await tables.unload_sqlite(pbx)
    assert on_disk(tmp_path / "master.db", "SELECT a, b FROM cdr") == [("1700000000.9", "it's")]
    assert on_disk(tmp_path / "other.db", "SELECT a FROM t") == [("200",)]
    assert on_disk(tmp_path / "events.db", "SELECT a FROM cel") == [("HANGUP",)]


def on_disk(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a database file says."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
