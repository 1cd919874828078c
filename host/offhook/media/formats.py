"""Media formats: one table of every codec, under the names configuration files use.

The table says how a format is called (in files, in SDP), how it is clocked and packed, and what a
sound file of it is named. ``parse_allow`` reads ``allow``/``disallow`` lists into an ordered
:class:`Formats`. What the engine can decode is a property of the build, asked of the engine once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a stream carries; the words are SDP's media types."""

    AUDIO = "audio"
    VIDEO = "video"
    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One codec. Two formats are the same when they are the same object; look them up with :func:`format_named`.

    ``rate`` is the audio's sample rate in Hz (0 for other kinds), ``clock`` that of RTP timestamps
    (they differ for G.722, RFC 3551 4.5.2). ``payload_type`` is the number used unless an offer says
    otherwise; below 96 it is RFC 3551's. ``frame_bytes`` in ``frame_ms`` is the smallest unit of a
    constant-rate codec, 0 when frames vary. ``quality`` orders formats when a translation path is
    chosen; ``family`` is the codec's name as ``core show codecs`` lists it.
    """

    name: str
    kind: Kind
    description: str
    family: str
    number: int
    rate: int
    clock: int
    payload_type: int | None
    encoding: str
    default_ptime: int
    min_ptime: int
    max_ptime: int
    frame_bytes: int
    frame_ms: int
    quality: int
    extensions: tuple[str, ...] = ()
    fmtp: str = ""

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Format {self.name}>"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (format_named, (self.name,))

    @property
    def bits_per_second(self) -> int:
        """Payload rate of a constant-rate codec; 0 when it varies."""
        return self.frame_bytes * 8000 // self.frame_ms if self.frame_bytes else 0

    @property
    def is_linear(self) -> bool:
        """16 bit signed linear at any rate."""
        return self.name.startswith("slin")


def _audio(
    name: str,
    description: str,
    rate: int,
    payload_type: int | None,
    encoding: str,
    ptimes: tuple[int, int, int],
    frame: tuple[int, int],
    quality: int,
    extensions: str = "",
    *,
    family: str = "",
    clock: int = 0,
    fmtp: str = "",
) -> tuple[str, Kind, str, str, int, int, int | None, str, tuple[int, int, int], tuple[int, int], int, str, str]:
    return (
        name,
        Kind.AUDIO,
        description,
        family or name,
        rate,
        clock or rate,
        payload_type,
        encoding,
        ptimes,
        frame,
        quality,
        extensions,
        fmtp,
    )


def _other(
    name: str, kind: Kind, description: str, clock: int, payload_type: int | None, encoding: str, extensions: str = ""
) -> tuple[str, Kind, str, str, int, int, int | None, str, tuple[int, int, int], tuple[int, int], int, str, str]:
    family = "red" if name == "red" else name
    return (name, kind, description, family, 0, clock, payload_type, encoding, (0, 0, 0), (0, 0), 0, extensions, "")


# name, description, rate, payload type, SDP name, ptimes (default, least, most), frame (bytes, ms), quality, extensions
_LINEAR = (20, 10, 60)
_G711 = (20, 10, 140)
_LONG = (20, 10, 300)
_ROWS = (
    _audio("codec2", "Codec 2", 8000, None, "CODEC2", (20, 20, 300), (6, 20), 0, "codec2"),
    _audio("g723", "G.723.1", 8000, 4, "G723", (30, 30, 300), (24, 30), 20, "g723|g723sf", fmtp="annexa=no"),
    _audio("ulaw", "G.711 u-law", 8000, 0, "PCMU", _G711, (80, 10), 100, "pcm|ulaw|ul|mu|ulw"),
    _audio("alaw", "G.711 A-law", 8000, 8, "PCMA", _G711, (80, 10), 100, "alaw|al|alw"),
    _audio("gsm", "GSM", 8000, 3, "GSM", (20, 20, 300), (33, 20), 40, "gsm"),
    _audio("g726", "G.726 RFC3551", 8000, 111, "G726-32", _LONG, (40, 10), 85, "g726-32"),
    _audio("g726aal2", "G.726 AAL2", 8000, 112, "AAL2-G726-32", _LONG, (40, 10), 85),
    _audio("adpcm", "Dialogic ADPCM", 8000, 5, "DVI4", _LONG, (40, 10), 80, "vox"),
    _audio("slin", "16 bit Signed Linear PCM", 8000, 11, "L16", _LINEAR, (160, 10), 115, "sln|slin|raw"),
    *(
        _audio(
            f"slin{short}",
            f"16 bit Signed Linear PCM ({short}kHz)",
            rate,
            payload_type,
            "L16",
            _LINEAR,
            (rate // 50, 10),
            quality,
            f"sln{short}",
            family="slin",
        )
        for short, rate, payload_type, quality in (
            (12, 12000, 122, 116),
            (16, 16000, 118, 117),
            (24, 24000, 123, 118),
            (32, 32000, 124, 119),
            (44, 44100, 125, 120),
            (48, 48000, 126, 121),
            (96, 96000, 127, 122),
            (192, 192000, 96, 123),
        )
    ),
    _audio("lpc10", "LPC10", 8000, 7, "LPC", (20, 20, 20), (7, 20), 8),
    _audio("g729", "G.729A", 8000, 18, "G729", (20, 10, 220), (10, 10), 45, "g729", fmtp="annexb=no"),
    _audio("speex", "SpeeX", 8000, 110, "speex", (20, 10, 60), (0, 20), 40, "spx"),
    _audio("speex16", "SpeeX 16khz", 16000, 117, "speex", (20, 10, 60), (0, 20), 40, "spx16", family="speex"),
    _audio("speex32", "SpeeX 32khz", 32000, 119, "speex", (20, 10, 60), (0, 20), 40, "spx32", family="speex"),
    _audio("ilbc", "iLBC", 8000, 97, "iLBC", (30, 20, 300), (50, 30), 35, "ilbc", fmtp="mode=30"),
    _audio("g722", "G722", 16000, 9, "G722", _G711, (80, 10), 110, "g722", clock=8000),
    _audio("siren7", "ITU G.722.1", 16000, 102, "G7221", (20, 20, 80), (80, 20), 85, "siren7", fmtp="bitrate=32000"),
    _audio(
        "siren14",
        "ITU G.722.1 Annex C",
        32000,
        115,
        "G7221",
        (20, 20, 80),
        (120, 20),
        90,
        "siren14",
        fmtp="bitrate=48000",
    ),
    _audio("g719", "ITU G.719", 48000, 116, "G719", (20, 20, 80), (160, 20), 95, "g719", fmtp="bitrate=64000"),
    _audio("opus", "Opus Codec", 48000, 107, "opus", (20, 20, 60), (0, 20), 75, "opus"),
    _other("jpeg", Kind.IMAGE, "JPEG image", 90000, 26, "JPEG", "jpg|jpeg"),
    _other("png", Kind.IMAGE, "PNG Image", 90000, None, "PNG", "png"),
    _other("h261", Kind.VIDEO, "H.261 video", 90000, 31, "H261"),
    _other("h263", Kind.VIDEO, "H.263 video", 90000, 34, "H263", "h263"),
    _other("h263p", Kind.VIDEO, "H.263+ video", 90000, 103, "h263-1998"),
    _other("h264", Kind.VIDEO, "H.264 video", 90000, 99, "H264", "h264"),
    _other("h265", Kind.VIDEO, "H.265 video", 90000, 109, "H265"),
    _other("mpeg4", Kind.VIDEO, "MPEG4 video", 90000, 104, "MP4V-ES"),
    _other("vp8", Kind.VIDEO, "VP8 video", 90000, 100, "VP8"),
    _other("vp9", Kind.VIDEO, "VP9 video", 90000, 108, "VP9"),
    _other("red", Kind.TEXT, "T.140 Realtime Text with redundancy", 1000, 105, "RED"),
    _other("t140", Kind.TEXT, "Passthrough T.140 Realtime Text", 1000, 106, "T140"),
    _other("t38", Kind.IMAGE, "T.38 UDPTL Fax", 8000, None, "t38"),
    _audio("none", "<Null> codec", 8000, None, "", _G711, (0, 10), 0),
    *(
        _audio(
            f"silk{rate // 1000}",
            f"SILK Codec ({rate // 1000} KHz)",
            rate,
            None,
            "SILK",
            (20, 20, 100),
            (0, 20),
            0,
            family="silk",
        )
        for rate in (8000, 12000, 16000, 24000)
    ),
)

_ALIASES = {
    "g726rfc3551": "g726",
    "g729a": "g729",
    "slin8": "slin",
    "t140red": "red",
    "speex8": "speex",
    "mp4": "mpeg4",
}


def _build() -> dict[str, Format]:
    table = {}
    for number, row in enumerate(_ROWS, 1):
        name, kind, description, family, rate, clock, pt, encoding, ptimes, frame, quality, extensions, fmtp = row
        table[name] = Format(
            name=name,
            kind=kind,
            description=description,
            family=family,
            number=number,
            rate=rate,
            clock=clock,
            payload_type=pt,
            encoding=encoding,
            default_ptime=ptimes[0],
            min_ptime=ptimes[1],
            max_ptime=ptimes[2],
            frame_bytes=frame[0],
            frame_ms=frame[1],
            quality=quality,
            extensions=tuple(extensions.split("|")) if extensions else (),
            fmtp=fmtp,
        )
    return table


FORMATS: dict[str, Format] = _build()
"""Every format by its name, in the order ``core show codecs`` counts them."""


def format_named(name: str) -> Format:
    """The format of that name (any case, aliases known); KeyError naming it when there is none."""
    key = name.strip().lower()
    found = FORMATS.get(_ALIASES.get(key, key))
    if found is None:
        raise KeyError(f'no format is called "{name}"')
    return found


def format_for_encoding(encoding: str, clock: int, kind: Kind | str = Kind.AUDIO) -> Format | None:
    """The format an SDP ``rtpmap`` names (RFC 4566 6: encoding names compare without case); None when unknown."""
    wanted = encoding.lower()
    wanted = {"g729a": "g729", "g.729": "g729", "l16-256": "l16", "h263-2000": "h263-1998"}.get(wanted, wanted)
    for found in FORMATS.values():
        if found.kind == kind and found.encoding.lower() == wanted and found.clock == clock:
            return found
    if wanted == "g722" and clock == 16000:  # a common mistake of peers; RFC 3551 4.5.2 says 8000
        return FORMATS["g722"]
    return None


_STATIC = {
    0: "ulaw", 2: "g726", 3: "gsm", 4: "g723", 5: "adpcm", 6: "adpcm", 7: "lpc10", 8: "alaw", 9: "g722", 10: "slin",
    11: "slin", 16: "adpcm", 17: "adpcm", 18: "g729", 26: "jpeg", 31: "h261", 34: "h263",
}  # fmt: skip


def format_for_payload_type(payload_type: int) -> Format | None:
    """The format of a static payload type (RFC 3551 6), for SDP without an ``rtpmap``; None when it is dynamic."""
    name = _STATIC.get(payload_type)
    return FORMATS[name] if name else None


@dataclass(frozen=True, slots=True)
class Choice:
    """A format in a list of preference, with the packet time asked for it (0: the format's default)."""

    format: Format
    ptime: int = 0


class Formats:
    """An ordered, duplicate-free list of formats: what an endpoint allows, what a channel may carry.

    Immutable. Prints as ``(ulaw|alaw)``, and as ``(nothing)`` when empty.
    """

    __slots__ = ("_choices",)

    def __init__(self, formats: Iterable[Format | Choice | str] = ()) -> None:
        choices: dict[Format, Choice] = {}
        for item in formats:
            choice = _choice(item)
            choices.setdefault(choice.format, choice)
        self._choices = choices

    def __iter__(self) -> Iterator[Format]:
        return iter(self._choices)

    def __len__(self) -> int:
        return len(self._choices)

    def __contains__(self, item: object) -> bool:
        return item in self._choices

    def __getitem__(self, index: int) -> Format:
        return list(self._choices)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formats) and list(self._choices.values()) == list(other._choices.values())

    def __hash__(self) -> int:
        return hash(tuple(self._choices.values()))

    def __str__(self) -> str:
        return f"({'|'.join(each.name for each in self._choices) or 'nothing'})"

    def __repr__(self) -> str:
        return f"Formats{self}"

    def ptime(self, wanted: Format) -> int:
        """Packet time in ms for a format of the list: what configuration set, else the format's own."""
        choice = self._choices.get(wanted)
        return (choice.ptime if choice else 0) or wanted.default_ptime

    def of(self, kind: Kind | str) -> Formats:
        """Those of one kind."""
        return Formats(choice for choice in self._choices.values() if choice.format.kind == kind)

    def joint(self, other: Iterable[Format]) -> Formats:
        """Those that ``other`` has too, in this list's order."""
        wanted = set(other)
        return Formats(choice for choice in self._choices.values() if choice.format in wanted)

    def plus(self, more: Iterable[Format | Choice | str]) -> Formats:
        """This list, then what ``more`` adds."""
        return Formats([*self._choices.values(), *more])

    def minus(self, less: Iterable[Format]) -> Formats:
        """This list without those."""
        gone = set(less)
        return Formats(choice for choice in self._choices.values() if choice.format not in gone)

    def first(self, kind: Kind | str = Kind.AUDIO) -> Format | None:
        """The most preferred of a kind."""
        return next((each for each in self._choices if each.kind == kind), None)

    @property
    def names(self) -> str:
        """Comma-separated names, as written in a configuration file."""
        return ",".join(each.name for each in self._choices)


