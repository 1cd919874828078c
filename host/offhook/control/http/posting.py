"""res_http_post: files that manager users post are put into folders, as [post_mappings] of http.conf says."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator

from offhook.calls.pbx import Pbx
from offhook.control.http.message import HttpError, Request, Response, not_implemented, page
from offhook.control.http.server import HttpServer, http_server
from offhook.control.http.uris import Handler, Uri
from offhook.log import verbose
from offhook.modules import Module

log = logging.getLogger(__name__)
module = Module("res_http_post", "HTTP POST support", depends=("http",), priority=16)

MOST_BYTES = 64 * 1024 * 1024
"""A post is held in memory until it is written."""
_PART = "posting"
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_FILE_NAME = re.compile(rb'filename="([^"\r\n]*)"|filename=([^;\s]+)', re.IGNORECASE)


def files_of(body: bytes, content_type: str) -> Iterator[tuple[str, bytes]]:
    """Names (without folders) and contents of the files in a form (RFC 7578). ValueError for what is no such form."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ValueError("Cannot find boundary marker in POST request.")
    delimiter = b"\r\n--" + (match[1] or match[2]).encode("utf-8", "surrogateescape")
    parts = (b"\r\n" + body).split(delimiter)[1:]
    if not parts:
        raise ValueError("There was an error parsing the request.")
    for part in parts:
        if part.startswith(b"--"):
            return
        head, _, content = part.partition(b"\r\n\r\n")
        named = _FILE_NAME.search(head)
        name = (named[1] or named[2] or b"") if named is not None else b""
        plain = re.split(r"[/\\]", name.decode("utf-8", "surrogateescape"))[-1]
        if plain not in ("", ".", "..") and "\0" not in plain:
            yield plain, content


def store(folder: str, body: bytes, content_type: str) -> int:
    """Write the files of a form into a folder; how many. ValueError, OSError. Blocks."""
    count = 0
    for name, content in files_of(body, content_type):
        path = os.path.join(folder, name)
        with open(f"{path}.part", "wb") as file:
            file.write(content)
        os.replace(f"{path}.part", path)
        count += 1
    return count


def receiver(server: HttpServer, folder: str) -> Handler:
    """What takes posts for a folder."""

    async def take(request: Request) -> Response:
        if request.method != "POST":
            raise not_implemented()
        allowed = server.may_configure(request)
        if allowed is None:
            raise HttpError(403, "Access Denied", "Log in as a manager user first.", close=True)
        if not allowed:
            raise HttpError(401, "Unauthorized", "You are not authorized to make this request.", close=True)
        try:
            body, kind = request.content(), request.header("Content-Type")
            count = await server.pbx.off_loop(store, folder, body, kind)
        except ValueError as error:
            raise HttpError(400, "Bad Request", str(error)) from None
        except OSError as error:
            log.warning("a file posted to %s cannot be written: %s", request.target, error)
            raise HttpError(500, "Internal Server Error", "The file could not be written.") from None
        verbose(3, "%d files posted to %s by %s", count, folder, request.remote[0])
        return page(200, "OK", "File successfully uploaded.", server.settings.name)

    return take


@module.on_load
def load(pbx: Pbx) -> None:
    """Serve what http.conf maps."""
    server, config = http_server(pbx), pbx.config.load("http.conf", module.name)
    section = config.get("post_mappings") if config is not None else None
    made = pbx.parts[_PART] = [
        Uri(entry.name, "HTTP POST mapping", receiver(server, entry.value), most_content=MOST_BYTES)
        for entry in section or ()
    ]
    for uri in made:
        server.link(uri)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Take no more."""
    for uri in pbx.parts.pop(_PART, ()):
        http_server(pbx).unlink(uri)


@module.on_reload
def reload(pbx: Pbx) -> None:
    """Read http.conf again."""
    unload(pbx)
    load(pbx)
