"""Session descriptions (RFC 8866) as a tree of lines: a session, its media, their attributes in order.

Parsing is tolerant where peers are known to be sloppy (missing t=, v= with spaces, bare LF, order of lines) and refuses
what cannot be understood safely with SIPError(488). Attributes stay text; the accessors below read the ones calls
need. Building keeps the order attributes were added in.
"""

from __future__ import annotations

from typing import NamedTuple

from .errors import SIPError
from .sdp_attributes import (
    STATIC_PAYLOADS,
    T38,
    Candidate,
    Crypto,
    Rtpmap,
    parse_candidate,
    parse_crypto,
    parse_milliseconds,
    parse_rtpmap,
)

Attribute = tuple[str, str | None]

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}

MAX_MEDIA = 64
MAX_LINES = 4096


def _bad(detail: str) -> SIPError:
    return SIPError(488, detail=f"SDP: {detail}")


def reverse_direction(direction: str) -> str:
    """What the other side of sendrecv, sendonly, recvonly or inactive is (RFC 3264 6.1)."""
    return _REVERSED[direction]


class Attributes:
    """Attribute lines in order; shared by Session and Media."""

    __slots__ = ("attributes",)

    def __init__(self) -> None:
        self.attributes: list[Attribute] = []

    def get(self, name: str) -> str | None:
        """The value of the first attribute of that name ("" for one without a value), None when absent."""
        for other, value in self.attributes:
            if other == name:
                return value or ""
        return None

    def get_all(self, name: str) -> list[str]:
        """The values of all attributes of that name."""
        return [value or "" for other, value in self.attributes if other == name]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def add(self, name: str, value: object = None) -> None:
        """Append an attribute; without a value it is a property attribute."""
        self.attributes.append((name, None if value is None else str(value)))

    def remove(self, name: str) -> None:
        """Delete all attributes of that name."""
        self.attributes = [attribute for attribute in self.attributes if attribute[0] != name]

    @property
    def direction(self) -> str | None:
        """sendrecv, sendonly, recvonly or inactive; None when no attribute says so."""
        for name, _ in self.attributes:
            if name in DIRECTIONS:
                return name
        return None

    @direction.setter
    def direction(self, value: str) -> None:
        self.attributes = [attribute for attribute in self.attributes if attribute[0] not in DIRECTIONS]
        self.attributes.append((value, None))

    @property
    def fingerprint(self) -> tuple[str, str] | None:
        """a=fingerprint (RFC 8122): (hash name in lower case, colon-separated hex in upper case)."""
        value = self.get("fingerprint")
        if value is None:
            return None
        hash_name, _, print_ = value.strip().partition(" ")
        return hash_name.lower(), print_.strip().upper()

    @property
    def setup(self) -> str:
        """a=setup (RFC 4145): active, passive, actpass, holdconn, "" when absent."""
        return (self.get("setup") or "").strip().lower()

    @property
    def ice(self) -> tuple[str, str] | None:
        """(ufrag, password), None unless both are there."""
        ufrag, password = self.get("ice-ufrag"), self.get("ice-pwd")
        return None if ufrag is None or password is None else (ufrag, password)

    @property
    def text(self) -> str:
        """The attributes as lines."""
        return "".join(
            [f"a={name}\r\n" if value is None else f"a={name}:{value}\r\n" for name, value in self.attributes]
        )


