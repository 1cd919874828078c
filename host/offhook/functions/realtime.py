"""REALTIME and its relatives: rows of realtime families in the dialplan."""

from __future__ import annotations

import logging

from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax, split_arguments
from offhook.storage.realtime import Row, realtime_of

log = logging.getLogger(__name__)
module = Module("func_realtime", "Read/Write/Store/Destroy values from a RealTime repository")

_RELATIVES = ("REALTIME", "REALTIME_STORE", "REALTIME_DESTROY", "REALTIME_FIELD", "REALTIME_HASH")


async def _row(scope: Scope, family: str, column: str, value: str) -> Row:
    row = await realtime_of(scope.pbx).one(family, [(column, value)], blanks=True)
    if row is None:
        raise FunctionError(f"realtime family {family} has no row whose {column} is {value}")
    return row


def _joined(row: Row, between: str, within: str) -> str:
    return "".join(f"{name}{within}{value}{between}" for name, value in row)


@module.function(
    "REALTIME", Syntax("family", "fieldmatch", "[matchvalue]", "[delim1|field]", "[delim2]"), see_also=_RELATIVES
)
async def realtime(
    scope: Scope, family: str, column: str, value: str = "", between: str = ",", within: str = "="
) -> str:
    """The first row of a family whose column has a value, as name=value,name=value,...

    delim1 stands after each pair in place of the comma, delim2 within it. Assigned to, the fourth argument names the
    column that gets the new value.
    """
    return _joined(await _row(scope, family, column, value), between, within)


@realtime.writer
async def set_realtime(scope: Scope, new: str, family: str, column: str, value: str = "", changed: str = "") -> None:
    """Change one column of the rows that fit."""
    if not changed:
        raise FunctionError("REALTIME needs the column to change as its fourth argument")
    if await realtime_of(scope.pbx).update(family, [(column, value)], [(changed, new)]) < 0:
        log.warning("realtime family %s took no update of %s", family, changed)


@module.function("REALTIME_FIELD", Syntax("family", "fieldmatch", "matchvalue", "fieldname"), see_also=_RELATIVES)
async def realtime_field(scope: Scope, family: str, column: str, value: str, name: str) -> str:
    """One column of the first row that fits; assigned to, that column of all rows that fit."""
    row = await _row(scope, family, column, value)
    return next((text for known, text in row if known.lower() == name.lower()), "")


realtime_field.writer(set_realtime)


@module.function("REALTIME_HASH", Syntax("family", "fieldmatch", "matchvalue"), see_also=_RELATIVES)
async def realtime_hash(scope: Scope, family: str, column: str, value: str) -> str:
    """The first row that fits, for assigning to HASH(): Set(HASH(row)=${REALTIME_HASH(family,column,value)})."""
    row = await _row(scope, family, column, value)
    scope.set("~ODBCFIELDS~", ",".join(_escaped(name) for name, _ in row))
    return ",".join(_escaped(text) for _, text in row)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,")


@module.function("REALTIME_STORE", Syntax("family", rest="fields"), see_also=_RELATIVES, write_only=True)
async def realtime_store(scope: Scope, values: str, family: str, fields: str = "") -> None:
    """Add a row: Set(REALTIME_STORE(family,column1,column2)=value1,value2). RTSTOREID is set to its number."""
    names = split_arguments(fields)
    texts = split_arguments(values)
    row = list(zip(names, texts, strict=False))
    if not row:
        raise FunctionError("REALTIME_STORE needs a family, columns and as many values")
    number = await realtime_of(scope.pbx).store(family, row)
    if number < 0:
        log.warning("realtime family %s took no new row", family)
    else:
        scope.set("RTSTOREID", str(number))


@module.function(
    "REALTIME_DESTROY",
    Syntax("family", "fieldmatch", "[matchvalue]", "[delim1]", "[delim2]"),
    see_also=_RELATIVES,
    dangerous="read",
)
async def realtime_destroy(
    scope: Scope, family: str, column: str, value: str = "", between: str = ",", within: str = "="
) -> str:
    """Take out the rows whose column has a value; it gives the first of them as REALTIME does.

    Assigned to, whatever the value is, it only takes them out.
    """
    row = await _row(scope, family, column, value)
    await realtime_of(scope.pbx).destroy(family, [(column, value)])
    return _joined(row, between, within)


@realtime_destroy.writer
async def destroy_realtime(scope: Scope, _value: str, family: str, column: str, value: str = "", *_rest: str) -> None:
    """Take out the rows that fit."""
    await _row(scope, family, column, value)
    await realtime_of(scope.pbx).destroy(family, [(column, value)])
