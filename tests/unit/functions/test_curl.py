"""CURL against a web server of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from offhook.functions import curl, strings
from support.exchange import Exchange


class Pages(BaseHTTPRequestHandler):
    """Answers with what was asked."""

    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _serve(self, posted: str) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/plain")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/secret" and self.headers.get("Authorization") != "Basic YWRhOnBhc3M=":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = {
            "/plain": "some text  \r\n",
            "/fields": "name=a%2Cb&other=c+d",
            "/agent": str(self.headers["User-Agent"]),
            "/headers": f"{self.headers['X-One']} {self.headers['Content-Type']}",
            "/secret": "told",
        }.get(self.path, "gone")
        data = (body + posted).encode()
        self.send_response(404 if body == "gone" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(curl, strings)
    return exchange


async def test_a_page_without_the_blanks_at_its_end(exchange: Exchange, server: str):
    assert await exchange.read(f"[${{CURL({server}/plain)}}]", exchange.channel()) == "[some text]"
    assert (await exchange.read(f"${{CURL({server}/agent)}}")).startswith("asterisk-libcurl-agent/1.0")
    assert await exchange.read(f"${{CURL({server}/nowhere)}}") == "gone"


async def test_posting(exchange: Exchange, server: str):
    channel = exchange.channel()
    assert await exchange.read(f"${{CURL({server}/headers,a=b&c)}}", channel) == (
        "None application/x-www-form-urlencodeda=b&c"
    )
    await exchange.write("CURLOPT(httpheader)", "X-One: 1", channel)
    await exchange.write("CURLOPT(httpheader)", "Content-Type: text/plain", channel)
    assert await exchange.read(f"${{CURL({server}/headers,x)}}", channel) == "1 text/plainx"


async def test_options_belong_to_the_channel(exchange: Exchange, server: str):
    one, two = exchange.channel(name="Test/1"), exchange.channel(name="Test/2")
    await exchange.write("CURLOPT(useragent)", "mine", one)
    assert await exchange.read(f"${{CURL({server}/agent)}}", one) == "mine"
    assert await exchange.read(f"${{CURL({server}/agent)}}", two) != "mine"
    await exchange.write("CURLOPT(useragent)", "everybody's")
    assert await exchange.read(f"${{CURL({server}/agent)}} ${{CURLOPT(useragent)}}", two) == "everybody's everybody's"
    assert await exchange.read(f"${{CURL({server}/agent)}}", one) == "mine"


async def test_redirects_are_followed_when_told(exchange: Exchange, server: str):
    channel = exchange.channel()
    assert await exchange.read(f"[${{CURL({server}/moved)}}]", channel) == "[]"
    await exchange.write("CURLOPT(followlocation)", "yes", channel)
    assert await exchange.read(f"${{CURL({server}/moved)}}", channel) == "some text"
    await exchange.write("CURLOPT(maxredirs)", "0", channel)
    assert await exchange.read(f"[${{CURL({server}/moved)}}]", channel) == "[]"


async def test_logging_in(exchange: Exchange, server: str):
    channel = exchange.channel()
    assert await exchange.read(f"[${{CURL({server}/secret)}}]", channel) == "[]"
    await exchange.write("CURLOPT(userpwd)", "ada:pass", channel)
    assert await exchange.read(f"${{CURL({server}/secret)}}", channel) == "told"


async def test_results_for_hash(exchange: Exchange, server: str):
    channel = exchange.channel()
    await exchange.write("CURLOPT(hashcompat)", "legacy", channel)
    channel.set("url", f"{server}/fields")
    for assignment in (("HASH(found)", await exchange.read("${CURL(${url})}", channel)),):
        await exchange.write(*assignment, channel)
    assert await exchange.read("${HASH(found,name)};${HASH(found,other)}", channel) == "a,b;c d"


async def test_codes_that_count_as_failure(exchange: Exchange, server: str, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    await exchange.write("CURLOPT(failurecodes)", "500,404", channel)
    assert await exchange.read(f"[${{CURL({server}/nowhere)}}]", channel) == "[]"
    assert "answered with 404" in caplog.text


async def test_saving_a_page(exchange: Exchange, server: str, tmp_path: Path):
    await exchange.write(f"CURL({server}/plain)", str(tmp_path / "page"))
    assert (tmp_path / "page").read_bytes() == b"some text  \r\n"


async def test_headers_of_the_answer(exchange: Exchange, server: str):
    channel = exchange.channel()
    await exchange.write("CURLOPT(header)", "1", channel)
    text = await exchange.read(f"${{CURL({server}/plain)}}", channel)
    assert text.startswith("HTTP/1.1 200 OK\r\n")
    assert text.endswith("\r\n\r\nsome text")


async def test_what_cannot_be_fetched(exchange: Exchange, caplog: pytest.LogCaptureFixture):
    assert await exchange.read("[${CURL(http://127.0.0.1:1/)}${CURL(file:///etc/passwd)}${CURL()}]") == "[]"
    assert "only http, https and ftp are served" in caplog.text
    assert "CURL needs more arguments" in caplog.text
    assert "127.0.0.1:1" in caplog.text
    await exchange.write("CURLOPT(colour)", "red")
    await exchange.write("CURLOPT(httpauth)", "ntlm")
    assert 'CURLOPT has no option "colour"' in caplog.text
    assert '"ntlm" is not supported' in caplog.text


async def test_line_ends_smuggle_nothing(exchange: Exchange, server: str, caplog: pytest.LogCaptureFixture):
    channel = exchange.channel()
    channel.set("evil", "/plain HTTP/1.1\r\nX: y\r\n\r\nGET /agent")
    assert await exchange.read(f"[${{CURL({server}${{evil}})}}]", channel) == "[]"
    assert "could smuggle in another request" in caplog.text
