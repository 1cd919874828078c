"""Realtime in SQLite files: the driver "sqlite3", by res_config_sqlite3.conf."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from offhook.config.model import Section
from offhook.config.options import Schema, choice, duration, flag, integer, string
from offhook.modules import LoadError, Module
from offhook.storage.realtime import Criteria, Row, Unreachable, realtime_of, static_query, static_sections

log = logging.getLogger(__name__)
module = Module("res_config_sqlite3", "SQLite 3 realtime config engine", priority=2, needs="res_config_sqlite3.conf")
Result = TypeVar("Result")

SCHEMA = Schema("res_config_sqlite3", "res_config_sqlite3.conf", "SQLite databases for extconfig.conf")
DATABASE = SCHEMA.type("database", "A section for each database; its name is what extconfig.conf writes.")
DATABASE.option("dbfile", string(), None, "The file, below astvarlibdir unless it begins with a slash.")
DATABASE.option("busy_timeout", integer(0, unit="ms"), 1000, "How long to wait while others write.")
DATABASE.option("debug", flag(), False, "Log each statement at debug level.")
DATABASE.option(
    "batch",
    duration("ms"),
    0.1,
    "Taken for compatibility: SQLite's write-ahead log makes writes cheap, and each is kept at once.",
)
DATABASE.option(
    "requirements",
    choice("warn", "createclose", "createchar"),
    "warn",
    "Taken for compatibility: columns are those that the table has.",
)

_OPERATORS = re.compile(r"(=|!=|<>|<|>|<=|>=|LIKE|NOT LIKE|IS|IS NOT)\Z", re.IGNORECASE)


@dataclass(slots=True)
class Database:
    """One file; its one connection is used by whoever holds the guard."""

    path: str
    busy_ms: int
    debug: bool
    guard: threading.Lock = field(default_factory=threading.Lock)
    connection: sqlite3.Connection | None = None

    def use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something with the connection, which is opened if need be. Blocks. Raises Unreachable."""
        with self.guard:
            try:
                if self.connection is None:
                    self.connection = sqlite3.connect(
                        self.path, timeout=self.busy_ms / 1000, isolation_level=None, check_same_thread=False
                    )
                    self.connection.execute("PRAGMA journal_mode=WAL")
                    if self.debug:
                        self.connection.set_trace_callback(lambda sql: log.debug("%s: %s", self.path, sql))
                return work(self.connection)
            except sqlite3.Error as error:
                raise Unreachable(f"{self.path}: {error}") from error

    def close(self) -> None:
        with self.guard:
            if self.connection is not None:
                self.connection.close()
                self.connection = None


class Sqlite:
    """The driver "sqlite3"."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        """By lower-case name of the section."""
        self._thread = ThreadPoolExecutor(1, "realtime")

    async def _use(self, name: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
        database = self._database(name)
        return await asyncio.get_running_loop().run_in_executor(self._thread, database.use, work)

    def _database(self, name: str) -> Database:
        database = self.databases.get(name.lower())
        if database is None:
            raise Unreachable(f"res_config_sqlite3.conf has no database [{name}]")
        return database

    async def select(self, database: str, table: str, criteria: Criteria, *, first: bool) -> list[Row]:
        """The rows that fit; the first column of the criteria orders them."""
        where, values = _where(criteria)
        order = "" if first or not criteria else f" ORDER BY {_name(criteria[0][0].partition(' ')[0])}"
        sql = f"SELECT * FROM {_name(table)}{where}{order}{' LIMIT 1' if first else ''}"
        return await self._use(database, lambda connection: _rows(connection.execute(sql, values)))

    async def update(self, database: str, table: str, criteria: Criteria, values: Row) -> int:
        """Change the rows that fit."""
        where, matched = _where(criteria)
        assignments = ", ".join(f"{_name(name)} = ?" for name, _ in values)
        sql = f"UPDATE {_name(table)} SET {assignments}{where}"
        given = [value for _, value in values] + matched
        return await self._use(database, lambda connection: connection.execute(sql, given).rowcount)

    async def insert(self, database: str, table: str, values: Row) -> int:
        """Add a row; its rowid."""
        columns = ", ".join(_name(name) for name, _ in values)
        marks = ", ".join("?" for _ in values)
        sql = f"INSERT INTO {_name(table)} ({columns}) VALUES ({marks})"
        given = [value for _, value in values]
        return await self._use(database, lambda connection: connection.execute(sql, given).lastrowid or 0)

    async def delete(self, database: str, table: str, criteria: Criteria) -> int:
        """Take out the rows that fit."""
        where, values = _where(criteria)
        sql = f"DELETE FROM {_name(table)}{where}"
        return await self._use(database, lambda connection: connection.execute(sql, values).rowcount)

    def sections(self, database: str, table: str, file: str) -> list[Section]:
        """A file out of a table with the columns of Asterisk's static realtime. Blocks."""
        sql = static_query(_name(table))
        rows = self._database(database).use(lambda connection: connection.execute(sql, [file]).fetchall())
        return static_sections(rows, file)

    def close(self) -> None:
        self._thread.shutdown()
        for database in self.databases.values():
            database.close()


def _name(name: str) -> str:
    """A table or column as SQL writes it; in double quotes SQLite would take an unknown one for a text."""
    return "`" + name.replace("`", "``") + "`"


def _where(criteria: Criteria) -> tuple[str, list[str]]:
    """The WHERE clause of criteria and its values. Raises Unreachable for an unknown operator."""
    terms = []
    for column, _ in criteria:
        name, _, operator = column.partition(" ")
        operator = operator.strip() or "="
        if not _OPERATORS.match(operator):
            raise Unreachable(f'"{operator}" is no operator of realtime; use =, !=, <, >, LIKE and the like')
        escape = " ESCAPE '\\'" if operator.upper().endswith("LIKE") else ""
        terms.append(f"{_name(name)} {operator} ?{escape}")
    return (" WHERE " + " AND ".join(terms) if terms else ""), [value for _, value in criteria]


def _rows(cursor: sqlite3.Cursor) -> list[Row]:
    names = [column[0] for column in cursor.description]
    return [[(name, str(value)) for name, value in zip(names, row, strict=True) if value is not None] for row in cursor]


@module.on_load
def load(pbx: Any) -> None:
    """Read the databases; they are opened when they are used first."""
    config = pbx.config.load("res_config_sqlite3.conf", "res_config_sqlite3")
    if config is None:
        raise LoadError("there is no res_config_sqlite3.conf")
    unload(pbx)
    backend = Sqlite()
    for section in config:
        errors = list(config.errors)
        values = DATABASE.apply(section, errors)
        for error in errors[len(config.errors) :]:
            log.error("%s", error)
        if not values["dbfile"]:
            log.error("%s:%d: [%s] has no dbfile", section.file, section.line, section.name)
            continue
        path = values["dbfile"] if values["dbfile"].startswith("/") else f"{pbx.paths.varlib}/{values['dbfile']}"
        backend.databases[section.name.lower()] = Database(path, values["busy_timeout"], values["debug"])
    realtime_of(pbx).backends["sqlite3"] = backend


@module.on_unload
def unload(pbx: Any) -> None:
    """Close the databases."""
    backend = realtime_of(pbx).backends.pop("sqlite3", None)
    if isinstance(backend, Sqlite):
        backend.close()


module.on_reload(load)
