"""The embedded web server: files, status, and whatever registers a URI (manager, ARI, WebSockets)."""

from offhook.control.http.message import HttpError, Request, Response
from offhook.control.http.server import HttpServer, http_server
from offhook.control.http.uris import Uri

__all__ = ["HttpError", "HttpServer", "Request", "Response", "Uri", "http_server"]