class Media(Attributes):
    """One m= section. `port` 0 is a refused or disabled stream. `address` is its own c= address, "" when absent."""

    __slots__ = ("address", "bandwidths", "formats", "kind", "port", "port_count", "protocol", "title")

    def __init__(
        self, kind: str, port: int, protocol: str, formats: list[str] | None = None, *, address: str = ""
    ) -> None:
        super().__init__()
        self.kind = kind
        self.port = port
        self.port_count = 1
        self.protocol = protocol
        self.formats: list[str] = [] if formats is None else formats
        self.address = address
        self.title = ""
        self.bandwidths: list[tuple[str, int]] = []

    @property
    def payloads(self) -> list[int]:
        """The formats that are payload type numbers 0..127, in order of preference."""
        return [int(f) for f in self.formats if f.isascii() and f.isdigit() and len(f) <= 3 and int(f) < 128]

    @property
    def rtpmaps(self) -> dict[int, Rtpmap]:
        """Payload type to mapping, for every payload listed: a=rtpmap first, else the static table.

        Malformed rtpmaps are left out, as is a dynamic payload without one.
        """
        maps: dict[int, Rtpmap] = {}
        for value in self.get_all("rtpmap"):
            parsed = parse_rtpmap(value)
            if parsed is not None and parsed.payload not in maps:
                maps[parsed.payload] = parsed
        found: dict[int, Rtpmap] = {}
        for payload in self.payloads:
            known = maps.get(payload) or STATIC_PAYLOADS.get(payload)
            if known is not None:
                found[payload] = known
        return found

    @property
    def fmtps(self) -> dict[str, str]:
        """Format to the text of its a=fmtp."""
        found: dict[str, str] = {}
        for value in self.get_all("fmtp"):
            format_, _, parameters = value.strip().partition(" ")
            found.setdefault(format_, parameters.strip())
        return found

    @property
    def ptime(self) -> int | None:
        """a=ptime in milliseconds, None when absent or not a sensible number."""
        return parse_milliseconds(self.get("ptime"))

    @property
    def maxptime(self) -> int | None:
        """a=maxptime in milliseconds, None when absent or not a sensible number."""
        return parse_milliseconds(self.get("maxptime"))

    @property
    def rtcp(self) -> tuple[int, str] | None:
        """a=rtcp (RFC 3605): (port, address or ""), None when absent or malformed."""
        value = self.get("rtcp")
        if value is None:
            return None
        words = value.split()
        if not words or not words[0].isdigit() or len(words[0]) > 5 or int(words[0]) > 65535:
            return None
        return int(words[0]), words[3] if len(words) >= 4 else ""

    @property
    def mid(self) -> str:
        """a=mid (RFC 5888), "" when absent."""
        return (self.get("mid") or "").strip()

    @property
    def msid(self) -> tuple[str, str] | None:
        """a=msid (RFC 8830): (stream, track)."""
        value = self.get("msid")
        if value is None:
            return None
        stream, _, track = value.strip().partition(" ")
        return stream, track.strip()

    @property
    def crypto(self) -> list[Crypto]:
        """The a=crypto lines that parse, in order."""
        return [parsed for parsed in map(parse_crypto, self.get_all("crypto")) if parsed is not None]

    @property
    def candidates(self) -> list[Candidate]:
        """The a=candidate lines that parse, in order."""
        return [parsed for parsed in map(parse_candidate, self.get_all("candidate")) if parsed is not None]

    @property
    def t38(self) -> T38:
        """The T.38 parameters (T.38 annex D), defaults for those absent."""
        return T38.of({name.lower(): value for name, value in self.attributes})

    @property
    def secure(self) -> bool:
        """Whether the profile is an SRTP one (RTP/SAVP, UDP/TLS/RTP/SAVPF...)."""
        return "SAVP" in self.protocol.upper()

    def add_format(self, rtpmap: Rtpmap, fmtp: str = "") -> None:
        """Append a payload type with its rtpmap and fmtp."""
        self.formats.append(str(rtpmap.payload))
        self.attributes += format_lines(rtpmap, fmtp)

    def __str__(self) -> str:
        count = f"/{self.port_count}" if self.port_count > 1 else ""
        title = f"i={self.title}\r\n" if self.title else ""
        return (
            f"m={self.kind} {self.port}{count} {self.protocol} {' '.join(self.formats)}\r\n{title}"
            f"{connection_line(self.address)}{bandwidth_lines(self.bandwidths)}{self.text}"
        )

    def __repr__(self) -> str:
        return f"<Media {self.kind} {self.port} {self.protocol} {' '.join(self.formats)}>"


def format_lines(rtpmap: Rtpmap, fmtp: str = "") -> tuple[Attribute, ...]:
    """A format's rtpmap and, unless empty, fmtp."""
    mapped = ("rtpmap", str(rtpmap))
    return (mapped, ("fmtp", f"{rtpmap.payload} {fmtp}")) if fmtp else (mapped,)


class Origin(NamedTuple):
    """o=: user name, session id, version, address."""

    username: str
    id: int
    version: int
    address: str

    def __str__(self) -> str:
        return f"{self.username} {self.id} {self.version} IN {address_type(self.address)} {self.address}"


class Session(Attributes):
    """A whole description. `address` is the session-level c= address, "" when absent."""

    __slots__ = ("_content", "address", "bandwidths", "media", "name", "origin", "timing")

    def __init__(self, origin: Origin, name: str = "-", address: str = "") -> None:
        super().__init__()
        self.origin = origin
        self.name = name
        self.address = address
        self.timing = "0 0"
        self.bandwidths: list[tuple[str, int]] = []
        self.media: list[Media] = []
        self._content: str | None = None

    def address_of(self, media: Media) -> str:
        """Where a stream's media goes: its own c= address, else the session's; "" when neither is given."""
        return media.address or self.address

    def direction_of(self, media: Media) -> str:
        """The stream's direction: its own, else the session's, else sendrecv (RFC 3264 5.1)."""
        return media.direction or self.direction or "sendrecv"

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """a=group lines (RFC 5888): (semantics, mids)."""
        found = []
        for value in self.get_all("group"):
            words = value.split()
            if words:
                found.append((words[0], words[1:]))
        return found

    @property
    def bundles(self) -> list[list[str]]:
        """The mids of each BUNDLE group (RFC 9143)."""
        return [mids for semantics, mids in self.groups if semantics.upper() == "BUNDLE"]

    def fingerprint_of(self, media: Media) -> tuple[str, str] | None:
        """The stream's DTLS fingerprint: its own, else the session's."""
        return media.fingerprint or self.fingerprint

    def setup_of(self, media: Media) -> str:
        """The stream's a=setup, else the session's."""
        return media.setup or self.setup

    def ice_of(self, media: Media) -> tuple[str, str] | None:
        """The stream's ICE credentials, else the session's."""
        return media.ice or self.ice

    @property
    def content(self) -> str:
        """Everything but version and origin: a description whose content is another has a new origin (RFC 3264 8).
        Kept once made: nothing but the origin is changed after it was asked for."""
        content = self._content
        if content is None:
            content = self._content = (
                f"s={self.name or '-'}\r\n{connection_line(self.address)}{bandwidth_lines(self.bandwidths)}"
                f"t={self.timing}\r\n{self.text}{''.join(map(str, self.media))}"
            )
        return content

    def __str__(self) -> str:
        return f"v=0\r\no={self.origin}\r\n{self.content}"

    def to_bytes(self) -> bytes:
        """The description as a message body."""
        return str(self).encode("utf-8", "surrogateescape")


