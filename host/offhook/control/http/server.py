"""The web server: its sockets, its limits, and the way from a request to its handler."""

from __future__ import annotations

import asyncio
import inspect
import logging
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.control.http.listening import join_address, listening_socket, plain
from offhook.control.http.message import MOST_CONTENT, HttpError, Request, Response, not_found, page, split_query
from offhook.control.http.settings import Settings
from offhook.control.http.uris import Uri, Uris

if TYPE_CHECKING:
    from offhook.control.http.connection import Connection

log = logging.getLogger(__name__)

PART = "http"
"""Where the server is kept in ``pbx.parts``."""


class HttpServer:
    """Serves registered URIs once http.conf enables it. URIs may be linked before and after."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.settings = Settings()
        self.uris = Uris()
        self.connections: set[Connection] = set()
        self.bound = ""
        """Where plain HTTP listens ("127.0.0.1:8088"), or ""."""
        self.tls_bound = ""
        self.authenticated: Callable[[Request], bool] = lambda _request: False
        """Whether a request belongs to a manager session that logged in; the manager sets it."""
        self.may_configure: Callable[[Request], bool | None] = lambda _request: None
        """Whether that session may write configuration; None when there is no such session. The manager sets it."""
        self._server: asyncio.Server | None = None
        self._tls_server: asyncio.Server | None = None

    # ---- registration -------------------------------------------------------------------------------

    def link(self, uri: Uri) -> None:
        """Serve a URI from now on."""
        self.uris.link(uri)

    def unlink(self, uri: Uri) -> None:
        """Serve it no longer."""
        self.uris.unlink(uri)

    # ---- listening ----------------------------------------------------------------------------------

    async def apply(self, settings: Settings) -> None:
        """Take new settings and listen where they say; a socket that cannot be had is logged."""
        self.settings = settings
        wanted = ""
        if settings.enabled and settings.host:
            wanted = join_address(settings.host, settings.port)
        elif settings.enabled:
            log.warning("http.conf: enabled without bindaddr; write bindaddr = 127.0.0.1 or 0.0.0.0")
        if wanted != self.bound or self._server is None:
            await self._stop_plain()
            if wanted:
                self._server, self.bound = await self._listen(settings.host, settings.port, None)
        await self._stop_tls()
        host, port = settings.tls_address
        if settings.enabled and settings.tls.enabled and host:
            try:
                context = await self.pbx.off_loop(settings.tls.context)
            except (OSError, ssl.SSLError) as error:
                log.error(
                    "http.conf: no TLS with certificate %s: %s; check tlscertfile and tlsprivatekey",
                    settings.tls.certificate,
                    error,
                )
            else:
                self._tls_server, self.tls_bound = await self._listen(host, port, context)

    async def _listen(self, host: str, port: int, context: ssl.SSLContext | None) -> tuple[asyncio.Server | None, str]:
        from offhook.control.http.connection import Connection  # with the protocol's parser: when somebody may come

        try:
            sock = listening_socket(host, port)
            server = await self.pbx.loop.create_server(
                lambda: Connection(self, tls=context is not None), sock=sock, ssl=context
            )
        except OSError as error:
            log.warning("the web server cannot listen at %s: %s", join_address(host, port), error)
            return None, ""
        address = plain(sock.getsockname())
        return server, join_address(*address)

    async def _stop_plain(self) -> None:
        server, self._server, self.bound = self._server, None, ""
        if server is not None:
            server.close()

    async def _stop_tls(self) -> None:
        server, self._tls_server, self.tls_bound = self._tls_server, None, ""
        if server is not None:
            server.close()

    async def stop(self) -> None:
        """Listen no longer and end every connection."""
        await self._stop_plain()
        await self._stop_tls()
        for connection in list(self.connections):
            connection.end()

    # ---- connections --------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> bool:
        """Take a connection in; False when there are too many."""
        if len(self.connections) >= self.settings.most_sessions:
            log.warning("more than %d web connections: one is refused", self.settings.most_sessions)
            return False
        self.connections.add(connection)
        return True

    def closed(self, connection: Connection) -> None:
        """A connection is over (or no longer HTTP)."""
        self.connections.discard(connection)

    # ---- requests -----------------------------------------------------------------------------------

    def _find(self, target: str) -> tuple[Uri, str] | None:
        path = target.partition("?")[0]
        prefix = self.settings.prefix
        size = len(prefix)
        if path[:size].lower() != prefix.lower() or path[size : size + 1] != "/":
            return None
        return self.uris.match(path[size + 1 :])

    def most_content(self, target: str) -> int:
        """Bytes of body that the handler of a target takes."""
        found = self._find(target)
        return found[0].most_content if found else MOST_CONTENT

    async def respond(self, request: Request) -> Response:
        """Find the handler and have it answer. Raises HttpError."""
        path, _, query = request.target.partition("?")
        for restricted, acl in self.settings.restrictions:
            if path.lower().startswith(restricted.lower()) and not acl.allows(
                request.remote[0], "HTTP path restriction: "
            ):
                raise HttpError(403, "Forbidden", "Access denied by ACL", close=True)
        for target, destination in self.settings.redirects:
            if path.lower() == target.lower():
                return Response(302, "Moved Temporarily", [("Location", destination)])
        found = self._find(request.target)
        if found is None:
            raise not_found()
        uri, request.path = found
        request.query = split_query(query)
        answer = uri.handler(request)
        if inspect.isawaitable(answer):
            answer = await answer
        assert isinstance(answer, Response)
        return answer

    def error_page(self, error: HttpError) -> Response:
        """The page for an error."""
        response = page(error.status, error.title, error.text, self.settings.name)
        response.close = error.close
        return response


def http_server(pbx: Pbx) -> HttpServer:
    """The web server of this PBX, made when first asked for; it listens once the module ``http`` is loaded."""
    found = pbx.parts.get(PART)
    if found is None:
        found = pbx.parts[PART] = HttpServer(pbx)
    assert isinstance(found, HttpServer)
    return found
