"""func_odbc: dialplan functions that are SQL statements, as func_odbc.conf defines them."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel
from offhook.config.model import ConfigError, ConfigFile, Section
from offhook.config.options import Schema, choice, flag, integer, string
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.variables import Variables
from offhook.log import verbose
from offhook.modules import CommandError, Module, Request, Syntax, split_arguments
from offhook.storage.odbc import Answered, Unreachable, odbc_of

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
module = Module("func_odbc", "ODBC lookups", depends=("res_odbc",), priority=42)

FILE = "func_odbc.conf"
SCHEMA = Schema("func_odbc", FILE, "dialplan functions that are SQL statements")
SCHEMA.type("general", "All functions.").option(
    "single_db_connection", flag(), False, "Read and ignored: max_connections of res_odbc.conf says how many there are."
)
QUERY = SCHEMA.type("query", "A section for each function.")
QUERY.option("dsn", string(), "", "Classes of res_odbc.conf, tried in order; the same as writehandle.")
QUERY.option("writehandle", string(), "", "Classes that writesql and insertsql are carried out at.")
QUERY.option("readhandle", string(), "", "Classes that readsql is carried out at; those of writehandle if not given.")
for _name in ("readsql", "writesql", "insertsql"):
    QUERY.option(_name, string(), "", "The statement, with ${ARG1} and, of those that write, ${VAL1} and ${VALUE}.")
QUERY.option("prefix", string(), "ODBC", "What the function's name begins with, before an underscore.")
QUERY.option("escapecommas", flag(), True, "Put a backslash before commas and backslashes in values.")
QUERY.option(
    "mode", choice("", "multirow"), "", "multirow: the function gives a number, by which ODBC_FETCH gives rows."
)
QUERY.option("rowlimit", integer(0), 0, "Rows that are kept at most.")
QUERY.option("minargs", integer(0), 0, "Arguments that must be given.")
QUERY.option("synopsis", string(), "", "For core show function.")
QUERY.option("syntax", string(), "", "For core show function.")

MOST_HANDLES = 5
_RESULTS = "odbc results"
_DEFINED = "odbc functions"


@dataclass(frozen=True, slots=True)
class Query:
    """One function: its statements, and the databases they are tried at."""

    name: str
    read: str = ""
    write: str = ""
    insert: str = ""
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    escape: bool = True
    many: bool = False
    limit: int = 0
    least: int = 0
    synopsis: str = ""
    syntax: str = ""


@dataclass(slots=True)
class Results:
    """Rows that wait to be fetched."""

    columns: str
    rows: deque[str] = field(default_factory=deque)


# ---- func_odbc.conf -----------------------------------------------------------------------------------


def read_queries(config: ConfigFile | None, errors: list[ConfigError]) -> list[Query]:
    """The functions that the file defines."""
    found = [query for section in config or () if (query := _query(section, errors)) is not None]
    return list({query.name: query for query in found}.values())


def _query(section: Section, errors: list[ConfigError]) -> Query | None:
    if section.name.lower() == "general":
        return None
    values = QUERY.apply(section, errors)
    writers = _handles(values["writehandle"] or values["dsn"])
    readers = _handles(values["readhandle"]) or writers
    read, write = values["readsql"], values["writesql"]
    wrong = ""
    if not (read or write):
        wrong = "neither readsql nor writesql"
    elif (read and not readers) or (write and not writers):
        wrong = "no dsn: a class of res_odbc.conf"
    elif values["insertsql"] and not write:
        wrong = "insertsql without writesql"
    if wrong:
        errors.append(ConfigError(section.file, section.line, f"[{section.name}] has {wrong}; it is left out"))
        return None
    prefix = values["prefix"] or "ODBC"
    return Query(
        f"{prefix}_{section.name}",
        read,
        write,
        values["insertsql"],
        readers,
        writers,
        values["escapecommas"],
        values["mode"] == "multirow",
        values["rowlimit"],
        values["minargs"],
        values["synopsis"],
        values["syntax"],
    )


def _handles(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())[:MOST_HANDLES]


# ---- carrying out -------------------------------------------------------------------------------------


class Given:
    """The arguments of a use, as variables while the statement's text is made; what they hide comes back."""

    def __init__(self, scope: Scope, pairs: dict[str, str]) -> None:
        self._pairs = pairs
        self._variables: Variables = scope.own if scope.own is not None else Variables()
        self.scope = scope if scope.own is not None else Scope(scope.pbx, variables=self._variables)

    def __enter__(self) -> Scope:
        for name, value in self._pairs.items():
            self._variables.push(name, value)
        return self.scope

    def __exit__(self, *_: object) -> None:
        for name in self._pairs:
            self._variables.pop(name)