def address_type(address: str) -> str:
    """IP4 or IP6."""
    return "IP6" if ":" in address else "IP4"


def connection_line(address: str) -> str:
    """c= with its line break, "" without an address."""
    return f"c=IN {address_type(address)} {address}\r\n" if address else ""


def bandwidth_lines(bandwidths: list[tuple[str, int]]) -> str:
    """The b= lines, each with its line break."""
    return "".join([f"b={name}:{value}\r\n" for name, value in bandwidths]) if bandwidths else ""


def parse_sdp(body: bytes | str) -> Session:
    """Read a session description; SIPError(488) with the reason in `detail` when it cannot be used."""
    text = body.decode("utf-8", "surrogateescape") if isinstance(body, bytes) else body
    lines = text.split("\r\n") if "\r" in text else text.split("\n")
    if len(lines) > MAX_LINES:
        raise _bad("too many lines")
    session: Session | None = None
    section: Session | Media | None = None
    version = False
    for line in lines:
        if "\n" in line or "\r" in line:
            line = line.strip("\r\n")
        if not line:
            continue
        if len(line) < 2 or line[1] != "=":
            raise _bad(f"malformed line {line[:40]!r}")
        kind, value = line[0], line[2:]
        if section is None:
            if kind == "v":
                if not value.startswith("0"):
                    raise _bad("version is not 0")
                version = True
            elif kind == "o":
                session = section = Session(_parse_origin(value), "")
            else:
                raise _bad(f"{kind}= before o=")
        elif kind == "a":
            name, colon, argument = value.partition(":")
            name = name.strip()
            if name:
                section.attributes.append((name, argument.strip() if colon else None))
        elif kind == "m":
            assert session is not None
            if len(session.media) >= MAX_MEDIA:
                raise _bad("too many media")
            section = _parse_media(value)
            session.media.append(section)
        elif kind == "c":
            section.address = section.address or _parse_connection(value)
        elif kind == "b":
            _parse_bandwidth(value, section)
        elif kind == "i" and isinstance(section, Media):
            section.title = value
        elif kind == "s" and isinstance(section, Session):
            section.name = value
        elif kind == "t" and isinstance(section, Session):
            section.timing = value.strip()
    if session is None or not version:
        raise _bad("no v= or o= line")
    for media in session.media:
        if media.port and not session.address_of(media):
            raise _bad("no connection address")
    return session


def _parse_origin(value: str) -> Origin:
    words = value.split()
    if len(words) != 6:
        raise _bad("malformed o= line")
    username, id_, version, _, _, address = words
    if not (id_.isascii() and id_.isdigit() and version.isascii() and version.isdigit()) or len(id_ + version) > 64:
        raise _bad("o= line without numbers")
    return Origin(username, int(id_), int(version), address)


def _parse_connection(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[0].upper() != "IN" or words[1].upper() not in ("IP4", "IP6"):
        raise _bad("malformed c= line")
    address = words[2].partition("/")[0]  # multicast TTL
    if not address:
        raise _bad("malformed c= line")
    return address


def _parse_media(value: str) -> Media:
    words = value.split()
    if len(words) < 3:
        raise _bad("malformed m= line")
    port_text, slash, count_text = words[1].partition("/")
    if not (port_text.isascii() and port_text.isdigit()) or len(port_text) > 5 or int(port_text) > 65535:
        raise _bad("malformed port")
    if len(words) == 3 and int(port_text):
        raise _bad("m= line without formats")
    media = Media(words[0], int(port_text), words[2], words[3:])
    if slash and count_text.isascii() and count_text.isdigit() and len(count_text) <= 5:
        media.port_count = int(count_text)
    return media


def _parse_bandwidth(value: str, section: Session | Media) -> None:
    name, _, number = value.partition(":")
    number = number.strip()
    if number.isascii() and number.isdigit() and len(number) <= 12:
        section.bandwidths.append((name.strip(), int(number)))
