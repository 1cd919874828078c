"""Fuzz what web and FTP servers answer: a page, or one error that names the URL; and what realtime and the media cache
make of it.

    python tests/fuzz/fuzz_web_answers.py [corpus directory] -max_total_time=120

Needs atheris (PyPI). The answer lies ready in a socket pair, and the server has closed.
"""

from __future__ import annotations

import socket
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "host")]

with atheris.instrument_imports(include=["offhook", "http.client", "urllib.request", "ftplib"]):
    from offhook import fetching
    from offhook.fetching import Bounds, FetchError, Redirects, asked
    from offhook.functions.ftp import Ftp
    from offhook.services.media_cache.cache import MediaCache, extension_of
    from offhook.services.media_cache.fetching import kept
    from offhook.storage.realtime import Unreachable
    from offhook.storage.realtime_curl import count_of, row_of

MOST = 5000
OK = b"HTTP/1.1 200 OK\r\n"
BEGINNINGS = (
    b"",
    OK,
    OK + b"Expires: ",
    OK + b"Cache-Control: max-age=1",
    OK + b"Content-Type: audio/",
    OK + b"Content-Length: 1",
    OK + b"Transfer-Encoding: chunked\r\n\r\n",
    OK + b"\r\nid=1&name=%41\n",
    b"HTTP/1.1 302 Found\r\nLocation: ",
    b"HTTP/1.1 500 ",
    b"220",
    b"220 x\r\n230 in\r\n250 ok\r\n200 ok\r\n227 (127,0,0,1,1,1)\r\n150 (9)\r\n",
)
BOUNDS = Bounds(5, MOST)
CACHE = MediaCache(SimpleNamespace(wall=lambda: 1.8e9), "/none")  # type: ignore[arg-type]
answer_ready = b""


def connect(*_: Any) -> socket.socket:
    ours, theirs = socket.socketpair()
    theirs.sendall(answer_ready)
    theirs.shutdown(socket.SHUT_WR)
    theirs.setblocking(False)
    ours.settimeout(5)
    open_ends.append(theirs)
    return ours


open_ends: list[socket.socket] = []
fetching.Deadline.connect = connect  # type: ignore[method-assign, assignment]


def one(data: bytes) -> None:
    """The first byte says how it begins."""
    global answer_ready
    begin = BEGINNINGS[data[0] % len(BEGINNINGS)] if data else b""
    answer_ready = begin + data[1:60_000]
    url = "ftp://127.0.0.1/a/b.wav" if begin.startswith(b"220") else "http://x/a.wav"
    try:
        deadline = fetching.Deadline(BOUNDS)
        handlers = [Ftp(deadline)]
        with asked(urllib.request.Request(url), BOUNDS, Redirects(most=2), {}, handlers, deadline=deadline) as answer:
            assert answer.reason.isprintable()
            headers = kept(answer)
            assert all(value.isprintable() for value in headers.values())
            assert extension_of(url, headers.get("content-type", "")).isalnum()
            assert 0 <= CACHE.fresh_until(headers) < 1 << 33
            body = answer.body()
            assert len(body) <= MOST
            text = body.decode("utf-8", "surrogateescape")
            for line in text.splitlines():
                assert all(name for name, _ in row_of(line))
            with suppress(Unreachable):
                assert count_of(text) >= 0
    except FetchError as error:
        assert url in str(error) and str(error).isprintable() and len(str(error)) < 500
    finally:
        while open_ends:
            open_ends.pop().close()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
