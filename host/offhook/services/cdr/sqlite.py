"""Finished records in an SQLite database (cdr_sqlite3_custom.conf)."""

from __future__ import annotations

import logging
import os
import re

from offhook.calls.pbx import Pbx
from offhook.config.model import Section
from offhook.dialplan.substitution import compile_template
from offhook.modules import Module
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.files import record_scope
from offhook.storage.rows import RowWriter

log = logging.getLogger(__name__)
module = Module("cdr_sqlite3_custom", "SQLite3 Custom CDR Module", depends=("cdr",), priority=12)

_QUOTED = re.compile(r"'((?:[^']|'')*)'")


def quoted_values(text: str) -> list[str]:
    """The templates of ``'${CDR(start)}','${CDR(clid)}'``."""
    return [match.replace("''", "'") for match in _QUOTED.findall(text)]


class SqliteTable:
    """One table to write to: its columns and the templates of its values."""

    def __init__(self, pbx: Pbx, writer: RowWriter, templates: list[str]) -> None:
        self.pbx = pbx
        self.writer = writer
        self.templates = templates

    def write(self, fields: Fields) -> None:
        """Insert a record."""
        scope = record_scope(self.pbx, fields)
        self.writer.insert([compile_template(template).get(scope) for template in self.templates])


def table_of(pbx: Pbx, section: Section, file: str) -> tuple[str, list[str], list[str]] | None:
    """Table, columns and value templates of a section; None, and an error in the log, when they do not fit."""
    table = section.get("table") or "cdr"
    columns = [name.strip() for name in (section.get("columns") or "").split(",") if name.strip()]
    values = quoted_values(section.get("values") or "")
    if not columns or len(columns) != len(values):
        log.error(
            "%s:%d: [%s] names %d columns and %d values; give each column a value in single quotes",
            file,
            section.line,
            section.name,
            len(columns),
            len(values),
        )
        return None
    return table, columns, values


@module.on_load
@module.on_reload
def load(pbx: Pbx) -> None:
    """Write to master.db when cdr_sqlite3_custom.conf has a section [master]."""
    backends = pbx.parts["cdr"].backends
    config = pbx.config.load("cdr_sqlite3_custom.conf", module.name)
    section = config.get("master") if config is not None else None
    found = table_of(pbx, section, "cdr_sqlite3_custom.conf") if section is not None else None
    if found is None:
        backends.pop("cdr_sqlite3_custom", None)
        return
    table, columns, values = found
    writer = RowWriter(pbx.loop, os.path.join(pbx.paths.log, "master.db"), table, columns)
    target = pbx.parts["cdr_sqlite3_custom"] = SqliteTable(pbx, writer, values)
    backends["cdr_sqlite3_custom"] = target.write


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Finish writing."""
    target: SqliteTable | None = pbx.parts.pop("cdr_sqlite3_custom", None)
    if target is not None:
        pbx.parts["cdr"].submit()
        pbx.parts["cdr"].backends.pop("cdr_sqlite3_custom", None)
        await target.writer.drain()
