"""Realtime: rows of databases in the place of configuration, by family.

extconfig.conf maps a family ("queues", "ps_endpoints") or a file ("queues.conf") to a backend, a database and a
table; several lines with priorities 1, 2, ... are asked in turn when one fails. Backends are modules that put
themselves into ``Realtime.backends``.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from offhook.config.model import ConfigFile, Entry, Section
from offhook.config.store import Mapping
from offhook.modules import Module

log = logging.getLogger(__name__)
module = Module("extconfig", "Configuration in databases", priority=1)

Row = list[tuple[str, str]]
Criteria = Sequence[tuple[str, str]]
"""(column, value) pairs that must all hold; an operator may follow the column: ("name LIKE", "a%")."""
Result = TypeVar("Result")

PART = "realtime"
UNMAPPED = frozenset(("extconfig.conf", "asterisk.conf", "logger.conf"))
"""Files that no database can stand in for."""


class Unreachable(Exception):
    """A database does not answer or refuses; the sentence says which and why."""


class Backend(Protocol):
    """One kind of database. Methods raise Unreachable."""

    async def select(self, database: str, table: str, criteria: Criteria, *, first: bool) -> list[Row]:
        """The rows that fit, or only the first of them."""

    async def update(self, database: str, table: str, criteria: Criteria, values: Row) -> int:
        """Change the rows that fit; how many there were."""

    async def insert(self, database: str, table: str, values: Row) -> int:
        """Add a row; its number, or how many were added."""

    async def delete(self, database: str, table: str, criteria: Criteria) -> int:
        """Take out the rows that fit; how many there were."""

    def sections(self, database: str, table: str, file: str) -> list[Section]:
        """A whole configuration file. May block: it is asked while a module loads."""


@dataclass(slots=True)
class Target:
    """Where a family's rows are."""

    family: str
    driver: str
    database: str
    table: str
    priority: int = 1


class Realtime:
    """The families and the backends of one exchange."""

    def __init__(self) -> None:
        self.backends: dict[str, Backend] = {}
        """By lower-case driver name."""
        self.targets: dict[str, list[Target]] = {}
        """By lower-case family, in order of priority."""

    def read(self, config: ConfigFile | None) -> None:
        """Take extconfig.conf in place of what was."""
        self.targets = {}
        section = config.get("settings") if config is not None else None
        for entry in section or ():
            target = parse_target(entry.name, entry.value)
            if target is None:
                log.error(
                    "%s:%d: %s => %s; write driver,database[,table[,priority]]",
                    entry.file,
                    entry.line,
                    entry.name,
                    entry.value,
                )
            elif entry.name.lower() in UNMAPPED:
                log.error("%s:%d: %s cannot come from a database", entry.file, entry.line, entry.name)
            else:
                self.targets.setdefault(target.family.lower(), []).append(target)
        for targets in self.targets.values():
            targets.sort(key=lambda target: target.priority)

    def maps(self, family: str) -> bool:
        """Whether the family has a database that a loaded backend serves."""
        return bool(self._asked(family))

    def _asked(self, family: str) -> list[tuple[Target, Backend]]:
        """Targets with their backends in order; a gap in the priorities ends the list, as in Asterisk."""
        asked = []
        for priority, target in enumerate(self.targets.get(family.lower(), ()), 1):
            backend = self.backends.get(target.driver.lower())
            if target.priority != priority:
                break
            if backend is None:
                log.warning("realtime family %s needs driver %s, which is not loaded", family, target.driver)
                break
            asked.append((target, backend))
        return asked

    async def _first(self, family: str, call: Callable[[Target, Backend], Awaitable[Result]]) -> Result | None:
        for target, backend in self._asked(family):
            try:
                return await call(target, backend)
            except Unreachable as error:
                log.error("realtime family %s: %s", family, error)
        return None

    async def one(self, family: str, criteria: Criteria, *, blanks: bool = False) -> Row | None:
        """The first row that fits, or None. Without ``blanks`` empty columns are left out, and " " is "" then."""
        rows = await self._first(
            family, lambda target, backend: backend.select(target.database, target.table, criteria, first=True)
        )
        if not rows:
            return None
        if blanks:
            return rows[0]
        return [(name, "" if value == " " else value) for name, value in rows[0] if value]

    async def found(self, family: str, criteria: Criteria) -> list[Row] | None:
        """Every row that fits; None when no database answers."""
        return await self._first(
            family, lambda target, backend: backend.select(target.database, target.table, criteria, first=False)
        )

    async def many(self, family: str, criteria: Criteria) -> list[Row]:
        """Every row that fits; none when no database answers."""
        return await self.found(family, criteria) or []

    async def update(self, family: str, criteria: Criteria, values: Row) -> int:
        """Change rows; how many, or -1 when no database took it."""
        count = await self._first(
            family, lambda target, backend: backend.update(target.database, target.table, criteria, values)
        )
        return -1 if count is None else count

    async def store(self, family: str, values: Row) -> int:
        """Add a row; its number, or -1 when no database took it."""
        number = await self._first(
            family, lambda target, backend: backend.insert(target.database, target.table, values)
        )
        return -1 if number is None else number

    async def destroy(self, family: str, criteria: Criteria) -> int:
        """Take rows out; how many, or -1 when no database took it."""
        count = await self._first(
            family, lambda target, backend: backend.delete(target.database, target.table, criteria)
        )
        return -1 if count is None else count

    def files(self) -> dict[str, Mapping]:
        """What stands in for whole files, for ``Configuration.mappings``."""
        return {targets[0].family: _File(self, targets[0]) for targets in self.targets.values()}


