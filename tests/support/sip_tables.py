"""A database in memory for tests of SIP sections in tables."""

from __future__ import annotations

import asyncio
from typing import Any

from offhook.storage.realtime import Unreachable


class Tables:
    """A database in memory; ``down`` when it does not answer."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.down = False
        self.asked: list[tuple[str, str]] = []

    async def select(self, database: str, table: str, criteria: Any, *, first: bool) -> Any:
        ((_, value),) = criteria
        self.asked.append((table, value))
        await asyncio.sleep(0.01)
        if self.down:
            raise Unreachable("gone")
        return [list(row.items()) for row in self.rows.get(table, ()) if value in ("%", row["id"])]

    def put(self, table: str, **row: str) -> None:
        rows = [each for each in self.rows.get(table, ()) if each["id"] != row["id"]]
        self.rows[table] = [*rows, row]
