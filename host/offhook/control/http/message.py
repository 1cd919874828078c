"""What a handler of the web server gets and gives: a request and a response."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from offhook.markup import escape

Pairs = list[tuple[str, str]]

MOST_CONTENT = 40960
"""Bytes of a body that handlers read as a form or as JSON."""


class HttpError(Exception):
    """The request is answered with this status and a page that says why."""

    def __init__(self, status: int, title: str, text: str = "", *, close: bool = False) -> None:
        super().__init__(status, title, text)
        self.status = status
        self.title = title
        self.text = text
        self.close = close
        """End the connection after the answer."""


def not_implemented() -> HttpError:
    """The method does not fit the URI."""
    return HttpError(501, "Not Implemented", "Attempt to use unimplemented / unsupported method")


def not_found() -> HttpError:
    """Nothing is there."""
    return HttpError(404, "Not Found", "The requested URL was not found on this server.")


def access_denied() -> HttpError:
    """It is there, but not for this client."""
    return HttpError(403, "Access Denied", "You do not have permission to access the requested URL.", close=True)


@dataclass(slots=True)
class Request:
    """One request with its body. ``path`` is what follows the handler's URI, without a slash in front."""

    method: str
    target: str
    """As it stood in the request line."""
    headers: Pairs
    body: bytes
    remote: tuple[str, int]
    local: tuple[str, int]
    tls: bool
    path: str = ""
    query: Pairs = field(default_factory=list)
    oversized: bool = False
    """The body was longer than the handler takes, and is not kept."""

    def header(self, name: str) -> str:
        """The first header of that name (any case), or ""."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    def content(self) -> bytes:
        """The body. Raises HttpError 413 when it was too long."""
        if self.oversized:
            raise HttpError(413, "Request Entity Too Large", "Body too large", close=True)
        return self.body

    def form(self) -> Pairs:
        """The fields of a form in the body; none when the body is no form. Raises HttpError 413."""
        if self.content_type != "application/x-www-form-urlencoded":
            return []
        return split_query(self.content().decode("utf-8", "surrogateescape"))

    def json(self) -> Any:
        """The JSON value of the body; None when the body is no JSON. Raises HttpError 413 and 400."""
        if self.content_type != "application/json" or not self.content():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise HttpError(400, "Bad Request", "Error parsing request body") from None

    def cookies(self) -> dict[str, str]:
        """Cookies by name."""
        found = {}
        for key, value in self.headers:
            if key.lower() == "cookie":
                for item in value.split(";"):
                    name, _, text = item.partition("=")
                    if name.strip() and (text := text.strip().strip('"')):
                        found[name.strip()] = text
        return found

    def basic_auth(self) -> tuple[str, str] | None:
        """User and password of Basic authentication (RFC 7617), or None."""
        scheme, _, text = self.header("Authorization").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            decoded = base64.b64decode(text.strip(), validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, ValueError):
            return None
        user, colon, password = decoded.partition(":")
        return (user, password) if colon else None


@dataclass(slots=True)
class Response:
    """An answer. ``file`` is sent in the body's place; ``upgrade`` takes the connection over after a 101."""

    status: int = 200
    title: str = "OK"
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    file: str = ""
    cacheable: bool = False
    close: bool = False
    upgrade: Callable[[asyncio.Transport, bytes], asyncio.Protocol] | None = None
    """After a 101: makes the protocol that takes the connection over, from what was read too far."""


def page(status: int, title: str, text: str, server: str, headers: Pairs | None = None) -> Response:
    """The HTML page for an error; ``server`` is the server's name or "" to keep it secret."""
    address = f"<address>{escape(server)}</address>\r\n" if server else ""
    body = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\r\n'
        f"<html><head>\r\n<title>{status} {title}</title>\r\n</head><body>\r\n"
        f"<h1>{title}</h1>\r\n<p>{escape(text)}</p>\r\n<hr />\r\n{address}</body></html>\r\n"
    )
    return Response(status, title, [*(headers or ()), ("Content-type", "text/html")], body.encode())


def split_query(text: str) -> Pairs:
    """``a=1&b`` as pairs, ``+`` and ``%`` decoded."""
    if not text:
        return []
    pairs = []
    for item in text.split("&"):
        name, _, value = item.partition("=")
        pairs.append((decode(name), decode(value)))
    return pairs


def decode(text: str) -> str:
    """URI decoding as forms have it: ``+`` is a blank."""
    return unquote_plus(text, errors="surrogateescape")


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(when: float) -> str:
    """Seconds since the epoch as HTTP writes a date (RFC 9110 5.6.7), whatever the language."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(when)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
