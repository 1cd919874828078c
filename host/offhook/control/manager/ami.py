"""The manager interface of one PBX: its settings, its sessions, and the way of events to them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from offhook.calls.channel import Channel
from offhook.calls.pbx import Pbx
from offhook.control.http.listening import join_address, listening_socket, plain
from offhook.control.manager import render
from offhook.control.manager.connection import Connection
from offhook.control.manager.permissions import privilege
from offhook.control.manager.protocol import Message
from offhook.control.manager.render import Renderer, variable
from offhook.control.manager.session import ManagerEvent, Session
from offhook.control.manager.settings import Settings
from offhook.log import VERBOSE

log = logging.getLogger(__name__)

PART = "manager"
"""Where the interface is kept in ``pbx.parts``."""


class Ami:
    """Takes connections, and renders what happens for the sessions that want it: nothing is rendered for nobody."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.settings = Settings()
        self.sessions: list[Session] = []
        self.bound = ""
        """Where it listens ("127.0.0.1:5038"), or ""."""
        self.tls_bound = ""
        self._server: asyncio.Server | None = None
        self._tls_server: asyncio.Server | None = None
        self._drops: dict[type, Callable[[], None]] = {}
        self._union = 0
        """The classes that some session wants."""
        self._sequence = 0

    # ---- listening ----------------------------------------------------------------------------------

    async def apply(self, settings: Settings) -> None:
        """Take new settings and listen where they say; a socket that cannot be had is logged."""
        self.settings = settings
        self.pbx.parts[render.VARIABLES] = settings.channel_variables
        wanted = join_address(settings.host, settings.port) if settings.enabled else ""
        if wanted != self.bound or self._server is None:
            _closed(self._server)
            self._server = None
            self.bound = ""
            if wanted:
                self._server, self.bound = await self._listen(settings.host, settings.port, None)
        _closed(self._tls_server)
        self._tls_server = None
        self.tls_bound = ""
        if settings.enabled and settings.tls.enabled:
            try:
                context = await self.pbx.off_loop(settings.tls.context)
            except (OSError, ssl.SSLError) as error:
                log.error(
                    "manager.conf: no TLS with certificate %s: %s; check tlscertfile and tlsprivatekey",
                    settings.tls.certificate,
                    error,
                )
            else:
                self._tls_server, self.tls_bound = await self._listen(*settings.tls_address, context)

    async def _listen(self, host: str, port: int, context: ssl.SSLContext | None) -> tuple[asyncio.Server | None, str]:
        try:
            sock = listening_socket(host, port)
            server = await self.pbx.loop.create_server(
                lambda: Connection(self, "TLS" if context else "TCP"), sock=sock, ssl=context
            )
        except OSError as error:
            log.error("the manager interface cannot listen at %s: %s", join_address(host, port), error)
            return None, ""
        return server, join_address(*plain(sock.getsockname()))

    async def stop(self) -> None:
        """Listen no longer and end every session."""
        _closed(self._server)
        _closed(self._tls_server)
        self._server = self._tls_server = None
        for session in list(self.sessions):
            self.remove(session)
            if session.outlet is not None:
                session.outlet.end()

    # ---- sessions -----------------------------------------------------------------------------------

    def unauthenticated(self) -> int:
        """Connections that have not logged in."""
        return sum(not session.authenticated for session in self.sessions if session.outlet is not None)

    def add(self, session: Session) -> None:
        """Take a session in."""
        self.sessions.append(session)

    def remove(self, session: Session) -> None:
        """A session is over."""
        if session in self.sessions:
            self.sessions.remove(session)
            self.masks_changed()

    def find(self, session_id: int) -> Session | None:
        """The HTTP session of that id."""
        return next((one for one in self.sessions if one.id == session_id), None) if session_id else None

    def show(self, message: Message) -> None:
        """Show an action on the console while debugging is on."""
        if self.settings.debug:
            lines = ["Secret: <not shown>" if line.lower().startswith("secret") else line for line in message.lines]
            log.log(VERBOSE, "<--- manager action: -->\n%s\n", "\n".join(lines), extra={"verbosity": 0})

    # ---- events -------------------------------------------------------------------------------------

    def masks_changed(self) -> None:
        """Listen to those events of the bus that some session wants, and to no others."""
        union = 0
        for session in self.sessions:
            union |= session.mask
        if union == self._union:
            return
        self._union = union
        for kind, renderers in render.RENDERERS.items():
            wanted = any(renderer.mask & union == renderer.mask for renderer in renderers)
            if wanted and kind not in self._drops:
                self._drops[kind] = self.pbx.bus.subscribe(kind, self._listener(renderers))
            elif not wanted and kind in self._drops:
                self._drops.pop(kind)()

    def _listener(self, renderers: list[Renderer]) -> Callable[[Any], None]:
        def listen(event: Any) -> None:
            for renderer in renderers:
                if not self.wanted(renderer.mask):
                    continue
                name = renderer.name if isinstance(renderer.name, str) else renderer.name(event)
                if name in self.settings.disabled_events:
                    continue
                body = renderer.body(event)
                if body is not None:
                    channels = renderer.channels(event) if renderer.channels else ()
                    self._deliver(name, renderer.mask, body, channels, renderer.body)

        return listen

    def wanted(self, mask: int) -> bool:
        """Whether some session may want events of these classes: ask before rendering."""
        return self._union & mask == mask

    def send(self, name: str, mask: int, body: str, channels: Sequence[Channel | None] = ()) -> None:
        """Send an event that is no event of the bus. ``body`` are its headers, each ended by CRLF."""
        if self.wanted(mask) and name not in self.settings.disabled_events:
            self._deliver(name, mask, body, channels, self.send)

    def _deliver(
        self, name: str, mask: int, body: str, channels: Sequence[Channel | None], source: Callable[..., Any]
    ) -> None:
        settings = self.settings
        head = f"Event: {name}\r\nPrivilege: {privilege(mask)}\r\n"
        if settings.timestamps:
            head += f"Timestamp: {self.pbx.wall():.6f}\r\n"
        if settings.debug:
            head += self._origin(source)
        if self.pbx.options.system_name:
            head += f"SystemName: {self.pbx.options.system_name}\r\n"
        for channel in channels:
            if channel is not None:
                for wanted in settings.channel_variables:
                    body += f"ChanVariable({channel.name}): {wanted}={variable(channel, wanted)}\r\n"
        event = ManagerEvent(name, mask, f"{head}{body}\r\n")
        for session in self.sessions[:]:
            if session.mask & mask == mask:
                session.take(event)

    def _origin(self, source: Callable[..., Any]) -> str:
        """Where an event was rendered, for those who debug."""
        number, self._sequence = self._sequence, self._sequence + 1
        code = source.__code__
        file = code.co_filename.rpartition("/")[2]
        return f"SequenceNumber: {number}\r\nFile: {file}\r\nLine: {code.co_firstlineno}\r\nFunc: {source.__name__}\r\n"


def _closed(server: asyncio.Server | None) -> None:
    if server is not None:
        server.close()


def manager(pbx: Pbx) -> Ami:
    """The manager interface of this PBX, made when first asked for; it listens once its module is loaded."""
    found = pbx.parts.get(PART)
    if found is None:
        found = pbx.parts[PART] = Ami(pbx)
    assert isinstance(found, Ami)
    return found
