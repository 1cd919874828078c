"""res_odbc: connections to whatever databases unixODBC has drivers for, through pyodbc (an optional dependency)."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from offhook.config.model import ConfigError, ConfigFile
from offhook.config.options import Schema, choice, flag, integer, string
from offhook.modules import LoadError, Module, Request

log = logging.getLogger(__name__)
module = Module("res_odbc", "ODBC resource", priority=2)
Answer = TypeVar("Answer")

PART = "odbc"
FILE = "res_odbc.conf"
SCHEMA = Schema("res_odbc", FILE, "connections to databases by ODBC")
CLASS = SCHEMA.type("class", "A section for each database; its name is what other files write.")
CLASS.option("enabled", flag(), True, "Whether it counts.")
CLASS.option("dsn", string(), "", "The data source of odbc.ini.")
CLASS.option("username", string(), "", "The section's name unless it is given.")
CLASS.option("password", string(), "", "The password.")
CLASS.option("pre-connect", flag(), False, "Connect at the start.")
CLASS.option("sanitysql", string(), "select 1", "How to see whether a connection is alive.")
CLASS.option("max_connections", integer(1, 1000), 1, "How many connections there are at most.")
CLASS.option("connect_timeout", integer(0, 3600, "s"), 10, "How long connecting may take.")
CLASS.option("negative_connection_cache", integer(0, unit="s"), 300, "How long not to try again after it failed.")
CLASS.option("logging", flag(), False, "Count statements, for odbc show.")
CLASS.option("slow_query_limit", integer(0, unit="ms"), 5000, "Statements that take longer are told; with logging.")
CLASS.option("backslash_is_escape", flag(), True, "Whether the database reads a backslash as an escape.")
CLASS.option("forcecommit", flag(), False, "Read and ignored: each statement counts at once.")
CLASS.option("isolation", string(), "", "Read and ignored: each statement counts at once.")
CLASS.option("cache_type", choice("stack", "rr", "roundrobin", "queue"), "stack", "Read and ignored.")
CLASS.option("cache_size", integer(-1), -1, "Read and ignored: connections stay.")
for _old in ("pooling", "limit", "idlecheck", "share_connections"):
    CLASS.option(_old, string(), "", "Read and ignored, as in Asterisk.")


class Unreachable(Exception):
    """A database does not answer, or refuses a statement; the sentence says why."""


@dataclass(slots=True)
class Answered:
    """What a statement gave: names of columns, rows as texts (None for NULL), and how many rows it changed."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    changed: int = 0


def pyodbc() -> Any:
    """The driver. Raises LoadError with the remedy when it is not installed."""
    try:
        import pyodbc as driver
    except ImportError as error:
        raise LoadError(f"pyodbc is missing ({error}): pip install pyodbc, apt-get install unixodbc") from None
    return driver


def as_text(value: object) -> str | None:
    """A value as ODBC gives it for characters."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "surrogateescape")
    return str(value)


class OdbcClass:
    """A database: some threads, each with a connection of its own."""

    def __init__(self, name: str, values: dict[str, Any], driver: Any) -> None:
        self.name = name
        self.values = values
        self._driver = driver
        self._threads = ThreadPoolExecutor(values["max_connections"], f"odbc {name}")
        self._own = threading.local()
        self._open: set[Any] = set()
        self._guard = threading.Lock()
        self._refused_until = 0.0
        self.statements = 0
        self.longest_ms = 0
        self.longest = ""

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    async def use(self, work: Callable[[Any], Answer]) -> Answer:
        """Do something with a cursor, on a thread. Raises Unreachable."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    def wait(self, work: Callable[[Any], Answer]) -> Answer:
        """As ``use``, where nothing can be awaited. Blocks. Raises Unreachable."""
        return self._threads.submit(self._work, work).result()

    async def execute(self, sql: str, values: tuple[object, ...] = (), most: int = -1) -> Answered:
        """Carry out a statement; ``most``: rows that are fetched, -1 for all. Raises Unreachable."""

        def run(cursor: Any) -> Answered:
            cursor.execute(sql, *values)
            if cursor.description is None:
                return Answered(changed=cursor.rowcount)
            rows = cursor.fetchall() if most < 0 else cursor.fetchmany(most)
            columns = [column[0] or f"field{place}" for place, column in enumerate(cursor.description)]
            return Answered(columns, [[as_text(value) for value in row] for row in rows], cursor.rowcount)

        began = time.monotonic()
        answered = await self.use(run)
        self._count(sql, int((time.monotonic() - began) * 1000))
        return answered

    def _count(self, sql: str, took_ms: int) -> None:
        if not self.values["logging"]:
            return
        self.statements += 1
        if took_ms > self.longest_ms:
            self.longest_ms, self.longest = took_ms, sql
        limit = self.values["slow_query_limit"]
        if limit and took_ms > limit:
            log.warning("SQL query '%s' took %d milliseconds to execute on class '%s'", sql, took_ms, self.name)

    # ---- on a thread --------------------------------------------------------------------------------

    def _work(self, work: Callable[[Any], Answer]) -> Answer:
        connection = self._connection()
        try:
            return self._with_cursor(connection, work)
        except self._driver.Error as error:
            if self._alive(connection):
                raise Unreachable(f"class {self.name}: {_sentence(error)}") from None
        self._drop(connection)
        try:
            return self._with_cursor(self._connection(), work)
        except self._driver.Error as error:
            raise Unreachable(f"class {self.name}: {_sentence(error)}") from None

    @staticmethod
    def _with_cursor(connection: Any, work: Callable[[Any], Answer]) -> Answer:
        cursor = connection.cursor()
        try:
            return work(cursor)
        finally:
            cursor.close()

    def _alive(self, connection: Any) -> bool:
        try:
            self._with_cursor(connection, lambda cursor: cursor.execute(self.values["sanitysql"]).fetchone())
        except self._driver.Error:
            return False
        return True

    def _connection(self) -> Any:
        found = getattr(self._own, "connection", None)
        if found is None:
            if time.monotonic() < self._refused_until:
                raise Unreachable(f"class {self.name}: the database could not be reached a while ago")
            try:
                found = self._driver.connect(self._address(), timeout=self.values["connect_timeout"], autocommit=True)
            except self._driver.Error as error:
                self._refused_until = time.monotonic() + self.values["negative_connection_cache"]
                raise Unreachable(f"class {self.name}: {_sentence(error)}") from None
            self._own.connection = found
            with self._guard:
                self._open.add(found)
        return found

    def _drop(self, connection: Any) -> None:
        self._own.connection = None
        with self._guard:
            self._open.discard(connection)
        try:
            connection.close()
        except self._driver.Error as error:
            log.debug("class %s: %s", self.name, _sentence(error))

    def _address(self) -> str:
        pairs = (
            ("DSN", self.values["dsn"]),
            ("UID", self.values["username"] or self.name),
            ("PWD", self.values["password"]),
        )
        return ";".join(
            f"{key}={{{value.replace('}', '}}')}}}" if key != "DSN" else f"{key}={value}" for key, value in pairs
        )

    def close(self) -> None:
        """End its threads and connections."""
        self._threads.shutdown()
        for connection in list(self._open):
            self._drop(connection)


