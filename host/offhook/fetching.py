"""Asking web servers that may be slow, endless or hostile.

Python's client leaves open how long an answer may take in all, how much of it may come, what follows from one that
breaks off, and where a server may send us. Here an answer has bounds, and whatever goes wrong is one error that names
the URL and the reason. It blocks: call it by way of ``offhook.outside``. Import it at the first request: the client is
large.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import string
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

_PIECE: Final = 65536
_LONGEST_REASON: Final = 200


class FetchError(Exception):
    """There is no answer to be had; the sentence names the URL and the reason."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a server is granted."""

    seconds: float
    """For everything, redirects and the body included."""
    octets: int
    """Of the body."""
    connect_seconds: float = 0.0
    """For a connection to each of its addresses; 0 for no other limit than ``seconds``."""


@dataclass(frozen=True, slots=True)
class Redirects:
    """Where a server may send us."""

    follow: bool = True
    most: int = 8
    schemes: frozenset[str] = frozenset(("http", "https"))


@dataclass(slots=True)
class Answer:
    """A server's answer, its body still to be read."""

    url: str
    status: int
    """0 for a protocol that has none."""
    reason: str
    headers: list[tuple[str, str]]
    _body: Any
    _deadline: Deadline
    _most: int

    def pieces(self) -> Iterator[bytes]:
        """The body bit by bit. Raises FetchError when it is too long, breaks off or takes too long."""
        with _explained(self.url):
            length = 0
            while piece := self._body.read1(_PIECE):
                length += len(piece)
                if length > self._most:
                    raise FetchError(f"{self.url}: longer than {self._most} octets")
                self._deadline.left()
                yield piece
            if missing := getattr(self._body, "length", None):
                raise FetchError(f"{self.url}: it broke off {missing} octets before its end")

    def body(self) -> bytes:
        """All of the body. Raises FetchError as ``pieces``."""
        return b"".join(self.pieces())


@contextlib.contextmanager
def asked(
    request: urllib.request.Request,
    bounds: Bounds,
    redirects: Redirects = Redirects(),
    proxies: dict[str, str] | None = None,
    handlers: Sequence[urllib.request.BaseHandler] = (),
    context: Any = None,
    deadline: Deadline | None = None,
) -> Iterator[Answer]:
    """What a server answers, whatever its status. Raises FetchError.

    ``proxies`` are URLs by scheme; None are those of the environment. ``handlers`` are more of Python's, ``context`` is
    an SSLContext, ``deadline`` one that has begun already.
    """
    deadline = deadline or Deadline(bounds)
    url = request.full_url
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(proxies),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Plain(deadline),
        _Secure(deadline, context),
        _Following(redirects),
        *handlers,
    ):
        opener.add_handler(handler)
    with contextlib.ExitStack() as stack:
        with _explained(url):
            try:
                response: Any = opener.open(request, timeout=bounds.seconds)
            except urllib.error.HTTPError as error:
                response = error
        stack.callback(response.close)
        # An HTTPError wraps what was received; the body is read of that, which knows how much is missing.
        body = response.fp if isinstance(response, urllib.error.HTTPError) else response
        headers = list(response.headers.items())
        reason = printable(str(getattr(response, "reason", "")))
        yield Answer(url, getattr(response, "status", None) or 0, reason, headers, body, deadline, bounds.octets)


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turns what Python's client raises into a FetchError."""
    try:
        yield
    except http.client.IncompleteRead as error:
        more = f" {error.expected} octets before its end" if error.expected is not None else ""
        raise FetchError(f"{url}: it broke off{more}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionError):
            reason = f"it speaks no HTTP but {error}"
        raise FetchError(f"{url}: {printable(str(reason)) or type(reason).__name__}") from None


def printable(text: str) -> str:
    """A server's words for the log and the console: what is no character is an escape, and a long text is cut."""
    cut = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in cut)


# ---- time ---------------------------------------------------------------------------------------------


class Deadline:
    """The end of the time that a server is granted for everything."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._at = time.monotonic() + bounds.seconds

    def left(self) -> float:
        """Seconds that remain. Raises TimeoutError when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"it took longer than {self._bounds.seconds:g} s")
        return left

    def connect(self, address: tuple[str, int], *_: Any) -> socket.socket:
        """A connection to the first address of a host that takes one. OSError."""
        failure: OSError = OSError(f"{address[0]} has no address")
        for family, kind, protocol, _name, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
            left = self.left()
            made = socket.socket(family, kind, protocol)
            made.settimeout(min(left, self._bounds.connect_seconds or left))
            try:
                made.connect(place)
            except OSError as error:
                made.close()
                failure = error
            else:
                return made
        raise failure

    def reader(self, source: socket.socket) -> io.BufferedReader:
        """What comes over a connection, up to the deadline."""
        return io.BufferedReader(_Paced(source, self))


class _Paced(io.RawIOBase):
    """Reads a socket; a socket's own time limit would begin anew with each octet."""

    def __init__(self, source: socket.socket, deadline: Deadline) -> None:
        self._source, self._deadline = source, deadline
        self._raw = source.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._source.settimeout(self._deadline.left())
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            self._deadline.left()
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()


# ---- Python's client, bounded -------------------------------------------------------------------------


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, deadline: Deadline, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp.close()
        self.fp = deadline.reader(sock)


def _bounded(connection: Any, deadline: Deadline) -> Any:
    connection.response_class = partial(_Response, deadline=deadline)
    connection._create_connection = deadline.connect
    return connection


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Any) -> Any:
        return self.do_open(self._connection, req)

    def _connection(self, *args: Any, **named: Any) -> Any:
        return _bounded(http.client.HTTPConnection(*args, **named), self._deadline)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, deadline: Deadline, context: Any) -> None:
        super().__init__(context=context)
        self._deadline, self._tls = deadline, context

    def https_open(self, req: Any) -> Any:
        return self.do_open(self._connection, req, context=self._tls)

    def _connection(self, *args: Any, **named: Any) -> Any:
        return _bounded(http.client.HTTPSConnection(*args, **named), self._deadline)


class _Following(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as it may, without reading what comes with them."""

    def __init__(self, redirects: Redirects) -> None:
        self._redirects = redirects
        self._followed = 0

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        place = headers.get("Location")
        if not self._redirects.follow or not place:
            return None
        fp.close()
        url = urljoin(req.full_url, quote(place, encoding="iso-8859-1", safe=string.punctuation))
        if urlsplit(url).scheme not in self._redirects.schemes:
            raise urllib.error.URLError(f"the server sends us to {url}, and that is not allowed")
        if self._followed >= self._redirects.most:
            raise urllib.error.URLError(f"the server sends us on more than {self._redirects.most} times")
        self._followed += 1
        again = self.redirect_request(req, fp, code, msg, headers, url)
        assert again is not None
        if req.get_method() == "HEAD":
            again.method = "HEAD"
        if urlsplit(url)[:2] != urlsplit(req.full_url)[:2]:  # what is secret is not for another server
            again.remove_header("Authorization")
            again.remove_header("Cookie")
        return self.parent.open(again, timeout=req.timeout)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


__all__ = ["Answer", "Bounds", "Deadline", "FetchError", "Redirects", "asked", "printable"]
