"""SIP over WebSockets (RFC 7118): phones in browsers, through the web server's ``/ws``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from offhook.calls.pbx import Pbx
from offhook.drivers.sip.configuration.sections import Transport
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.transport.connections import StreamCarrier
from offhook.modules import Module
from offhook.modules.module import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.drivers.sip.transport.transports import Transports

module = Module(
    "res_pjsip_transport_websocket",
    "PJSIP WebSocket Transport Support",
    depends=("res_pjsip", "res_http_websocket"),
    priority=21,
)

SERVER = "websockets"
"""Where the web server's WebSockets are found among the PBX's parts."""
SUBPROTOCOL = "sip"


class WebSocket(Protocol):
    """What a socket of the web server offers."""

    remote: tuple[str, int]
    local: tuple[str, int]
    tls: bool
    on_close: Callable[[], None] | None

    @property
    def open(self) -> bool: ...

    async def receive(self) -> str | bytes | None: ...

    def send(self, message: str | bytes) -> None: ...

    def close(self, code: int = 1000, reason: str = "") -> None: ...


class WebSocketCarrier(StreamCarrier):
    """One WebSocket; each of its messages is one of SIP."""

    __slots__ = ("_socket",)

    def __init__(self, owner: Transports, section: Transport, socket: WebSocket) -> None:
        super().__init__(owner, section.name, section, "WSS" if socket.tls else "WS", incoming=True)
        self._socket = socket
        self.host, self.port = socket.local[:2]

    async def run(self) -> None:
        """Take messages until the socket ends."""
        socket = self._socket
        if not socket.open:
            return
        socket.on_close = self._closed
        self._begin(socket.remote[:2])
        try:
            while (message := await socket.receive()) is not None and self.open:
                data = message.encode() if isinstance(message, str) else message
                self.heard = self._owner.now()
                if data.strip():
                    self.message_seen = True
                    self._owner.receive(data, self.flow)
        finally:
            self._end("the WebSocket is over")

    def _closed(self) -> None:
        self._end("closed by peer")

    def send(self, data: bytes, host: str = "", port: int = 0) -> None:
        if not self.open:
            raise OSError(f"the WebSocket of {self.flow} is closed")
        message: str | bytes
        try:
            message = data.decode()
        except UnicodeDecodeError:
            message = data
        self._socket.send(message)

    def close(self, why: str = "") -> None:
        self._end(why)
        self._socket.close(1000, why)


def section_for(stack: SipStack, secure: bool) -> Transport:
    """The transport section that a socket belongs to: of its kind, else of the other, else one with defaults."""
    sections = stack.transports.sections.values()
    for protocol in ("wss", "ws") if secure else ("ws", "wss"):
        for section in sections:
            if section.protocol == protocol:
                return section
    return Transport("websocket")


@module.on_load
def load(pbx: Pbx) -> None:
    """Mind the sockets of browsers' phones."""
    server: Any = pbx.parts.get(SERVER)
    if server is None:
        raise LoadError("the web server offers no WebSockets; load res_http_websocket first")
    stack: SipStack = pbx.parts[PART]

    async def mind(socket: WebSocket) -> None:
        await WebSocketCarrier(stack.transports, section_for(stack, socket.tls), socket).run()

    server.register(SUBPROTOCOL, mind)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Refuse them from now on; those that are open end."""
    pbx.parts[SERVER].unregister(SUBPROTOCOL)
    stack: SipStack = pbx.parts[PART]
    for connection in list(stack.transports.connections):
        if isinstance(connection, WebSocketCarrier):
            connection.close("module unloaded")
