"""Database files, tables and what their columns get: cdr_sqlite3_custom.conf and cel_sqlite3_custom.conf."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from offhook.config.model import ConfigFile

log = logging.getLogger(__name__)

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_BUSY_MS = 1000
_SUFFIX = ".db"


def quoted_values(text: str) -> list[str]:
    """The templates of ``'${CDR(start)}','${CDR(clid)}'``."""
    return [match.replace("''", "'") for match in _QUOTED.findall(text)]


def tables_in(
    config: ConfigFile | None, file: str, table: str
) -> Iterator[tuple[str, str, list[str], list[str], float]]:
    """Database file, table, columns, value templates and busy timeout (s) of each section that fits.

    A section is a database file; what does not fit is an error in the log. ``table`` is the table's name where the
    section names none.
    """
    for section in config or ():
        columns = [name.strip() for name in (section.get("columns") or "").split(",") if name.strip()]
        values = quoted_values(section.get("values") or "")
        where = f"{file}:{section.line}: [{section.name}]"
        if section.get("fields"):
            log.error("%s: advanced mappings (fields) are not there yet; use values", where)
        elif "/" in section.name.lstrip("/") and not section.name.startswith("/"):
            log.error("%s is no file name; give one without folders, or a full path", where)
        elif not columns or len(columns) != len(values):
            log.error(
                "%s names %d columns and %d values; give each column a value in single quotes",
                where,
                len(columns),
                len(values),
            )
        else:
            busy = section.get("busy_timeout") or ""
            seconds = (int(busy) if busy.isdigit() else _BUSY_MS) / 1000
            name = section.name if section.name.endswith(_SUFFIX) else section.name + _SUFFIX
            yield name, section.get("table") or table, columns, values, seconds