def _numbered(prefix: str, texts: list[str]) -> dict[str, str]:
    return {f"{prefix}{number}": text for number, text in enumerate(texts, 1)}


def _arguments(query: Query, text: str) -> dict[str, str]:
    """ARGC and ARG1, ARG2, ... FunctionError when there are too few."""
    arguments = split_arguments(text) if text else []
    if len(arguments) < query.least:
        raise FunctionError(f"{query.name} needs {query.least} arguments and got {len(arguments)}")
    return {"ARGC": str(len(arguments)), **_numbered("ARG", arguments)}


async def _execute(pbx: Pbx, handles: tuple[str, ...], sql: str, most: int = -1) -> Answered | None:
    """Carry out a statement at the first database that takes it; None when none does."""
    for handle in handles:
        try:
            return await odbc_of(pbx).find(handle).execute(sql, (), most)
        except Unreachable as error:
            log.warning("%s [%s]", error, sql)
    return None


def _row(values: list[str | None], escape: bool) -> str:
    texts = [value or "" for value in values]
    if escape:
        texts = [text.replace("\\", "\\\\").replace(",", "\\,") for text in texts]
    return ",".join(texts)


def _tell(channel: Channel | None, rows: int, status: str) -> None:
    """ODBCROWS and ODBCSTATUS."""
    if channel is not None:
        channel.set("ODBCROWS", str(rows))
        channel.set("ODBCSTATUS", status)


async def statement(scope: Scope, query: Query, text: str) -> str:
    """The text of a reading statement."""
    with Given(scope, _arguments(query, text)) as inner:
        return await inner.expanded(query.read)


async def read(scope: Scope, query: Query, text: str) -> str:
    """Read: the first row, or the number of what was found."""
    channel = scope.channel
    sql = await statement(scope, query, text)
    many = channel is not None and query.many
    limit = (query.limit or -1) if many else max(1, query.limit if channel is not None else 1)
    found = await _execute(scope.pbx, query.readers, sql, limit)
    if found is None:
        _tell(channel, -1, "FAILURE")
        raise FunctionError(f"{query.name}: unable to execute query [{sql}]")
    if not found.rows:
        verbose(4, "Found no rows [%s]", sql)
        _tell(channel, 0, "NODATA")
        return ""
    columns = _row(list(found.columns), True)
    rows = [_row(row, query.escape) for row in found.rows]
    _tell(channel, len(rows), "SUCCESS")
    if channel is None:
        return rows[0]
    channel.set("~ODBCFIELDS~", columns)
    if limit == 1 and not many:
        return rows[0]
    results: dict[str, Results] = channel.data.setdefault(_RESULTS, {})
    if not many:
        results[query.name] = Results(columns, deque(rows[1:]))
        return rows[0]
    number = str(channel.pbx.next_name("ODBC") + 1)
    results[number] = Results(columns, deque(rows))
    return number


async def write(scope: Scope, query: Query, value: str, text: str) -> None:
    """Write; where that changes nothing, insert."""
    pairs = _arguments(query, text) | _numbered("VAL", split_arguments(value)) | {"VALUE": value}
    with Given(scope, pairs) as inner:
        sql = await inner.expanded(query.write)
        insert = await inner.expanded(query.insert) if query.insert else ""
    done, status = await _execute(scope.pbx, query.writers, sql, 0), "FAILURE"
    if done is not None and done.changed:
        status = "SUCCESS"
    elif done is not None and insert:
        done = await _execute(scope.pbx, query.writers, insert, 0)
        status = "FAILOVER" if done is not None else "FAILURE"
    _tell(scope.channel, done.changed if done is not None else 0, status)


# ---- life ---------------------------------------------------------------------------------------------


def _define(defined: Module, query: Query) -> None:
    """Register a function."""

    async def reader(scope: Scope, text: str = "") -> str:
        return await read(scope, query, text)

    async def writer(scope: Scope, value: str, text: str = "") -> None:
        await write(scope, query, value, text)

    manual = query.synopsis or f"Runs the referenced query with the specified arguments ({FILE})."
    statements = (("Read", query.read), ("Write", query.write), ("Insert", query.insert))
    reader.__doc__ = manual + "\n\n" + "\n".join(f"{what}: {sql}" for what, sql in statements if sql)
    entry = defined.function(query.name, Syntax(query.syntax or "[arg1[,...[,argN]]]"), raw=True)(reader)
    if query.write:
        entry.writer(writer)
    if not query.read:
        entry.read = None


