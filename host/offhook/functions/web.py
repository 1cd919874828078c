"""Fetching pages for CURL, with Python's own client. Imported at the first request: it is large."""

from __future__ import annotations

import logging
import urllib.error
import urllib.parse
import urllib.request
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

from offhook import ASTERISK_VERSION
from offhook.dialplan.arguments import integer, number, octets
from offhook.dialplan.invocation import FunctionError

if TYPE_CHECKING:
    from offhook.functions.curl import Options

log = logging.getLogger(__name__)

AGENT = f"asterisk-libcurl-agent/1.0 (Offhook, Asterisk {ASTERISK_VERSION})"
LONGEST_SECONDS = 180.0
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


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only when told to, and only so many."""

    def __init__(self, values: dict[str, str]) -> None:
        self.follow = values.get("followlocation") == "1"
        most = integer(values.get("maxredirs", "-1"))
        self.left = _MOST_REDIRECTS if most is None or most < 0 else most

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not self.follow or not self.left:
            return None
        self.left -= 1
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str, values: dict[str, str]) -> urllib.request.OpenerDirector:
    handlers: list[Any] = [urllib.request.HTTPSHandler(context=_tls(values)), _Redirects(values)]
    proxy = values.get("proxy", "")
    if values.get("proxytype", "http") != "http" and proxy:
        raise FunctionError("CURL goes through HTTP proxies only, not through SOCKS; take CURLOPT(proxytype) out")
    proxies = {}
    if proxy:
        place = proxy.partition("://")[2] or proxy
        if values.get("proxyport"):
            place = f"{place.partition(':')[0]}:{values['proxyport']}"
        secret = values.get("proxyuserpwd", "")
        user, _, password = secret.partition(":")
        login = f"{urllib.parse.quote(user)}:{urllib.parse.quote(password)}@" if secret else ""
        proxies = dict.fromkeys(("http", "https", "ftp"), f"http://{login}{place}")
    handlers.append(urllib.request.ProxyHandler(proxies))
    if values.get("userpwd"):
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        user, _, password = values["userpwd"].partition(":")
        passwords.add_password(None, url, user, password)
        methods = values.get("httpauth", "basic").split(",")
        if "digest" in methods:
            handlers.append(urllib.request.HTTPDigestAuthHandler(passwords))
        if "basic" in methods:
            handlers.append(urllib.request.HTTPBasicAuthHandler(passwords))
    return urllib.request.build_opener(*handlers)


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
    connect = number(values.get("conntimeout", "")) or longest
    try:
        try:
            response = _opener(url, values).open(_request(url, post, options), timeout=min(longest, connect))
        except urllib.error.HTTPError as error:
            response = error
        with response:
            body: bytes = response.read()
            status = int(getattr(response, "status", None) or 0)
            if values.get("header") == "1":
                lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
                body = octets(f"HTTP/1.1 {status} {response.reason}\r\n{lines}\r\n") + body
            return status, body
    except (OSError, ValueError) as error:
        log.warning("CURL: %s ('%s')", getattr(error, "reason", error), url)
        return 0, b""
