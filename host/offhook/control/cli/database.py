"""``database ...`` and the manager's DB actions: the AstDB."""

from __future__ import annotations

from typing import Any

from offhook.modules import ActionError, ActionRequest, CommandError, Module, Request, Syntax
from offhook.storage.astdb import AstDb, QueryError

module = Module("astdb", "Commands and actions of the AstDB")


def _db(request: Request | ActionRequest) -> AstDb:
    db: AstDb = request.pbx.astdb
    return db


def _families(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [] if args else list(pbx.astdb.families())


def _rows(request: Request, rows: list[tuple[str, str]]) -> None:
    request.print(*(f"{key:<50}: {value:<25}" for key, value in rows), f"{len(rows)} results found.")


@module.command("database show [<family> [<keytree>]]", "Shows database contents", complete=_families)
def show(request: Request) -> None:
    """List the database, or what it has of a family or below a key."""
    if len(request.args) > 2:
        raise request.usage()
    _rows(request, _db(request).tree(*request.args))


@module.command("database showkey <key>", "Shows database contents")
def show_key(request: Request) -> None:
    """List the values of a key in every family."""
    if len(request.args) != 1:
        raise request.usage()
    _rows(request, _db(request).with_key(request.args[0]))


@module.command("database get <family> <key>", "Gets database value", complete=_families)
def get(request: Request) -> None:
    """Show one value."""
    if len(request.args) != 2:
        raise request.usage()
    value = _db(request).get(*request.args)
    request.print("Database entry not found." if value is None else f"Value: {value}")


@module.command("database put <family> <key> <value>", "Adds/updates database value", complete=_families)
def put(request: Request) -> None:
    """Set a value."""
    if len(request.args) != 3:
        raise request.usage()
    _db(request).put(*request.args)
    request.print("Updated database successfully")


@module.command("database del <family> <key>", "Removes database key/value", complete=_families)
def delete(request: Request) -> None:
    """Take one value out."""
    if len(request.args) != 2:
        raise request.usage()
    found = _db(request).delete(*request.args)
    request.print("Database entry removed." if found else "Database entry could not be removed.")


@module.command("database deltree <family> [<keytree>]", "Removes database keytree/values", complete=_families)
def delete_tree(request: Request) -> None:
    """Take out a family, or what is below a key of it."""
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    count = _db(request).delete_tree(*request.args)
    request.print(f"{count} database entries removed." if count else "Database entries do not exist.")


@module.command("database query <sql>", "Run a user-specified query on the astdb")
async def query(request: Request) -> None:
    """Run SQL on the database's one table, astdb, with its columns key and value. Mind what you do."""
    if len(request.args) != 1:
        raise request.usage()
    try:
        rows = await _db(request).query(request.args[0])
    except QueryError as error:
        raise CommandError(f"The query failed: {error}") from None
    for row in rows:
        request.print(*(f"{column:<5}: {'(null)' if value is None else value:<50}" for column, value in row), "")


_ENTRY = Syntax("Family", "Key")


def _named(request: ActionRequest, dot: str = "") -> tuple[str, str]:
    return request.require("Family", f"No family specified{dot}"), request.require("Key", f"No key specified{dot}")


@module.action("DBGet", ("system", "reporting"), _ENTRY)
def db_get(request: ActionRequest) -> None:
    """Get one value of the database."""
    family, key = _named(request, ".")
    value = _db(request).get(family, key)
    if value is None:
        raise ActionError("Database entry not found")
    request.listed("Result will follow")
    request.event("DBGetResponse", [("Family", family), ("Key", key), ("Val", value)])
    request.complete("DBGetComplete", 1)


@module.action("DBGetTree", ("system", "reporting"), Syntax("[Family]", "[Key]"))
def db_get_tree(request: ActionRequest) -> None:
    """Get what the database has of a family or below a key; all of it without a family."""
    rows = _db(request).tree(request.get("Family"), request.get("Key"))
    request.listed("Result will follow")
    for key, value in rows:
        request.event("DBGetTreeResponse", [("Key", key), ("Val", value)])
    request.complete("DBGetTreeComplete", len(rows))


@module.action("DBPut", ("system",), Syntax("Family", "Key", "[Val]"))
def db_put(request: ActionRequest) -> None:
    """Set a value of the database."""
    family, key = _named(request)
    _db(request).put(family, key, request.get("Val"))
    request.ok("Updated database successfully")


@module.action("DBDel", ("system",), _ENTRY)
def db_del(request: ActionRequest) -> None:
    """Take one value out of the database."""
    family, key = _named(request, ".")
    if not _db(request).delete(family, key):
        raise ActionError("Database entry could not be deleted")
    request.ok("Key deleted successfully")


@module.action("DBDelTree", ("system",), Syntax("Family", "[Key]"))
def db_del_tree(request: ActionRequest) -> None:
    """Take a family, or what is below a key, out of the database."""
    family = request.require("Family", "No family specified.")
    if not _db(request).delete_tree(family, request.get("Key")):
        raise ActionError("Database entry not found")
    request.ok("Key tree deleted successfully")
