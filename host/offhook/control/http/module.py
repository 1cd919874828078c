"""The module ``http``: http.conf, the status page and the status command."""

from __future__ import annotations

import logging

from offhook.calls.pbx import Pbx
from offhook.config.acl import named_acls
from offhook.control.http.message import Request, Response, not_implemented
from offhook.control.http.server import HttpServer, http_server
from offhook.control.http.settings import read_settings
from offhook.control.http.static import static_uri
from offhook.control.http.uris import Uri
from offhook.markup import escape
from offhook.modules import Module
from offhook.modules import Request as CliRequest

log = logging.getLogger(__name__)

module = Module("http", "The embedded web server", priority=10)

_STATIC = "http.static"
_STATUS = "http.status"


@module.on_load
async def load(pbx: Pbx) -> None:
    """Read http.conf and listen."""
    await _configure(pbx)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read http.conf again; certificates are read again in any case."""
    await _configure(pbx)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Listen no longer."""
    await http_server(pbx).stop()


async def _configure(pbx: Pbx) -> None:
    server = http_server(pbx)
    settings = read_settings(pbx.config.load("http.conf", module.name), named_acls(pbx))
    for error in settings.errors:
        log.warning("%s", error)
    _serve(pbx, _STATIC, static_uri(server), settings.static)
    _serve(pbx, _STATUS, _status_uri(server), settings.status)
    await server.apply(settings)


def _serve(pbx: Pbx, part: str, uri: Uri, wanted: bool) -> None:
    """Have a URI of our own served or not, as the configuration says now."""
    server = http_server(pbx)
    served = pbx.parts.pop(part, None)
    if served is not None and not wanted:
        server.unlink(served)
    elif wanted:
        pbx.parts[part] = served or uri
        if served is None:
            server.link(uri)


def _status_uri(server: HttpServer) -> Uri:
    def status(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise not_implemented()
        settings = server.settings
        rows = [("Server", settings.name), ("Prefix", settings.prefix), ("Bind Address", server.bound)]
        if server.tls_bound:
            rows.append(("TLS Bind Address", server.tls_bound))
        out = [
            "<html><title>HTTP Status</title>",
            '<body bgcolor="#ffffff">',
            '<table bgcolor="#f1f1f1" align="center">'
            '<tr><td bgcolor="#e0e0ff" colspan="2" width="500"><h2>&nbsp;&nbsp;HTTP Status</h2></td></tr>',
            *(f"<tr><td><i>{name}</i></td><td><b>{escape(value)}</b></td></tr>" for name, value in rows),
            '<tr><td colspan="2"><hr></td></tr>',
        ]
        for kind, pairs in (("Submitted GET Variable", request.query), ("Cookie", list(request.cookies().items()))):
            for name, value in pairs:
                out.append(f"<tr><td><i>{kind} '{escape(name)}'</i></td><td>{escape(value)}</td></tr>")
            if kind != "Cookie":
                out.append('<tr><td colspan="2"><hr></td></tr>')
        out.append("</table></body></html>\r\n")
        return Response(body="\r\n".join(out).encode("utf-8", "surrogateescape"))

    return Uri("httpstatus", "Asterisk HTTP General Status", status)


@module.command("http show status", "Display HTTP server status")
def show_status(request: CliRequest) -> None:
    """Show the web server.

    Lists where it listens, the URIs it serves, redirects, and who may come to which path.
    """
    if request.args:
        raise request.usage()
    server = http_server(request.pbx)
    settings = server.settings
    request.print("HTTP Server Status:", f"Prefix: {settings.prefix}", f"Server: {settings.name}")
    if not server.bound:
        request.print("Server Disabled", "")
    else:
        request.print(f"Server Enabled and Bound to {server.bound}", "")
        if server.tls_bound:
            request.print(f"HTTPS Server Enabled and Bound to {server.tls_bound}", "")
    request.print("Enabled URI's:")
    for uri in server.uris:
        request.print(f"{settings.prefix}/{uri.uri}{'/...' if uri.subtree else ''} => {uri.description}")
    if not len(server.uris):
        request.print("None.")
    request.print("", "Enabled Redirects:")
    request.print(*([f"  {target} => {to}" for target, to in settings.redirects] or ["  None."]))
    request.print("", "Path Restrictions:")
    for path, acl in settings.restrictions:
        request.print(f"  Path: {path}", *(acl.lines("    ") or ["    No ACL configured"]))
    if not settings.restrictions:
        request.print("  None.")
