"""A provider's registrar over TLS on this machine, which a box reaches at the address of its gateway."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from pathlib import Path

from offhook.sip.framing import StreamFraming
from offhook.sip.message import Request
from offhook.sip.parser import parse

EXPIRES = 30
GATEWAY = "10.0.2.2"
"""This machine, as an emulated box sees it."""


class Registrar:
    """Accepts every REGISTER for half a minute; runs on a thread of its own. A context manager."""

    def __init__(self, folder: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.registered = 0
        self.connections = 0
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Registrar:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def drop(self) -> None:
        """Close every connection: who comes back has to check the certificate again."""
        self._loop.call_soon_threadsafe(lambda: [writer.close() for writer in self._open])

    def until(self, registered: int, seconds: float) -> None:
        """Wait until so many registrations were accepted in all."""
        deadline = time.monotonic() + seconds
        while self.registered < registered:
            assert time.monotonic() < deadline, f"{self.registered} registrations, {registered} expected"
            time.sleep(0.2)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.context))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        framing = StreamFraming()
        try:
            while data := await reader.read(65536):
                for raw in framing.feed(data):
                    message = parse(raw)
                    if isinstance(message, Request):
                        self._answer(message, writer)
                if framing.pings:
                    framing.pings = 0
                    writer.write(b"\r\n")
        except (ConnectionError, ssl.SSLError):
            pass  # the box went away, as it may
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        response = request.response(200)
        if request.method == "REGISTER":
            response.add("Contact", f"{request.get('Contact')};expires={EXPIRES}")
            self.registered += 1
        writer.write(response.to_bytes())
