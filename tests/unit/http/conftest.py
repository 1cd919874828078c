"""A web server on a free port of the loopback, and a client as plain as can be."""

import asyncio
from types import SimpleNamespace

import pytest

from offhook.calls.pbx import Pbx
from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.control.http import http_server
from offhook.control.http.settings import read_settings


@pytest.fixture
async def pbx(tmp_path):
    exchange = Pbx(asyncio.get_running_loop())
    exchange.paths = SimpleNamespace(etc=str(tmp_path), data=str(tmp_path))
    exchange.config = Configuration(str(tmp_path))
    yield exchange
    await exchange.end_tasks()


@pytest.fixture
async def server(pbx):
    web = http_server(pbx)
    await web.apply(read_settings(loads("[general]\nenabled=yes\nbindaddr=127.0.0.1\nbindport=0\n"), NamedAcls()))
    yield web
    await web.stop()


class Client:
    """Sends bytes, gives back what comes."""

    def __init__(self, server):
        self.server = server

    async def open(self):
        host, _, port = self.server.bound.rpartition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    async def ask(self, data: bytes):
        """One request; status, headers (lower case) and body of the answer."""
        self.writer.write(data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = b""
        if not data.startswith(b"HEAD"):
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def get(self, path: str, *lines: str):
        return await self.ask(
            f"GET {path} HTTP/1.1\r\nHost: x\r\n{''.join(line + chr(13) + chr(10) for line in lines)}\r\n".encode()
        )

    async def ended(self):
        """Whether the server closed the connection."""
        return await asyncio.wait_for(self.reader.read(1), 5) == b""


@pytest.fixture
async def client(server):
    one = await Client(server).open()
    yield one
    one.writer.close()


@pytest.fixture
def another(server):
    return Client(server)