def _choice(item: Format | Choice | str) -> Choice:
    if isinstance(item, Choice):
        return item
    return Choice(item if isinstance(item, Format) else format_named(item))


ALL = Formats(each for each in FORMATS.values() if each.name not in ("none", "t38"))
"""What "all" stands for."""


def parse_allow(text: str, start: Formats | None = None, *, allow: bool = True) -> Formats:
    """Apply an ``allow`` (or ``disallow``) value to a list of formats and return the new list.

    Items are separated by commas (or ``|``): ``all``, a name, a name with a packet time (``ulaw:30``), or either
    with ``!`` which takes away. ``parse_allow("!all,ulaw,alaw")`` is ``(ulaw|alaw)``.

    Raises ValueError naming the items that are no formats, after applying the others: ``error.args[1]`` is
    the list made of the rest, for callers that warn and go on as is usual for configuration files.
    """
    formats = start if start is not None else Formats()
    unknown: list[str] = []
    for item in text.replace("|", ",").replace("&", ",").split(","):
        word = item.strip()
        adds = allow
        if word.startswith("!"):
            adds, word = not allow, word[1:].strip()
        if not word:
            continue
        name, _, ptime = word.partition(":")
        if name.lower() == "all":
            formats = formats.plus(ALL) if adds else Formats()
            continue
        # "speex" and "silk" without a rate mean the whole family
        members = [each for each in FORMATS.values() if each.family == name.lower() == "silk"]
        try:
            members = members or [format_named(name)]
        except KeyError:
            unknown.append(name)
            continue
        if not adds:
            formats = formats.minus(members)
            continue
        for member in members:
            choice = Choice(member, _packet_time(member, ptime))
            formats = formats.minus([member]).plus([choice]) if ptime and member in formats else formats.plus([choice])
    if unknown:
        raise ValueError(f"no such format: {', '.join(unknown)}", formats)
    return formats


