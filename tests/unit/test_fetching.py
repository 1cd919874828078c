"""Web servers that mean no good: nothing hangs, grows or goes astray, and the error names the URL and the reason."""

from __future__ import annotations

import itertools
import re
import tracemalloc
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from offhook.calls.prompts import REMOTE
from offhook.fetching import Bounds, FetchError, Redirects, asked, printable
from offhook.functions import curl, web
from offhook.services.media_cache import fetching as songs
from offhook.services.media_cache.cache import MediaCache
from offhook.storage.astdb import AstDb
from offhook.storage.realtime import Unreachable
from offhook.storage.realtime_curl import Curl
from support.exchange import Exchange
from support.hostile_web import HostileWeb, Script

OK = b"HTTP/1.1 200 OK\r\n"
MOST = 300_000
SECONDS = 0.4
"""Enough for nothing that these servers do: they go on until nobody listens."""


@pytest.fixture
def server() -> Iterator[HostileWeb]:
    made = HostileWeb()
    yield made
    made.close()


def once(data: bytes) -> Script:
    return lambda: [data]


def endless(begin: bytes, piece: bytes) -> Script:
    return lambda: itertools.chain([begin], itertools.repeat(piece))


ENDLESS: list[tuple[str, Script, str]] = [
    ("a body without end", endless(OK + b"\r\n", b"x" * 5000), "longer than 300000 octets"),
    (
        "chunks without end",
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1388\r\n" + b"x" * 5000 + b"\r\n"),
        "longer than 300000 octets",
    ),
    ("an error without end", endless(b"HTTP/1.1 500 Bad\r\n\r\n", b"x" * 5000), "longer than 300000 octets|500 Bad"),
    ("headers without end", endless(OK, b"X-More: 1\r\n"), "more than 100 headers"),
    ("a header without end", endless(OK + b"X-Long: ", b"x" * 5000), "got more than 65536 bytes"),
    ("a status without end", endless(b"HTTP/1.1 200 ", b"x" * 5000), "got more than 65536 bytes"),
    ("100 Continue without end", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "took longer than"),
    (
        "a chunk's size without end",
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1" * 5000),
        "got more than 65536 bytes|broke off",
    ),
]
SHORT: list[tuple[str, Script, str]] = [
    ("less than was promised", once(OK + b"Content-Length: 10\r\n\r\nabc"), "broke off 7 octets before its end"),
    ("much less", once(OK + b"Content-Length: 99999999999999\r\n\r\nabc"), "broke off 99999999999996 octets"),
    ("a chunk that ends early", once(OK + b"Transfer-Encoding: chunked\r\n\r\nffffff\r\nabc"), "broke off"),
    ("no chunks", once(OK + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\nabc\r\n"), "broke off"),
    ("a negative chunk", once(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n"), "broke off"),
    ("no last chunk", once(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), "broke off"),
    ("nothing", once(b""), "closed connection without response"),
    ("half a line", once(b"HTTP/1."), "it speaks no HTTP but HTTP/1."),
    ("no HTTP", once(b"\x1b[2J\x00\xff nonsense\r\n\r\n"), r"\\x1b\[2J"),
    ("no status", once(b"HTTP/1.1 abc OK\r\n\r\n"), "HTTP/1.1 abc OK"),
]
ASTRAY: list[tuple[str, str, str]] = [
    ("to a file", "file:///etc/passwd", "file:///etc/passwd, and that is not allowed"),
    ("to another protocol", "gopher://127.0.0.1/x", "gopher://127.0.0.1/x, and that is not allowed"),
    ("to data", "data:,x", "not allowed"),
    ("to itself", "/astray", "more than 3 times"),
    ("to no URL", "http://[", "Invalid IPv6"),
    ("to no port", "http://127.0.0.1:x/", "nonnumeric port"),
]


def page(url: str, seconds: float = SECONDS) -> bytes:
    with asked(urllib.request.Request(url), Bounds(seconds, MOST), Redirects(most=3), {}) as answer:
        return answer.body()


def files(folder: Path) -> list[Path]:
    return sorted(found for found in folder.rglob("*") if found.is_file())


@pytest.mark.parametrize(("script", "reason"), [each[1:] for each in ENDLESS], ids=[each[0] for each in ENDLESS])
def test_what_has_no_end_is_ended(server: HostileWeb, script: Script, reason: str) -> None:
    url = server.script("/a.wav", script)
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match=f"{reason}|took longer than") as told:
            page(url)
        assert tracemalloc.get_traced_memory()[1] < 10 * MOST
    finally:
        tracemalloc.stop()
    assert url in str(told.value) and len(str(told.value)) < 400


@pytest.mark.parametrize(("script", "reason"), [each[1:] for each in SHORT], ids=[each[0] for each in SHORT])
def test_what_is_not_whole_is_none(server: HostileWeb, script: Script, reason: str) -> None:
    url = server.script("/a.wav", script)
    with pytest.raises(FetchError, match=reason) as told:
        page(url, 30)
    assert url in str(told.value) and str(told.value).isprintable()


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 2", OK + b"X: ", OK + b"\r\n", b"HTTP/1.1 302 Go\r\nLocation: /"])
def test_a_server_cannot_stretch_its_time(server: HostileWeb, begin: bytes) -> None:
    """An octet now and then keeps nobody waiting beyond the time for the whole."""
    url = server.script("/a.wav", lambda: itertools.chain([begin], server.drip(b"x")))
    with pytest.raises(FetchError, match=r"took longer than 0\.4 s") as told:
        page(url)
    assert url in str(told.value)


@pytest.mark.parametrize(("place", "reason"), [each[1:] for each in ASTRAY], ids=[each[0] for each in ASTRAY])
def test_a_server_cannot_send_us_everywhere(server: HostileWeb, place: str, reason: str) -> None:
    url = server.page("/astray", f"HTTP/1.1 302 Found|Location: {place}")
    with pytest.raises(FetchError, match=reason) as told:
        page(url, 30)
    assert url in str(told.value)
    assert len(server.asked) == (4 if place == "/astray" else 1)


def test_what_comes_with_a_redirect_is_not_read(server: HostileWeb) -> None:
    url = server.script("/a", endless(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n", b"x" * 5000))
    server.page("/b", "HTTP/1.1 200 OK|Content-Length: 5", b"there")
    assert page(url, 30) == b"there"


def test_secrets_stay_with_their_server(server: HostileWeb) -> None:
    other = HostileWeb()
    try:
        request = urllib.request.Request(server.url + "/a", headers={"Authorization": "Basic x", "Cookie": "y=z"})
        server.page("/a", "HTTP/1.1 302 Found|Location: /b")
        server.page("/b", f"HTTP/1.1 302 Found|Location: {other.url}/c")
        with asked(request, Bounds(30, MOST), Redirects(), {}) as answer:
            assert answer.status == 200
        assert ["Authorization: Basic x" in head and "Cookie: y=z" in head for head in server.heads] == [True, True]
        assert ["Authorization" in head or "Cookie" in head for head in other.heads] == [False]
    finally:
        other.close()


def test_words_of_a_server_are_no_commands_for_a_terminal(server: HostileWeb) -> None:
    url = server.page("/a", "HTTP/1.1 500 \x1b[2J\x07no")
    with asked(urllib.request.Request(url), Bounds(30, MOST), Redirects(), {}) as answer:
        assert (answer.status, answer.reason) == (500, r"\x1b[2J\x07no")
    assert printable("x" * 1000) == "x" * 200 + "..."


# ---- who asks -----------------------------------------------------------------------------------------


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    found = Exchange()
    yield found
    await found.pbx.end_tasks()


@pytest.fixture
async def cache(tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(songs, "MOST_BYTES", MOST)
    exchange.pbx.astdb = AstDb(":memory:")
    exchange.pbx.astdb.open()
    yield MediaCache(exchange.pbx, str(tmp_path / "cache"))
    exchange.pbx.astdb.close()


@pytest.mark.parametrize("script", [each[1] for each in ENDLESS + SHORT], ids=[each[0] for each in ENDLESS + SHORT])
async def test_no_sound_file(
    server: HostileWeb, cache: MediaCache, script: Script, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    cache.terms = songs.Terms(timeout_s=SECONDS)
    uri = server.script("/a.wav", script)
    assert await cache.local(uri) is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(uri) and len(line) > len(uri) + 10 and line.isprintable()
    assert not cache.entries and not files(tmp_path)


NAMES = [
    ("/..%2f..%2f..%2fevil.wav", ""),
    ("/a.wav%00/../../evil", ""),
    ("/a.%2e%2e%2fevil", ""),
    ("/a", "audio/../../evil"),
    ("/a.wav", 'audio/wav; name="../../evil"'),
    ("/../../../evil.wav", "../../evil"),
]


@pytest.mark.parametrize(("path", "kind"), NAMES)
async def test_files_are_where_we_put_them(
    server: HostileWeb, cache: MediaCache, path: str, kind: str, tmp_path: Path
) -> None:
    head = f'HTTP/1.1 200 OK|Content-Type: {kind}|Content-Disposition: attachment; filename="../../evil.wav"'
    uri = server.page(path, head, b"sound")
    await cache.fetch(uri)
    (file,) = files(tmp_path)
    assert file.parent == tmp_path / "cache" and file.read_bytes() == b"sound"
    assert file.suffix in ("", ".wav")


@pytest.mark.parametrize(
    "header",
    [
        "Expires: Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Expires: Fri, 31 Dec 9999 23:59:59 -9999",
        "Expires: Mon, 01 Jan 0001 00:00:00 GMT",
        "Expires: \x1b[2J",
        "Cache-Control: max-age=" + "9" * 900,
        "Cache-Control: max-age=" + "9" * 9000,
        "ETag: " + "x" * 60000,
        "ETag: \x1b[2J",
    ],
    ids=lambda header: header[:40],
)
async def test_absurd_headers(server: HostileWeb, cache: MediaCache, header: str) -> None:
    uri = server.page("/a.wav", f"HTTP/1.1 200 OK|{header}", b"sound")
    assert await cache.local(uri) is not None
    assert await cache.local(uri) is not None
    assert all(value.isprintable() and len(value) < 2000 for value in cache.entries[uri].metadata.values())


async def test_what_is_packed_stays_packed(server: HostileWeb, cache: MediaCache, tmp_path: Path) -> None:
    """A bomb of gzip is a small file that cannot be played."""
    import gzip

    packed = gzip.compress(bytes(50_000_000))
    uri = server.page("/a.wav", "HTTP/1.1 200 OK|Content-Encoding: gzip", packed)
    await cache.fetch(uri)
    assert [file.read_bytes() for file in files(tmp_path)] == [packed]
    assert "Accept-Encoding: identity" in server.heads[0]


async def test_unchanged_though_nobody_asked(
    server: HostileWeb, cache: MediaCache, caplog: pytest.LogCaptureFixture
) -> None:
    assert await cache.local(server.page("/a.wav", "HTTP/1.1 304 Not Modified")) is None
    assert "304 Not Modified" in caplog.text


async def test_what_a_crash_left_is_swept(cache: MediaCache, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "bucket-half").write_bytes(b"half")
    (folder / "mine.wav").write_bytes(b"mine")
    (folder / "bucket-known.wav").write_bytes(b"known")
    cache.create("http://x/a.wav", str(folder / "bucket-known.wav"))
    again = MediaCache(cache.pbx, cache.folder)
    again.recall()
    assert sorted(path.name for path in folder.iterdir()) == ["bucket-known.wav", "mine.wav"]


async def test_servers_that_do_not_answer_hold_up_nobody_else(
    server: HostileWeb, cache: MediaCache, exchange: Exchange
) -> None:
    """More of them than there are threads for files: files are read meanwhile."""
    cache.terms = songs.Terms(timeout_s=30)
    exchange.pbx.parts[REMOTE] = cache
    waiting = [
        exchange.pbx.spawn(cache.local(server.script(f"/{at}.wav", lambda: server.drip(b"x"))), "wait")
        for at in range(12)
    ]
    assert await exchange.pbx.off_loop(lambda: "read") == "read"
    assert not any(task.done() for task in waiting)


@pytest.mark.parametrize("script", [each[1] for each in ENDLESS + SHORT], ids=[each[0] for each in ENDLESS + SHORT])
async def test_no_page(
    server: HostileWeb, exchange: Exchange, script: Script, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(web, "MOST_OCTETS", MOST)
    exchange.load(curl)
    channel = exchange.channel()
    await exchange.write("CURLOPT(httptimeout)", str(SECONDS), channel)
    url = server.script("/page", script)
    assert await exchange.read(f"${{CURL({url})}}", channel) == ""
    assert f"CURL: {url}: " in caplog.text


@pytest.mark.parametrize("script", [each[1] for each in SHORT], ids=[each[0] for each in SHORT])
async def test_no_rows(server: HostileWeb, script: Script) -> None:
    url = server.script("/rows/multi", script)
    with pytest.raises(Unreachable, match=url):
        await Curl().select(f"{server.url}/rows", "", [("id", "1")], first=False)


# ---- FTP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (endless(b"", b"220-more\r\n"), "more than 1000 lines"),
        (endless(b"220-", b"x" * 5000), "got more than 8192 bytes"),
        (once(b"nonsense\r\n"), "nonsense"),
        (once(b"\xff\x00\r\n"), "."),
        (once(b""), "."),
    ],
    ids=["lines", "line", "nonsense", "octets", "nothing"],
)
async def test_a_hostile_ftp_server(
    server: HostileWeb, exchange: Exchange, greeting: Script, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.load(curl)
    channel = exchange.channel()
    await exchange.write("CURLOPT(httptimeout)", "2", channel)
    server.greeting = greeting
    url = f"ftp://127.0.0.1:{server.port}/a"
    assert await exchange.read(f"${{CURL({url})}}", channel) == ""
    assert f"CURL: {url}: " in caplog.text
    assert re.search(reason, caplog.text)


async def test_a_slow_ftp_server(server: HostileWeb, exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    exchange.load(curl)
    channel = exchange.channel()
    await exchange.write("CURLOPT(httptimeout)", str(SECONDS), channel)
    server.greeting = lambda: server.drip(b"2")
    assert await exchange.read(f"${{CURL(ftp://127.0.0.1:{server.port}/a)}}", channel) == ""
    assert "took longer than 0.4 s" in caplog.text
