"""Reading /etc/dahdi/system.conf: spans, channels, tone zones, echo cancellers (as dahdi_cfg does).

The channels of a line with ``clear``, ``rawhdlc``, ``fcshdlc`` or ``nethdlc`` are one bundle: the lowest is its master,
through which the data of all go. Those of ``bchan`` and ``dchan`` are each for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from kernel_shims.line import SIGNALLINGS, LineError

WORDS = {
    "fxsls": "fxs_ls",
    "fxsgs": "fxs_gs",
    "fxsks": "fxs_ks",
    "fxols": "fxo_ls",
    "fxogs": "fxo_gs",
    "fxoks": "fxo_ks",
    "e&m": "em",
    "em": "em",
    "e&me1": "em_e1",
    "bchan": "clear",
    "indclear": "clear",
    "clear": "clear",
    "dchan": "hdlcfcs",
    "fcshdlc": "hdlcfcs",
    "hardhdlc": "hardhdlc",
    "rawhdlc": "hdlcraw",
    "nethdlc": "hdlcnet",
    "mtp2": "mtp2",
    "cas": "cas",
    "user": "cas",
    "dacs": "dacs",
    "dacsrbs": "dacs_rbs",
    "unused": "none",
}
"""The kernel's signalling (of kernel_shims.line.SIGNALLINGS; "none") by the word of the file."""
_ON_CLEAR = SIGNALLINGS["hdlcraw"] | SIGNALLINGS["hdlcfcs"] | SIGNALLINGS["hdlcnet"] | SIGNALLINGS["dacs"]
"""What the drivers' core adds to hardware that can carry plain octets."""
_BUNDLES = frozenset({"clear", "rawhdlc", "fcshdlc", "nethdlc"})
_BITS = frozenset({"cas", "user"})
_CONNECTIONS = frozenset({"dacs", "dacsrbs"})
_LAWS = ("mulaw", "alaw", "deflaw")
_OTHERS = ("span", "dynamic", "loadzone", "defaultzone", "echocanceller", "56k")
_RADIO = frozenset(
    {
        *("ctcss", "dcsrx", "rxdcs", "tx", "debouncetime", "bursttime", "exttone", "invertcor", "corthresh"),
        *("rxgain", "txgain", "deemp", "preemp", "channel", "channels"),
    }
)
_TONES = ("sf",)
_FRAMINGS = ("d4", "esf", "ccs", "cas")
_CODINGS = ("ami", "b8zs", "hdb3")
_SPAN_OPTIONS = ("crc4", "yellow", "nt", "te", "term")
_MOST_TIMING, _MOST_BUILD_OUT = 255, 7
MOST_CHANNELS = 1023


@dataclass(frozen=True, slots=True)
class Said:
    """A value and the line of the file that has it."""

    value: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class SpanLine:
    """``span=number,timing,lbo,framing,coding[,options]``."""

    number: int
    timing: int
    build_out: int
    framing: str
    coding: str
    options: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class DynamicLine:
    """``dynamic=driver,address,channels,timing``."""

    driver: str
    address: str
    channels: int
    timing: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """What a channel is to be."""

    word: str
    """As the file has it."""
    line: int = 0
    master: int = 0
    """The channel whose bundle it belongs to; 0: none but its own."""
    idle_bits: int = 0
    """ABCD of an idle CAS channel."""
    peer: int = 0
    """The channel that it is connected through to (dacs, dacsrbs)."""
    network: str = ""
    """The name of the network interface that its bundle is (nethdlc)."""

    @property
    def signalling(self) -> str:
        """The name of its signalling."""
        return WORDS[self.word]


@dataclass(slots=True)
class SystemConf:
    """What a system.conf says."""

    path: str = "system.conf"
    spans: list[SpanLine] = field(default_factory=list)
    dynamic: list[DynamicLine] = field(default_factory=list)
    channels: dict[int, ChannelLine] = field(default_factory=dict)
    laws: dict[int, str] = field(default_factory=dict)
    """"mulaw", "alaw" or, for that of its span, "deflaw"."""
    cancellers: dict[int, Said] = field(default_factory=dict)
    slow: dict[int, int] = field(default_factory=dict)
    """HDLC channels of 56 kbit/s, with the line that says so."""
    zones: list[Said] = field(default_factory=list)
    default_zone: Said | None = None
    notes: list[str] = field(default_factory=list)
    """What has no effect."""


def read_system_conf(path: Path) -> SystemConf:
    """Read a file. Raises LineError with file, line and remedy of everything that is wrong in it."""
    out = SystemConf(str(path))
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise LineError(f"{path}: {error.strerror}") from None
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition("#")[0].partition(";")[0].strip()
        if not bare:
            continue
        name, _, value = (part.strip() for part in bare.partition("="))
        try:
            if not name or not value:
                raise ValueError(f'"{bare}" is no name=value')
            _line(out, name.lower(), value, number)
        except ValueError as error:
            wrong.append(f"{path}:{number}: {error}")
    if wrong:
        raise LineError("\n".join(wrong))
    return out


def _line(out: SystemConf, name: str, value: str, line: int) -> None:
    if name in WORDS:
        _channels(out, name, value, line)
    elif name in _LAWS:
        for channel in channel_list(value):
            out.laws[channel] = name
    elif name in _RADIO:
        raise ValueError(f"{name} is for radio cards, which Offhook does not drive; take the line out")
    elif name in _TONES:
        raise ValueError(
            f"{name}: no driver that is left has single-frequency signalling, and dahdi_cfg no such word; take it out"
        )
    else:
        _other(out, name, value, line)


