"""Fetching a sound file from a web server. Imported at the first one: Python's client is large."""

from __future__ import annotations

import os
import tempfile
import urllib.request

from offhook.fetching import Answer, Bounds, FetchError, Redirects, asked
from offhook.services.media_cache.terms import PREFIX, CannotFetch, Fetched, Terms

MOST_BYTES = 256 * 1024 * 1024
KEPT = ("etag", "cache-control", "last-modified", "content-type", "expires")
_LONGEST = 1000
"""Characters of a header that are kept."""


def fetch(uri: str, terms: Terms, folder: str, etag: str = "") -> Fetched:
    """Fetch a file into a folder; with ``etag`` only ask whether it is still that one (304). Blocks.

    Raises CannotFetch.
    """
    if any(sign <= " " for sign in uri):
        raise CannotFetch(f"{uri!r} is no URI")
    scheme = uri.partition(":")[0].lower()
    if scheme not in terms.protocols:
        raise CannotFetch(f"{uri}: only {', '.join(sorted(terms.protocols))} may be used")
    headers = {"User-Agent": terms.agent} | ({"If-None-Match": etag} if etag else {})
    bounds = Bounds(terms.timeout_s, MOST_BYTES)
    redirects = Redirects(terms.follow, terms.most_redirects, terms.redirect_protocols)
    proxies = dict.fromkeys(("http", "https"), terms.proxy) if terms.proxy else None
    try:
        request = urllib.request.Request(uri, headers=headers, method="HEAD" if etag else "GET")
        with asked(request, bounds, redirects, proxies) as answer:
            found = Fetched(answer.status, kept(answer))
            if not 200 <= answer.status < 300 and not (etag and answer.status == 304):
                raise CannotFetch(f"{uri}: the server answered {answer.status} {answer.reason}")
            if not etag:
                found.path = _stored(answer, folder)
            return found
    except (OSError, ValueError, FetchError) as error:
        told = str(error)
        raise CannotFetch(told if uri in told else f"{uri}: {told}") from None


def kept(answer: Answer) -> dict[str, str]:
    """Headers of interest; one that is no text for a console or a data base is as good as none."""
    told = ((name.lower(), value) for name, value in answer.headers)
    return {name: value for name, value in told if name in KEPT and len(value) <= _LONGEST and value.isprintable()}


def _stored(answer: Answer, folder: str) -> str:
    """Write the body into a file of its own; its path. OSError, FetchError."""
    os.makedirs(folder, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix=PREFIX, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in answer.pieces():
                file.write(piece)
    except BaseException:
        os.unlink(path)
        raise
    return path
