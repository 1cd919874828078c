"""SIP, SIPS and tel URIs, and addresses with a display name (RFC 3261 19.1, 20.10, 25; RFC 3966)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .errors import SIPError
from .grammar import Params, end_of_quoted, format_params, is_token, parse_params, quote, unquote

_USER_SAFE = "-_.!~*'()&=+$,;?/"
_PASSWORD_SAFE = "-_.!~*'()&=+$,"
_PLAIN_USER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + _USER_SAFE)
_HOST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_IPV6 = frozenset("0123456789abcdefABCDEF:.")
_ILLEGAL = re.compile(r'[\x00-\x20<>"\x7f]')
"""Would end the URI, its brackets or its line."""
_VISUAL = str.maketrans("", "", "-.()")
_RECENT_LENGTH = 128
"""Longest URI that is kept parsed, in characters."""
_COMPARED_ALWAYS = ("user", "ttl", "method", "maddr", "transport")


def unescape(text: str) -> str:
    """Undo %HH; bytes that are not UTF-8 become surrogate escapes and survive a round trip."""
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _escape(text: str, safe: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogateescape"), safe)


def split_host_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port` or `[v6]:port` to (host without brackets, port or None); SIPError(400) when malformed."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or not host or not _IPV6.issuperset(host):
            raise SIPError(400, detail="malformed IPv6 reference")
        if rest and rest[0] != ":":
            raise SIPError(400, detail="text after an IPv6 reference")
        port = rest[1:]
        colon = bool(rest)
    else:
        host, sep, port = text.partition(":")
        colon = bool(sep)
        if not host or not _HOST.issuperset(host):
            raise SIPError(400, detail="malformed host")
    if not colon:
        return host, None
    if not port.isdigit() or not port.isascii() or len(port) > 5 or int(port) > 65535:
        raise SIPError(400, detail="malformed port")
    return host, int(port)


def join_host_port(host: str, port: int | None) -> str:
    """The inverse of split_host_port: IPv6 addresses get their brackets."""
    if ":" in host:
        host = f"[{host}]"
    return host if port is None else f"{host}:{port}"


class SipUri:
    """A sip: or sips: URI. Treat it as immutable; `replace` makes changed copies.

    A parsed URI prints as it was written. `user` and `password` hold text with escapes undone ("" stands for an absent
    user, None for an absent password). `host` has no brackets. `params` maps lower-case names to values as written
    (None for a bare name). `headers` is the text after `?`. `==` compares by RFC 3261 19.1.4.
    """

    __slots__ = ("_text", "headers", "host", "params", "password", "port", "scheme", "user")

    def __init__(
        self,
        host: str,
        user: str = "",
        port: int | None = None,
        params: Params | None = None,
        scheme: str = "sip",
        password: str | None = None,
        headers: str = "",
    ) -> None:
        self.scheme = scheme
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.params: Params = {} if params is None else params
        self.headers = headers
        self._text: str | None = None

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Read a sip: or sips: URI; SIPError 416 for another scheme, 400 for a malformed one."""
        scheme, colon, rest = text.partition(":")
        scheme = scheme.lower()
        if not colon or scheme not in ("sip", "sips"):
            raise SIPError(416 if colon and is_token(scheme) else 400, detail="not a sip or sips URI")
        if _ILLEGAL.search(rest) is not None:
            raise SIPError(400, detail="illegal character in URI")
        # More than one "@": the user part ends at the first; a later one can only stand in headers or parameters.
        user_info, at, after = rest.partition("@")
        user = ""
        password: str | None = None
        if at:
            rest = after
            user, colon, secret = user_info.partition(":")
            if not user:
                raise SIPError(400, detail="URI with an empty user part")
            user = _checked_unescape(user)
            if colon:
                password = _checked_unescape(secret)
        rest, _, headers = rest.partition("?")
        host_port, semicolon, parameters = rest.partition(";")
        host, port = split_host_port(host_port)
        uri = cls(host, user, port, parse_params(parameters) if semicolon else None, scheme, password, headers)
        uri._text = text
        return uri

    def replace(self, **changes: object) -> SipUri:
        """A copy with the named attributes changed."""
        values: dict[str, object] = {
            "host": self.host, "user": self.user, "port": self.port, "params": dict(self.params),
            "scheme": self.scheme, "password": self.password, "headers": self.headers,
        }  # fmt: skip
        values.update(changes)
        return SipUri(**values)  # type: ignore[arg-type]

    @property
    def transport(self) -> str:
        """The transport parameter in lower case, "" when absent."""
        return (self.params.get("transport") or "").lower()

    @property
    def loose_route(self) -> bool:
        """Whether the lr parameter is present (RFC 3261 19.1.1)."""
        return "lr" in self.params

    @property
    def host_port(self) -> str:
        """host[:port] as it stands in the URI."""
        return join_host_port(self.host, self.port)

    @property
    def header_fields(self) -> list[tuple[str, str]]:
        """The ?name=value&... part, escapes undone."""
        pairs = [part.partition("=") for part in self.headers.split("&") if part]
        return [(unescape(name), unescape(value)) for name, _, value in pairs]

    def __str__(self) -> str:
        text = self._text
        if text is None:
            user = ""
            if self.user or self.password is not None:
                user = self.user if _PLAIN_USER.issuperset(self.user) else _escape(self.user, _USER_SAFE)
                if self.password is not None:
                    user += ":" + _escape(self.password, _PASSWORD_SAFE)
                user += "@"
            headers = f"?{self.headers}" if self.headers else ""
            text = f"{self.scheme}:{user}{self.host_port}{format_params(self.params)}{headers}"
            self._text = text
        return text

    def __repr__(self) -> str:
        return f"SipUri({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SipUri):
            return NotImplemented
        if (
            self.scheme != other.scheme
            or self.user != other.user
            or self.password != other.password
            or self.host.lower() != other.host.lower()
            or self.port != other.port
        ):
            return False
        mine, theirs = self.params, other.params
        for name in _COMPARED_ALWAYS:
            if (name in mine) != (name in theirs):
                return False
        for name, value in mine.items():
            if name in theirs:
                there = theirs[name]
                if value is not there and (value is None or there is None or value.lower() != there.lower()):
                    return False
        if not self.headers and not other.headers:
            return True
        return _folded(self.header_fields) == _folded(other.header_fields)

    def __hash__(self) -> int:
        return hash((self.scheme, self.user, self.host.lower(), self.port))


