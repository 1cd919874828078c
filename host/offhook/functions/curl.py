"""CURL and CURLOPT: web pages in the dialplan. The request runs on a worker thread while the channel waits."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from offhook.dialplan.arguments import from_octets, integer, number, octets
from offhook.dialplan.condition import truth
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax
from offhook.outside import outside

log = logging.getLogger(__name__)
module = Module("func_curl", "Load external URL")

_KEY = "curl options"
_YES_OR_NO = ("header", "followlocation", "ftptext", "ssl_verifypeer")
_NUMBERS = ("proxyport", "dnstimeout", "maxredirs", "ftptimeout", "ssl_verifyhost")
_SECONDS = ("httptimeout", "conntimeout")
_TEXTS = (
    "httpheader",
    "proxy",
    "userpwd",
    "proxyuserpwd",
    "referer",
    "useragent",
    "cookie",
    "ssl_cainfo",
    "ssl_capath",
    "ssl_cert",
    "ssl_certtype",
    "ssl_key",
    "ssl_keytype",
    "ssl_keypasswd",
    "failurecodes",
)
_CHOICES = {
    "httpauth": ("basic", "digest"),
    "proxytype": ("http", "socks4", "socks4a", "socks5", "socks5hostname"),
    "hashcompat": ("yes", "no", "legacy"),
}


@dataclass(slots=True)
class Options:
    """What CURLOPT has set: for a channel, or for all."""

    values: dict[str, str]
    headers: list[str]


def _options(scope: Scope) -> Options:
    """Where this scope's assignments go."""
    kept = scope.pbx.parts if scope.channel is None else scope.channel.data
    found: Options = kept.setdefault(_KEY, Options({}, []))
    return found


def _in_force(scope: Scope) -> Options:
    """The options for all, with the channel's above them."""
    common: Options = scope.pbx.parts.get(_KEY) or Options({}, [])
    own: Options | None = scope.channel.data.get(_KEY) if scope.channel is not None else None
    if own is None:
        return common
    return Options({**common.values, **own.values}, common.headers + own.headers)


def _known(name: str) -> str:
    key = name.lower()
    if key not in (*_YES_OR_NO, *_NUMBERS, *_SECONDS, *_TEXTS, *_CHOICES):
        raise FunctionError(f'CURLOPT has no option "{name}"')
    return key


@module.function("CURLOPT", Syntax("key"), see_also=("CURL", "HASH"), raw=True)
def curl_option(scope: Scope, name: str) -> str:
    """An option for CURL; assigned on a channel it counts there only.

    cookie, conntimeout, dnstimeout, followlocation, ftptext, ftptimeout, header (show the response's), httpauth
    (basic, digest), httpheader (each assignment adds one), httptimeout, maxredirs, proxy, proxytype, proxyport,
    proxyuserpwd, referer, useragent, userpwd (user:password), ssl_verifypeer, ssl_verifyhost, ssl_cainfo, ssl_capath,
    ssl_cert, ssl_certtype, ssl_key, ssl_keytype, ssl_keypasswd, hashcompat (yes, no, legacy: hand the result to HASH),
    failurecodes (HTTP codes that count as errors).
    """
    key = _known(name)
    options = _in_force(scope)
    if key == "httpheader":
        return options.headers[0] if options.headers else ""
    return options.values.get(key, "")


@curl_option.writer
def set_curl_option(scope: Scope, value: str, name: str) -> None:
    """Set an option for CURL."""
    key = _known(name)
    options = _options(scope)
    if key == "httpheader":
        options.headers.append(value)
        return
    if key in _YES_OR_NO:
        value = str(int(truth(value)))
    elif key in _NUMBERS:
        value = str(integer(value) or 0)
    elif key in _SECONDS:
        seconds = number(value) or 0.0
        value = str(int(seconds)) if seconds == int(seconds) else f"{seconds:.3f}"
    elif key == "httpauth":
        unknown = [word for word in value.lower().split(",") if word not in _CHOICES["httpauth"]]
        if unknown:
            raise FunctionError(f'CURLOPT(httpauth): "{unknown[0]}" is not supported; write basic or digest')
    elif key == "hashcompat":
        value = "legacy" if value.lower() == "legacy" else "yes" if truth(value) else "no"
    elif key == "proxytype":
        value = value.lower() if value.lower() in _CHOICES["proxytype"] else "http"
    options.values[key] = value


async def _fetched(scope: Scope, url: str, post: str | None) -> bytes:
    from offhook.functions.web import fetch

    options = _in_force(scope)
    status, body = await outside(fetch, url, post, options)
    failures = [integer(code) for code in options.values.get("failurecodes", "").split(",")]
    if status and status in failures:
        raise FunctionError(f"CURL: {url} was answered with {status}, one of the failurecodes")
    return body


@module.function("CURL", Syntax("url", "[post-data]"), see_also=("CURLOPT",), dangerous="write")
async def curl(scope: Scope, url: str, post: str | None = None) -> str:
    """A page of a web or FTP server; with post-data, the answer to an HTTP POST of it.

    Assigning writes the page into the file that is the value: Set(CURL(http://server/a.wav)=/tmp/a.wav).
    """
    if not url:
        raise FunctionError("CURL needs a URL")
    text = from_octets(await _fetched(scope, url, post)).rstrip(" \t\r\n")
    manner = _in_force(scope).values.get("hashcompat", "no")
    if manner == "no" or not text:
        return text
    names, values = [], []
    for piece in text.split("&"):
        name, _, value = piece.partition("=")
        names.append(_field(name, manner))
        values.append(_field(value, manner))
    scope.set("~ODBCFIELDS~", ",".join(names))
    return ",".join(values)


def _field(text: str, manner: str) -> str:
    from urllib.parse import unquote_to_bytes

    if manner == "legacy":
        text = text.replace("+", " ")
    decoded = from_octets(unquote_to_bytes(octets(text)))
    return decoded.replace("\\", "\\\\").replace(",", "\\,")


@curl.writer
async def save(scope: Scope, value: str, url: str, unused: str = "") -> None:
    """Fetch a page into a file."""
    if not url or not value:
        raise FunctionError("CURL needs a URL and a file: Set(CURL(url)=file)")
    body = await _fetched(scope, url, None)

    def write() -> None:
        with open(value, "wb") as target:
            target.write(body)

    try:
        await scope.pbx.off_loop(write)
    except OSError as error:
        raise FunctionError(f"CURL: {value} cannot be written: {error.strerror}") from error
