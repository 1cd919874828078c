"""FILE, STAT, ENV and paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.dialplan.invocation import FunctionError
from offhook.functions import files
from offhook.functions.files import find_format, span_of_lines, span_of_octets
from support.exchange import Exchange


@pytest.fixture
def exchange(exchange: Exchange) -> Exchange:
    exchange.load(files)
    return exchange


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_bytes(b"one\ntwo\nthree\nfour\n")
    return path


def content_of(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ("", "one\ntwo\nthree\nfour\n"),
        (",4,3", "two"),
        (",-5", "four\n"),
        (",-5,4", "four"),
        (",4,-6", "two\nthree"),
        (",100", ""),
        (",0,1,l", "one\n"),
        (",1,2,l", "two\nthree\n"),
        (",-1,1,l", "four\n"),
        (",-2,,l", "three\nfour\n"),
        (",1,1,l,u", "two\n"),
        (",0,-1,l", "one\ntwo\nthree\n"),
    ],
)
async def test_reading_a_part(exchange: Exchange, poem: Path, arguments: str, value: str):
    read = await exchange.read(f"${{FILE({poem}{arguments})}}")
    assert read == value


@pytest.mark.parametrize(
    ("arguments", "value", "content"),
    [
        ("", "new", b"new"),
        (",4,3", "2", b"one\n2\nthree\nfour\n"),
        (",-5,4", "4", b"one\ntwo\nthree\n4\n"),
        (",,,a", "five", b"one\ntwo\nthree\nfour\nfive"),
        (",,,al", "five", b"one\ntwo\nthree\nfour\nfive\n"),
        (",1,1,l", "2", b"one\n2\nthree\nfour\n"),
        (",1,2,ld", "", b"one\nfour\n"),
        (",0,0,l", "zero", b"zero\none\ntwo\nthree\nfour\n"),
        (",,,l,d", "all", b"all\r\n"),
    ],
)
async def test_writing_a_part(exchange: Exchange, poem: Path, arguments: str, value: str, content: bytes):
    await exchange.write(f"FILE({poem}{arguments})", value)
    assert content_of(poem) == content


async def test_a_file_that_is_not_there(exchange: Exchange, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    missing = tmp_path / "missing"
    assert await exchange.read(f"[${{FILE({missing})}}]") == "[]"
    assert f"{missing} cannot be read: No such file or directory" in caplog.text
    assert await exchange.read(f"${{FILE_COUNT_LINE({missing})}} ${{FILE_FORMAT({missing})}}") == "-1 x"
    assert await exchange.read(f"${{STAT(e,{missing})}}${{STAT(s,{missing})}}") == "00"


@pytest.mark.parametrize(
    ("content", "letter", "lines"),
    [(b"a\nb\n", "u", 2), (b"a\r\nb\r\n", "d", 2), (b"a\rb\r", "m", 2), (b"a", "x", 0), (b"", "x", 0)],
)
async def test_line_ends_are_found_out(exchange: Exchange, tmp_path: Path, content: bytes, letter: str, lines: int):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert await exchange.read(f"${{FILE_FORMAT({path})}} ${{FILE_COUNT_LINE({path})}}") == f"{letter} {lines}"


async def test_statistics(exchange: Exchange, poem: Path):
    os.utime(poem, (1_000_000_000, 1_100_000_000))
    os.chmod(poem, 0o640)
    text = "${STAT(e,%s)}${STAT(f,%s)}${STAT(d,%s)} ${STAT(s,%s)} ${STAT(m,%s)} ${STAT(M,%s)}".replace("%s", str(poem))
    assert await exchange.read(text) == "110 19 100640 1100000000"
    assert await exchange.read(f"${{STAT(d,{poem.parent})}}") == "1"


async def test_the_environment(exchange: Exchange, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OFFHOOK_TEST", "value")
    monkeypatch.setenv("AST_TEST", "value")
    assert await exchange.read("${ENV(OFFHOOK_TEST)}[${ENV(OFFHOOK_NONE)}]") == "value[]"
    await exchange.write("ENV(OFFHOOK_TEST)", "changed")
    assert os.environ["OFFHOOK_TEST"] == "changed"
    await exchange.write("ENV(OFFHOOK_TEST)", "")
    assert "OFFHOOK_TEST" not in os.environ
    await exchange.write("ENV(AST_TEST)", "changed")
    assert os.environ["AST_TEST"] == "value"


@pytest.mark.parametrize(
    ("path", "name", "directory"),
    [
        ("/etc/asterisk/sip.conf", "sip.conf", "/etc/asterisk"),
        ("sip.conf", "sip.conf", "."),
        ("/sip.conf", "sip.conf", "/"),
        ("/etc/asterisk/", "asterisk", "/etc"),
        ("/", "/", "/"),
        ("//", "/", "/"),
        ("", ".", "."),
        ("a//b", "b", "a"),
    ],
)
async def test_paths_are_cut(exchange: Exchange, path: str, name: str, directory: str):
    assert await exchange.read(f"${{BASENAME({path})}}") == name
    assert await exchange.read(f"${{DIRNAME({path})}}") == directory


async def test_live_dangerously_is_needed_from_outside(
    exchange: Exchange, poem: Path, caplog: pytest.LogCaptureFixture
):
    assert await exchange.read(f"[${{FILE({poem})}}]", restricted=True) == "[]"
    assert "live_dangerously" in caplog.text


@given(st.binary(max_size=20), st.integers(-25, 25), st.none() | st.integers(-25, 25))
def test_octets_are_those_of_a_slice(content: bytes, offset: int, length: int | None):
    try:
        start, stop = span_of_octets(len(content), offset, length)
    except FunctionError:
        assert length is not None and length < 0
        return
    expected = content[offset:] if -len(content) <= offset else content
    if length is not None:
        expected = expected[:length] if length >= 0 or offset <= len(content) else b""
    assert content[start:stop] == expected


@given(st.lists(st.sampled_from(["", "a", "bc"]), max_size=6), st.data())
def test_lines_are_those_of_a_list(lines: list[str], data: st.DataObject):
    content = "".join(line + "\r\n" for line in lines).encode()
    offset = data.draw(st.integers(-len(lines), len(lines)))
    length = data.draw(st.integers(0, 8))
    start, stop = span_of_lines(content, b"\r\n", offset, length)
    assert content[start:stop].decode() == "".join(line + "\r\n" for line in lines[offset:][:length])


@given(st.text(st.sampled_from("a\r\n"), max_size=8))
def test_the_first_line_end_decides(text: str):
    first = min((text.find(end) for end in ("\r", "\n") if end in text), default=None)
    if first is None:
        assert find_format(text.encode()) == "x"
    elif text[first] == "\n":
        assert find_format(text.encode()) == "u"
    else:
        assert find_format(text.encode()) == ("d" if text[first : first + 2] == "\r\n" else "m")
