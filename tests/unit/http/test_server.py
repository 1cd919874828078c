"""The web server as its clients see it."""

import pytest

from offhook.config.acl import NamedAcls
from offhook.config.parser import loads
from offhook.control.http import HttpError, Response, Uri
from offhook.control.http.settings import read_settings
from offhook.control.http.static import media_type, static_uri
from offhook.control.http.uris import Uris


def echo(request):
    return Response(body=f"{request.method} {request.path} {request.query}".encode())


async def test_a_handler_gets_path_and_query_decoded(server, client):
    server.link(Uri("echo", "Echo", echo, subtree=True))
    status, headers, body = await client.get("/echo/a%20b?x=1+2&y")
    assert (status, body) == (200, b"GET a b [('x', '1 2'), ('y', '')]")
    assert headers["server"].startswith("Asterisk/")
    assert headers["cache-control"] == "no-cache, no-store"


async def test_the_connection_is_kept_and_requests_may_be_pipelined(server, client):
    server.link(Uri("echo", "Echo", echo, subtree=True))
    first = await client.ask(b"GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/2 HTTP/1.1\r\nHost: x\r\n\r\n")
    second = await client.ask(b"")
    assert first[2].startswith(b"GET 1")
    assert second[2].startswith(b"GET 2")


async def test_close_is_honoured(server, client):
    server.link(Uri("echo", "Echo", echo))
    status, headers, _ = await client.get("/echo", "Connection: close")
    assert (status, headers["connection"]) == (200, "close")
    assert await client.ended()


async def test_what_is_not_there_is_a_page_with_404(server, client):
    status, headers, body = await client.get("/nothing")
    assert status == 404
    assert headers["content-type"] == "text/html"
    assert b"The requested URL was not found on this server." in body


