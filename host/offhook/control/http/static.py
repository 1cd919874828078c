"""Files below static-http of the data directory."""

from __future__ import annotations

import os
import stat

from offhook.control.http.message import Request, Response, access_denied, http_date, not_found, not_implemented
from offhook.control.http.server import HttpServer
from offhook.control.http.uris import Uri

TYPES = {
    "png": "image/png",
    "xml": "text/xml",
    "jpg": "image/jpeg",
    "js": "application/x-javascript",
    "wav": "audio/x-wav",
    "mp3": "audio/mpeg",
    "svg": "image/svg+xml",
    "svgz": "image/svg+xml",
    "gif": "image/gif",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "cnf": "text/plain",
    "cfg": "text/plain",
    "bin": "application/octet-stream",
    "sbn": "application/octet-stream",
    "ld": "application/octet-stream",
}
_BAD_FIRST = "./|~@#$%^&*() \t"


def media_type(path: str) -> str:
    """The media type by a file name's ending."""
    ending = path.rpartition(".")[2].lower() if "." in path else ""
    return TYPES.get(ending, f"text/{ending or 'plain'}")


def static_uri(server: HttpServer) -> Uri:
    """The URI that serves the files; those below a folder ``private`` only to whom the manager knows."""
    pbx = server.pbx

    async def serve(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise not_implemented()
        path = request.path
        if not path or path[0] < "!" or path[0] in _BAD_FIRST or "/.." in path or "\0" in path or len(path) > 900:
            raise access_denied()
        file = os.path.join(pbx.paths.data, "static-http", path)
        try:
            status = await pbx.off_loop(os.stat, file)
        except OSError:
            raise not_found() from None
        if not stat.S_ISREG(status.st_mode):
            raise not_found()
        if "/private/" in file and not server.authenticated(request):
            raise access_denied()
        if not await pbx.off_loop(os.access, file, os.R_OK):
            raise access_denied()
        tag = f'"{int(status.st_mtime)}"'
        headers = [
            ("Content-type", media_type(path)),
            ("ETag", tag),
            ("Last-Modified", http_date(status.st_mtime)),
        ]
        if request.header("If-None-Match") == tag:
            return Response(304, "Not Modified", headers, cacheable=True)
        return Response(200, "OK", headers, file=file, cacheable=True)

    return Uri("static", "Asterisk HTTP Static Delivery", serve, subtree=True)
