"""Files posted by manager users over the web."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.config.store import Configuration
from offhook.control.http import posting
from offhook.control.http.posting import files_of

from .test_web import Browser, web

__all__ = ["web"]


def form(*files: tuple[str, bytes], boundary: str = "xyz") -> tuple[bytes, str]:
    """A form's body and its type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@pytest.fixture
def folder(exchange: Any, web: Any, tmp_path: Path) -> Any:
    place = tmp_path / "uploads"
    place.mkdir()
    (tmp_path / "http.conf").write_text(f"[general]\nenabled=yes\n[post_mappings]\nuploads = {place}\n")
    exchange.pbx.config = Configuration(str(tmp_path))
    posting.load(exchange.pbx)
    yield place
    posting.unload(exchange.pbx)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def post(browser: Browser, path: str, body: bytes, kind: str) -> str:
    """The status line of the answer."""
    await browser.get(path, f"Content-Type: {kind}", body=body)
    return browser.head.split("\r\n")[0]


async def test_a_user_of_class_config_may_post(web: Any, folder: Path) -> None:
    browser = Browser(web)
    await browser.get("/rawman?action=login&username=admin&secret=mysecret")
    body, kind = form(("a.txt", b"first"), ("../../b.bin", b"\x00\r\n--xy\r\n"), ("", b"nothing"))
    assert await post(browser, "/uploads", body, kind) == "HTTP/1.1 200 OK"
    assert contents(folder) == {
        "a.txt": b"first",
        "b.bin": b"\x00\r\n--xy\r\n",
    }
    assert (await post(browser, "/uploads", b"no form", "text/plain")).startswith("HTTP/1.1 400")
    await browser.get("/uploads")
    assert browser.head.startswith("HTTP/1.1 501")


async def test_others_may_not(web: Any, folder: Path) -> None:
    body, kind = form(("a.txt", b"first"))
    assert (await post(Browser(web), "/uploads", body, kind)).startswith("HTTP/1.1 403")
    browser = Browser(web)
    await browser.get("/rawman?action=login&username=plain&secret=other")
    assert (await post(browser, "/uploads", body, kind)).startswith("HTTP/1.1 401")
    assert not contents(folder)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"\r\n\\/\0'), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=200).filter(lambda data: b"xyz" not in data)), max_size=5))
def test_what_is_put_in_comes_out(files: list[tuple[str, bytes]]) -> None:
    assert list(files_of(*form(*files))) == files


@given(st.binary(max_size=300), st.text(max_size=80))
def test_anything_is_files_or_refused(body: bytes, kind: str) -> None:
    try:
        found = list(files_of(body, kind))
    except ValueError:
        return
    assert all("/" not in name and name not in ("", ".", "..") for name, _ in found)
