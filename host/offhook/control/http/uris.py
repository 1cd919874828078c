"""Which handler serves which URI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from offhook.control.http.message import MOST_CONTENT, Request, Response, decode

Handler = Callable[[Request], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Uri:
    """A registered URI (without slash in front) and what serves it; with ``subtree`` everything below it too."""

    uri: str
    description: str
    handler: Handler
    subtree: bool = False
    decoded: bool = True
    """Hand the rest of the path over decoded; ARI wants it raw."""
    most_content: int = MOST_CONTENT
    """Bytes of a request's body that the handler takes."""


class Uris:
    """All registered URIs, the longest first; of two equal ones the later."""

    __slots__ = ("_uris",)

    def __init__(self) -> None:
        self._uris: list[Uri] = []

    def link(self, uri: Uri) -> None:
        """Serve a URI from now on."""
        size = len(uri.uri)
        at = next((at for at, known in enumerate(self._uris) if len(known.uri) <= size), len(self._uris))
        self._uris.insert(at, uri)

    def unlink(self, uri: Uri) -> None:
        """Serve it no longer; harmless when it is not served."""
        if uri in self._uris:
            self._uris.remove(uri)

    def match(self, path: str) -> tuple[Uri, str] | None:
        """The URI that serves a path (without slash in front) and the rest of the path behind it."""
        for uri in self._uris:
            size = len(uri.uri)
            rest = path[size:]
            if path[:size].lower() != uri.uri.lower() or (rest and rest[0] != "/"):
                continue
            rest = rest[1:]
            if not rest or uri.subtree:
                return uri, decode(rest) if uri.decoded else rest
        return None

    def __iter__(self) -> Iterator[Uri]:
        return iter(self._uris)

    def __len__(self) -> int:
        return len(self._uris)