def _other(out: SystemConf, name: str, value: str, line: int) -> None:
    match name:
        case "span":
            out.spans.append(_span(value, line))
        case "dynamic":
            out.dynamic.append(_dynamic(value, line))
        case "loadzone":
            out.zones.append(Said(value, line))
        case "defaultzone":
            out.default_zone = Said(value, line)
        case "echocanceller":
            canceller, _, channels = value.partition(",")
            out.cancellers.update(dict.fromkeys(channel_list(channels), Said(canceller.strip(), line)))
        case "56k":
            out.slow.update(dict.fromkeys(channel_list(value), line))
        case _:
            known = ", ".join((*_OTHERS, *WORDS, *_LAWS))
            raise ValueError(f'unknown word "{name}"; there are {known}')


def _channels(out: SystemConf, word: str, value: str, line: int) -> None:
    listed, colon, behind = (part.strip() for part in value.partition(":"))
    channels = channel_list(listed)
    bits = abcd(behind) if word in _BITS else 0
    network = behind if word == "nethdlc" else ""
    peers = dict.fromkeys(channels, 0)
    if word in _CONNECTIONS:
        first = _peer(behind)
        peers = {channel: first + place for place, channel in enumerate(peers)}
    elif colon and word not in _BITS and word != "nethdlc":
        out.notes.append(f'{out.path}:{line}: ":{behind}" has no effect on {word}')
    _free(out, [*peers, *filter(None, peers.values())])
    master = min(peers)
    for channel, peer in peers.items():
        bundled = master if word in _BUNDLES and channel != master else 0
        out.channels[channel] = ChannelLine(word, line, bundled, bits, peer, "" if bundled else network)
        if peer:
            out.channels[peer] = ChannelLine(word, line, peer=channel)


def _free(out: SystemConf, channels: Iterable[int]) -> None:
    """Every channel is configured once. Raises ValueError."""
    seen: set[int] = set()
    for channel in channels:
        before = out.channels.get(channel)
        if before is not None:
            raise ValueError(f"channel {channel} is {before.word} already, by line {before.line}; take one of them out")
        if channel in seen:
            raise ValueError(f"channel {channel} would be connected to itself or twice")
        seen.add(channel)


def _span(value: str, line: int) -> SpanLine:
    parts = [part.strip().lower() for part in value.split(",")]
    if not 5 <= len(parts) <= 9 or not all(part.isdigit() for part in parts[:3]):
        raise ValueError(
            f'"{value}" is no span; write span=number,timing,lbo,framing,coding, as in 1,1,0,ccs,hdb3,crc4'
        )
    number, timing, build_out = map(int, parts[:3])
    if timing > _MOST_TIMING:
        raise ValueError(f"timing {timing} of span {number}: 0 for none, else its rank from 1 to {_MOST_TIMING}")
    if build_out > _MOST_BUILD_OUT:
        raise ValueError(f"line build-out {build_out} of span {number}: it is 0 to {_MOST_BUILD_OUT}, mostly 0")
    if parts[3] not in _FRAMINGS or parts[4] not in _CODINGS:
        raise ValueError(f"framing is one of {', '.join(_FRAMINGS)}, coding one of {', '.join(_CODINGS)}")
    if strange := [part for part in parts[5:] if part not in _SPAN_OPTIONS]:
        raise ValueError(f'"{strange[0]}" is no option of a span; there are {", ".join(_SPAN_OPTIONS)}')
    return SpanLine(number, timing, build_out, parts[3], parts[4], tuple(parts[5:]), line)


def _dynamic(value: str, line: int) -> DynamicLine:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) < 4 or not all(part.isdigit() for part in parts[-2:]) or not int(parts[-2]):
        raise ValueError(f'"{value}" is no dynamic span; write dynamic=driver,address,channels,timing')
    return DynamicLine(parts[0], ",".join(parts[1:-2]), int(parts[-2]), int(parts[-1]), line)


def channel_list(text: str) -> list[int]:
    """The channels of a list such as ``1-4,7``. Raises ValueError."""
    found: list[int] = []
    for part in text.rstrip(", ").split(","):
        low, dash, high = (word.strip() for word in part.partition("-"))
        if not low.isdigit() or (dash and not high.isdigit()):
            raise ValueError(f'"{part.strip()}" in "{text}" is no channel or range of channels')
        first, last = int(low), int(high or low)
        if not 1 <= first <= last <= MOST_CHANNELS:
            raise ValueError(f'"{part.strip()}" in "{text}" is out of range; channels are 1 to {MOST_CHANNELS}')
        found += range(first, last + 1)
    return found


def ranges(numbers: list[int]) -> str:
    """Sorted numbers as ``1-4,7``."""
    out: list[str] = []
    for number in numbers:
        last = out[-1].rpartition("-")[2] if out else ""
        if last and int(last) == number - 1:
            out[-1] = f"{out[-1].partition('-')[0]}-{number}"
        else:
            out.append(str(number))
    return ",".join(out)


def able(capabilities: int) -> str:
    """The words, one for each signalling, that a channel of these capabilities can be."""
    clear = SIGNALLINGS["clear"]
    bits = capabilities | (_ON_CLEAR if capabilities & clear else 0)
    first = {WORDS[word]: word for word in reversed(WORDS)}
    values = {word: SIGNALLINGS.get(name, 0) for word, name in WORDS.items() if first[name] == word}
    return ", ".join(word for word, value in values.items() if value and bits & value == value) or "nothing"


def _peer(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_CHANNELS:
        raise ValueError("the channel to connect to is missing; write it behind the channels, as in dacs=1-24:49")
    return int(text)


def abcd(text: str) -> int:
    """Signalling bits written as 1101. Raises ValueError."""
    bits = text.strip()
    if len(bits) != 4 or set(bits) - set("01"):
        raise ValueError(f'"{bits}" are no signalling bits; write four of 0 and 1, such as 1101')
    return int(bits, 2)
