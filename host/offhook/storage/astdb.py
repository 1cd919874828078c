"""The AstDB: small facts that outlive a restart, as ``/family/key`` and value in one SQLite file.

All of it is held in memory, so reading never waits. A change is visible at once and written by one thread in
batches; a batch is on the disk (WAL, synchronous FULL) when ``flush`` returns, and a power cut loses at most the
batch being gathered. File and table are those of Asterisk, so its tools and backups keep working.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

log = logging.getLogger(__name__)

GATHER_S: Final = 0.05
"""After the first change the writer waits so long for more."""
RETRY_S: Final = 5.0
"""A failed write is tried again after so long."""

_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

Change = tuple[str, str | None]
"""(key, value), or (key, None) for a deletion."""


class QueryError(Exception):
    """SQL that SQLite refuses, with its reason."""


class AstDb:
    """The database in one file; ``:memory:`` keeps nothing."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._values: dict[str, str] = {}
        self._changes: list[Change] = []
        self._waiting: list[Callable[[], None]] = []
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._disk: sqlite3.Connection | None = None
        self._disk_use = threading.Lock()

    def open(self) -> None:
        """Read the file, making it when it is missing; a damaged one is put aside. Raises OSError."""
        if self.path != ":memory:":
            os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise OSError(f"{self.path}: {error}") from error
            aside = f"{self.path}.damaged-{int(time.time())}"
            os.rename(self.path, aside)
            log.error("%s is damaged (%s): it was put aside as %s and a new one begun", self.path, error, aside)
            self._connect()

    def _connect(self) -> None:
        disk = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            disk.execute("PRAGMA journal_mode=WAL")
            disk.execute("PRAGMA synchronous=FULL")
            disk.execute("CREATE TABLE IF NOT EXISTS astdb(key TEXT, value TEXT, PRIMARY KEY(key))")
            self._values = dict(_rows(disk))
        except sqlite3.DatabaseError:
            disk.close()
            raise
        self._disk = disk

    # ---- reading ------------------------------------------------------------------------------------

    def get(self, family: str, key: str) -> str | None:
        """A value, or None."""
        return self._values.get(f"/{family}/{key}")

    def exists(self, family: str, key: str) -> bool:
        return f"/{family}/{key}" in self._values

    def tree(self, family: str = "", keytree: str = "") -> list[tuple[str, str]]:
        """Full keys and values at and below a family or a key tree, sorted; everything without a family.

        As in Asterisk, letters match in any case and ``%`` and ``_`` are SQL's wildcards.
        """
        fits = _below(prefix_of(family, keytree))
        return sorted((key, value) for key, value in self._values.items() if fits(key))

    def by_prefix(self, family: str, key_prefix: str) -> list[tuple[str, str]]:
        """Full keys and values whose key in the family begins so (exactly, and goes on), sorted."""
        prefix = f"/{family}/{key_prefix}"
        return sorted((key, value) for key, value in self._values.items() if key.startswith(prefix) and key != prefix)

    def with_key(self, key: str) -> list[tuple[str, str]]:
        """Full keys and values of that key in any family, sorted; case and wildcards as in ``tree``."""
        fits = _like("%/" + key)
        return sorted((name, value) for name, value in self._values.items() if fits(name))

    def families(self) -> Iterator[str]:
        """The names of all families, sorted."""
        return iter(sorted({key.split("/", 2)[1] for key in self._values if key.count("/") > 1}))

    def __len__(self) -> int:
        return len(self._values)

    # ---- writing ------------------------------------------------------------------------------------

    def put(self, family: str, key: str, value: str) -> None:
        """Set a value."""
        name = f"/{family}/{key}"
        if self._values.get(name) != value:
            self._values[name] = value
            self._change([(name, value)])

    def delete(self, family: str, key: str) -> bool:
        """Take a value out; False when there was none."""
        name = f"/{family}/{key}"
        if self._values.pop(name, None) is None:
            return False
        self._change([(name, None)])
        return True

    def delete_tree(self, family: str = "", keytree: str = "") -> int:
        """Take out what ``tree`` would list; how many."""
        gone = [key for key, _value in self.tree(family, keytree)]
        for key in gone:
            del self._values[key]
        self._change([(key, None) for key in gone])
        return len(gone)

    def _change(self, changes: list[Change]) -> None:
        if not changes:
            return
        with self._guard:
            self._changes += changes
        self._start()
        self._wake.set()

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="astdb", daemon=True)
            self._thread.start()

    async def flush(self) -> None:
        """Return when every change made so far is safe on the disk."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def settle() -> None:
            if not done.done():
                done.set_result(None)

        with self._guard:
            self._waiting.append(lambda: _from_thread(loop, settle))
        self._start()
        self._wake.set()
        await done

    async def query(self, sql: str) -> list[list[tuple[str, Any]]]:
        """Run any SQL and take over what it changed; rows as (column, value). Raises QueryError."""
        await self.flush()
        loop = asyncio.get_running_loop()
        rows, values = await loop.run_in_executor(None, self._query, sql)
        if values is not None:
            self._values = values
        return rows

    def _query(self, sql: str) -> tuple[list[list[tuple[str, Any]]], dict[str, str] | None]:
        with self._disk_use:
            assert self._disk is not None
            before = self._disk.total_changes
            try:
                cursor = self._disk.execute(sql)
                names = [column[0] for column in cursor.description or ()]
                rows = [list(zip(names, row, strict=True)) for row in cursor.fetchall()]
            except sqlite3.Error as error:
                raise QueryError(str(error)) from error
            changed = self._disk.total_changes != before
            return rows, dict(_rows(self._disk)) if changed else None

    # ---- the writer ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            if not self._closing and not self._waiting:
                time.sleep(GATHER_S)
            self._wake.clear()
            if not self._write():
                self._wake.wait(RETRY_S)
                self._wake.set()

    def _write(self) -> bool:
        with self._guard:
            changes, self._changes = self._changes, []
            waiting, self._waiting = self._waiting, []
        if changes:
            try:
                self._commit(changes)
            except sqlite3.Error as error:
                log.error("%s: changes cannot be written (%s); they are tried again", self.path, error)
                with self._guard:
                    self._changes = changes + self._changes
                    self._waiting = waiting + self._waiting
                return False
        for call in waiting:
            call()
        return True

    def _commit(self, changes: list[Change]) -> None:
        with self._disk_use:
            disk = self._disk
            assert disk is not None
            last = dict(changes)
            disk.execute("BEGIN IMMEDIATE")
            try:
                disk.executemany(
                    "DELETE FROM astdb WHERE key=?", [(key,) for key, value in last.items() if value is None]
                )
                disk.executemany(
                    "INSERT OR REPLACE INTO astdb (key, value) VALUES (?, ?)",
                    [(key, value) for key, value in last.items() if value is not None],
                )
                disk.execute("COMMIT")
            except sqlite3.Error:
                disk.rollback()
                raise

    def close(self) -> None:
        """Write everything that waits, and close the file."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10.0)
            self._thread = None
        if self._disk is not None:
            self._write()
            self._disk.close()
            self._disk = None


def prefix_of(family: str, keytree: str = "") -> str:
    """The full key that a family and a key tree begin with."""
    if not family:
        return ""
    return f"/{family}/{keytree}" if keytree else f"/{family}"


def _rows(disk: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for key, value in disk.execute("SELECT key, value FROM astdb"):
        if key is not None and value is not None:
            yield str(key), str(value)


def _below(prefix: str) -> Callable[[str], bool]:
    if not prefix:
        return lambda key: True
    if "%" not in prefix and "_" not in prefix:
        start = prefix.translate(_FOLD) + "/"
        return lambda key: (key.translate(_FOLD) + "/").startswith(start)
    fits = _like(prefix + "/%")
    return lambda key: fits(key + "/")


@lru_cache(maxsize=64)
def _like(pattern: str) -> Callable[[str], bool]:
    """SQL's LIKE: ``%`` any characters, ``_`` one, ASCII letters in any case."""
    expression = "".join({"%": ".*", "_": "."}.get(char) or re.escape(char) for char in pattern)
    matcher = re.compile(expression, re.IGNORECASE | re.ASCII | re.DOTALL)
    return lambda text: matcher.fullmatch(text) is not None


def _from_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
