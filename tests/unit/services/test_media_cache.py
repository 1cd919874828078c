"""Sound files of web servers: fetched once, asked about again when they are old, known after a restart."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from offhook.calls.prompts import NoPrompt, here
from offhook.services.media_cache import module as media_cache
from offhook.services.media_cache.cache import MediaCache, extension_of
from offhook.storage.astdb import AstDb
from support.exchange import Exchange


class Server(ThreadingHTTPServer):
    """What is there by path: headers and body; and what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, tuple[dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        headers, body = self.server.files.get(self.path, (None, b""))
        if headers is None:
            self.send_error(404)
            return
        same = headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]
        self.send_response(302 if "Location" in headers else 304 if same else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def cache(tmp_path: Path) -> Any:
    exchange = Exchange()
    exchange.pbx.astdb = AstDb(":memory:")
    exchange.pbx.astdb.open()
    found = MediaCache(exchange.pbx, str(tmp_path / "cache"))
    exchange.pbx.parts[media_cache.REMOTE] = found
    found.exchange = exchange  # type: ignore[attr-defined]
    yield found
    await exchange.pbx.end_tasks()
    exchange.pbx.astdb.close()


def content(name: str | None) -> bytes:
    assert name is not None
    found = [path for path in Path(name).parent.iterdir() if path.stem == Path(name).name]
    return found[0].read_bytes()


async def test_a_fresh_file_is_fetched_once(web: Server, cache: Any) -> None:
    web.files["/talking.wav"] = {"Cache-Control": "max-age=60", "Content-Type": "audio/wav"}, b"RIFF one"
    uri = f"{web.url}/talking.wav"
    first, second = await asyncio.gather(cache.local(uri), cache.local(uri))
    assert first == second and content(first) == b"RIFF one"
    assert cache.entries[uri].path.endswith(".wav")
    cache.exchange.clock += 59
    assert await cache.local(uri) == first
    assert web.asked == ["GET /talking.wav"]
    cache.exchange.clock += 2
    web.files["/talking.wav"] = {}, b"RIFF two"
    assert content(await cache.local(uri)) == b"RIFF two"
    assert len(os.listdir(cache.folder)) == 1, "the old one is gone"


async def test_an_old_file_is_asked_about(web: Server, cache: Any) -> None:
    web.files["/a.gsm"] = {"ETag": '"1"', "Cache-Control": "max-age=10"}, b"one"
    uri = f"{web.url}/a.gsm"
    first = await cache.local(uri)
    cache.exchange.clock += 11
    assert await cache.local(uri) == first
    assert await cache.local(uri) == first, "it is fresh again"
    web.files["/a.gsm"] = {"ETag": '"2"'}, b"two"
    cache.exchange.clock += 11
    assert content(await cache.local(uri)) == b"two"
    assert web.asked == ["GET /a.gsm", "HEAD /a.gsm", "HEAD /a.gsm", "GET /a.gsm"]


async def test_it_is_known_after_a_restart(web: Server, cache: Any) -> None:
    expires = formatdate(cache.exchange.clock + 100, usegmt=True)
    web.files["/a.wav"] = {"Expires": expires}, b"one"
    uri = f"{web.url}/a.wav"
    first = await cache.local(uri)
    again = MediaCache(cache.pbx, cache.folder)
    again.recall()
    assert await again.local(uri) == first and len(web.asked) == 1
    assert again.delete(uri) and not again.delete(uri)
    third = MediaCache(cache.pbx, cache.folder)
    third.recall()
    assert not third.entries and not os.listdir(cache.folder)


async def test_redirects_and_what_cannot_be_had(web: Server, cache: Any, caplog: pytest.LogCaptureFixture) -> None:
    web.files["/a"] = {"Location": "/b.wav"}, b""
    web.files["/b.wav"] = {}, b"there"
    web.files["/out"] = {"Location": "ftp://127.0.0.1/x"}, b""
    assert content(await cache.local(f"{web.url}/a")) == b"there"
    for uri in (f"{web.url}/none.wav", f"{web.url}/out", "ftp://127.0.0.1/a.wav", "http://127.0.0.1:1/a.wav"):
        assert await cache.local(uri) is None
        assert uri in caplog.text


async def test_names_without_a_server_stay(web: Server, cache: Any) -> None:
    web.files["/a.wav"] = {}, b"one"
    channel = cache.exchange.channel()
    assert await here(channel, "digits/5") == "digits/5"
    assert content(await here(channel, f"{web.url}/a.wav")) == b"one"
    with pytest.raises(NoPrompt):
        await here(channel, f"{web.url}/none.wav")
    del cache.pbx.parts[media_cache.REMOTE]
    with pytest.raises(NoPrompt, match="res_http_media_cache"):
        await here(channel, f"{web.url}/a.wav")


@pytest.mark.parametrize(
    ("uri", "kind", "extension"),
    [
        ("http://x/a.gsm?b=c.wav", "", "gsm"),
        ("http://x/a.gsm", "audio/wav; charset=x", "wav"),
        ("http://x/a", "audio/x-wav; codec=pcm; bit=16; rate=16000", "wav16"),
        ("http://x/a.exe", "text/plain", ""),
    ],
)
def test_kinds(uri: str, kind: str, extension: str) -> None:
    assert extension_of(uri, kind) == extension
