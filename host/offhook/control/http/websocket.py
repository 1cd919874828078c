"""WebSockets (RFC 6455) over the web server: the handshake, and a socket to read and write messages with."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from wsproto.connection import Connection as Wire
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from offhook.calls.pbx import Pbx
from offhook.control.http.message import HttpError, Request, Response, not_implemented

log = logging.getLogger(__name__)

LONGEST_MESSAGE: Final = 65535
MOST_UNSENT: Final = 4 << 20
"""Bytes a peer may leave unread before it is cut off."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

TOO_BIG: Final = 1009
GOING_AWAY: Final = 1001
NORMAL: Final = 1000

Run = Callable[["WebSocket"], Awaitable[None]]
"""Minds one socket; the socket is closed when it returns."""


class WebSocket(asyncio.Protocol):
    """One established WebSocket, as seen from the server."""

    def __init__(self, pbx: Pbx, request: Request, subprotocol: str, transport: asyncio.Transport, run: Run) -> None:
        self.request = request
        self.subprotocol = subprotocol
        self.remote = request.remote
        self.local = request.local
        self.tls = request.tls
        self.longest_message = LONGEST_MESSAGE
        self.close_code = 0
        """Why the peer closed it (RFC 6455 7.4), 1006 when the connection broke, 0 while it is open."""
        self.on_close: Callable[[], None] | None = None
        """Called once, in the step in which the socket ends."""
        self._transport: asyncio.Transport | None = transport
        self._wire = Wire(ConnectionType.SERVER)
        self._parts: list[str | bytes] = []
        self._size = 0
        self._messages: deque[str | bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._loop = pbx.loop
        self._task = pbx.spawn(self._mind(run), name=f"websocket {self.remote[0]}:{self.remote[1]}")

    async def _mind(self, run: Run) -> None:
        try:
            await run(self)
        finally:
            self.close()

    @property
    def open(self) -> bool:
        """Whether messages can be sent."""
        return self._transport is not None and self._wire.state is ConnectionState.OPEN

    # ---- messages -----------------------------------------------------------------------------------

    async def receive(self) -> str | bytes | None:
        """The next message, text as str and binary as bytes; None once the socket is closed."""
        while not self._messages:
            if self.close_code:
                return None
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.popleft()
        if self._transport is not None and len(self._messages) < _MOST_UNREAD // 2:
            self._transport.resume_reading()
        return message

    def send(self, message: str | bytes) -> None:
        """Send a message. A peer that leaves too much unread is cut off. Raises ConnectionError when closed."""
        if not self.open:
            raise ConnectionError("the WebSocket is closed")
        self._write(self._wire.send(TextMessage(message) if isinstance(message, str) else BytesMessage(message)))

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping."""
        if self.open:
            self._write(self._wire.send(Ping(payload)))

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the socket; harmless when it is closed."""
        if self._transport is None:
            return
        if self._wire.state is ConnectionState.OPEN:
            self._write(self._wire.send(CloseConnection(code, reason)))
        self._transport.close()
        self._over(code)

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        transport.write(data)
        if transport.get_write_buffer_size() > MOST_UNSENT:
            log.warning("WebSocket of %s:%d takes nothing any more and is cut off", *self.remote)
            transport.abort()

    # ---- the transport's calls ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        try:
            self._wire.receive_data(data)
            for event in self._wire.events():
                if isinstance(event, TextMessage | BytesMessage):
                    self._take(event)
                elif isinstance(event, Ping):
                    self._write(self._wire.send(Pong(event.payload)))
                elif isinstance(event, CloseConnection):
                    if self._wire.state is ConnectionState.REMOTE_CLOSING:
                        self._write(self._wire.send(event.response()))
                    self._over(event.code or NORMAL)
                    if self._transport is not None:
                        self._transport.close()
                    return
        except RemoteProtocolError as error:
            log.debug("WebSocket of %s:%d: %s", *self.remote, error)
            self.close(getattr(error.event_hint, "code", 1002))
        except LocalProtocolError:
            self.close()

    def _take(self, event: TextMessage | BytesMessage) -> None:
        self._size += len(event.data)
        if self._size > self.longest_message:
            self.close(TOO_BIG, "message too long")
            return
        if event.data:  # of nothing there could be any number
            self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
        if not event.message_finished:
            return
        text = isinstance(event, TextMessage)
        whole = "".join(self._parts) if text else b"".join(self._parts)  # type: ignore[arg-type]
        self._parts.clear()
        self._size = 0
        self._messages.append(whole)
        if len(self._messages) >= _MOST_UNREAD and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._over(1006)

    def _over(self, code: int) -> None:
        if not self.close_code:
            self.close_code = code
            if self.on_close is not None:
                self.on_close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


_MOST_UNREAD = 256


def accept(pbx: Pbx, request: Request, protocols: Collection[str], run: Run) -> Response:
    """The answer that turns a request into a WebSocket which ``run`` minds.

    ``protocols`` are the subprotocols served; a client that asks for none gets the only one, if there is
    just one, without it being named. Raises HttpError when the request is no handshake.
    """
    if request.method != "GET":
        raise not_implemented()
    if request.header("Upgrade").lower() != "websocket":
        log.warning("%s:%d wants no WebSocket where there is nothing else", *request.remote)
        raise HttpError(426, "Upgrade Required")
    asked = [word.strip() for word in request.header("Sec-WebSocket-Protocol").split(",") if word.strip()]
    chosen = next((word for word in asked if word in protocols), "")
    key = request.header("Sec-WebSocket-Key")
    fits = bool(chosen) or (not asked and len(protocols) == 1)
    if not fits or not key or request.header("Sec-WebSocket-Version").strip() not in ("7", "8", "13"):
        log.warning(
            "WebSocket of %s:%d refused: subprotocols %s, version %s; served are %s",
            *request.remote,
            ", ".join(asked) or "none",
            request.header("Sec-WebSocket-Version") or "none",
            ", ".join(protocols) or "none",
        )
        return Response(400, "Bad Request", [("Sec-WebSocket-Version", "7, 8, 13")])
    token = base64.b64encode(hashlib.sha1(key.encode("latin-1", "replace") + _GUID).digest()).decode()
    headers = [("Upgrade", request.header("Upgrade")), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", token)]
    if chosen:
        headers.append(("Sec-WebSocket-Protocol", chosen))
    subprotocol = chosen or next(iter(protocols))

    def upgrade(transport: asyncio.Transport, data: bytes) -> WebSocket:
        socket = WebSocket(pbx, request, subprotocol, transport, run)
        if data:
            pbx.loop.call_soon(socket.data_received, data)
        return socket

    return Response(101, "Switching Protocols", headers, upgrade=upgrade)
