"""Fetching pages for CURL, with Python's own client. Imported at the first request: it is large."""

from __future__ import annotations

import logging
import urllib.parse
import urllib.request
from ssl import SSLContext
from typing import TYPE_CHECKING

from offhook import ASTERISK_VERSION
from offhook.dialplan.arguments import integer, number, octets
from offhook.dialplan.invocation import FunctionError
from offhook.fetching import Bounds, Deadline, FetchError, Redirects, asked
from offhook.functions.ftp import Ftp

if TYPE_CHECKING:
    from offhook.functions.curl import Options

log = logging.getLogger(__name__)

AGENT = f"asterisk-libcurl-agent/1.0 (Offhook, Asterisk {ASTERISK_VERSION})"
LONGEST_SECONDS = 180.0
MOST_OCTETS = 16 * 1024 * 1024
"""Of a page: it becomes the value of a variable."""
_MOST_REDIRECTS = 50


def _tls(values: dict[str, str]) -> SSLContext:
    import ssl

    context = ssl.create_default_context(
        cafile=values.get("ssl_cainfo") or None, capath=values.get("ssl_capath") or None
    )
    if values.get("ssl_verifyhost") == "0" or values.get("ssl_verifypeer") == "0":
        context.check_hostname = False
    if values.get("ssl_verifypeer") == "0":
        context.verify_mode = ssl.CERT_NONE
    if values.get("ssl_cert"):
        context.load_cert_chain(values["ssl_cert"], values.get("ssl_key") or None, values.get("ssl_keypasswd") or None)
    return context


def _redirects(values: dict[str, str]) -> Redirects:
    most = integer(values.get("maxredirs", "-1"))
    most = _MOST_REDIRECTS if most is None or most < 0 else most
    return Redirects(values.get("followlocation") == "1", most, frozenset(("http", "https", "ftp")))


def _proxies(values: dict[str, str]) -> dict[str, str]:
    proxy = values.get("proxy", "")
    if values.get("proxytype", "http") != "http" and proxy:
        raise FunctionError("CURL goes through HTTP proxies only, not through SOCKS; take CURLOPT(proxytype) out")
    if not proxy:
        return {}
    place = proxy.partition("://")[2] or proxy
    if values.get("proxyport"):
        place = f"{place.partition(':')[0]}:{values['proxyport']}"
    secret = values.get("proxyuserpwd", "")
    user, _, password = secret.partition(":")
    login = f"{urllib.parse.quote(user)}:{urllib.parse.quote(password)}@" if secret else ""
    return dict.fromkeys(("http", "https", "ftp"), f"http://{login}{place}")


def _logins(url: str, values: dict[str, str]) -> list[urllib.request.BaseHandler]:
    handlers: list[urllib.request.BaseHandler] = []
    if values.get("userpwd"):
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        user, _, password = values["userpwd"].partition(":")
        passwords.add_password(None, url, user, password)
        methods = values.get("httpauth", "basic").split(",")
        if "digest" in methods:
            handlers.append(urllib.request.HTTPDigestAuthHandler(passwords))
        if "basic" in methods:
            handlers.append(urllib.request.HTTPBasicAuthHandler(passwords))
    return handlers


def _request(url: str, post: str | None, options: Options) -> urllib.request.Request:
    headers = {"User-Agent": options.values.get("useragent", AGENT), "Accept": "*/*"}
    for name, header in (("referer", "Referer"), ("cookie", "Cookie")):
        if options.values.get(name):
            headers[header] = options.values[name]
    if post is not None and not options.headers:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for line in options.headers:
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return urllib.request.Request(url, None if post is None else octets(post), headers)


def fetch(url: str, post: str | None, options: Options) -> tuple[int, bytes]:
    """HTTP status and body of a page (status 0 for other protocols). Blocks. Raises FunctionError."""
    if "\r" in url or "\n" in url:
        raise FunctionError(f"CURL refuses the URL {url!r}: a line end in it could smuggle in another request")
    if "://" not in url:
        url = "http://" + url
    values = options.values
    if url.partition(":")[0].lower() not in ("http", "https", "ftp"):
        raise FunctionError(f"CURL cannot fetch {url}: only http, https and ftp are served")
    longest = number(values.get("httptimeout", "")) or LONGEST_SECONDS
    bounds = Bounds(longest, MOST_OCTETS, number(values.get("conntimeout", "")) or 0.0)
    deadline = Deadline(bounds)
    try:
        request, context = _request(url, post, options), _tls(values)
        handlers = [*_logins(url, values), Ftp(deadline)]
        with asked(request, bounds, _redirects(values), _proxies(values), handlers, context, deadline) as answer:
            body = answer.body()
            if values.get("header") == "1":
                lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
                body = octets(f"HTTP/1.1 {answer.status} {answer.reason}\r\n{lines}\r\n") + body
            return answer.status, body
    except (OSError, ValueError, FetchError) as error:
        log.warning("CURL: %s", error if url in str(error) else f"{url}: {error}")
        return 0, b""
