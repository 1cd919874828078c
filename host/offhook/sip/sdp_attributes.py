"""Values of SDP attributes: rtpmap, fmtp, crypto, candidate, the T.38 set. malformed ones are None."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple


class Rtpmap(NamedTuple):
    """a=rtpmap: encoding name as written, clock rate in Hz, channels."""

    payload: int
    encoding: str
    rate: int
    channels: int = 1

    def __str__(self) -> str:
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.payload} {self.encoding}/{self.rate}{channels}"


# RFC 3551 6: payload types that need no rtpmap.
STATIC_PAYLOADS: dict[int, Rtpmap] = {
    payload: Rtpmap(payload, encoding, rate, channels)
    for payload, encoding, rate, channels in (
        (0, "PCMU", 8000, 1),
        (3, "GSM", 8000, 1),
        (4, "G723", 8000, 1),
        (5, "DVI4", 8000, 1),
        (6, "DVI4", 16000, 1),
        (7, "LPC", 8000, 1),
        (8, "PCMA", 8000, 1),
        (9, "G722", 8000, 1),
        (10, "L16", 44100, 2),
        (11, "L16", 44100, 1),
        (12, "QCELP", 8000, 1),
        (13, "CN", 8000, 1),
        (14, "MPA", 90000, 1),
        (15, "G728", 8000, 1),
        (16, "DVI4", 11025, 1),
        (17, "DVI4", 22050, 1),
        (18, "G729", 8000, 1),
        (25, "CelB", 90000, 1),
        (26, "JPEG", 90000, 1),
        (28, "nv", 90000, 1),
        (31, "H261", 90000, 1),
        (32, "MPV", 90000, 1),
        (33, "MP2T", 90000, 1),
        (34, "H263", 90000, 1),
    )
}


class Crypto(NamedTuple):
    """a=crypto (RFC 4568): tag, suite, key parameters (`inline:...`), session parameters."""

    tag: int
    suite: str
    key: str
    session: str = ""

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} {self.key}" + (f" {self.session}" if self.session else "")


class Candidate(NamedTuple):
    """a=candidate (RFC 8839 5.1); `related` is (address, port) or None."""

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: str
    related: tuple[str, int] | None = None

    def __str__(self) -> str:
        text = (
            f"{self.foundation} {self.component} {self.transport} {self.priority} {self.address} {self.port}"
            f" typ {self.type}"
        )
        return text if self.related is None else f"{text} raddr {self.related[0]} rport {self.related[1]}"


class T38(NamedTuple):
    """The parameters of an image/t38 stream (T.38 annex D.2.3). `error_correction` is "", "t38UDPFEC" or
    "t38UDPRedundancy"; `max_datagram` None when the peer did not say."""

    version: int = 0
    bit_rate: int = 14400
    fill_bit_removal: bool = False
    transcoding_mmr: bool = False
    transcoding_jbig: bool = False
    rate_management: str = "transferredTCF"
    max_buffer: int | None = None
    max_datagram: int | None = None
    error_correction: str = ""

    @classmethod
    def of(cls, attributes: Mapping[str, str | None]) -> T38:
        """Read them from attributes with names in lower case."""

        def number(name: str) -> int | None:
            text = (attributes.get(name) or "").strip()
            return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None

        def flag(name: str) -> bool:
            # T.38 (2007) makes these bare attributes; older peers write :0 and :1.
            return name in attributes and (attributes[name] or "1").strip() != "0"

        return cls(
            number("t38faxversion") or 0,
            number("t38maxbitrate") or 14400,
            flag("t38faxfillbitremoval"),
            flag("t38faxtranscodingmmr"),
            flag("t38faxtranscodingjbig"),
            (attributes.get("t38faxratemanagement") or "transferredTCF").strip(),
            number("t38faxmaxbuffer"),
            number("t38faxmaxdatagram"),
            (attributes.get("t38faxudpec") or "").strip(),
        )

    def attributes(self) -> list[tuple[str, str | None]]:
        """The attribute lines, in the order peers expect them."""
        lines: list[tuple[str, str | None]] = [
            ("T38FaxVersion", str(self.version)),
            ("T38MaxBitRate", str(self.bit_rate)),
        ]
        for name, set_ in (
            ("T38FaxFillBitRemoval", self.fill_bit_removal),
            ("T38FaxTranscodingMMR", self.transcoding_mmr),
            ("T38FaxTranscodingJBIG", self.transcoding_jbig),
        ):
            if set_:
                lines.append((name, None))
        lines.append(("T38FaxRateManagement", self.rate_management))
        if self.max_buffer is not None:
            lines.append(("T38FaxMaxBuffer", str(self.max_buffer)))
        if self.max_datagram is not None:
            lines.append(("T38FaxMaxDatagram", str(self.max_datagram)))
        if self.error_correction:
            lines.append(("T38FaxUdpEC", self.error_correction))
        return lines


def parse_milliseconds(value: str | None) -> int | None:
    """The whole milliseconds of a ptime ("20", "20.5"), None when absent, malformed or 0."""
    whole = (value or "").strip().partition(".")[0]
    if not (whole.isascii() and whole.isdigit()) or len(whole) > 5:
        return None
    return int(whole) or None


def parse_rtpmap(value: str) -> Rtpmap | None:
    """`96 opus/48000/2`; None when malformed."""
    return _cached_rtpmap(value) if len(value) < 64 else _parse_rtpmap(value)


def _parse_rtpmap(value: str) -> Rtpmap | None:
    payload, _, mapping = value.strip().partition(" ")
    encoding, _, rest = mapping.strip().partition("/")
    rate, slash, channels = rest.partition("/")
    if not (payload.isascii() and payload.isdigit() and len(payload) <= 3 and int(payload) < 128 and encoding):
        return None
    if not (rate.isascii() and rate.isdigit() and len(rate) <= 9):
        return None
    if slash and not (channels.isascii() and channels.isdigit() and len(channels) <= 3):
        return None
    return Rtpmap(int(payload), encoding, int(rate), int(channels) if slash else 1)


# The same few mappings come with every call.
_cached_rtpmap = lru_cache(256)(_parse_rtpmap)


def parse_fmtp(text: str) -> dict[str, str]:
    """`a=1; b=2;c` to a dict with names in lower case; a bare name maps to ""."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if name:
            found.setdefault(name, value.strip())
    return found


def parse_crypto(value: str) -> Crypto | None:
    """A crypto attribute's value; None when malformed."""
    words = value.split(None, 3)
    if len(words) < 3 or not (words[0].isascii() and words[0].isdigit()) or len(words[0]) > 9:
        return None
    return Crypto(int(words[0]), words[1].upper(), words[2], words[3] if len(words) > 3 else "")


def parse_candidate(value: str) -> Candidate | None:
    """A candidate attribute's value; None when malformed."""
    words = value.split()
    if len(words) < 8 or words[6].lower() != "typ":
        return None
    component, priority, port = words[1], words[3], words[5]
    for number in (component, priority, port):
        if not (number.isascii() and number.isdigit()) or len(number) > 10:
            return None
    if int(port) > 65535:
        return None
    related = None
    extra = dict(zip(words[8::2], words[9::2], strict=False))
    if "raddr" in extra and extra.get("rport", "").isdigit() and len(extra["rport"]) <= 5:
        related = (extra["raddr"], int(extra["rport"]))
    return Candidate(
        words[0], int(component), words[2].lower(), int(priority), words[4], int(port), words[7].lower(), related
    )
