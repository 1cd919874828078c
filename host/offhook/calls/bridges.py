"""The table of all bridges, by unique id and name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offhook.identifiers import random_uuid

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge


class Bridges:
    """All bridges by unique id."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[str, Bridge] = {}

    def new_id(self) -> str:
        """A fresh unique id (a random UUID, as Asterisk's bridges have)."""
        return random_uuid()

    def add(self, bridge: Bridge) -> None:
        """Take a new bridge in."""
        self._by_id[bridge.uniqueid] = bridge

    def remove(self, bridge: Bridge) -> None:
        """Drop an ended bridge."""
        self._by_id.pop(bridge.uniqueid, None)

    def find(self, uniqueid: str) -> Bridge | None:
        """The bridge of that id or name."""
        found = self._by_id.get(uniqueid)
        if found is None and uniqueid:
            found = next((bridge for bridge in self._by_id.values() if bridge.name == uniqueid), None)
        return found

    def __iter__(self) -> Iterator[Bridge]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)
