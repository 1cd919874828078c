"""The URI ``/ws``: WebSockets whose subprotocol names who minds them (SIP over WebSocket, ...)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.control.http.message import Request, Response
from offhook.control.http.server import http_server
from offhook.control.http.uris import Uri
from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.control.http.websocket import Run

module = Module("res_http_websocket", "WebSockets of the embedded web server", depends=("http",), priority=11)

PART = "websockets"


class WebSockets:
    """Who minds sockets at ``/ws``, by subprotocol."""

    __slots__ = ("_minders", "_pbx", "uri")

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._minders: dict[str, Run] = {}
        self.uri = Uri("ws", "Asterisk HTTP WebSocket", self._answer)

    def register(self, subprotocol: str, run: Run) -> None:
        """Have ``run`` mind the sockets of a subprotocol ("sip")."""
        self._minders[subprotocol] = run

    def unregister(self, subprotocol: str) -> None:
        """Refuse the subprotocol from now on."""
        self._minders.pop(subprotocol, None)

    def _answer(self, request: Request) -> Response:
        from offhook.control.http.websocket import WebSocket, accept

        async def run(socket: WebSocket) -> None:
            await self._minders[socket.subprotocol](socket)

        return accept(self._pbx, request, self._minders, run)


def websockets(pbx: Pbx) -> WebSockets:
    """The subprotocols of this PBX; served once the module is loaded."""
    found = pbx.parts.get(PART)
    if found is None:
        found = pbx.parts[PART] = WebSockets(pbx)
    assert isinstance(found, WebSockets)
    return found


@module.on_load
def load(pbx: Pbx) -> None:
    """Serve ``/ws``."""
    http_server(pbx).link(websockets(pbx).uri)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Serve it no longer."""
    http_server(pbx).unlink(websockets(pbx).uri)
