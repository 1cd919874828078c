"""The manager over HTTP."""

import asyncio
import hashlib
import re

import pytest

from offhook.control.http import http_server
from offhook.control.http.settings import Settings
from offhook.control.manager.digest import parse_digest
from offhook.control.manager.markup import as_html, as_xml
from offhook.control.manager.web import link, unlink


@pytest.fixture
async def web(exchange, ami):
    server = http_server(exchange.pbx)
    await server.apply(Settings(enabled=True, host="127.0.0.1", port=0))
    link(exchange.pbx)
    yield server
    await server.stop()


class Browser:
    """Keeps its cookie."""

    def __init__(self, server):
        self.server = server
        self.cookie = ""

    async def get(self, path, *lines, body=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.server.bound.rpartition(":")[2]))
        head = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: x", "Connection: close", *lines]
        if body:
            head += [f"Content-Length: {len(body)}", "Content-Type: application/x-www-form-urlencoded"]
        if self.cookie:
            head.append(f"Cookie: {self.cookie}")
        writer.write("\r\n".join([*head, "", ""]).encode() + body)
        text = (await asyncio.wait_for(reader.read(), 5)).decode()
        writer.close()
        self.head, _, answer = text.partition("\r\n\r\n")
        if found := re.search(r"Set-Cookie: ([^;]*)", self.head):
            self.cookie = found[1]
        return answer


@pytest.fixture
async def browser(web):
    one = Browser(web)
    await one.get("/rawman?action=login&username=admin&secret=mysecret")
    return one


async def test_a_session_lives_by_its_cookie(web, browser):
    assert re.search(r'Set-Cookie: mansession_id="[0-9a-f]{8}"; Version=1; Max-Age=60', browser.head)
    assert (await browser.get("/rawman?action=ping")).startswith("Response: Success\r\nPing: Pong\r\n")
    assert "text/plain" in browser.head
    assert "Permission denied" in await Browser(web).get("/rawman?action=ping")
    assert "Goodbye" in await browser.get("/rawman?action=logoff")
    assert "Permission denied" in await browser.get("/rawman?action=ping")


async def test_forms_may_be_posted(browser):
    assert "Ping: Pong" in await browser.get("/rawman", body=b"action=ping")


async def test_events_are_kept_until_they_are_waited_for(exchange, browser):
    await browser.get("/rawman?action=waitevent&timeout=0")
    exchange.pbx.set_global("a", "1")
    answer = await browser.get("/rawman?action=waitevent&timeout=5")
    assert "Event: VarSet\r\n" in answer
    assert answer.endswith("Event: WaitEventComplete\r\n\r\n")
    waiting = asyncio.ensure_future(browser.get("/rawman?action=waitevent"))
    await asyncio.sleep(0.05)
    exchange.pbx.set_global("a", "2")
    assert "Value: 2\r\n" in await waiting


async def test_a_second_waiter_sends_the_first_away(browser):
    await browser.get("/rawman?action=waitevent&timeout=0")
    first = asyncio.ensure_future(browser.get("/rawman?action=waitevent"))
    await asyncio.sleep(0.05)
    second = asyncio.ensure_future(browser.get("/rawman?action=waitevent&timeout=0"))
    assert await first == ""
    assert "WaitEventComplete" in await second


async def test_sessions_expire(exchange, browser, monkeypatch):
    from offhook.control.manager import web as module

    session = browser.server.pbx.parts["manager"].sessions[0]
    session.expires_at = 0
    uris = exchange.pbx.parts[module.LINKED]
    shared = [cell.cell_contents for cell in uris[0].handler.__closure__]
    service = next(one for one in shared if isinstance(one, module.Web))
    service._purge()
    assert browser.server.pbx.parts["manager"].sessions == []


async def test_xml_and_html(browser):
    xml = await browser.get("/mxml?action=ping&actionid=a%3Cb&ajaxdest=here")
    assert "<response type='object' id='here'><generic response='Success' actionid='a&lt;b' ping='Pong'" in xml
    html = await browser.get("/manager?action=ping&actionid=a%3Cb")
    assert "<tr><td>ActionID</td><td>a&lt;b</td></tr>" in html


def test_names_that_come_again_are_numbered_and_text_is_opaque():
    text = "Response: Success\r\nOutput: one\r\nOutput: two\r\n\r\nNo categories found\r\n\r\n"
    assert as_xml(text) == (
        "<ajax-response>\n"
        "<response type='object' id='unknown'><generic response='Success' output='one' output-2='two' /></response>\n"
        "<response type='object' id='unknown'><generic opaque_data='No categories found' /></response>\n"
        "</ajax-response>\n"
    )
    assert "<td>Output-2</td><td>two</td>" in as_html(text, login=True)


def test_names_are_fit_for_xml():
    assert " cause_txt='x'" in as_xml("Cause-txt: x\r\n")
    assert " _1st='x'" in as_xml("1st: x\r\n")
    assert " category_000000='a'" in as_xml("Category-000000: a\r\n")


async def test_private_files_are_open_to_who_logged_in(web, browser):
    from offhook.control.http import Request

    def request(cookie):
        return Request("GET", "/x", [("Cookie", cookie)], b"", ("", 0), ("", 0), False)

    assert web.authenticated(request(browser.cookie))
    assert not web.authenticated(request("mansession_id=12"))
    assert not web.authenticated(request("mansession_id=nonsense"))


def digest(method, uri, nonce, count, secret="mysecret", user="admin"):
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    a1, a2 = md5(f"{user}:asterisk:{secret}"), md5(f"{method}:{uri}")
    response = md5(f"{a1}:{nonce}:{count:08x}:c:auth:{a2}")
    return (
        f'Authorization: Digest username="{user}", realm="asterisk", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", qop=auth, nc={count:08x}, cnonce="c", algorithm=MD5'
    )


async def test_digest_authentication(web):
    browser = Browser(web)
    path = "/arawman?action=ping"
    await browser.get(path)
    assert "401 Unauthorized" in browser.head
    nonce = re.search('nonce="([0-9a-f]{8})"', browser.head)[1]
    assert "Ping: Pong" in await browser.get(path, digest("GET", path, nonce, 1))
    assert "Ping: Pong" in await browser.get(path, digest("GET", path, nonce, 2))
    await browser.get(path, digest("GET", path, nonce, 2))
    assert "stale=true" in browser.head
    again = re.search('nonce="([0-9a-f]{8})"', browser.head)[1]
    assert "Ping: Pong" in await browser.get(path, digest("GET", path, again, 1))
    await browser.get(path, digest("GET", path, nonce, 3))
    assert "stale=true" in browser.head
    await browser.get(path, digest("GET", path, "00000001", 1, secret="wrong"))
    assert "401 Unauthorized" in browser.head
    assert "stale" not in browser.head


def test_headers_that_are_no_digest():
    assert parse_digest("Basic abc") is None
    assert parse_digest('Digest username="a"') is None
    full = 'Digest username="a\\"b", realm="r", nonce="1", uri="/x,y", response="0"'
    assert parse_digest(full).username == 'a"b'
    assert parse_digest(full).uri == "/x,y"
    assert parse_digest(full + ", qop=auth") is None


async def test_the_uris_go_when_the_web_is_disabled(exchange, web):
    unlink(exchange.pbx)
    browser = Browser(web)
    await browser.get("/rawman?action=ping")
    assert "404 Not Found" in browser.head