class _File(Mapping):
    """A family as a configuration file (only asked for when a module reads a file of that name)."""

    def __init__(self, realtime: Realtime, target: Target) -> None:
        self.realtime = realtime
        self.driver, self.database, self.table = target.driver, target.database, target.table

    def sections(self, name: str) -> list[Section] | None:
        backend = self.realtime.backends.get(self.driver.lower())
        if backend is None:
            log.warning("%s should come from %s, which is not loaded; preload it", name, self.driver)
            return None
        try:
            return backend.sections(self.database, self.table, name)
        except Unreachable as error:
            log.error("%s: %s", name, error)
            return None


def static_query(table: str) -> str:
    """The lines of a file in a table with the columns of Asterisk's static realtime; ``table`` as SQL writes it."""
    return (
        f"SELECT category, var_name, var_val, cat_metric FROM {table} "
        "WHERE filename = ? AND commented = 0 ORDER BY cat_metric, var_metric, category, var_name"
    )


def static_sections(rows: Iterable[tuple[Any, Any, Any, Any]], file: str) -> list[Section]:
    """Rows of category, name, value and the category's place, in order, as sections: a section for each place."""
    sections: list[Section] = []
    last: tuple[Any, Any] | None = None
    for category, name, value, metric in rows:
        if (category, metric) != last:
            sections.append(Section(str(category), file))
            last = (category, metric)
        sections[-1].entries.append(Entry(str(name), str(value), file))
    return sections


def parse_target(family: str, text: str) -> Target | None:
    """``driver,database[,table[,priority]]``; the database may stand in quotes. None when it is neither."""
    driver, comma, rest = text.partition(",")
    if not comma or not driver.strip():
        return None
    rest = rest.strip()
    if rest.startswith('"'):
        database, _, rest = rest[1:].partition('"')
        rest = rest.partition(",")[2]
    else:
        database, _, rest = rest.partition(",")
    table, _, priority = rest.partition(",")
    number = int(priority) if priority.strip().isdigit() else 1
    return Target(family, driver.strip(), database.strip(), table.strip() or family, number or 1)


def realtime_of(pbx: Any) -> Realtime:
    """The exchange's realtime; made when somebody asks first."""
    found: Realtime = pbx.parts.setdefault(PART, Realtime())
    return found


@module.on_load
def load(pbx: Any) -> None:
    """Read extconfig.conf, if there is one."""
    realtime = realtime_of(pbx)
    realtime.read(pbx.config.load("extconfig.conf", "extconfig"))
    pbx.config.mappings = realtime.files()


module.on_reload(load)
