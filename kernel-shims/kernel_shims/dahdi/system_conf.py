"""Reading /etc/dahdi/system.conf: spans, channels, tone zones, echo cancellers (as dahdi_cfg does)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kernel_shims.line import LineError

_SIGNALLING = {
    "fxsls": "fxs_ls",
    "fxsgs": "fxs_gs",
    "fxsks": "fxs_ks",
    "fxols": "fxo_ls",
    "fxogs": "fxo_gs",
    "fxoks": "fxo_ks",
    "e&m": "em",
    "e&me1": "em_e1",
    "em": "em",
    "clear": "clear",
    "bchan": "clear",
    "dchan": "hdlcfcs",
    "fcshdlc": "hdlcfcs",
    "hardhdlc": "hardhdlc",
    "mtp2": "mtp2",
    "unused": "none",
    "cas": "cas",
}
_NOT_THERE = ("dacs", "dacsrbs", "nethdlc", "rawhdlc", "slave", "sf", "ctcss", "dcsrx", "rxdcs", "txdcs", "user")
_FRAMINGS = ("d4", "esf", "ccs", "cas")
_CODINGS = ("ami", "b8zs", "hdb3")
_SPAN_OPTIONS = ("crc4", "yellow", "term", "nt", "te", "ni", "ntte")
MOST_CHANNELS = 1024


@dataclass(frozen=True, slots=True)
class SpanLine:
    """``span=number,timing,lbo,framing,coding[,options]``."""

    number: int
    timing: int
    build_out: int
    framing: str
    coding: str
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DynamicLine:
    """``dynamic=driver,address,channels,timing``."""

    driver: str
    address: str
    channels: int
    timing: int


@dataclass(slots=True)
class SystemConf:
    """What a system.conf says."""

    path: str = "system.conf"
    spans: list[SpanLine] = field(default_factory=list)
    dynamic: list[DynamicLine] = field(default_factory=list)
    signalling: dict[int, str] = field(default_factory=dict)
    """The name of its signalling (of kernel_shims.line.SIGNALLINGS; "none") by channel."""
    idle_bits: dict[int, int] = field(default_factory=dict)
    """ABCD of an idle CAS channel."""
    cancellers: dict[int, str] = field(default_factory=dict)
    alaw: set[int] = field(default_factory=set)
    mulaw: set[int] = field(default_factory=set)
    zones: list[str] = field(default_factory=list)
    default_zone: str = ""
    channel_zones: dict[int, str] = field(default_factory=dict)


def read_system_conf(path: Path) -> SystemConf:
    """Read a file. Raises LineError with file, line and remedy."""
    out = SystemConf(str(path))
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise LineError(f"{path}: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.partition("#")[0].partition(";")[0].strip()
        if not bare:
            continue
        name, equals, value = bare.partition("=")
        try:
            if not equals:
                raise ValueError(f'"{bare}" is no name=value')
            _line(out, name.strip().lower(), value.strip())
        except ValueError as error:
            raise LineError(f"{path}:{number}: {error}") from None
    return out


def _line(out: SystemConf, name: str, value: str) -> None:
    match name:
        case "span":
            out.spans.append(_span(value))
        case "dynamic":
            out.dynamic.append(_dynamic(value))
        case "loadzone":
            out.zones.append(value)
        case "defaultzone":
            out.default_zone = value
        case "tonezone":
            zone, _, channels = value.partition(",")
            out.channel_zones.update(dict.fromkeys(channel_list(channels), zone.strip()))
        case "echocanceller":
            canceller, _, channels = value.partition(",")
            out.cancellers.update(dict.fromkeys(channel_list(channels), canceller.strip()))
        case "alaw":
            out.alaw.update(channel_list(value))
        case "mulaw":
            out.mulaw.update(channel_list(value))
        case "deflaw":
            for channel in channel_list(value):
                out.alaw.discard(channel)
                out.mulaw.discard(channel)
        case "cas":
            channels, _, bits = value.partition(":")
            for channel in channel_list(channels):
                out.signalling[channel] = "cas"
                out.idle_bits[channel] = abcd(bits)
        case _ if name in _SIGNALLING:
            out.signalling.update(dict.fromkeys(channel_list(value), _SIGNALLING[name]))
        case _ if name in _NOT_THERE:
            raise ValueError(f"{name} is not there yet; let dahdi_cfg set up these channels")
        case _:
            known = ", ".join(["span", "dynamic", "loadzone", "defaultzone", "echocanceller", *_SIGNALLING])
            raise ValueError(f'unknown word "{name}"; there are {known}')


def _span(value: str) -> SpanLine:
    parts = [part.strip().lower() for part in value.split(",")]
    if len(parts) < 5 or not all(part.isdigit() for part in parts[:3]):
        raise ValueError(
            f'"{value}" is no span; write span=number,timing,lbo,framing,coding, as in 1,1,0,ccs,hdb3,crc4'
        )
    if parts[3] not in _FRAMINGS or parts[4] not in _CODINGS:
        raise ValueError(f"framing is one of {', '.join(_FRAMINGS)}, coding one of {', '.join(_CODINGS)}")
    if strange := [part for part in parts[5:] if part not in _SPAN_OPTIONS]:
        raise ValueError(f'"{strange[0]}" is no option of a span; there are {", ".join(_SPAN_OPTIONS)}')
    return SpanLine(int(parts[0]), int(parts[1]), int(parts[2]), parts[3], parts[4], frozenset(parts[5:]))


def _dynamic(value: str) -> DynamicLine:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) < 4 or not all(part.isdigit() for part in parts[-2:]):
        raise ValueError(f'"{value}" is no dynamic span; write dynamic=driver,address,channels,timing')
    return DynamicLine(parts[0], ",".join(parts[1:-2]), int(parts[-2]), int(parts[-1]))


def channel_list(text: str) -> list[int]:
    """The channels of a list such as ``1-4,7``. Raises ValueError."""
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
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


def abcd(text: str) -> int:
    """Signalling bits written as 1101. Raises ValueError."""
    bits = text.strip()
    if len(bits) != 4 or set(bits) - set("01"):
        raise ValueError(f'"{bits}" are no signalling bits; write four of 0 and 1, such as 1101')
    return int(bits, 2)
