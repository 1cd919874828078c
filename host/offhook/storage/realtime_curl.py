"""Realtime by HTTP: the driver "curl" asks a web server for rows.

The server's address is the database. Rows are asked for with POST below it: ``/single`` and ``/multi`` answer
rows as ``name=value&...``, one a line; ``/update?key=value``, ``/store`` and ``/destroy`` answer how many;
``/static?file=x`` answers the lines of a file.
"""

from __future__ import annotations

import urllib.request
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from offhook.config.model import Section
from offhook.fetching import Bounds, FetchError, asked
from offhook.modules import Module
from offhook.outside import outside
from offhook.storage.realtime import Criteria, Row, Unreachable, realtime_of, static_sections

module = Module("res_config_curl", "Realtime Curl configuration", priority=2)

_BOUNDS: Final = Bounds(seconds=10.0, octets=64 * 1024 * 1024)


class Curl:
    """The driver "curl"."""

    async def select(self, database: str, table: str, criteria: Criteria, *, first: bool) -> list[Row]:
        """The rows that fit."""
        text = await _asked(f"{database}/{'single' if first else 'multi'}", criteria)
        rows = [row for line in text.splitlines() if (row := row_of(line))]
        return rows[:1] if first else rows

    async def update(self, database: str, table: str, criteria: Criteria, values: Row) -> int:
        """Change the rows that fit."""
        return count_of(await _asked(f"{database}/update?{_form(criteria)}", values))

    async def insert(self, database: str, table: str, values: Row) -> int:
        """Add a row."""
        return count_of(await _asked(f"{database}/store", values))

    async def delete(self, database: str, table: str, criteria: Criteria) -> int:
        """Take out the rows that fit."""
        return count_of(await _asked(f"{database}/destroy", criteria))

    def sections(self, database: str, table: str, file: str) -> list[Section]:
        """A whole file. Blocks, up to the time limit."""
        lines = _fetch(f"{database}/static?file={quote(file, safe='')}", None).splitlines()
        told = (dict(row_of(line)) for line in lines)
        rows = (
            (row.get("category", ""), row["var_name"], row.get("var_val", ""), row.get("cat_metric", ""))
            for row in told
            if "var_name" in row
        )
        return static_sections(rows, file)


def _form(pairs: Criteria) -> str:
    return urlencode(list(pairs), errors="surrogateescape")


def row_of(line: str) -> Row:
    """``name=value&...`` decoded; a name without value has an empty one."""
    return [(name, value) for name, value in parse_qsl(line.strip(), keep_blank_values=True) if name]


def count_of(text: str) -> int:
    try:
        count = int(text.split()[0])
    except (IndexError, ValueError):
        raise Unreachable(f'the answer "{text[:40]}" is no number of rows') from None
    if count < 0:
        raise Unreachable(f"the server answered {count}")
    return count


async def _asked(url: str, pairs: Criteria) -> str:
    return await outside(_fetch, url, _form(pairs).encode())


def _fetch(url: str, data: bytes | None) -> str:
    """What the server answers. Blocks. Raises Unreachable."""
    if not url.startswith(("http://", "https://")):
        raise Unreachable(f'"{url}" is no address of a web server; write http://host/path in extconfig.conf')
    try:
        with asked(urllib.request.Request(url, data), _BOUNDS) as answer:
            if not 200 <= answer.status < 300:
                raise Unreachable(f"{url}: {answer.status} {answer.reason}")
            return answer.body().decode("utf-8", "surrogateescape")
    except FetchError as error:
        raise Unreachable(str(error)) from error


@module.on_load
def load(pbx: Any) -> None:
    """Offer the driver."""
    realtime_of(pbx).backends["curl"] = Curl()


@module.on_unload
def unload(pbx: Any) -> None:
    """Withdraw the driver."""
    realtime_of(pbx).backends.pop("curl", None)