def _packet_time(wanted: Format, text: str) -> int:
    """A packet time as written, brought into the format's range and to whole frames; 0 when none is written."""
    if not text.strip().isdigit():
        return 0
    step = wanted.frame_ms or 10
    limit = wanted.max_ptime or 300
    return max(wanted.min_ptime, min(int(text), limit)) // step * step


def format_for_extension(extension: str) -> Format | None:
    """The format of the audio in a sound file with that extension (without its dot); None when unknown.

    Containers count too: ``wav`` holds slin, ``wav16`` slin16, ``WAV`` and ``wav49`` gsm, ``au`` ulaw.
    """
    return _BY_EXTENSION.get(extension)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of sound file: what audio is in it, its name, and the endings of file names."""

    format: str
    name: str
    extensions: tuple[str, ...]


FILE_FORMATS = tuple(
    FileFormat(format, name, tuple(extensions.split("|")))
    for format, name, extensions in (
        ("ulaw", "pcm", "pcm|ulaw|ul|mu|ulw"),
        ("alaw", "alaw", "alaw|al|alw"),
        ("ulaw", "au", "au"),
        ("g722", "g722", "g722"),
        ("gsm", "gsm", "gsm"),
        ("gsm", "wav49", "WAV|wav49"),
        ("slin", "wav", "wav"),
        ("slin16", "wav16", "wav16"),
        ("slin", "sln", "sln|slin|raw"),
        *((f"slin{rate}", f"sln{rate}", f"sln{rate}") for rate in ("12", "16", "24", "32", "44", "48", "96", "192")),
        ("g726", "g726-40", "g726-40"),
        ("g726", "g726-32", "g726-32"),
        ("g726", "g726-24", "g726-24"),
        ("g726", "g726-16", "g726-16"),
        ("adpcm", "vox", "vox"),
        ("g723", "g723sf", "g723|g723sf"),
        ("g729", "g729", "g729"),
        ("ilbc", "iLBC", "ilbc"),
        ("siren7", "siren7", "siren7"),
        ("siren14", "siren14", "siren14"),
        ("g719", "g719", "g719"),
        ("codec2", "codec2", "codec2"),
        ("opus", "ogg_opus", "opus"),
        ("opus", "ogg", "ogg"),
        ("speex", "ogg_speex", "spx"),
        ("speex16", "ogg_speex16", "spx16"),
        ("speex32", "ogg_speex32", "spx32"),
    )
)
"""Every kind of sound file that can be played (an .ogg holds Opus or Speex)."""

_BY_EXTENSION: dict[str, Format] = {extension: each for each in FORMATS.values() for extension in each.extensions}
_BY_EXTENSION.update({
    "wav": FORMATS["slin"], "wav16": FORMATS["slin16"], "WAV": FORMATS["gsm"], "wav49": FORMATS["gsm"],
    "au": FORMATS["ulaw"], "g726-16": FORMATS["g726"], "g726-24": FORMATS["g726"], "g726-40": FORMATS["g726"],
    "ogg": FORMATS["opus"],
})  # fmt: skip
