"""Fuzz what clients of the web server send: requests, forms, files and cookies, and messages on a WebSocket.

    python tests/fuzz/fuzz_web_requests.py [corpus directory] -max_total_time=120

Needs atheris (PyPI). h11 and wsproto read the wire; what they hand out is read here.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook.control.http", "h11", "wsproto"]):
    from offhook.control.http.connection import Connection
    from offhook.control.http.message import HttpError, Request, Response
    from offhook.control.http.posting import files_of
    from offhook.control.http.websocket import LONGEST_MESSAGE, WebSocket

MOST = 2000
POST = b"POST /x?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nContent-Type: "
BEGINNINGS = (
    b"",
    b"GET /x HTTP/1.1\r\nHost: x\r\nCookie: a=",
    b"GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ",
    b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    POST + b"application/json\r\n\r\n",
    POST + b"application/x-www-form-urlencoded\r\n\r\n",
    POST + b"multipart/form-data; boundary=a\r\n\r\n--a\r\nContent-Disposition: x; filename=",
)


class Transport:
    """Where answers go."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False
        self.protocol: Connection | None = None

    def get_protocol(self) -> Connection | None:
        return self.protocol

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _: str) -> Any:
        return ("192.0.2.1", 5000)

    def is_closing(self) -> bool:
        return self.closed


class Server:
    """What a connection asks of the server."""

    settings = SimpleNamespace(keep_alive_s=15.0, inactivity_s=30.0, name="x")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pbx = SimpleNamespace(wall=lambda: 1.8e9, loop=loop, spawn=lambda work, name: loop.create_task(work))

    def opened(self, _: Connection) -> bool:
        return True

    def closed(self, _: Connection) -> None: ...

    def most_content(self, _: str) -> int:
        return MOST

    async def respond(self, request: Request) -> Response:
        look_at(request)
        return Response(body=b"yes")


def look_at(request: Request) -> None:
    for ask in (request.form, request.json, request.cookies, request.basic_auth):
        with suppress(HttpError):
            ask()
    with suppress(ValueError):
        for name, content in files_of(request.content(), request.header("Content-Type")):
            assert name not in ("", ".", "..") and not set("/\\\0") & set(name) and len(content) <= MOST


async def talk(data: bytes) -> None:
    loop = asyncio.get_running_loop()
    connection, transport = Connection(Server(loop), tls=False), Transport()  # type: ignore[arg-type]
    transport.protocol = connection
    connection.connection_made(transport)  # type: ignore[arg-type]
    size = 1 + data[0]
    for at in range(1, len(data), size):
        if transport.closed:
            break
        connection.data_received(data[at : at + size])
        for _ in range(4):
            await asyncio.sleep(0)
    connection.connection_lost(None)
    assert not transport.sent or transport.sent.startswith(b"HTTP/1.1 ")


async def chat(data: bytes) -> None:
    heard: list[str | bytes] = []

    async def run(socket: WebSocket) -> None:
        while (message := await socket.receive()) is not None:
            heard.append(message)
            if socket.open:
                socket.send(message)

    loop, transport = asyncio.get_running_loop(), Transport()
    request = Request("GET", "/ws", [], b"", ("192.0.2.1", 1), ("192.0.2.2", 2), tls=False)
    socket = WebSocket(Server(loop).pbx, request, "", transport, run)  # type: ignore[arg-type]
    size = 1 + data[0]
    for at in range(1, len(data), size):
        if transport.closed:
            break
        socket.data_received(data[at : at + size])
        await asyncio.sleep(0)
    socket.connection_lost(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert all(len(message) <= LONGEST_MESSAGE for message in heard)


LOOP = asyncio.new_event_loop()


def fail(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    failures.append(context)


failures: list[dict[str, Any]] = []
LOOP.set_exception_handler(fail)


def one(data: bytes) -> None:
    """The first byte chooses, the next says how the rest is cut."""
    if len(data) > 2:
        begin = BEGINNINGS[(data[0] >> 1) % len(BEGINNINGS)]
        LOOP.run_until_complete(chat(data[1:]) if data[0] & 1 else talk(data[1:2] + begin + data[2:]))
        assert not failures, failures


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
