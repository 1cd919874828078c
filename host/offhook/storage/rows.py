"""Writing rows to a table from the loop: in order, off the loop, each batch one transaction."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

log = logging.getLogger(__name__)

Row = TypeVar("Row")
RowIn = TypeVar("RowIn", contravariant=True)


class Table(Protocol[RowIn]):
    """One table of some database; everything blocks and is called on one worker thread at a time."""

    errors: tuple[type[Exception], ...]
    """What the database raises when it cannot do it."""

    def insert(self, rows: Sequence[RowIn]) -> None:
        """Insert rows, all or none; on the disk on return."""

    def missing(self, rows: Sequence[RowIn]) -> list[int]:
        """Which rows (their indices) are not in the table: each as often as it is given."""
        ...

    def __str__(self) -> str:
        """How a person would name it."""
        ...


class RowWriter(Generic[Row]):
    """Inserts rows that the loop hands over into one table. What fails is logged and is not tried again."""

    __slots__ = ("_busy", "_loop", "_pending", "failures", "table")

    def __init__(self, loop: asyncio.AbstractEventLoop, table: Table[Row]) -> None:
        self._loop = loop
        self.table = table
        self._pending: list[Row] = []
        self._busy: asyncio.Future[None] | None = None
        self.failures = 0
        """How often something could not be written so far."""

    def insert(self, row: Row) -> None:
        """Insert one row."""
        self._pending.append(row)
        if self._busy is None:
            self._start()

    def _start(self) -> None:
        rows, self._pending = self._pending, []
        self._busy = self._loop.run_in_executor(None, self.table.insert, rows)
        self._busy.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._busy = None
        if done.cancelled():
            self.failures += 1
        elif (error := done.exception()) is not None:
            self.failures += 1
            log.error("cannot write to %s: %s", self.table, str(error).strip())
        if self._pending:
            self._start()

    async def drain(self) -> None:
        """Wait until everything is on the disk or has failed."""
        while self._busy is not None:
            await asyncio.wait({self._busy})
            await asyncio.sleep(0)

    async def missing(self, rows: Sequence[Row]) -> list[int]:
        """Which rows (their indices) are not in the table. Raises OSError when the database does not tell."""
        try:
            return await self._loop.run_in_executor(None, self.table.missing, rows)
        except self.table.errors as error:
            raise OSError(f"{self.table}: {str(error).strip()}") from error


class SqliteTable:
    """A table of texts in an SQLite file; it is made when it is missing."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: str, table: str, columns: Sequence[str], timeout_s: float = 5.0) -> None:
        self.path = path
        self.table = table
        self.columns = tuple(columns)
        self.timeout_s = timeout_s

    def insert(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Insert rows in one transaction."""
        names = ", ".join(_quoted(name) for name in self.columns)
        marks = ", ".join("?" * len(self.columns))
        connection = self._open()
        try:
            with connection:
                connection.executemany(f"INSERT INTO {_quoted(self.table)} ({names}) VALUES ({marks})", rows)
        finally:
            connection.close()

    def missing(self, rows: Sequence[tuple[str, ...]]) -> list[int]:
        """Which rows are not in the table."""
        test = " AND ".join(f"{_quoted(name)} = ?" for name in self.columns)
        connection = self._open()
        try:
            query = f"SELECT count(*) FROM {_quoted(self.table)} WHERE {test}"
            return absent(rows, lambda row: int(connection.execute(query, row).fetchone()[0]))
        finally:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self.timeout_s)
        names = ", ".join(_quoted(name) for name in self.columns)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {_quoted(self.table)} (AcctId INTEGER PRIMARY KEY, {names})")
        return connection

    def __str__(self) -> str:
        return f"table {self.table} of {self.path}"


class _Count(Protocol[RowIn]):
    def __call__(self, row: RowIn, /) -> int: ...


def absent(rows: Sequence[Row], count: _Count[Row]) -> list[int]:
    """The indices of rows that are given more often than they are there; ``count`` tells how often one is there."""
    left: Counter[Row] = Counter()
    found = []
    for index, row in enumerate(rows):
        if row not in left:
            left[row] = count(row)
        if left[row] > 0:
            left[row] -= 1
        else:
            found.append(index)
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
