"""Database files, tables and what their columns get: cdr_sqlite3_custom.conf and cel_sqlite3_custom.conf."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from offhook.config.model import ConfigError, ConfigFile, Section
from offhook.dialplan.scope import Scope
from offhook.dialplan.substitution import compile_template
from offhook.services.advanced_mapping import AdvancedMapping, Known, read_rows
from offhook.storage.rows import SqliteTable

log = logging.getLogger(__name__)

R = TypeVar("R")
_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_BUSY_MS = 1000
_SUFFIX = ".db"


@dataclass(frozen=True, slots=True)
class Templates:
    """Values that are worked out as in the dialplan."""

    texts: tuple[str, ...]

    def row(self, scope: Scope) -> tuple[str, ...]:
        """The values of a row, where the functions read a record."""
        return tuple(compile_template(text).get(scope) for text in self.texts)


@dataclass(frozen=True, slots=True)
class MappedTable(Generic[R]):
    """A section that is a database: where it writes, and what."""

    file: str
    table: str
    columns: list[str]
    seconds: float
    values: Templates | AdvancedMapping[R]

    def open(self, folder: str) -> SqliteTable:
        """The table; files without a path of their own are in this folder."""
        return SqliteTable(os.path.join(folder, self.file), self.table, self.columns, self.seconds)


def quoted_values(text: str) -> list[str]:
    """The templates of ``'${CDR(start)}','${CDR(clid)}'``."""
    return [match.replace("''", "'") for match in _QUOTED.findall(text)]


def tables_in(config: ConfigFile | None, file: str, table: str, known: Known[R]) -> Iterator[MappedTable[R]]:
    """What each section that fits says; what does not fit is an error in the log.

    ``table`` is the table's name where the section names none, ``known`` the fields that records have.
    """
    for section in config or ():
        try:
            yield _read(section, file, table, known)
        except ConfigError as error:
            log.error("%s", error)


def _read(section: Section, file: str, table: str, known: Known[R]) -> MappedTable[R]:
    columns = [name.strip().strip("'\"") for name in (section.get("columns") or "").split(",") if name.strip()]
    values: Templates | AdvancedMapping[R]
    if section.get("values") or not section.get("fields"):
        values = Templates(tuple(quoted_values(section.get("values") or "")))
        count = len(values.texts)
    else:
        values = read_rows(section, file, known)
        count = len(values.fields)
    if "/" in section.name.lstrip("/") and not section.name.startswith("/"):
        raise ConfigError(
            file, section.line, f"[{section.name}] is no file name; give one without folders, or a full path"
        )
    if not columns or len(columns) != count:
        sentence = f"[{section.name}] names {len(columns)} columns and {count} values; give each column a value"
        raise ConfigError(file, section.line, f"{sentence} (values in single quotes, or fields)")
    busy = section.get("busy_timeout") or ""
    name = section.name if section.name.endswith(_SUFFIX) else section.name + _SUFFIX
    seconds = (int(busy) if busy.isdigit() else _BUSY_MS) / 1000
    return MappedTable(name, section.get("table") or table, columns, seconds, values)
