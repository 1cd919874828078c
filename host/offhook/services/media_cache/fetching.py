"""Fetching a sound file from a web server. Imported at the first one: Python's client is large."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from offhook.services.media_cache.terms import CannotFetch, Fetched, Terms

MOST_BYTES = 256 * 1024 * 1024
KEPT = ("etag", "cache-control", "last-modified", "content-type", "expires")
_CHUNK = 65536


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, terms: Terms) -> None:
        self.terms, self.left = terms, terms.most_redirects

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not self.terms.follow or not self.left or urlsplit(newurl).scheme not in self.terms.redirect_protocols:
            return None
        self.left -= 1
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(uri: str, terms: Terms, folder: str, etag: str = "") -> Fetched:
    """Fetch a file into a folder; with ``etag`` only ask whether it is still that one (304). Blocks.

    Raises CannotFetch.
    """
    if any(sign <= " " for sign in uri):
        raise CannotFetch(f"{uri!r} is no URI")
    if urlsplit(uri).scheme.lower() not in terms.protocols:
        raise CannotFetch(f"{uri}: only {', '.join(sorted(terms.protocols))} may be used")
    proxies = dict.fromkeys(("http", "https"), terms.proxy) if terms.proxy else None
    opener = urllib.request.build_opener(_Redirects(terms), urllib.request.ProxyHandler(proxies))
    headers = {"User-Agent": terms.agent} | ({"If-None-Match": etag} if etag else {})
    request = urllib.request.Request(uri, headers=headers, method="HEAD" if etag else "GET")
    try:
        with opener.open(request, timeout=terms.timeout_s) as response:
            found = Fetched(response.status, {n.lower(): v for n, v in response.headers.items() if n.lower() in KEPT})
            if not etag:
                found.path = _stored(response, folder)
            return found
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return Fetched(304, {n.lower(): v for n, v in error.headers.items() if n.lower() in KEPT})
        raise CannotFetch(f"{uri}: the server answered {error.code} {error.reason}") from None
    except (OSError, ValueError) as error:
        raise CannotFetch(f"{uri}: {getattr(error, 'reason', error)}") from None


def _stored(response: Any, folder: str) -> str:
    """Write the body into a file of its own; its path. OSError."""
    os.makedirs(folder, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix="bucket-", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            length = 0
            while chunk := response.read(_CHUNK):
                length += len(chunk)
                if length > MOST_BYTES:
                    raise OSError(f"longer than {MOST_BYTES} octets")
                file.write(chunk)
    except BaseException:
        os.unlink(path)
        raise
    return path
