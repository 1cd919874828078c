"""Tables of a PostgreSQL server, through psycopg (an optional dependency)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from offhook.config.model import Section
from offhook.modules import LoadError
from offhook.storage.rows import absent

Record = TypeVar("Record")
_CONNECT_S = 5
_OPTIONS = {
    "hostname": "host",
    "port": "port",
    "dbname": "dbname",
    "user": "user",
    "password": "password",
    "appname": "application_name",
    "encoding": "client_encoding",
}
"""Options of cdr_pgsql.conf and its like -> connection parameters of libpq."""
_COLUMNS = """
SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL, character_maximum_length
FROM information_schema.columns
WHERE table_name = %s AND table_schema = COALESCE(%s, current_schema()) ORDER BY ordinal_position
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table as the server describes it."""

    name: str
    type: str
    required: bool
    """It may not be NULL and has no default."""
    length: int | None

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers."""
        return self.type in ("integer", "bigint", "smallint")

    @property
    def fractional(self) -> bool:
        """Whether it takes numbers with a fraction."""
        return self.type in ("real", "double precision", "numeric")


Value = Callable[[Record, Column], Any]
"""What a record has for a column: its value, or None when it has nothing for it."""


def psycopg() -> Any:
    """The driver. Raises LoadError with the remedy when it is not installed."""
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise LoadError(f"PostgreSQL needs psycopg ({error}); install it: pip install 'psycopg[binary]'") from None


class PostgresTable(Generic[Record]):
    """One table; what goes into its columns is decided by their names when they are known."""

    def __init__(self, driver: Any, parameters: dict[str, str], table: str, schema: str, value: Value[Record]) -> None:
        self.errors: tuple[type[Exception], ...] = (driver.Error, UnknownTable)
        self._driver = driver
        self._parameters = {"connect_timeout": str(_CONNECT_S), **parameters}
        self.table = table
        self.schema = schema
        self._value = value
        self._connection: Any = None
        self._columns: list[Column] = []

    @classmethod
    def of(cls, section: Section, table: str, value: Value[Record]) -> PostgresTable[Record]:
        """The table that a section [global] names; LoadError without a driver."""
        parameters = {name: text for option, name in _OPTIONS.items() if (text := section.get(option))}
        return cls(psycopg(), parameters, section.get("table") or table, section.get("schema") or "", value)

    def insert(self, rows: Sequence[Record]) -> None:
        """Insert records in one transaction; a connection that the server closed meanwhile is made again."""
        fresh = self._connection is None
        try:
            self._insert(rows)
        except self._driver.OperationalError:
            self.close()
            if fresh:
                raise
            self._insert(rows)

    def _insert(self, rows: Sequence[Record]) -> None:
        connection = self._open()
        with connection.transaction(), connection.cursor() as cursor:
            for row in rows:
                values = self._row(row)
                names = ", ".join(_quoted(name) for name, _ in values)
                marks = ", ".join(["%s"] * len(values))
                cursor.execute(f"INSERT INTO {self._name} ({names}) VALUES ({marks})", [value for _, value in values])

    def missing(self, rows: Sequence[Record]) -> list[int]:
        """Which records are not in the table."""
        connection = self._open()
        with connection.cursor() as cursor:

            def count(row: tuple[tuple[str, Any], ...]) -> int:
                test = " AND ".join(f"{_quoted(name)} = %s" for name, _ in row)
                cursor.execute(f"SELECT count(*) FROM {self._name} WHERE {test}", [value for _, value in row])
                return int(cursor.fetchone()[0])

            return absent([self._row(row) for row in rows], count)

    def _row(self, record: Record) -> tuple[tuple[str, Any], ...]:
        found = []
        for column in self._columns:
            value = self._value(record, column)
            if value is None and column.required:
                value = 0 if column.whole or column.fractional else ""
            if isinstance(value, str):
                value = value.replace("\0", "")[: column.length]
            if value is not None:
                found.append((column.name, value))
        return tuple(found)

    def _open(self) -> Any:
        if self._connection is None or self._connection.closed:
            self._connection = self._driver.connect(**self._parameters, autocommit=True)
        if not self._columns:
            with self._connection.cursor() as cursor:
                cursor.execute(_COLUMNS, (self.table, self.schema or None))
                self._columns = [Column(*row) for row in cursor.fetchall()]
            if not self._columns:
                raise UnknownTable(f"there is no table {self.table!r}; make it first")
        return self._connection

    @property
    def _name(self) -> str:
        return f"{_quoted(self.schema)}.{_quoted(self.table)}" if self.schema else _quoted(self.table)

    def close(self) -> None:
        """Close the connection; the next use makes another and looks at the columns again."""
        connection, self._connection = self._connection, None
        self._columns = []
        if connection is not None:
            connection.close()

    def __str__(self) -> str:
        where = self._parameters.get("host", "the local server")
        return f"table {self.table} of database {self._parameters.get('dbname', '')!r} at {where}"


class UnknownTable(Exception):
    """The table does not exist."""


def configured(section: Section) -> bool:
    """Whether a section names a database at all; the samples name none."""
    return any(section.get(name) for name in ("hostname", "dbname"))


def number(text: str, column: Column) -> int | float:
    """A text for a column of numbers: its leading number, or 0."""
    try:
        return int(text) if column.whole else float(text)
    except ValueError:
        return 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
