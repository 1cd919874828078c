"""Formats as SDP carries them: encoding names, payload types, and the fmtp parameters that pass through a call.

A Codec is a format together with the parameters the two sides agreed on for it, written the way they are sent. They are
kept with the stream, so what one party said about its H.264 reaches the party it is connected to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from offhook.media.formats import Format, Kind, format_for_encoding, format_for_payload_type, format_named
from offhook.sip.sdp import Attribute, Media, format_lines
from offhook.sip.sdp_attributes import Rtpmap, parse_fmtp, parse_rtpmap

TELEPHONE_EVENT = 101
"""Our payload type for RFC 4733 events at 8000 Hz; other clock rates take the next free numbers."""

_UNSET = 0xFFFFFFFF


class Codec(NamedTuple):
    """A format and its fmtp parameters ("" for none)."""

    format: Format
    parameters: str = ""

    @property
    def name(self) -> str:
        """The format's name."""
        return self.format.name


class Offered(NamedTuple):
    """What the codec lines of one m= section say."""

    codecs: dict[Codec, int]
    """Codecs we know by payload type, in the order of the m= line, each format once."""
    events: dict[int, int]
    """Payload type of telephone-event by clock rate, in the order of the m= line."""
    comfort_noise: int | None


def encoding_of(wanted: Format, *, g726_non_standard: bool = False) -> str:
    """The encoding name of an rtpmap; ``g726_non_standard`` names G.726 as some devices expect it."""
    if g726_non_standard and wanted.name == "g726aal2":
        return "G726-32"
    return wanted.encoding


@lru_cache(maxsize=256)
def _format_of(encoding: str, clock: int, kind: str) -> Format | None:
    found = format_for_encoding(encoding, clock, kind)
    return found if found is not None and describable(found) else None


def describable(wanted: Format) -> bool:
    """Whether SDP can name the format; SILK never got an RTP payload specification."""
    return bool(wanted.encoding) and wanted.family != "silk"


def read_codecs(media: Media, *, g726_non_standard: bool = False) -> Offered:
    """Every codec, telephone-event and comfort noise of an m= section."""
    codecs: dict[Codec, int] = {}
    seen: set[Format] = set()
    events: dict[int, int] = {}
    comfort_noise = None
    rtpmaps: dict[int, Rtpmap] = {}
    fmtps: dict[str, str] = {}
    for name, value in media.attributes:
        if name == "rtpmap" and value:
            parsed = parse_rtpmap(value)
            if parsed is not None:
                rtpmaps.setdefault(parsed.payload, parsed)
        elif name == "fmtp" and value:
            payload_text, _, parameters = value.partition(" ")
            fmtps.setdefault(payload_text, parameters.strip())
    kind = media.kind
    for payload in media.payloads:
        mapping = rtpmaps.get(payload)
        if mapping is None:
            # The format table, not RFC 3551 alone, says what a static number is: G.721 as 2, L16 at 8 kHz as 10.
            if payload in (13, 19):
                comfort_noise = payload
            found = format_for_payload_type(payload)
        else:
            encoding = mapping.encoding.lower()
            if encoding == "telephone-event":
                events.setdefault(mapping.rate, payload)
                continue
            if encoding == "cn":
                comfort_noise = payload
                continue
            if g726_non_standard and encoding == "g726-32":
                found = format_named("g726aal2")
            else:
                found = _format_of(encoding, mapping.rate, kind)
        if found is None or found in seen or found.kind != kind:
            continue
        seen.add(found)
        codecs[Codec(found, joint_parameters(found, fmtps.get(str(payload), "")))] = payload
    return Offered(codecs, events, comfort_noise)


def add_codec(media: Media, codec: Codec, payload: int, *, g726_non_standard: bool = False) -> None:
    """Append a codec to an m= section of ours: format, rtpmap and fmtp."""
    media.formats.append(str(payload))
    media.attributes += _codec_lines(codec, payload, g726_non_standard)


@lru_cache(maxsize=256)
def _codec_lines(codec: Codec, payload: int, g726_non_standard: bool) -> tuple[Attribute, ...]:
    # The same few come with every call.
    wanted = codec.format
    encoding = encoding_of(wanted, g726_non_standard=g726_non_standard)
    channels = 2 if wanted.name == "opus" else 1  # RFC 7587 4.1: always two
    rtpmap = Rtpmap(payload, encoding, wanted.clock, channels)
    return format_lines(rtpmap, codec.parameters or default_parameters(wanted))


def add_events(media: Media, payload: int, rate: int) -> None:
    """Append telephone-event at a clock rate: DTMF and flash."""
    media.formats.append(str(payload))
    media.attributes += _event_lines(payload, rate)


@lru_cache(maxsize=256)
def _event_lines(payload: int, rate: int) -> tuple[Attribute, ...]:
    return format_lines(Rtpmap(payload, "telephone-event", rate), "0-16")


def add_comfort_noise(media: Media, payload: int) -> None:
    """Append comfort noise (RFC 3389)."""
    media.add_format(Rtpmap(payload, "CN", 8000), "")


