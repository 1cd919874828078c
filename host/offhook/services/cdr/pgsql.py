"""Finished records in a PostgreSQL table (cdr_pgsql.conf)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from offhook.calls.pbx import Pbx
from offhook.modules import Module
from offhook.services.cdr.delivery import Backend
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Moment
from offhook.storage.postgres import Column, PostgresTable, configured, number
from offhook.storage.rows import RowWriter

module = Module("cdr_pgsql", "PostgreSQL CDR Backend", depends=("cdr",), priority=12)

NAME = "pgsql"
_TIMES = {"start": "start", "calldate": "start", "answer": "answer", "end": "end"}


def value_of(fields: Fields, column: Column, *, utc: bool = False) -> Any:
    """What a record has for a column of that name and type; None when it has nothing."""
    name = column.name.lower()
    if name in _TIMES:
        return _time(getattr(fields, _TIMES[name]), column, utc)
    if name in ("duration", "billsec"):
        if column.whole:
            return getattr(fields, name)
        return _span(fields, name) if column.fractional else f"{_span(fields, name):f}"
    if name in ("disposition", "amaflags"):
        return int(fields.text(name, raw=True)) if column.whole else fields.text(name)
    text = fields.text(name)
    if not text:
        return None
    return number(text, column) if column.whole or column.fractional else text


def _span(fields: Fields, name: str) -> float:
    """A duration with its fraction, by the wall clock, as the table's other times are."""
    if fields.end is None:
        return float(getattr(fields, name))
    since = fields.start if name == "duration" else fields.answer or fields.end
    return round(max(0.0, fields.end.wall - since.wall), 6)


def _time(moment: Moment | None, column: Column, utc: bool) -> Any:
    if moment is None:
        return None
    if column.whole:
        return int(moment.wall)
    if column.fractional:
        return moment.wall
    when = datetime.fromtimestamp(moment.wall, UTC) if utc else datetime.fromtimestamp(moment.wall).astimezone()
    return when if column.type.startswith("timestamp with ") else when.replace(tzinfo=None).isoformat(" ", "seconds")


@module.on_load
@module.on_reload
async def load(pbx: Pbx) -> None:
    """Write to the table that cdr_pgsql.conf's section [global] names."""
    await _close(pbx)
    config = pbx.config.load("cdr_pgsql.conf", module.name)
    section = config.get("global") if config is not None else None
    if section is None or not configured(section):
        return
    utc = (section.get("timezone") or "").upper() in ("UTC", "GMT")
    table: PostgresTable[Fields] = PostgresTable.of(section, "cdr", partial(value_of, utc=utc))
    writer: RowWriter[Fields] = RowWriter(pbx.loop, table)

    async def missing(records: list[Fields]) -> list[Fields]:
        return [records[index] for index in await writer.missing(records)]

    pbx.parts[module.name] = writer
    pbx.parts["cdr"].delivery.backends[NAME] = Backend(writer.insert, writer, missing)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Finish writing."""
    await _close(pbx)


async def _close(pbx: Pbx) -> None:
    writer: RowWriter[Fields] | None = pbx.parts.pop(module.name, None)
    if writer is not None:
        await pbx.parts["cdr"].delivery.close()
        pbx.parts["cdr"].delivery.backends.pop(NAME, None)
        table = writer.table
        assert isinstance(table, PostgresTable)
        await pbx.off_loop(table.close)
