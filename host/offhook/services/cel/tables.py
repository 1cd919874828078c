"""Channel events in tables: SQLite files (cel_sqlite3_custom.conf) and a PostgreSQL table (cel_pgsql.conf)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from offhook.calls.pbx import Pbx
from offhook.dialplan.scope import Scope
from offhook.modules import Module
from offhook.services.cel.engine import CelEngine, CelRecord
from offhook.services.cel.mapping import cel_fields
from offhook.services.cel.stand_in import stand_in
from offhook.services.mapped_tables import Templates, tables_in
from offhook.storage.postgres import Column, PostgresTable, configured, number
from offhook.storage.rows import RowWriter

sqlite_module = Module("cel_sqlite3_custom", "SQLite3 Custom CEL Module", depends=("cel",), priority=12)
pgsql_module = Module("cel_pgsql", "PostgreSQL CEL Backend", depends=("cel",), priority=12)

SQLITE = "CEL sqlite3 custom backend"
PGSQL = "CEL PGSQL backend"
NUMBERS = {
    "CHAN_START": 1,
    "CHAN_END": 2,
    "HANGUP": 3,
    "ANSWER": 4,
    "APP_START": 5,
    "APP_END": 6,
    "BRIDGE_ENTER": 7,
    "BRIDGE_EXIT": 8,
    "PARK_START": 9,
    "PARK_END": 10,
    "BLINDTRANSFER": 11,
    "ATTENDEDTRANSFER": 12,
    "USER_DEFINED": 13,
    "LINKEDID_END": 14,
    "PICKUP": 15,
    "FORWARD": 16,
    "LOCAL_OPTIMIZE": 17,
    "LOCAL_OPTIMIZE_BEGIN": 18,
}
"""What a column of whole numbers gets for eventtype."""
_FIELDS = {
    "userdeftype": "user_defined",
    "cid_name": "caller_name",
    "cid_num": "caller_number",
    "cid_ani": "caller_ani",
    "cid_rdnis": "caller_rdnis",
    "cid_dnid": "caller_dnid",
    "exten": "exten",
    "context": "context",
    "channame": "channel",
    "appname": "application",
    "appdata": "data",
    "accountcode": "account",
    "peeraccount": "peer_account",
    "uniqueid": "uniqueid",
    "linkedid": "linkedid",
    "userfield": "user_field",
    "peer": "peer",
    "extra": "extra",
    "tenantid": "tenantid",
}
"""Columns of a PostgreSQL table -> what of the record they get."""


# ---- SQLite --------------------------------------------------------------------------------------------


@sqlite_module.on_load
@sqlite_module.on_reload
async def load_sqlite(pbx: Pbx) -> None:
    """Write to the databases that cel_sqlite3_custom.conf has a section for."""
    await _close_sqlite(pbx)
    config = pbx.config.load("cel_sqlite3_custom.conf", sqlite_module.name)
    writers = [
        (RowWriter(pbx.loop, table.open(pbx.paths.log)), table.values)
        for table in tables_in(config, "cel_sqlite3_custom.conf", "cel", cel_fields(pbx))
    ]
    if not writers:
        return

    def write(record: CelRecord) -> None:
        scope: Scope | None = None
        for writer, values in writers:
            if isinstance(values, Templates):
                scope = scope or Scope(pbx, stand_in(pbx, record))
                writer.insert(values.row(scope))
            else:
                writer.insert(values.row(record))

    pbx.parts[sqlite_module.name] = [writer for writer, _ in writers]
    pbx.parts["cel"].backends[SQLITE] = write


@sqlite_module.on_unload
async def unload_sqlite(pbx: Pbx) -> None:
    """Finish writing."""
    await _close_sqlite(pbx)


async def _close_sqlite(pbx: Pbx) -> None:
    pbx.parts["cel"].backends.pop(SQLITE, None)
    for writer in pbx.parts.pop(sqlite_module.name, ()):
        await writer.drain()


# ---- PostgreSQL ----------------------------------------------------------------------------------------


def value_of(record: CelRecord, column: Column, *, utc: bool = False, show_user_defined: bool = False) -> Any:
    """What a record has for a column of that name and type; None for the column's default."""
    name = column.name.lower()
    if name == "eventtime":
        return _time(record.time, column, utc)
    if name == "eventtype":
        if column.whole or column.fractional:
            return NUMBERS[record.event]
        return record.user_defined if record.event == "USER_DEFINED" and not show_user_defined else record.event
    if name == "amaflags":
        return record.ama_flags if column.whole else str(record.ama_flags)
    if name not in _FIELDS:
        return None
    text: str = getattr(record, _FIELDS[name])
    return number(text, column) if column.whole or column.fractional else text


def _time(wall: float, column: Column, utc: bool) -> Any:
    if column.whole:
        return int(wall)
    if column.fractional:
        return wall
    when = datetime.fromtimestamp(wall, UTC) if utc else datetime.fromtimestamp(wall).astimezone()
    return when if column.type.startswith("timestamp with ") else when.replace(tzinfo=None).isoformat(" ")


@pgsql_module.on_load
@pgsql_module.on_reload
async def load_pgsql(pbx: Pbx) -> None:
    """Write to the table that cel_pgsql.conf's section [global] names."""
    await _close_pgsql(pbx)
    config = pbx.config.load("cel_pgsql.conf", pgsql_module.name)
    section = config.get("global") if config is not None else None
    if section is None or not configured(section):
        return
    value = partial(value_of, utc=section.boolean("usegmtime"), show_user_defined=section.boolean("show_user_defined"))
    table: PostgresTable[CelRecord] = PostgresTable.of(section, "cel", value)
    writer = RowWriter(pbx.loop, table)
    pbx.parts[pgsql_module.name] = writer
    engine: CelEngine = pbx.parts["cel"]
    engine.backends[PGSQL] = writer.insert


@pgsql_module.on_unload
async def unload_pgsql(pbx: Pbx) -> None:
    """Finish writing."""
    await _close_pgsql(pbx)


async def _close_pgsql(pbx: Pbx) -> None:
    pbx.parts["cel"].backends.pop(PGSQL, None)
    writer: RowWriter[CelRecord] | None = pbx.parts.pop(pgsql_module.name, None)
    if writer is not None:
        await writer.drain()
        assert isinstance(writer.table, PostgresTable)
        await pbx.off_loop(writer.table.close)
