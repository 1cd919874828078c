"""One table of header names, and the typed form of the values the core and its users reason about."""

from __future__ import annotations

from functools import lru_cache

from .errors import SIPError
from .grammar import Params, format_params, is_token, parse_number, parse_params, quote, split_outside, unquote
from .uri import NameAddr, join_host_port, split_host_port

# Name, compact form ("" when none).
_TABLE: tuple[tuple[str, str], ...] = (
    ("Accept", ""),
    ("Accept-Contact", "a"),
    ("Accept-Encoding", ""),
    ("Accept-Language", ""),
    ("Alert-Info", ""),
    ("Allow", ""),
    ("Allow-Events", "u"),
    ("Authentication-Info", ""),
    ("Authorization", ""),
    ("Call-ID", "i"),
    ("Call-Info", ""),
    ("Contact", "m"),
    ("Content-Disposition", ""),
    ("Content-Encoding", "e"),
    ("Content-ID", ""),
    ("Content-Language", ""),
    ("Content-Length", "l"),
    ("Content-Type", "c"),
    ("CSeq", ""),
    ("Date", ""),
    ("Diversion", ""),
    ("Error-Info", ""),
    ("Event", "o"),
    ("Expires", ""),
    ("Flow-Timer", ""),
    ("From", "f"),
    ("Geolocation", ""),
    ("Geolocation-Routing", ""),
    ("History-Info", ""),
    ("Identity", "y"),
    ("Info-Package", ""),
    ("In-Reply-To", ""),
    ("Join", ""),
    ("Max-Forwards", ""),
    ("MIME-Version", ""),
    ("Min-Expires", ""),
    ("Min-SE", ""),
    ("Organization", ""),
    ("P-Access-Network-Info", ""),
    ("P-Asserted-Identity", ""),
    ("P-Associated-URI", ""),
    ("P-Called-Party-ID", ""),
    ("P-Early-Media", ""),
    ("P-Preferred-Identity", ""),
    ("Path", ""),
    ("Permission-Missing", ""),
    ("Priority", ""),
    ("Privacy", ""),
    ("Proxy-Authenticate", ""),
    ("Proxy-Authorization", ""),
    ("Proxy-Require", ""),
    ("RAck", ""),
    ("Reason", ""),
    ("Record-Route", ""),
    ("Recv-Info", ""),
    ("Refer-Sub", ""),
    ("Refer-To", "r"),
    ("Referred-By", "b"),
    ("Reject-Contact", "j"),
    ("Remote-Party-ID", ""),
    ("Replaces", ""),
    ("Reply-To", ""),
    ("Request-Disposition", "d"),
    ("Require", ""),
    ("Resource-Priority", ""),
    ("Retry-After", ""),
    ("Route", ""),
    ("RSeq", ""),
    ("Security-Client", ""),
    ("Security-Server", ""),
    ("Security-Verify", ""),
    ("Server", ""),
    ("Service-Route", ""),
    ("Session-Expires", "x"),
    ("SIP-ETag", ""),
    ("SIP-If-Match", ""),
    ("Subject", "s"),
    ("Subscription-State", ""),
    ("Supported", "k"),
    ("Suppress-If-Match", ""),
    ("Target-Dialog", ""),
    ("Timestamp", ""),
    ("To", "t"),
    ("Unsupported", ""),
    ("User-Agent", ""),
    ("Via", "v"),
    ("Warning", ""),
    ("WWW-Authenticate", ""),
)

COMPACT: dict[str, str] = {name: compact for name, compact in _TABLE if compact}
REGISTERED: frozenset[str] = frozenset(name for name, _ in _TABLE)
SINGLE: frozenset[str] = frozenset(("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"))

# Every spelling seen in practice maps at once; others go through canonical(), which lower-cases.
CANONICAL: dict[str, str] = {}
for _name, _compact in _TABLE:
    for _spelling in (_name, _name.lower(), _name.upper(), _name.title()):
        CANONICAL[_spelling] = _name
    if _compact:
        CANONICAL[_compact] = _name
        CANONICAL[_compact.upper()] = _name


def canonical(name: str) -> str:
    """The registered spelling of a header name or compact form; an unregistered name is returned as it is."""
    known = CANONICAL.get(name)
    if known is None:
        known = CANONICAL.get(name.lower(), name)
    return known


_PROTOCOLS = {f"SIP/2.0/{transport}": transport for transport in ("UDP", "TCP", "TLS", "WS", "WSS", "SCTP")}
METHODS = frozenset(
    (
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "UPDATE",
        "PRACK",
        "INFO",
        "MESSAGE",
        "REFER",
        "NOTIFY",
        "SUBSCRIBE",
        "PUBLISH",
    )
)


