"""Realtime by ODBC: the driver "odbc" of extconfig.conf; the database is a class of res_odbc.conf."""

from __future__ import annotations

import re
from typing import Any

from offhook.config.model import Section
from offhook.modules import Module
from offhook.storage import odbc
from offhook.storage.odbc import Odbc, odbc_of
from offhook.storage.realtime import Criteria, Row, Unreachable, realtime_of, static_query, static_sections

module = Module("res_config_odbc", "Realtime ODBC configuration", depends=("res_odbc",), priority=3)

_OPERATORS = re.compile(r"(=|!=|<>|<|>|<=|>=|LIKE|NOT LIKE|IS|IS NOT)\Z", re.IGNORECASE)
_NAME = re.compile(r"\w+(?:\.\w+)*\Z")


class OdbcBackend:
    """The driver "odbc"."""

    def __init__(self, databases: Odbc) -> None:
        self._databases = databases

    def _where(self, database: str, criteria: Criteria) -> tuple[str, list[str]]:
        """The WHERE clause of criteria, and its values. Raises Unreachable for an unknown operator."""
        known = self._databases.classes.get(database.lower())
        escapes = known is None or known.values["backslash_is_escape"]
        terms = []
        for column, _ in criteria:
            name, _, operator = column.partition(" ")
            operator = operator.strip() or "="
            if not _OPERATORS.match(operator):
                raise Unreachable(f'"{operator}" is no operator of realtime; use =, !=, <, >, LIKE and the like')
            escape = " ESCAPE '\\'" if operator.upper().endswith("LIKE") and not escapes else ""
            terms.append(f"{_name(name)} {operator} ?{escape}")
        return (" WHERE " + " AND ".join(terms) if terms else ""), [value for _, value in criteria]

    async def _run(self, database: str, sql: str, values: list[str]) -> odbc.Answered:
        try:
            return await self._databases.find(database).execute(sql, tuple(values))
        except odbc.Unreachable as error:
            raise Unreachable(str(error)) from None

    async def select(self, database: str, table: str, criteria: Criteria, *, first: bool) -> list[Row]:
        """The rows that fit; the first column of the criteria orders them."""
        where, values = self._where(database, criteria)
        order = f" ORDER BY {_name(criteria[0][0].partition(' ')[0])}" if criteria and not first else ""
        found = await self._run(database, f"SELECT * FROM {_name(table)}{where}{order}", values)
        rows = found.rows[:1] if first else found.rows
        return [[(n, value) for n, value in zip(found.columns, row, strict=True) if value is not None] for row in rows]

    async def update(self, database: str, table: str, criteria: Criteria, values: Row) -> int:
        """Change the rows that fit."""
        where, matched = self._where(database, criteria)
        assignments = ", ".join(f"{_name(name)} = ?" for name, _ in values)
        sql = f"UPDATE {_name(table)} SET {assignments}{where}"
        return (await self._run(database, sql, [value for _, value in values] + matched)).changed

    async def insert(self, database: str, table: str, values: Row) -> int:
        """Add a row; 1, since ODBC tells no number of it."""
        columns, marks = ", ".join(_name(name) for name, _ in values), ", ".join("?" for _ in values)
        await self._run(
            database, f"INSERT INTO {_name(table)} ({columns}) VALUES ({marks})", [value for _, value in values]
        )
        return 1

    async def delete(self, database: str, table: str, criteria: Criteria) -> int:
        """Take out the rows that fit."""
        where, values = self._where(database, criteria)
        return (await self._run(database, f"DELETE FROM {_name(table)}{where}", values)).changed

    def sections(self, database: str, table: str, file: str) -> list[Section]:
        """A file out of a table with the columns of Asterisk's static realtime. Blocks."""
        sql = static_query(_name(table))
        try:
            rows = self._databases.find(database).wait(lambda cursor: cursor.execute(sql, file).fetchall())
        except odbc.Unreachable as error:
            raise Unreachable(str(error)) from None
        return static_sections(rows, file)


def _name(name: str) -> str:
    """A table or column. Databases quote names in ways of their own: only plain ones are taken. Raises Unreachable."""
    if not _NAME.match(name):
        raise Unreachable(f"{name!r} is no plain name of a table or column")
    return name


@module.on_load
def load(pbx: Any) -> None:
    """Serve families of extconfig.conf."""
    realtime_of(pbx).backends["odbc"] = OdbcBackend(odbc_of(pbx))


@module.on_unload
def unload(pbx: Any) -> None:
    """No more."""
    realtime_of(pbx).backends.pop("odbc", None)