@module.on_load
def load(pbx: Pbx) -> None:
    """Define the functions of func_odbc.conf."""
    errors: list[ConfigError] = []
    queries = read_queries(pbx.config.load(FILE, module.name), errors)
    for error in errors:
        log.warning("%s", error)
    defined = Module("func_odbc functions", "Functions of func_odbc.conf")
    for query in queries:
        _define(defined, query)
    pbx.parts[_DEFINED] = (defined, {query.name: query for query in queries})
    pbx.registry.add(defined)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Forget them."""
    defined, _ = pbx.parts.pop(_DEFINED)
    pbx.registry.remove(defined)


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Define them anew."""
    unload(pbx)
    load(pbx)


# ---- what is always there -----------------------------------------------------------------------------


@module.function("ODBC_FETCH", Syntax("result-id"), see_also=("ODBCFinish",))
def fetch(scope: Scope, number: str = "") -> str:
    """The next row of a query of mode multirow; ODBC_FETCH_STATUS is SUCCESS, or FAILURE when there is none."""
    channel = need_channel(scope, "ODBC_FETCH")
    results: Results | None = channel.data.get(_RESULTS, {}).get(number)
    if results is None or not results.rows:
        channel.data.get(_RESULTS, {}).pop(number, None)
        channel.set("ODBC_FETCH_STATUS", "FAILURE")
        raise FunctionError(f"ODBC_FETCH: no row is left of {number!r}")
    channel.set("~ODBCFIELDS~", results.columns)
    channel.set("ODBC_FETCH_STATUS", "SUCCESS")
    return results.rows.popleft()


@module.application("ODBCFinish", Syntax("result-id"), see_also=("ODBC_FETCH",))
def finish(channel: Channel, number: str = "") -> None:
    """Forget the rows of a query of mode multirow that have not been fetched."""
    channel.data.get(_RESULTS, {}).pop(number, None)


@module.function("SQL_ESC", Syntax("string"), raw=True, see_also=("SQL_ESC_BACKSLASHES",))
def escape_ticks(scope: Scope, text: str = "") -> str:
    """A text with its single ticks doubled, to stand in ticks in an SQL statement."""
    return text.replace("'", "''")


@module.function("SQL_ESC_BACKSLASHES", Syntax("string"), raw=True, see_also=("SQL_ESC",))
def escape_backslashes(scope: Scope, text: str = "") -> str:
    """A text with its backslashes doubled, for databases that read them as escapes."""
    return text.replace("\\", "\\\\")


def _asked(request: Request) -> tuple[Query, list[str]]:
    _, queries = request.pbx.parts[_DEFINED]
    if len(request.args) < 2:
        raise request.usage()
    query = queries.get(request.args[0])
    if query is None:
        raise CommandError(f"No such query '{request.args[0]}'")
    return query, request.args[1:]


@module.command("odbc read <name> <args> [exec]", "Test reading a func_odbc function")
async def read_command(request: Request) -> None:
    """Show the statement that a function would carry out, or with exec what it finds."""
    query, (text, *more) = _asked(request)
    if not query.read or more not in ([], ["exec"]):
        raise (
            CommandError(f"The function {query.name} has no readsql parameter.") if not query.read else request.usage()
        )
    try:
        sql = await statement(Scope(request.pbx), query, text)
    except FunctionError as error:
        raise CommandError(str(error)) from None
    if not more:
        request.print(sql)
        return
    found = await _execute(request.pbx, query.readers, sql, query.limit or -1)
    if found is None:
        raise CommandError(f"SQL Execute error! [{sql}]")
    for row in found.rows:
        request.print(*(f"{name:<20.20}  {value or ''}" for name, value in zip(found.columns, row, strict=True)), "")
    request.print(f"Returned {len(found.rows)} row{'' if len(found.rows) == 1 else 's'}.  Query executed.")


@module.command("odbc write <name> <args> <value> [exec]", "Test setting a func_odbc function")
async def write_command(request: Request) -> None:
    """Show the statement that a function would carry out, or with exec carry it out."""
    query, rest = _asked(request)
    if len(rest) < 2 or rest[2:] not in ([], ["exec"]):
        raise request.usage()
    if not query.write:
        raise CommandError(f"The function {query.name} has no writesql parameter.")
    pairs = _arguments(query, rest[0]) | _numbered("VAL", split_arguments(rest[1])) | {"VALUE": rest[1]}
    with Given(Scope(request.pbx), pairs) as inner:
        sql = await inner.expanded(query.write)
    if len(rest) < 3:
        request.print(sql)
        return
    done = await _execute(request.pbx, query.writers, sql, 0)
    if done is None:
        raise CommandError(f"SQL Execute error! [{sql}]")
    request.print(f"Affected {done.changed} rows.  Query executed.")