def _folded(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in fields)


def _checked_unescape(text: str) -> str:
    if "%" in text:
        at = text.find("%")
        while at >= 0:
            pair = text[at + 1 : at + 3]
            if len(pair) != 2 or not all(c in "0123456789abcdefABCDEF" for c in pair):
                raise SIPError(400, detail="malformed escape in a URI")
            at = text.find("%", at + 3)
        return unescape(text)
    return text


class TelUri:
    """A tel: URI (RFC 3966): `number` as written, `params` as in SipUri. `==` ignores visual separators."""

    __slots__ = ("number", "params")

    scheme = "tel"

    def __init__(self, number: str, params: Params | None = None) -> None:
        self.number = number
        self.params: Params = {} if params is None else params

    @classmethod
    def parse(cls, text: str) -> TelUri:
        """Read a tel: URI; SIPError 416 for another scheme, 400 when the number is empty or holds other characters."""
        scheme, colon, rest = text.partition(":")
        if not colon or scheme.lower() != "tel":
            raise SIPError(416, detail="not a tel URI")
        number, semicolon, parameters = rest.partition(";")
        if not number or not set(number) <= set("+0123456789ABCDEFabcdef*#-.()"):
            raise SIPError(400, detail="malformed telephone number")
        return cls(number, parse_params(parameters) if semicolon else None)

    @property
    def user(self) -> str:
        """The number without visual separators, what a dialplan would match."""
        return self.number.translate(_VISUAL)

    @property
    def host(self) -> str:
        """The phone-context, "" for a global number."""
        return self.params.get("phone-context") or ""

    def __str__(self) -> str:
        return f"tel:{self.number}{format_params(self.params)}"

    def __repr__(self) -> str:
        return f"TelUri({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TelUri):
            return NotImplemented
        return self.user.lower() == other.user.lower() and _lower(self.params) == _lower(other.params)

    def __hash__(self) -> int:
        return hash(self.user.lower())


def _lower(params: Params) -> dict[str, str]:
    return {name: (value or "").lower().translate(_VISUAL) for name, value in params.items()}


class OtherUri:
    """A URI of a scheme the core does not route by (http, urn, im...): `scheme` and the whole `text`."""

    __slots__ = ("scheme", "text")

    user = ""
    host = ""

    def __init__(self, scheme: str, text: str) -> None:
        self.scheme = scheme
        self.text = text

    @property
    def params(self) -> Params:
        """Always empty: the core does not look inside."""
        return {}

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"OtherUri({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OtherUri) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


