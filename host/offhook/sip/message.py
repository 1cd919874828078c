"""Requests and responses: parsed only as far as somebody asks, built with joins.

A parsed message is its start line and a list of (name, value). Registered names are stored in their canonical
spelling whatever the peer wrote, so a lookup by canonical name is a plain comparison. Typed values (`via`, `cseq`,
`from_`...) are parsed when first asked for and kept until the header changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .errors import SIPError
from .grammar import parse_number, split_list, split_outside
from .headers import (
    CANONICAL,
    COMPACT,
    REGISTERED,
    CSeq,
    Reason,
    Replaces,
    Valued,
    Via,
    canonical,
    parse_addresses,
    parse_privacy,
)
from .reasons import reason_of
from .uri import NameAddr, OtherUri, SipUri, Uri, parse_uri, tag_of

Header = tuple[str, str]
T = TypeVar("T")


class Message:
    """What requests and responses share: `headers` (in order) and `body` (bytes).

    Change headers only through the methods: they keep the typed values and the serialised form honest. `compact` asks
    for compact header names on the wire.
    """

    __slots__ = ("_bytes", "_cseq", "_first", "_from_tag", "_to_tag", "_typed", "_via", "body", "compact", "headers")

    def __init__(self, headers: list[Header] | None = None, body: bytes = b"") -> None:
        self.headers: list[Header] = [] if headers is None else headers
        self.body = body
        self.compact = False
        self._first: dict[str, str] | None = None
        self._typed: dict[str, Any] | None = None
        self._from_tag: str | None = None
        self._to_tag: str | None = None
        self._via: Via | None = None
        self._cseq: CSeq | None = None
        self._bytes: bytes | None = None

    # Raw access. Names are case-insensitive and may be compact forms.

    def get(self, name: str) -> str | None:
        """The first value of a header, or None."""
        first = self._first
        if first is None:
            first = self._first = dict(reversed(self.headers))
        value = first.get(name)
        if value is not None or name in REGISTERED:
            return value
        lower = name.lower()
        known = CANONICAL.get(lower)
        if known is not None:
            return first.get(known)
        for other, value in self.headers:
            if other.lower() == lower:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """Every value of a header, one a header line, as written."""
        known = name if name in REGISTERED else CANONICAL.get(name.lower())
        if known is None:
            lower = name.lower()
            return [value for other, value in self.headers if other.lower() == lower]
        first = self._first
        if first is None:
            first = self._first = dict(reversed(self.headers))
        if known not in first:
            return []
        if len(first) == len(self.headers):  # no header is repeated
            return [first[known]]
        return [value for other, value in self.headers if other == known]

    def members(self, name: str) -> list[str]:
        """Every member of a comma-separated header over all its lines (Supported, Allow, Via...)."""
        values = self.get_all(name)
        return [part for value in values for part in split_list(value)] if values else values

    def tokens(self, name: str) -> set[str]:
        """members() as a set in lower case, for option tags, events and methods."""
        members = self.members(name)
        return {part.lower() for part in members} if members else set()

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def add(self, name: str, value: object) -> None:
        """Append a header line."""
        self.headers.append((canonical(name), str(value)))
        self.touched()

    def set(self, name: str, value: object) -> None:
        """Put one header line in place of all lines of that name (where the first stood, or at the end)."""
        name = canonical(name)
        lower = name.lower()
        place = -1
        kept: list[Header] = []
        for header in self.headers:
            if header[0].lower() != lower:
                kept.append(header)
            elif place < 0:
                place = len(kept)
        kept.insert(len(kept) if place < 0 else place, (name, str(value)))
        self.headers = kept
        self.touched()

    def insert(self, index: int, name: str, value: object) -> None:
        """Insert a header line before position `index` of `headers`."""
        self.headers.insert(index, (canonical(name), str(value)))
        self.touched()

    def set_top_via(self, value: str) -> None:
        """Put a Via line in front, in place of one that stands there."""
        line = ("Via", value)
        if self.headers and self.headers[0][0] == "Via":
            self.headers[0] = line
        else:
            self.headers.insert(0, line)
        if self._first is not None:
            self._first["Via"] = value
        self._via = self._bytes = None

    def remove(self, name: str) -> None:
        """Delete all lines of a header."""
        lower = canonical(name).lower()
        self.headers = [header for header in self.headers if header[0].lower() != lower]
        self.touched()

    def touched(self) -> None:
        """Forget derived values; call it after changing `headers`, `body` or the start line directly."""
        self._first = self._typed = self._from_tag = self._to_tag = self._via = self._cseq = self._bytes = None

    # Typed access. Each raises SIPError(400) when the header is missing or malformed.

    def typed(self, name: str, parse: Callable[[str], T]) -> T:
        """The first value of header `name` through `parse`, kept until the message changes."""
        cache = self._typed
        if cache is None:
            cache = self._typed = {}
        value = cache.get(name)
        if value is None:
            value = cache[name] = parse(self._required(name))
        return value

    def _required(self, name: str) -> str:
        text = self.get(name)
        if text is None:
            raise SIPError(400, f"Missing {name} header field")
        return text

    @property
    def via(self) -> Via:
        """The topmost Via member."""
        via = self._via
        if via is None:
            via = self._via = _top_via(self._required("Via"))
        return via

    @property
    def branch(self) -> str:
        """The branch of the topmost Via, "" when absent; the rest of the Via is parsed only when it looks unusual."""
        text = self._required("Via")
        start = text.find(";branch=") + 8
        if start < 8 or "," in text or '"' in text:
            return self.via.branch
        end = text.find(";", start)
        return text[start:].strip() if end < 0 else text[start:end].strip()

    @property
    def cseq(self) -> CSeq:
        cseq = self._cseq
        if cseq is None:
            cseq = self._cseq = CSeq.parse(self._required("CSeq"))
        return cseq

    @property
    def call_id(self) -> str:
        value = self.get("Call-ID")
        if not value:
            raise SIPError(400, "Missing Call-ID header field")
        return value

    @property
    def from_(self) -> NameAddr:
        return self.typed("From", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        return self.typed("To", NameAddr.parse)

    @property
    def tags(self) -> tuple[str, str]:
        """The From and To tags without parsing the addresses, "" when absent."""
        return self.from_tag, self.to_tag

    @property
    def from_tag(self) -> str:
        """The From tag, "" when absent."""
        tag = self._from_tag
        if tag is None:
            tag = self._from_tag = tag_of(self.get("From") or "")
        return tag

    @property
    def to_tag(self) -> str:
        """The To tag, "" when absent."""
        tag = self._to_tag
        if tag is None:
            tag = self._to_tag = tag_of(self.get("To") or "")
        return tag

    @property
    def contacts(self) -> list[NameAddr]:
        """Every Contact address, [] when there is none."""
        return self.addresses("Contact")

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact address, or None."""
        found = self.contacts
        return found[0] if found else None

    @property
    def content_type(self) -> str:
        """type/subtype in lower case without parameters, "" when absent."""
        return (self.get("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def expires(self) -> int | None:
        """The Expires header in seconds, None when absent; SIPError(400) when it is no number of 32 bits."""
        value = self.get("Expires")
        return None if value is None else parse_number(value, "Expires")

    @property
    def retry_after(self) -> int | None:
        """The seconds of Retry-After (its comment and parameters left out), None when absent or malformed."""
        digits = (self.get("Retry-After") or "").lstrip().partition(";")[0].partition("(")[0].strip()
        return int(digits) if digits.isdigit() and digits.isascii() and len(digits) <= 10 else None

    def addresses(self, name: str) -> list[NameAddr]:
        """Every address of Contact, Route, Record-Route, Diversion, P-Asserted-Identity and their like."""
        cache = self._typed
        if cache is None:
            cache = self._typed = {}
        key = name + "[]"
        found: list[NameAddr] | None = cache.get(key)
        if found is None:
            values = self.get_all(name)
            found = cache[key] = parse_addresses(values) if values else []
        return found

    @property
    def reasons(self) -> list[Reason]:
        """Every Reason (RFC 3326)."""
        return [Reason.parse(part) for part in self.members("Reason")]

    @property
    def replaces(self) -> Replaces | None:
        """The Replaces header, None when absent; SIPError(400) when malformed or repeated (RFC 3891 3)."""
        values = self.get_all("Replaces")
        if len(values) > 1:
            raise SIPError(400, "Multiple Replaces header fields")
        return self.typed("Replaces", Replaces.parse) if values else None

    @property
    def privacy(self) -> frozenset[str]:
        """The priv-values of Privacy, empty when absent."""
        return parse_privacy(self.get("Privacy") or "")

    def valued(self, name: str) -> Valued | None:
        """The first value of header `name` split into value and parameters, None when the header is absent."""
        return None if self.get(name) is None else self.typed(name, Valued.parse)

    # Serialising.

    @property
    def start_line(self) -> str:
        """The first line without its line break."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """The message on the wire. Content-Length is computed and comes last. Kept until the message changes."""
        data = self._bytes
        if data is None:
            lines = [self.start_line, *map(": ".join, self.headers)]
            plain = "".join(lines)
            if self.compact or len(lines) == 1 or "\n" in plain or "\r" in plain or "Content-Length" in plain:
                head = self._unusual_head()
            else:
                lines.append(f"Content-Length: {len(self.body):5d}\r\n\r\n")
                head = "\r\n".join(lines)
            data = head.encode("utf-8", "surrogateescape")
            if self.body:
                data += self.body
            self._bytes = data
        return data

    def _unusual_head(self) -> str:
        # Compact names, a Content-Length of its own (of a message that came in), or a value that holds a line break,
        # which must not become a header of its own.
        headers = [header for header in self.headers if header[0] != "Content-Length"]
        headers.append(("Content-Length", f"{len(self.body):5d}"))
        names = COMPACT if self.compact else {}
        lines = [self.start_line, *[f"{names.get(name, name)}: {value}" for name, value in headers]]
        return "".join([line.replace("\r", " ").replace("\n", " ") + "\r\n" for line in lines]) + "\r\n"

    def __str__(self) -> str:
        return self.to_bytes().decode("utf-8", "replace")


def _top_via(text: str) -> Via:
    if "," in text:
        parts = split_outside(text, ",")
        if "" in parts:
            raise SIPError(400, "Bad Via", "empty member in Via")
        text = parts[0]
    return Via.parse(text)


class Request(Message):
    """A request: `method` (as written, methods are case-sensitive) and `target`, the Request-URI as text."""

    __slots__ = ("method", "target")

    def __init__(self, method: str, target: object, headers: list[Header] | None = None, body: bytes = b"") -> None:
        Message.__init__(self, headers, body)
        self.method = method
        self.target = str(target)

    @property
    def uri(self) -> Uri:
        """The Request-URI parsed; SIPError(400 or 416) when malformed."""
        cache = self._typed
        if cache is None:
            cache = self._typed = {}
        found: Uri | None = cache.get("")
        if found is None:
            found = cache[""] = parse_uri(self.target)
        return found

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.target} SIP/2.0"

    def validate(self) -> None:
        """Parse what every user of a request relies on: Request-URI, From, To, Contact, Record-Route, Max-Forwards.

        SIPError 400, or 416 for a Request-URI of an unknown scheme. The values stay parsed.
        """
        uri = self.uri
        if isinstance(uri, OtherUri):
            raise SIPError(416, detail=f"scheme {uri.scheme[:20]}")
        if isinstance(uri, SipUri) and uri.headers:
            raise SIPError(400, detail="headers in the Request-URI")
        _ = self.from_, self.to, self.call_id
        hops = self.get("Max-Forwards")
        if hops is not None:
            parse_number(hops, "Max-Forwards", 255)
        self.addresses("Contact")
        if self.get("Record-Route") is not None:
            self.addresses("Record-Route")

    def copy(self) -> Request:
        """A copy whose headers can be changed without changing this one (to send again, elsewhere)."""
        return Request(self.method, self.target, list(self.headers), self.body)

    def received_from(self, host: str, port: int) -> None:
        """Note the source address in the top Via: received when it differs from sent-by, rport when asked for.

        RFC 3261 18.2.1 and RFC 3581 4. Call it before the request goes to TransactionLayer.receive.
        """
        via = self.via
        params = via.params
        wants_port = "rport" in params
        if not wants_port and via.host == host:
            return
        params["received"] = host
        if wants_port:
            params["rport"] = str(port)
        for index, (name, value) in enumerate(self.headers):
            if name == "Via":
                rest = split_list(value)[1:] if "," in value else []
                self.headers[index] = ("Via", ", ".join([str(via), *rest]))
                break
        self._first = self._bytes = None

    def response(self, status: int, reason: str = "", to_tag: str = "") -> Response:
        """A response with Via, From, To, Call-ID and CSeq taken over (RFC 3261 8.2.6.2).

        `to_tag` is added to To unless To has a tag already. Record-Route is copied into 18x and 2xx (12.1.1).
        """
        first = self._first
        if first is None:
            first = self._first = dict(reversed(self.headers))
        headers = [header for header in self.headers if header[0] == "Via"]
        if 100 < status < 300 and "Record-Route" in first:
            headers += [header for header in self.headers if header[0] == "Record-Route"]
        tag = self.to_tag
        for name in _COPIED:
            value = first.get(name)
            if value is None:
                continue
            if name == "To" and to_tag and status != 100 and not tag:
                tag = to_tag
                value = f"{value};tag={tag}"
            headers.append((name, value))
        response = Response(status, reason, headers)
        response._to_tag = tag
        return response

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"


_COPIED = ("Call-ID", "From", "To", "CSeq")


class Response(Message):
    """A response: `status` (100..699) and `reason` phrase."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str = "", headers: list[Header] | None = None, body: bytes = b"") -> None:
        Message.__init__(self, headers, body)
        self.status = status
        self.reason = reason or reason_of(status)

    @property
    def start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def validate(self) -> None:
        """Parse what makes a dialog: Contact and Record-Route. SIPError(400); the values stay parsed."""
        self.addresses("Contact")
        if self.get("Record-Route") is not None:
            self.addresses("Record-Route")

    def copy(self) -> Response:
        """A copy whose headers can be changed without changing this one."""
        return Response(self.status, self.reason, list(self.headers), self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


def make_request(
    method: str,
    target: object,
    from_: object,
    to: object,
    call_id: str,
    cseq: int,
    extra: Iterable[Header] = (),
    *,
    contact: str = "",
    max_forwards: int = 70,
    user_agent: str = "",
    body: bytes = b"",
    content_type: str = "",
) -> Request:
    """A request outside or inside a dialog, without its Via (TransactionLayer.request adds it).

    Header order: From, To, Contact, Call-ID, CSeq, the `extra` headers, Max-Forwards, User-Agent, Content-Type.
    """
    headers: list[Header] = [("From", str(from_)), ("To", str(to))]
    if contact:
        headers.append(("Contact", contact))
    headers.append(("Call-ID", call_id))
    headers.append(("CSeq", f"{cseq} {method}"))
    headers += extra
    headers.append(("Max-Forwards", str(max_forwards)))
    if user_agent:
        headers.append(("User-Agent", user_agent))
    if content_type:
        headers.append(("Content-Type", content_type))
    return Request(method, target, headers, body)
