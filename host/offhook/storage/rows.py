"""Writing rows to an SQLite database from the loop: in order, off the loop, each batch one transaction."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

log = logging.getLogger(__name__)


class RowWriter:
    """Inserts rows into one table of one database file; the table is made when it is missing."""

    __slots__ = ("_busy", "_loop", "_pending", "columns", "path", "table")

    def __init__(self, loop: asyncio.AbstractEventLoop, path: str, table: str, columns: Sequence[str]) -> None:
        self._loop = loop
        self.path = path
        self.table = table
        self.columns = tuple(columns)
        self._pending: list[tuple[str, ...]] = []
        self._busy: asyncio.Future[None] | None = None

    def insert(self, row: Sequence[str]) -> None:
        """Insert one row, its values in the order of the columns. Failures are logged."""
        self._pending.append(tuple(row))
        if self._busy is None:
            self._start()

    def _start(self) -> None:
        rows, self._pending = self._pending, []
        self._busy = self._loop.run_in_executor(None, self._write, rows)
        self._busy.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._busy = None
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("cannot write to table %s of %s: %s", self.table, self.path, error)
        if self._pending:
            self._start()

    def _write(self, rows: list[tuple[str, ...]]) -> None:
        names = ", ".join(_quoted(name) for name in self.columns)
        marks = ", ".join("?" * len(self.columns))
        connection = sqlite3.connect(self.path, timeout=5)
        try:
            with connection:
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {_quoted(self.table)} (AcctId INTEGER PRIMARY KEY, {names})"
                )
                connection.executemany(f"INSERT INTO {_quoted(self.table)} ({names}) VALUES ({marks})", rows)
        finally:
            connection.close()

    async def drain(self) -> None:
        """Wait until everything is written."""
        while self._busy is not None:
            await asyncio.wait({self._busy})
            await asyncio.sleep(0)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
