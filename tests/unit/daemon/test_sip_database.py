"""Endpoints of an SQLite database in a running daemon, in tables with a column for each option."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from offhook.drivers.sip.configuration.endpoint import Endpoint
from offhook.drivers.sip.configuration.sections import Aor, Auth
from support.process import MODULES, Running, write_configuration

KINDS = {"ps_endpoints": Endpoint, "ps_aors": Aor, "ps_auths": Auth}


def put(database: Path, table: str, **row: str) -> None:
    """Add or change a row."""
    with sqlite3.connect(database) as connection:
        connection.execute(f"DELETE FROM {table} WHERE id = ?", (row["id"],))
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


@pytest.fixture
def daemon() -> Iterator[tuple[Running, Path]]:
    made = Path(tempfile.mkdtemp(prefix="oh-", dir="/tmp"))
    database = made / "phones.sqlite3"
    with sqlite3.connect(database) as connection:
        for table, kind in KINDS.items():
            columns = ", ".join(f'"{name}" TEXT' for name in kind.OPTIONS)
            connection.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, {columns})")
    put(database, "ps_endpoints", id="100", context="office", disallow="all", allow="alaw,g722", aors="100", auth="100")
    put(database, "ps_aors", id="100", max_contacts="3")
    put(database, "ps_auths", id="100", auth_type="userpass", username="100", password="x")
    names = ("res_config_sqlite3", "res_sorcery_realtime", "res_pjsip")
    write_configuration(
        made,
        modules=MODULES + "".join(f"load = {name}\n" for name in names),
        pjsip="[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:0\n",
        extconfig="[settings]\n" + "".join(f"{table} => sqlite3,phones,{table}\n" for table in KINDS),
        res_config_sqlite3=f"[phones]\ndbfile = {database}\n",
        sorcery="[res_pjsip]\nendpoint = realtime,ps_endpoints\naor = realtime,ps_aors\nauth = realtime,ps_auths\n",
    )
    running = Running(made)
    try:
        running.wait()
        yield running, database
    finally:
        running.end()
        shutil.rmtree(made)


def test_tables_with_all_columns_are_read_and_read_again(daemon: Any) -> None:
    running, database = daemon
    shown = running.run("pjsip show endpoint 100")
    assert "InAuth:  100/100" in shown and "Aor:  100" in shown
    assert re.search(r"\n allow +: \(alaw\|g722\)\n", shown)
    put(database, "ps_endpoints", id="100", context="second")
    put(database, "ps_endpoints", id="200", context="office")
    assert running.run("module reload res_pjsip").endswith("reloaded successfully.\n")
    for _ in range(100):
        if "Objects found: 2" in running.run("pjsip list endpoints"):
            break
        time.sleep(0.05)
    shown = running.run("pjsip show endpoint 100")
    assert re.search(r"\n context +: second\n", shown) and "InAuth" not in shown.partition("=====")[2]
    log = (running.folder / "log/full.log").read_text()
    assert "ERROR" not in log and "realtime ps_" not in log