def _sentence(error: BaseException) -> str:
    """What the driver says, without its codes."""
    return str(error.args[-1] if error.args else error).strip()


class Odbc:
    """All databases by name."""

    def __init__(self) -> None:
        self.classes: dict[str, OdbcClass] = {}

    def find(self, name: str) -> OdbcClass:
        """A database. Raises Unreachable when res_odbc.conf has none of that name."""
        found = self.classes.get(name.lower())
        if found is None:
            raise Unreachable(f"{FILE} has no class [{name}]")
        return found

    def configure(self, config: ConfigFile | None) -> list[ConfigError]:
        """Take res_odbc.conf in place of what was; what is wrong with it. LoadError where it needs pyodbc in vain."""
        errors: list[ConfigError] = []
        new: dict[str, OdbcClass] = {}
        for section in config or ():
            if section.name.upper() == "ENV":
                os.environ.update({entry.name: entry.value for entry in section})
                continue
            values = CLASS.apply(section, errors)
            if not values["enabled"]:
                continue
            if not values["dsn"]:
                errors.append(ConfigError(section.file, section.line, f"[{section.name}] has no dsn: name of odbc.ini"))
                continue
            known = self.classes.get(section.name.lower())
            same = known is not None and known.values == values
            new[section.name.lower()] = known if known and same else OdbcClass(section.name, values, pyodbc())
        for name, one in self.classes.items():
            if new.get(name) is not one:
                one.close()
        self.classes = new
        return errors

    def close(self) -> None:
        """Leave every database."""
        for one in self.classes.values():
            one.close()
        self.classes.clear()


def odbc_of(pbx: Any) -> Odbc:
    """The databases of an exchange; made when somebody asks first."""
    found: Odbc = pbx.parts.setdefault(PART, Odbc())
    return found


@module.on_load
@module.on_reload
async def load(pbx: Any) -> None:
    """Read res_odbc.conf."""
    odbc = odbc_of(pbx)
    for error in odbc.configure(pbx.config.load(FILE, module.name)):
        log.warning("%s", error)
    for one in odbc.classes.values():
        if one.values["pre-connect"] and not one.connections:
            try:
                await one.use(lambda cursor: None)
            except Unreachable as error:
                log.warning("%s", error)


@module.on_unload
def unload(pbx: Any) -> None:
    """Leave every database."""
    odbc_of(pbx).close()


def _names(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [] if args else [one.name for one in odbc_of(pbx).classes.values()]


@module.command("odbc show [<class>]", "List ODBC DSN(s)", complete=_names)
def show(request: Request) -> None:
    """Show the databases of res_odbc.conf, and how many connections each has."""
    if len(request.args) > 1:
        raise request.usage()
    request.print("", "ODBC DSN Settings", "-----------------", "")
    for one in odbc_of(request.pbx).classes.values():
        if request.args and request.args[0].lower() not in (one.name.lower(), "all"):
            continue
        values = one.values
        request.print(f"  Name:   {one.name}", f"  DSN:    {values['dsn']}")
        request.print(f"    Number of active connections: {one.connections} (out of {values['max_connections']})")
        request.print(f"    Logging: {'Enabled' if values['logging'] else 'Disabled'}")
        if values["logging"]:
            request.print(f"    Number of queries executed: {one.statements}")
            if one.longest:
                request.print(f"    Longest running SQL query: {one.longest} ({one.longest_ms} milliseconds)")
        request.print("")
