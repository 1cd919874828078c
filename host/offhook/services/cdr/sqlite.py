"""Finished records in SQLite databases (cdr_sqlite3_custom.conf)."""

from __future__ import annotations

from offhook.calls.pbx import Pbx
from offhook.modules import Module
from offhook.services.cdr.delivery import Backend
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.files import record_scope
from offhook.services.cdr.mapping import CDR_FIELDS
from offhook.services.mapped_tables import MappedTable, Templates, tables_in
from offhook.storage.rows import RowWriter

module = Module("cdr_sqlite3_custom", "SQLite3 Custom CDR Module", depends=("cdr",), priority=12)


def _backend(pbx: Pbx, table: MappedTable[Fields]) -> Backend:
    writer = RowWriter(pbx.loop, table.open(pbx.paths.log))
    values = table.values

    def row(fields: Fields) -> tuple[str, ...]:
        return values.row(record_scope(pbx, fields)) if isinstance(values, Templates) else values.row(fields)

    def write(fields: Fields) -> None:
        writer.insert(row(fields))

    async def missing(records: list[Fields]) -> list[Fields]:
        return [records[index] for index in await writer.missing([row(fields) for fields in records])]

    return Backend(write, writer, missing)


@module.on_load
@module.on_reload
async def load(pbx: Pbx) -> None:
    """Write to the databases that cdr_sqlite3_custom.conf has a section for."""
    await _close(pbx)
    names: list[str] = []
    pbx.parts[module.name] = names
    config = pbx.config.load("cdr_sqlite3_custom.conf", module.name)
    for table in tables_in(config, "cdr_sqlite3_custom.conf", "cdr", CDR_FIELDS):
        name = module.name if not names else f"{module.name} {table.file}"
        pbx.parts["cdr"].delivery.backends[name] = _backend(pbx, table)
        names.append(name)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Finish writing."""
    await _close(pbx)


async def _close(pbx: Pbx) -> None:
    names = pbx.parts.pop(module.name, ())
    if names:
        await pbx.parts["cdr"].delivery.close()
    for name in names:
        pbx.parts["cdr"].delivery.backends.pop(name, None)