class Via:
    """One Via member: `SIP/2.0/UDP host:port;params` (RFC 3261 20.42, RFC 3581)."""

    __slots__ = ("host", "params", "port", "transport")

    def __init__(self, transport: str, host: str, port: int | None = None, params: Params | None = None) -> None:
        self.transport = transport
        self.host = host
        self.port = port
        self.params: Params = {} if params is None else params

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one member; SIPError(400) when malformed."""
        sent, semicolon, parameters = text.partition(";")
        transport, host, port = _recent_sender(sent) if len(sent) <= _RECENT_LENGTH else _read_sender(sent)
        return cls(transport, host, port, parse_params(parameters) if semicolon else None)

    @property
    def branch(self) -> str:
        """The branch parameter, "" when absent."""
        return self.params.get("branch") or ""

    @property
    def sent_by(self) -> str:
        """host[:port] as sent."""
        return join_host_port(self.host, self.port)

    def reply_address(self) -> tuple[str, int]:
        """Where a response goes over an unreliable transport: (host, port), RFC 3261 18.2.2 and RFC 3581."""
        params = self.params
        maddr = params.get("maddr")
        if maddr:
            return maddr, self.port or 5060
        rport = params.get("rport")
        host = params.get("received") or self.host
        if rport and rport.isdigit():
            return host, int(rport)
        return host, self.port or (5061 if self.transport == "TLS" else 5060)

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{format_params(self.params)}"


def _read_sender(text: str) -> tuple[str, str, int | None]:
    # Transport, host and port of a Via.
    words = text.split()
    if len(words) == 2:
        protocol, sent_by = words
        transport = _PROTOCOLS.get(protocol)
        if transport is not None:
            return transport, *split_host_port(sent_by)
    else:
        # Whitespace is allowed around the slashes and the colon ("SIP / 2.0 / UDP host : 5060").
        before, _, after = text.rpartition("/")
        words = after.split() or [""]
        protocol = "".join(before.split()) + "/" + words[0]
        sent_by = "".join(words[1:])
    name, _, transport = protocol.partition("/")
    version, _, transport = transport.partition("/")
    if name.upper() != "SIP" or version != "2.0" or not is_token(transport):
        raise SIPError(400, "Bad Via", f"malformed protocol in Via: {protocol[:40]}")
    return transport.upper(), *split_host_port(sent_by)


_RECENT_LENGTH = 64
"""Longest value that is kept read, in characters."""
_recent_sender = lru_cache(256)(_read_sender)  # the same in every request of a peer


class CSeq:
    """Sequence number and method; not to be changed."""

    __slots__ = ("method", "number")

    def __init__(self, number: int, method: str) -> None:
        self.number = number
        self.method = method

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Read `number method`; the number must be below 2**31 (RFC 3261 8.1.1.5), SIPError(400) otherwise."""
        return _recent_cseq(text) if len(text) <= _RECENT_LENGTH else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> CSeq:
        number, _, method = text.partition(" ")
        if method not in METHODS:
            words = text.split()
            if len(words) != 2 or not is_token(words[1]):
                raise SIPError(400, "Bad CSeq", "malformed CSeq")
            number, method = words
        if number.isdigit() and number.isascii() and len(number) < 10:
            return cls(int(number), method)
        return cls(parse_number(number, "CSeq", 0x7FFFFFFF), method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


_recent_cseq = lru_cache(256)(CSeq._read)  # few requests of a dialog have other numbers than those of other dialogs


class Valued:
    """`value;params`: the shape of Event, Subscription-State, Session-Expires, Reason, Content-Type and many others."""

    __slots__ = ("params", "value")

    def __init__(self, value: str, params: Params | None = None) -> None:
        self.value = value
        self.params: Params = {} if params is None else params

    @classmethod
    def parse(cls, text: str) -> Valued:
        """Read one member; SIPError(400) when the value is missing or a quote never closes."""
        value, semicolon, parameters = text.partition(";")
        value = value.strip()
        if not value:
            raise SIPError(400, detail="header without a value")
        return cls(value, parse_params(parameters) if semicolon else None)

    def __str__(self) -> str:
        return self.value + format_params(self.params)


class Replaces:
    """Replaces and Target-Dialog (RFC 3891, RFC 4538): a dialog seen from its receiver."""

    __slots__ = ("call_id", "early_only", "from_tag", "to_tag")

    def __init__(self, call_id: str, to_tag: str, from_tag: str, early_only: bool = False) -> None:
        self.call_id = call_id
        self.to_tag = to_tag
        self.from_tag = from_tag
        self.early_only = early_only

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Read the header; SIPError(400) without a Call-ID or either tag."""
        call_id, _, parameters = text.partition(";")
        params = parse_params(parameters)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not call_id.strip() or to_tag is None or from_tag is None:
            raise SIPError(400, "Bad Replaces", "Replaces needs a Call-ID, to-tag and from-tag")
        return cls(call_id.strip(), to_tag, from_tag, "early-only" in params)

    @property
    def dialog_id(self) -> tuple[str, str, str]:
        """(Call-ID, local tag, remote tag) of the receiver's dialog."""
        return (self.call_id, self.to_tag, self.from_tag)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


class Reason:
    """One Reason (RFC 3326): protocol ("Q.850", "SIP"), cause number or None, text."""

    __slots__ = ("cause", "protocol", "text")

    def __init__(self, protocol: str, cause: int | None = None, text: str = "") -> None:
        self.protocol = protocol
        self.cause = cause
        self.text = text

    @classmethod
    def parse(cls, text: str) -> Reason:
        """Read one member; a cause that is no number becomes None."""
        value = Valued.parse(text)
        cause = (value.params.get("cause") or "").strip()
        number = int(cause) if cause.isascii() and cause.isdigit() and len(cause) <= 9 else None
        return cls(value.value, number, unquote(value.params.get("text") or ""))

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        words = f";text={quote(self.text)}" if self.text else ""
        return f"{self.protocol}{cause}{words}"


def parse_privacy(text: str) -> frozenset[str]:
    """The priv-values of a Privacy header in lower case (RFC 3323 4.2): separated by semicolons, commas by mistake."""
    return frozenset(part.strip().lower() for part in text.replace(",", ";").split(";") if part.strip())


def parse_addresses(values: list[str]) -> list[NameAddr]:
    """Every address of a repeated, comma-separated header (Contact, Route, Diversion, P-Asserted-Identity...).

    SIPError(400) when one is malformed or empty.
    """
    return [NameAddr.parse(part) for value in values if value for part in split_outside(value, ",")]
