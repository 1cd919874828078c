"""A manager (AMI) action as its handler sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Header = tuple[str, str]


class ActionError(Exception):
    """The action is answered with ``Response: Error`` and this message."""


class ActionRequest:
    """One action: its headers in, its response and list events out.

    A handler calls exactly one of ``ok``, ``error`` or ``respond`` (or raises ActionError), then
    ``event`` as often as it likes. The session delivers them in that order with the ActionID added:
    behind the event's name, or where the handler put an ``ActionID`` header itself. A header
    without a name is a line of its own.
    """

    __slots__ = ("action", "events", "headers", "lines", "pbx", "response", "session")

    def __init__(self, pbx: Any, action: str, headers: list[Header], session: Any) -> None:
        self.pbx = pbx
        self.action = action
        self.headers = headers
        self.lines = [f"{name}: {value}" for name, value in headers]
        """The headers as the client wrote them."""
        self.session = session
        self.response: list[Header] | None = None
        self.events: list[tuple[str, list[Header]] | str] = []
        """Events of this action; a text is sent as it is."""

    def get(self, name: str, default: str = "") -> str:
        """The first header of that name (names are case-insensitive), or the default when absent."""
        name = name.lower()
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        name = name.lower()
        return [value for key, value in self.headers if key.lower() == name]

    def require(self, name: str, message: str = "") -> str:
        """The header's value; ActionError when it is absent or empty."""
        value = self.get(name)
        if not value:
            raise ActionError(message or f"{name} not specified")
        return value

    def variables(self) -> list[tuple[str, str]]:
        """All ``Variable`` headers as name and value, in order; one header may hold several, comma separated."""
        from offhook.modules.syntax import split_arguments

        pairs = []
        for text in self.all("Variable"):
            for item in split_arguments(text):
                name, equals, value = item.partition("=")
                if name and equals:
                    pairs.append((name, value))
        return pairs

    def ok(self, message: str = "", **headers: str) -> None:
        """Answer ``Response: Success``; keyword names are header names."""
        self.respond("Success", message, headers.items())

    def error(self, message: str, **headers: str) -> None:
        """Answer ``Response: Error``."""
        self.respond("Error", message, headers.items())

    def respond(self, response: str, message: str = "", headers: Iterable[Header] = ()) -> None:
        """Answer with any response word; headers follow the message."""
        self.response = [("Response", response)]
        if message:
            self.response.append(("Message", message))
        self.response.extend(headers)

    def event(self, name: str, headers: Iterable[Header] | Mapping[str, str] = ()) -> None:
        """Queue an event that belongs to this action alone (it carries the ActionID)."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        self.events.append((name, list(pairs)))

    def listed(self, message: str = "", headers: Iterable[Header] = ()) -> None:
        """Answer Success and announce the event list that follows."""
        self.respond("Success", message)
        assert self.response is not None
        self.response.insert(1, ("EventList", "start"))
        self.response.extend(headers)

    def complete(self, name: str, count: int, headers: Iterable[Header] = ()) -> None:
        """End an event list with its ``...Complete`` event."""
        self.event(name, [("EventList", "Complete"), ("ListItems", str(count)), *headers])