class PayloadTypes:
    """Which number stands for what in one stream of ours. A number once given keeps its meaning (RFC 3264 8.3.2)."""

    __slots__ = ("_events", "_formats", "_used")

    def __init__(self) -> None:
        self._formats: dict[Format, int] = {}
        self._events: dict[int, int] = {}
        self._used: set[int] = set()

    def learn(self, codecs: Iterable[tuple[Format, int]], events: dict[int, int]) -> None:
        """Take over the peer's numbers, as RFC 3264 5.1 recommends."""
        for wanted, payload in codecs:
            self._formats[wanted] = payload
            self._used.add(payload)
        for rate, payload in events.items():
            self._events[rate] = payload
            self._used.add(payload)

    def of(self, wanted: Format) -> int:
        """The number of a format: the one in use, its usual one, or a free dynamic one."""
        payload = self._formats.get(wanted)
        if payload is None:
            usual = wanted.payload_type
            payload = usual if usual is not None and usual not in self._used else self._free(96)
            self._formats[wanted] = payload
            self._used.add(payload)
        return payload

    def of_events(self, rate: int) -> int:
        """The number of telephone-event at a clock rate."""
        payload = self._events.get(rate)
        if payload is None:
            self._events[rate] = payload = self._free(TELEPHONE_EVENT)
            self._used.add(payload)
        return payload

    @property
    def events(self) -> dict[int, int]:
        """Every telephone-event number by its clock rate."""
        return self._events

    def _free(self, start: int) -> int:
        for payload in chain(range(start, 128), range(96, start), range(35, 64)):
            if payload not in self._used:
                return payload
        raise ValueError("no payload type is left")


# ---- fmtp parameters ------------------------------------------------------------------------------------


def default_parameters(wanted: Format) -> str:
    """What is always said of a format."""
    return _ALWAYS.get(wanted.name, "")


_ALWAYS = {
    "g729": "annexb=no",  # we never generate nor understand annex B frames
    "siren7": "bitrate=32000",
    "siren14": "bitrate=48000",
    "ilbc": "mode=20",
}


def joint_parameters(wanted: Format, theirs: str) -> str:
    """What both sides agree on, given the peer's fmtp and that we ourselves accept anything."""
    join = _JOIN.get(wanted.name)
    return join(theirs) if join is not None and theirs else ""


def _ilbc(theirs: str) -> str:
    mode = parse_fmtp(theirs).get("mode", "30")
    return "mode=20" if mode == "20" else "mode=30"  # RFC 3952 5: 30 ms unless both want 20


def _opus(theirs: str) -> str:
    """RFC 7587 6.1. In-band FEC and stereo need both sides; we want neither, so they are not repeated."""
    given = parse_fmtp(theirs)
    words = []
    for name in ("maxplaybackrate", "sprop-maxcapturerate"):
        value = _number(given.get(name, ""))
        if value is not None and value != 48000:
            words.append(f"{name}={min(value, 48000)}")
    bitrate = _number(given.get("maxaveragebitrate", ""))
    if bitrate:
        words.append(f"maxaveragebitrate={bitrate}")
    words += [f"{name}=1" for name in ("sprop-stereo", "cbr", "usedtx") if given.get(name) == "1"]
    return ";".join(words)


_H264_NUMBERS = (
    "max-mbps", "max-fs", "max-cpb", "max-dpb", "max-br", "max-smbps", "max-fps", "sprop-interleaving-depth",
    "sprop-deint-buf-req", "deint-buf-cap", "sprop-init-buf-time", "sprop-max-don-diff", "max-rcmd-nalu-size",
)  # fmt: skip
_H264_FLAGS = ("redundant-pic-cap", "parameter-add", "packetization-mode", "level-asymmetry-allowed")


def _h264(theirs: str) -> str:
    """RFC 6184 8.1, in the order in which they are sent on."""
    given = parse_fmtp(theirs)
    words = [f"{name}={value}" for name in _H264_NUMBERS if (value := _number(given.get(name, "")))]
    words += [f"{name}={value}" for name in _H264_FLAGS if (value := _number(given.get(name, ""))) is not None]
    try:
        level = int(given.get("profile-level-id", ""), 16) & 0xFFFFFF
    except ValueError:
        level = 0
    if level & 0xFF0000 and level & 0xFF:
        words.append(f"profile-level-id={level:06X}")
    sets = given.get("sprop-parameter-sets", "")
    if "," in sets:
        words.append(f"sprop-parameter-sets={sets}")
    return ";".join(words)


_H263_SIZES = ("CIF16", "CIF4", "VGA", "CIF", "QCIF", "SQCIF")


def _h263(theirs: str) -> str:
    """RFC 4629 8.1, in the order in which they are sent on; a bare picture size means an interval of 1."""
    given = {name.upper(): value for name, value in parse_fmtp(theirs).items()}
    words = []
    if given.get("CPCF", "").count(",") == 7:
        words.append(f"CPCF={given['CPCF']}")
    for name in _H263_SIZES:
        if name in given and (value := _number(given[name] or "1")):
            words.append(f"{name}={value}")
    if given.get("CUSTOM", "").count(",") == 2:
        words.append(f"CUSTOM={given['CUSTOM']}")
    words += [f"{name}={value}" for name in "FIJTKN" if (value := _number(given.get(name, "")))]
    words += [f"{name}={given[name]}" for name in ("P", "PAR", "BPP") if given.get(name)]
    if value := _number(given.get("HRD", "")):
        words.append(f"HRD={value}")
    if given.get("MAXBR"):
        words.append(f"MaxBR={given['MAXBR']}")
    return ";".join(words)


def _vp8(theirs: str) -> str:
    given = parse_fmtp(theirs)
    return ";".join(f"{name}={value}" for name in ("max-fr", "max-fs") if (value := _number(given.get(name, ""))))


def _as_given(theirs: str) -> str:
    return theirs


_JOIN: dict[str, Callable[[str], str]] = {
    "ilbc": _ilbc,
    "opus": _opus,
    "h264": _h264,
    "h265": _as_given,
    "h263": _h263,
    "h263p": _h263,
    "mpeg4": _as_given,
    "vp8": _vp8,
    "vp9": _as_given,
}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < _UNSET else None


def codecs_of(formats: Iterable[Format], kind: Kind | str) -> tuple[Codec, ...]:
    """Formats of one kind without parameters."""
    return tuple(Codec(each) for each in formats if each.kind == kind)
