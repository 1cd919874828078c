"""One client's connection: HTTP/1.1 by h11 over a transport of the loop."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

import h11

from offhook.control.http.listening import plain
from offhook.control.http.message import HttpError, Request, Response, http_date, page

if TYPE_CHECKING:
    from offhook.control.http.server import HttpServer

log = logging.getLogger(__name__)

LONGEST_HEAD: Final = 65536
"""Bytes of request line and headers."""
MOST_HEADERS: Final = 100
FILE_PART: Final = 65536
SHORTEST_FIRST_WAIT_S: Final = 10.0


class Connection(asyncio.Protocol):
    """Reads requests, has the server answer them one after the other, and closes when nothing comes."""

    def __init__(self, server: HttpServer, *, tls: bool) -> None:
        self.server = server
        self.tls = tls
        self.remote = ("", 0)
        self.local = ("", 0)
        self._loop = server.pbx.loop
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._room = 0
        self._oversized = False
        self._task: asyncio.Task[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None

    # ---- the transport's calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        self.remote = plain(transport.get_extra_info("peername"))
        self.local = plain(transport.get_extra_info("sockname"))
        if not self.server.opened(self):
            transport.close()
            return
        keep_alive = self.server.settings.keep_alive_s
        self._wait(max(keep_alive or self.server.settings.inactivity_s, SHORTEST_FIRST_WAIT_S))

    def connection_lost(self, error: Exception | None) -> None:
        self.server.closed(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._wait(self.server.settings.inactivity_s)
        self._advance()

    def eof_received(self) -> bool:
        self._http.receive_data(b"")
        self._advance()
        return self._task is not None

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # ---- reading ------------------------------------------------------------------------------------

    def _advance(self) -> None:
        while self._task is None and self._transport is not None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error.error_status_hint, str(error))
                return
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._keep(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._task = self._loop.create_task(self._serve())
            elif isinstance(event, h11.ConnectionClosed):
                self._transport.close()
                return
            else:  # NEED_DATA or PAUSED
                if self._http.they_are_waiting_for_100_continue:
                    self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
                return

    def _begin(self, head: h11.Request) -> None:
        self._head = head
        self._body.clear()
        self._oversized = False
        self._room = self.server.most_content(_text(head.target))

    def _keep(self, data: bytes) -> None:
        if len(self._body) + len(data) > self._room:
            self._oversized = True
            self._body.clear()
        if not self._oversized:
            self._body += data

    def _refuse(self, status: int, text: str) -> None:
        """Answer what is no HTTP and hang up."""
        if self._http.our_state is h11.IDLE or self._http.our_state is h11.SEND_RESPONSE:
            title = {431: "Request Header Fields Too Large", 501: "Not Implemented"}.get(status, "Bad Request")
            response = page(status, title, text, self.server.settings.name)
            self._send_head(response, len(response.body), close=True)
            self._write(self._http.send(h11.Data(data=response.body)))
        if self._transport is not None:
            self._transport.close()

    # ---- answering ----------------------------------------------------------------------------------

    async def _serve(self) -> None:
        head = self._head
        assert head is not None
        request = Request(
            _text(head.method),
            _text(head.target),
            [(_text(name), _text(value)) for name, value in head.headers.raw_items()],
            bytes(self._body),
            self.remote,
            self.local,
            self.tls,
            oversized=self._oversized,
        )
        try:
            if len(request.headers) > MOST_HEADERS:
                raise HttpError(413, "Request Entity Too Large", "Too many headers", close=True)
            response = await self.server.respond(request)
        except HttpError as error:
            response = self.server.error_page(error)
        except Exception:
            log.exception("%s %s failed", request.method, request.target)
            response = self.server.error_page(HttpError(500, "Server Error", "Internal Server Error", close=True))
        if self._transport is None:
            return
        try:
            if response.upgrade is not None:
                self._upgrade(response)
            else:
                await self._send(response)
        except h11.LocalProtocolError:
            log.exception("the answer to %s %s is no valid HTTP", request.method, request.target)
            self._transport.abort()
        finally:
            self._task = None
        self._next()

    def _next(self) -> None:
        """Go on to the next request, or close."""
        if self._transport is None or self._transport.get_protocol() is not self:
            return
        if self._http.our_state is h11.MUST_CLOSE or self._http.our_state is h11.ERROR:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._wait(self.server.settings.keep_alive_s)
        self._loop.call_soon(self._advance)

    async def _send(self, response: Response) -> None:
        if response.file:
            await self._send_file(response)
            return
        self._send_head(response, len(response.body), close=response.close)
        head = self._head
        if response.body and (head is None or head.method != b"HEAD"):
            self._write(self._http.send(h11.Data(data=response.body)))
        self._write(self._http.send(h11.EndOfMessage()))

    async def _send_file(self, response: Response) -> None:
        pbx = self.server.pbx
        source = await pbx.off_loop(open, response.file, "rb")
        try:
            size = await pbx.off_loop(source.seek, 0, 2)
            await pbx.off_loop(source.seek, 0)
            self._send_head(response, size, close=response.close)
            if self._head is None or self._head.method != b"HEAD":
                while size and (part := await pbx.off_loop(source.read, min(FILE_PART, size))):
                    size -= len(part)
                    self._write(self._http.send(h11.Data(data=part)))
                    if self._drained is not None:
                        await self._drained
            self._write(self._http.send(h11.EndOfMessage()))
        finally:
            source.close()

    def _send_head(self, response: Response, size: int, *, close: bool) -> None:
        settings = self.server.settings
        headers = [("Server", settings.name)] if settings.name else []
        headers.append(("Date", http_date(self.server.pbx.wall())))
        if close or not settings.keep_alive_s:
            headers.append(("Connection", "close"))
        if not response.cacheable:
            headers.append(("Cache-Control", "no-cache, no-store"))
        headers += response.headers
        if response.status != 204:
            headers.append(("Content-Length", str(size)))
        self._write(
            self._http.send(
                h11.Response(
                    status_code=response.status,
                    headers=[(name.encode("latin-1"), _bytes(value)) for name, value in headers],
                    reason=response.title.encode("latin-1"),
                )
            )
        )

    def _upgrade(self, response: Response) -> None:
        """Leave HTTP: the response's protocol has the connection from here on."""
        transport = self._transport
        assert transport is not None
        assert response.upgrade is not None
        head = f"HTTP/1.1 {response.status} {response.title}\r\n".encode("latin-1")
        head += b"".join(name.encode("latin-1") + b": " + _bytes(value) + b"\r\n" for name, value in response.headers)
        transport.write(head + b"\r\n")
        if self._timer is not None:
            self._timer.cancel()
        transport.set_protocol(response.upgrade(transport, self._http.trailing_data[0]))
        self.server.closed(self)

    def _write(self, data: bytes | None) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    # ---- waiting ------------------------------------------------------------------------------------

    def _wait(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._transport is None:
            return
        now = self._loop.time()
        if self._task is not None:
            self._wait(self.server.settings.inactivity_s)
        elif now < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._due)
        else:
            self._transport.close()

    def end(self) -> None:
        """Close the connection now."""
        if self._transport is not None:
            self._transport.close()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
