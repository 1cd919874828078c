"""An SQLite database that unixODBC knows, for tests: skipped where pyodbc or the driver is missing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest


def data_source(folder: Path, script: str) -> str:
    """Make a database by a script; the text of res_odbc.conf that names it [data]."""
    driver = pytest.importorskip("pyodbc")
    if "SQLite3" not in driver.drivers():
        pytest.skip("no ODBC driver SQLite3 (apt-get install libsqliteodbc)")
    with sqlite3.connect(folder / "data.sqlite3") as connection:
        connection.executescript(script)
    (folder / "odbc.ini").write_text(f"[source]\nDriver = SQLite3\nDatabase = {folder}/data.sqlite3\n")
    return f"[ENV]\nODBCINI => {folder}/odbc.ini\n[data]\ndsn => source\nmax_connections => 2\nlogging => yes\n"
