"""``realtime ...``: rows of realtime families by command."""

from __future__ import annotations

from offhook.control.cli.channels import plural
from offhook.modules import CommandError, Module, Request
from offhook.storage.realtime import Realtime, Row, realtime_of

module = Module("res_realtime", "Realtime Data Lookup/Rewrite")

_ROW = "{:>20.20}  {:<40.40}"


def _realtime(request: Request) -> Realtime:
    return realtime_of(request.pbx)


def _pairs(request: Request, words: list[str]) -> Row:
    if not words or len(words) % 2:
        raise request.usage()
    return list(zip(words[::2], words[1::2], strict=True))


@module.command("realtime load <family> <column> <value>", "Used to print out RealTime variables.")
async def load(request: Request) -> None:
    """Show the first row of a family whose column has a value."""
    if len(request.args) != 3:
        raise request.usage()
    family, column, value = request.args
    row = await _realtime(request).one(family, [(column, value)], blanks=True)
    if row is None:
        request.print("No rows found matching search criteria.")
        return
    request.print(_ROW.format("Column Name", "Column Value"), _ROW.format("-" * 20, "-" * 20))
    request.print(*(_ROW.format(name, text) for name, text in row))


@module.command("realtime mget <family> <column> <value>", "Used to print out RealTime variables of every row.")
async def mget(request: Request) -> None:
    """Show every row of a family whose column has a value; an operator may follow the column in quotes."""
    if len(request.args) != 3:
        raise request.usage()
    family, column, value = request.args
    rows = await _realtime(request).many(family, [(column, value)])
    for row in rows:
        request.print(_ROW.format("Column Name", "Column Value"), _ROW.format("-" * 20, "-" * 20))
        request.print(*(_ROW.format(name, text) for name, text in row), "")
    if not rows:
        request.print("No rows found matching search criteria.")


@module.command(
    "realtime update <family> <column> <value> <changed column> <new value>", "Used to update RealTime variables."
)
async def update(request: Request) -> None:
    """Change a column of the rows whose column has a value."""
    if len(request.args) != 5:
        raise request.usage()
    family, column, value, changed, new = request.args
    _updated(request, await _realtime(request).update(family, [(column, value)], [(changed, new)]))


@module.command(
    "realtime update2 <family> <column> <value> [<column> <value> ...] NULL <changed column> <new value>",
    "Used to test the RealTime update2 method",
)
async def update2(request: Request) -> None:
    """Change a column of the rows that fit several columns."""
    args = request.args
    if len(args) < 6 or args[-3] != "NULL":
        raise request.usage()
    criteria = _pairs(request, args[1:-3])
    _updated(request, await _realtime(request).update(args[0], criteria, [(args[-2], args[-1])]))


def _updated(request: Request, count: int) -> None:
    if count < 0:
        request.print("Failed to update. Check the debug log for possible SQL related entries.")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print(f"Updated {plural(count, 'RealTime record')}.")


@module.command(
    "realtime store <family> <column> <value> [<column> <value> ...]", "Store a new row into a RealTime database"
)
async def store(request: Request) -> None:
    """Add a row."""
    if len(request.args) < 3:
        raise request.usage()
    if await _realtime(request).store(request.args[0], _pairs(request, request.args[1:])) < 0:
        request.print("Failed to store record. Check the debug log for possible SQL related entries.")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print("Stored RealTime record.")


@module.command(
    "realtime destroy <family> <column> <value> [<column> <value> ...]", "Delete a row from a RealTime database"
)
async def destroy(request: Request) -> None:
    """Take out the rows that fit."""
    if len(request.args) < 3:
        raise request.usage()
    count = await _realtime(request).destroy(request.args[0], _pairs(request, request.args[1:]))
    if count < 0:
        request.print("Failed to remove record. Check the debug log for possible SQL related entries.")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print(f"Removed {plural(count, 'RealTime record')}.")
