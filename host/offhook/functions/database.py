"""Functions on the AstDB: DB and its companions, BLACKLIST, DIALGROUP."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax, split_arguments

log = logging.getLogger(__name__)
module = Module("func_db", "Database (astdb) related dialplan functions")
blacklist_module = Module("func_blacklist", "Look up Caller*ID name/number from blacklist database")
dialgroup_module = Module("func_dialgroup", "Dialgroup dialplan function")

_PLACE = Syntax("family", "key", separator="/")


def _place(function: str, data: str) -> tuple[str, str]:
    fields = split_arguments(data, "/", 2)
    if len(fields) < 2:
        raise FunctionError(f"{function} needs a family and a key: {function}(family/key)")
    return fields[0], fields[1]


@module.function("DB", _PLACE, see_also=("DB_DELETE", "DB_EXISTS", "DB_KEYS"), raw=True, dangerous="both")
def database(scope: Scope, data: str) -> str:
    """A value of the AstDB, or "".

    A value that was found is in the variable DB_RESULT as well.
    """
    family, key = _place("DB", data)
    value: str | None = scope.pbx.astdb.get(family, key)
    if value is None:
        return ""
    scope.set("DB_RESULT", value)
    return value


@database.writer
def set_database(scope: Scope, value: str, data: str) -> None:
    """Set a value of the AstDB."""
    family, key = _place("DB", data)
    if not key or key.startswith("/") or key.endswith("/") or "//" in key:
        log.warning('DB(%s): the key "%s" is odd; a variable in it is probably empty', data, key)
    scope.pbx.astdb.put(family, key, value)


@module.function("DB_EXISTS", _PLACE, see_also=("DB",), raw=True)
def database_exists(scope: Scope, data: str) -> str:
    """1 when the AstDB has the key, else 0. The value is in DB_RESULT."""
    value: str | None = scope.pbx.astdb.get(*_place("DB_EXISTS", data))
    if value is None:
        return "0"
    scope.set("DB_RESULT", value)
    return "1"


@module.function("DB_DELETE", _PLACE, see_also=("DB",), raw=True, dangerous="read")
def database_delete(scope: Scope, data: str) -> str:
    """Take a value out of the AstDB, and give it. It is in DB_RESULT as well; assigning does the same."""
    family, key = _place("DB_DELETE", data)
    value: str = scope.pbx.astdb.get(family, key) or ""
    scope.pbx.astdb.delete(family, key)
    scope.set("DB_RESULT", value)
    return value


@database_delete.writer
def delete_by_writing(scope: Scope, value: str, data: str) -> None:
    """Take a value out of the AstDB."""
    database_delete.read(scope, data)  # type: ignore[misc]


def _components(scope: Scope, prefix: str) -> Iterator[str]:
    """The next part of each key below a prefix, each once."""
    prefix = prefix.strip("/")
    last = None
    for key, _ in scope.pbx.astdb.tree(prefix):
        component = key[len(prefix) + 1 :].removeprefix("/").partition("/")[0]
        if component.lower() != last:
            last = component.lower()
            yield component


@module.function("DB_KEYS", Syntax("[prefix]"), see_also=("DB", "DB_KEYCOUNT"), raw=True)
def database_keys(scope: Scope, prefix: str) -> str:
    """The keys directly below a prefix of the AstDB, separated by commas; without one, all families."""
    return ",".join(key.replace("\\", "\\\\").replace(",", "\\,") for key in _components(scope, prefix))


@module.function("DB_KEYCOUNT", Syntax("[prefix]"), see_also=("DB", "DB_KEYS"), raw=True)
def database_key_count(scope: Scope, prefix: str) -> str:
    """How many keys are directly below a prefix of the AstDB."""
    return str(sum(1 for _ in _components(scope, prefix)))


@blacklist_module.function("BLACKLIST", Syntax(), see_also=("DB",))
def blacklist(scope: Scope) -> str:
    """1 when the caller's number or name is in the family blacklist of the AstDB, else 0."""
    caller = need_channel(scope, "BLACKLIST").caller.id
    parts = [part.text for part in (caller.number, caller.name) if part.valid and part.text]
    return str(int(any(scope.pbx.astdb.exists("blacklist", text) for text in parts)))


@dialgroup_module.function("DIALGROUP", Syntax("group", "[op]", op="add or del when assigning."), see_also=("Dial",))
def dial_group(scope: Scope, group: str, operation: str = "") -> str:
    """The destinations of a dial group, with & between them, ready for Dial.

    Assigning replaces them; with op add or del it adds or removes some. Groups are kept in the AstDB.
    """
    members: str | None = scope.pbx.astdb.get("dialgroup", group)
    if members is None:
        raise FunctionError(f'there is no dial group "{group}"; Set(DIALGROUP({group},add)=...) makes one')
    return members


@dial_group.writer
def set_dial_group(scope: Scope, value: str, group: str, operation: str = "") -> None:
    """Change the destinations of a dial group."""
    astdb = scope.pbx.astdb
    given = [one for one in split_arguments(value, "&") if one]
    present = [one for one in (astdb.get("dialgroup", group) or "").split("&") if one]
    if not operation:
        present = list(dict.fromkeys(given))
    elif operation.lower() == "add":
        present = list(dict.fromkeys(present + given))
    elif operation.lower().startswith("del"):
        for one in given:
            if one not in present:
                log.warning('DIALGROUP(%s,del): "%s" is not in the group', group, one)
        present = [one for one in present if one not in given]
    else:
        raise FunctionError(f'DIALGROUP: "{operation}" is no operation; write add or del')
    if present:
        astdb.put("dialgroup", group, "&".join(present))
    else:
        astdb.delete("dialgroup", group)