async def test_a_handler_that_fails_is_500_and_the_server_lives(server, client, another):
    server.link(Uri("broken", "Broken", lambda request: 1 // 0))
    server.link(Uri("echo", "Echo", echo))
    assert (await client.get("/broken"))[0] == 500
    assert (await (await another.open()).get("/echo"))[0] == 200


async def test_an_error_page_does_not_repeat_markup(server, client):
    def refuse(request):
        raise HttpError(400, "Bad Request", f"no {request.query[0][1]}")

    server.link(Uri("refuse", "Refuse", refuse))
    assert b"<script>" not in (await client.get("/refuse?x=%3Cscript%3E"))[2]


async def test_bodies_come_whole_plain_or_in_chunks(server, client):
    server.link(Uri("form", "Form", lambda request: Response(body=repr(request.form()).encode())))
    head = b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    plain = await client.ask(head + b"Content-Length: 7\r\n\r\na=1&b=2")
    chunked = await client.ask(head + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n4\r\n&b=2\r\n0\r\n\r\n")
    assert plain[2] == chunked[2] == b"[('a', '1'), ('b', '2')]"


async def test_a_form_that_is_too_long_is_413(server, client):
    server.link(Uri("form", "Form", lambda request: Response(body=repr(request.form()).encode())))
    body = b"a=" + b"x" * 50000
    status, _, _ = await client.ask(
        b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    assert status == 413


async def test_json_that_is_none_is_400(server, client):
    server.link(Uri("json", "Json", lambda request: Response(body=repr(request.json()).encode())))
    head = (
        b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 8\r\n\r\n"
    )
    assert (await client.ask(head + b'{"a": 1}'))[2] == b"{'a': 1}"
    assert (await client.ask(head + b'{"a": 1,'))[0] == 400


async def test_json_nested_without_end_is_400(server, client):
    server.link(Uri("json", "Json", lambda request: Response(body=repr(request.json()).encode())))
    body = b"[" * 50_000
    head = b"POST /json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    assert (await client.ask(head % len(body) + body))[0] in (400, 413)


async def test_nonsense_is_answered_and_hung_up(server, client):
    status, _, _ = await client.ask(b"nonsense\r\n\r\n")
    assert status == 400
    assert await client.ended()


async def test_head_has_no_body(server, client):
    server.link(Uri("echo", "Echo", echo))
    assert (await client.ask(b"HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n"))[2] == b""
    assert (await client.get("/echo"))[0] == 200


async def test_restricted_paths_prefix_and_redirects(server, client):
    server.link(Uri("echo", "Echo", echo, subtree=True))
    text = (
        "[general]\nprefix=pbx\nredirect=/ /pbx/echo\nservername=\n"
        "[/pbx/echo/secret]\ntype=restriction\ndeny=0.0.0.0/0\npermit=192.0.2.1\n"
    )
    server.settings = read_settings(loads(text), NamedAcls())
    status, headers, _ = await client.get("/")
    assert (status, headers["location"]) == (302, "/pbx/echo")
    assert "server" not in headers
    assert (await client.get("/echo"))[0] == 404
    assert (await client.get("/pbx/echo/open"))[0] == 200
    assert (await client.get("/PBX/ECHO/Secret"))[0] == 403


async def test_too_many_connections_are_refused(server, client, another):
    await client.get("/x")
    server.settings.most_sessions = 1
    await another.open()
    assert await another.ended()


async def test_a_silent_client_is_dropped(server, another):
    server.settings.keep_alive_s = 0.05
    server.link(Uri("echo", "Echo", echo))
    client = await another.open()
    await client.get("/echo")
    assert await client.ended()


async def test_static_files_with_their_types_and_tags(server, client, tmp_path):
    folder = tmp_path / "static-http" / "sub"
    folder.mkdir(parents=True)
    (folder / "big.css").write_bytes(b"x" * 200000)
    (tmp_path / "secret").write_text("no")
    server.link(static_uri(server))
    status, headers, body = await client.get("/static/sub/big.css")
    assert (status, headers["content-type"], len(body)) == (200, "text/css", 200000)
    again = await client.get("/static/sub/big.css", f"If-None-Match: {headers['etag']}")
    assert again[0] == 304
    assert (await client.get("/static/sub"))[0] == 404
    assert (await client.get("/static/sub/none"))[0] == 404
    assert (await client.get("/static/sub/../../secret"))[0] == 403


async def test_private_files_need_a_manager_session(server, client, tmp_path):
    folder = tmp_path / "static-http" / "private"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    server.link(static_uri(server))
    assert (await client.get("/static/private/a.txt"))[0] == 403
    server.authenticated = lambda request: request.cookies().get("mansession_id") == "1"
    client = await type(client)(server).open()
    assert (await client.get("/static/private/a.txt", 'Cookie: mansession_id="1"'))[2] == b"hello"


def test_types_that_are_not_known_are_text():
    assert media_type("a.html") == "text/html"
    assert media_type("a.xyz") == "text/xyz"
    assert media_type("README") == "text/plain"


def test_the_longest_uri_wins_and_of_equal_ones_the_later():
    uris = Uris()
    a, ab, later = Uri("a", "a", echo, subtree=True), Uri("a/b", "ab", echo), Uri("a", "later", echo, subtree=True)
    for uri in (a, ab, later):
        uris.link(uri)
    assert uris.match("A/B") == (ab, "")
    assert uris.match("a/c") == (later, "c")
    assert uris.match("ax") is None
    uris.unlink(later)
    assert uris.match("a/c") == (a, "c")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("bindport=x", "no whole number"),
        ("session_keep_alive=-1", "at least 0"),
        ("nonsense=1", "unknown option"),
        ("redirect=/", "needs two paths"),
        ("tlsbindaddr=1.2.3.4:99999", "no port"),
    ],
)
def test_mistakes_in_http_conf_are_reported_and_cost_only_their_line(line, sentence):
    settings = read_settings(loads(f"[general]\n{line}\nenabled=yes\n", "http.conf"), NamedAcls())
    assert settings.enabled
    assert sentence in str(settings.errors[0])