Uri = SipUri | TelUri | OtherUri


def parse_uri(text: str) -> Uri:
    """Read a URI of any scheme; SIPError(400) for text that is no URI."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if scheme in ("sip", "sips"):
        return _recent_uri(text) if len(text) <= _RECENT_LENGTH else SipUri.parse(text)
    if scheme == "tel":
        return TelUri.parse(text)
    if not colon or not rest or not is_token(scheme) or not scheme[0].isalpha():
        raise SIPError(400, detail="malformed URI")
    for char in ' <>"':
        if char in rest:
            raise SIPError(400, detail="illegal character in URI")
    return OtherUri(scheme, text)


@lru_cache(256)
def _recent_uri(text: str) -> SipUri:
    # The same few URIs come in every message of a call, and of every call of a phone.
    return SipUri.parse(text)


class NameAddr:
    """`"Display" <uri>;params`: the value of From, To, Contact, Route, Refer-To and their like.

    `display` has quotes and escapes undone. `params` are the header's parameters (not the URI's). `star` is true for
    the `*` of Contact in REGISTER, whose URI is then OtherUri("*", "*").
    """

    __slots__ = ("display", "params", "uri")

    def __init__(self, uri: Uri, display: str = "", params: Params | None = None) -> None:
        self.uri = uri
        self.display = display
        self.params: Params = {} if params is None else params

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read one address (no comma list); SIPError(400) when malformed."""
        uri, display, parameters = _recent_address(text) if len(text) <= _RECENT_LENGTH else _read_address(text)
        return cls(uri, display, parse_params(parameters) if parameters else None)

    @property
    def star(self) -> bool:
        """Whether this is the `*` of a Contact that removes all bindings."""
        return self.uri.scheme == "*"

    @property
    def tag(self) -> str:
        """The tag parameter, "" when absent."""
        return self.params.get("tag") or ""

    def __str__(self) -> str:
        if self.star:
            return "*"
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"

    def __repr__(self) -> str:
        return f"NameAddr({str(self)!r})"


def _read_address(text: str) -> tuple[Uri, str, str]:
    # URI, display name and parameters.
    text = text.strip()
    if text == "*":
        return OtherUri("*", "*"), "", ""
    display = ""
    if text.startswith('"'):
        end = end_of_quoted(text, 0)
        display = unquote(text[:end])
        text = text[end:].lstrip()
        if not text.startswith("<"):
            raise SIPError(400, detail="quoted display name without <URI>")
        start = 0
    else:
        start = text.find("<")
    if start >= 0:
        if start:
            display = text[:start].strip()
        end = text.find(">", start)
        if end < 0:
            raise SIPError(400, detail="unterminated <")
        uri_text = text[start + 1 : end].strip()
        rest = text[end + 1 :].strip()
        if rest and rest[0] != ";":
            raise SIPError(400, detail="text after <URI>")
        rest = rest[1:]
    else:
        # RFC 3261 20: without <>, everything after the first semicolon belongs to the header, not to the URI. One of
        # the user part wants <> as well, but comes without; parameters have no @ outside quotes (25.1).
        semicolon = text.find(";", max(0, text.partition('"')[0].find("@")))
        uri_text, rest = (text[:semicolon].rstrip(), text[semicolon + 1 :]) if semicolon >= 0 else (text, "")
        if "?" in uri_text or "," in uri_text:
            raise SIPError(400, detail="URI with ? or , needs <>")
    return parse_uri(uri_text), display, rest


# Contacts come again with every call, and From and To with every request of a call.
_recent_address = lru_cache(256)(_read_address)


def tag_of(value: str) -> str:
    """The tag of a From or To value without parsing the rest; "" when there is none. Never raises."""
    address, mark, tag = value.partition(">;tag=")
    if mark and ">" not in address and ";" not in tag and '"' not in tag and ">" not in tag:
        return tag.strip()
    at = value.find(">")
    rest = value[at + 1 :] if at >= 0 else value
    if '"' in rest or ">" in rest:
        return _parsed_tag(value)
    start = rest.find(";tag=")
    if start < 0:
        return _parsed_tag(value) if "tag" in rest.lower() else ""
    tag = rest[start + 5 :]
    end = tag.find(";")
    return (tag if end < 0 else tag[:end]).strip()


def _parsed_tag(value: str) -> str:
    try:
        return NameAddr.parse(value).tag
    except SIPError:
        return ""
