"""Rows of databases in the place of configuration."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from offhook.config.parser import loads
from offhook.config.store import Configuration
from offhook.modules import LoadError
from offhook.storage import realtime as realtime_module
from offhook.storage import realtime_curl, realtime_sqlite
from offhook.storage.realtime import Criteria, Realtime, Row, Target, Unreachable, parse_target, realtime_of


class Exchange:
    """As much of a Pbx as realtime needs."""

    def __init__(self, folder: Path) -> None:
        self.parts: dict[str, Any] = {}
        self.config = Configuration(str(folder))
        self.paths = type("Paths", (), {"varlib": str(folder)})()


@pytest.fixture
def pbx(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("sqlite3,main", Target("f", "sqlite3", "main", "f")),
        ("sqlite3,main,table", Target("f", "sqlite3", "main", "table")),
        ("sqlite3, main ,table,2", Target("f", "sqlite3", "main", "table", 2)),
        ('ldap,"dc=a,dc=b",table', Target("f", "ldap", "dc=a,dc=b", "table")),
        ("curl,http://localhost:46821/mwi", Target("f", "curl", "http://localhost:46821/mwi", "f")),
        ("sqlite3", None),
        (",x", None),
    ],
)
def test_lines_of_extconfig(text: str, target: Target | None) -> None:
    assert parse_target("f", text) == target


def test_what_cannot_come_from_a_database_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    realtime = Realtime()
    realtime.read(loads("[settings]\nlogger.conf => sqlite3,main\nx => nothing\ny => sqlite3,main\n", "extconfig.conf"))
    assert list(realtime.targets) == ["y"]
    assert "extconfig.conf:2: logger.conf cannot come from a database" in caplog.text
    assert "extconfig.conf:3: x => nothing; write driver,database[,table[,priority]]" in caplog.text


class Scripted:
    """A backend that has one answer, or fails."""

    def __init__(self, answer: list[Row] | None) -> None:
        self.answer = answer
        self.asked = 0

    async def select(self, database: str, table: str, criteria: Criteria, *, first: bool) -> list[Row]:
        self.asked += 1
        if self.answer is None:
            raise Unreachable("the disk is gone")
        return self.answer


async def test_a_failing_database_is_followed_by_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    realtime = Realtime()
    realtime.read(loads("[settings]\nf => two,d,t,2\nf => one,d,t,1\nf => three,d,t,4\n"))
    broken, good, unused = Scripted(None), Scripted([[("a", "1"), ("b", ""), ("c", " ")]]), Scripted([])
    realtime.backends.update({"one": broken, "two": good, "three": unused})  # type: ignore[dict-item]
    assert realtime.maps("F")
    assert await realtime.one("f", [("a", "1")]) == [("a", "1"), ("c", "")]
    assert await realtime.one("f", [("a", "1")], blanks=True) == [("a", "1"), ("b", ""), ("c", " ")]
    assert (broken.asked, good.asked, unused.asked) == (2, 2, 0)
    assert "realtime family f: the disk is gone" in caplog.text
    good.answer = []
    assert await realtime.one("f", [("a", "1")]) is None
    assert unused.asked == 0


async def test_without_a_backend_there_is_nothing_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    realtime = Realtime()
    realtime.read(loads("[settings]\nf => nix,d\n"))
    assert not realtime.maps("f")
    assert await realtime.many("f", [("a", "1")]) == []
    assert await realtime.store("f", [("a", "1")]) == -1
    assert "needs driver nix, which is not loaded" in caplog.text
    assert not realtime.maps("other")


# ---- SQLite -----------------------------------------------------------------------------------------


@pytest.fixture
def sqlite(pbx: Exchange, tmp_path: Path) -> Iterator[Realtime]:
    import sqlite3

    disk = sqlite3.connect(tmp_path / "rt.sqlite3")
    disk.execute("CREATE TABLE phones (name TEXT, port TEXT, ip TEXT)")
    disk.execute(
        "CREATE TABLE ast_config (cat_metric INT, var_metric INT, filename TEXT, category TEXT, var_name TEXT, "
        "var_val TEXT, commented INT)"
    )
    disk.executemany(
        "INSERT INTO ast_config VALUES (?, ?, 'x.conf', ?, ?, ?, ?)",
        [(1, 2, "b", "two", "2", 0), (1, 1, "b", "one", "1", 0), (0, 0, "a", "z", "9", 0), (2, 0, "b", "no", "x", 1)],
    )
    disk.commit()
    disk.close()
    (tmp_path / "res_config_sqlite3.conf").write_text("[Main]\ndbfile = rt.sqlite3\nbatch = 100\n[bad]\n")
    (tmp_path / "extconfig.conf").write_text(
        "[settings]\nphones => sqlite3,main\nx.conf => sqlite3,main,ast_config\nnix => sqlite3,nowhere\n"
    )
    realtime_module.load(pbx)
    realtime_sqlite.load(pbx)
    yield realtime_of(pbx)
    realtime_sqlite.unload(pbx)


async def test_rows_of_sqlite_come_change_and_go(sqlite: Realtime) -> None:
    assert await sqlite.store("phones", [("name", "ann"), ("port", "1")]) == 1
    assert await sqlite.store("phones", [("name", "bob"), ("port", "2"), ("ip", "10.0.0.1")]) == 2
    assert await sqlite.one("phones", [("name", "ann")]) == [("name", "ann"), ("port", "1")]
    assert await sqlite.many("phones", [("name LIKE", "%n%")]) == [[("name", "ann"), ("port", "1")]]
    assert len(await sqlite.many("phones", [("port >=", "1")])) == 2
    assert await sqlite.update("phones", [("name", "bob"), ("port", "2")], [("port", "3"), ("ip", "x'y")]) == 1
    assert await sqlite.one("phones", [("name", "bob")]) == [("name", "bob"), ("port", "3"), ("ip", "x'y")]
    assert await sqlite.update("phones", [("name", "carl")], [("port", "3")]) == 0
    assert await sqlite.destroy("phones", [("name", "ann")]) == 1
    assert await sqlite.destroy("phones", [("name", "ann")]) == 0


async def test_sqlite_says_what_it_cannot_do(sqlite: Realtime, caplog: pytest.LogCaptureFixture) -> None:
    assert await sqlite.one("phones", [("nix", "1")]) is None
    assert "no such column" in caplog.text
    assert await sqlite.one("nix", [("a", "1")]) is None
    assert "has no database [nowhere]" in caplog.text
    assert await sqlite.many("phones", [("name; DROP TABLE phones", "1")]) == []
    assert '"DROP TABLE phones" is no operator of realtime' in caplog.text
    assert any("[bad] has no dbfile" in record.message for record in caplog.get_records("setup"))


def test_a_file_comes_out_of_a_table(sqlite: Realtime, pbx: Exchange) -> None:
    config = pbx.config.load("x.conf", "app_x")
    assert config is not None
    assert [(section.name, [(e.name, e.value) for e in section]) for section in config] == [
        ("a", [("z", "9")]),
        ("b", [("one", "1"), ("two", "2")]),
    ]


def test_without_its_configuration_sqlite_declines(pbx: Exchange) -> None:
    with pytest.raises(LoadError, match=r"res_config_sqlite3\.conf"):
        realtime_sqlite.load(pbx)


# ---- a web server -----------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    """Keeps what was asked and answers what the test wants."""

    asked: list[tuple[str, list[tuple[str, str]]]]
    answer: tuple[int, str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((self.path, parse_qsl(body, keep_blank_values=True)))
        self.send_response(self.answer[0])
        self.end_headers()
        self.wfile.write(self.answer[1].encode())

    def do_GET(self) -> None:
        self.headers.add_header("Content-Length", "0")
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(pbx: Exchange, tmp_path: Path) -> Iterator[tuple[Realtime, type[Server]]]:
    handler = type("Handler", (Server,), {"asked": [], "answer": (200, "")})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (tmp_path / "extconfig.conf").write_text(
        f"[settings]\nmwi => curl,http://127.0.0.1:{server.server_port}/mwi\n"
        f"x.conf => curl,http://127.0.0.1:{server.server_port}/files\n"
    )
    realtime_module.load(pbx)
    realtime_curl.load(pbx)
    yield realtime_of(pbx), handler
    server.shutdown()
    thread.join()
    server.server_close()


async def test_rows_of_a_web_server(web: tuple[Realtime, type[Server]]) -> None:
    realtime, server = web
    server.answer = (200, "id=Da%20zed&msgs_new=5&empty=\r\n")
    assert await realtime.one("mwi", [("id", "Da zed")]) == [("id", "Da zed"), ("msgs_new", "5")]
    server.answer = (200, "id=a\r\nid=b&x=1\n")
    assert await realtime.many("mwi", [("id LIKE", "%")]) == [[("id", "a")], [("id", "b"), ("x", "1")]]
    server.answer = (200, "")
    assert await realtime.one("mwi", [("id", "x")]) is None
    server.answer = (200, "1\n")
    assert await realtime.update("mwi", [("id", "a")], [("msgs_new", "6")]) == 1
    assert await realtime.store("mwi", [("id", "c"), ("msgs_new", "")]) == 1
    assert await realtime.destroy("mwi", [("id", "c")]) == 1
    assert server.asked == [
        ("/mwi/single", [("id", "Da zed")]),
        ("/mwi/multi", [("id LIKE", "%")]),
        ("/mwi/single", [("id", "x")]),
        ("/mwi/update?id=a", [("msgs_new", "6")]),
        ("/mwi/store", [("id", "c"), ("msgs_new", "")]),
        ("/mwi/destroy", [("id", "c")]),
    ]


async def test_a_web_server_that_fails(web: tuple[Realtime, type[Server]], caplog: pytest.LogCaptureFixture) -> None:
    realtime, server = web
    server.answer = (500, "")
    assert await realtime.many("mwi", [("id", "x")]) == []
    assert "/mwi/multi: 500" in caplog.text
    server.answer = (200, "oops")
    assert await realtime.update("mwi", [("id", "x")], [("a", "b")]) == -1
    assert 'the answer "oops" is no number of rows' in caplog.text
    server.answer = (200, "-1")
    assert await realtime.store("mwi", [("id", "x")]) == -1


def test_a_file_comes_from_a_web_server(web: tuple[Realtime, type[Server]], pbx: Exchange) -> None:
    _, server = web
    server.answer = (
        200,
        "category=a&var_name=x&var_val=1%202&cat_metric=0\ncategory=a&var_name=y&var_val=2&cat_metric=0\n"
        "category=a&var_name=x&var_val=3&cat_metric=1\n",
    )
    config = pbx.config.load("x.conf", "app_x")
    assert config is not None
    assert [(section.name, [(e.name, e.value) for e in section]) for section in config] == [
        ("a", [("x", "1 2"), ("y", "2")]),
        ("a", [("x", "3")]),
    ]
    assert server.asked[0][0] == "/files/static?file=x.conf"
