"""Reading chan_dahdi.conf: lines of [channels] hold for the channels named below them; other sections for their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offhook.calls.party import parse_callerid
from offhook.config.model import ConfigError, Entry
from offhook.config.options import Option, Type
from offhook.drivers.dahdi.configuration import options_digital as options_digital
from offhook.drivers.dahdi.configuration.options import CHANNELS, TRUNKS, number_list
from offhook.drivers.dahdi.ss7.settings import OWN, LinksetsReading

if TYPE_CHECKING:
    from offhook.config.model import ConfigFile

PSEUDO = -2
"""Number of the channel "pseudo"."""
_LISTS = ("channel", "dahdichan")
_TIMERS = ("isup_timer.", "mtp3_timer.")
_BUFFERS = "has no effect: the engine keeps as much sound as the line's clock needs"
_LISTENS = "has no effect: what begins is heard at any level that can be told from silence"
_JITTER = "has no effect: lines have a clock of their own; what comes from the network is evened out where it comes in"
_JAPAN = "cidsignalling = v23_jp is how exchanges tell lines who calls; phones are sent V.23 between bursts of ringing"
_PARAMETERS = "echocancel: parameters are for cancellers of the kernel, and have no effect on the engine's"
_NO_REVERSAL = "cidsignalling = v23_jp: NTT's exchanges tell who calls after a reversal; write cidstart = polarity"
NO_EFFECT = {
    "adsi": "has no effect: telephones with ADSI are no longer made, so nothing is sent to their displays",
    "restrictcid": "has no effect, as in Asterisk; write hidecallerid = yes",
    "cc_callback_macro": "has no effect: there are no macros any more; write cc_callback_sub",
    **dict.fromkeys(("buffers", "faxbuffers", "jitterbuffers"), _BUFFERS),
    "ignore_failed_channels": "has no effect: what can be opened is used, what cannot is told in the log",
    "echotraining": "has no effect: the engine's canceller learns from what is said",
    **dict.fromkeys(("dtmfcidlevel", "mwilevel"), _LISTENS),
    **dict.fromkeys(
        ("jbenable", "jbimpl", "jblog", "jbmaxsize", "jbresyncthreshold", "jbtargetextra", "jbforce", "jbsyncvideo"),
        _JITTER,
    ),
}
"""What is read and checked and does nothing, and why."""


@dataclass(slots=True)
class ChannelSettings:
    """What the file says of one channel: typed values by option name."""

    number: int
    values: dict[str, Any]
    file: str = ""
    line: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(slots=True)
class Reading:
    """What a file says: settings by channel, trunk groups, and complaints."""

    channels: dict[int, ChannelSettings] = field(default_factory=dict)
    trunk_groups: list[str] = field(default_factory=list)
    span_maps: list[str] = field(default_factory=list)
    cadences: list[tuple[int, ...]] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)
    general: dict[str, Any] = field(default_factory=dict)
    """Values at the end of [channels]: those that are one for all."""
    ss7: LinksetsReading = field(default_factory=lambda: LinksetsReading(CHANNELS.defaults()))


def read(file: ConfigFile) -> Reading:
    """Read the whole file."""
    out = Reading()
    trunks = TRUNKS.apply(file.get("trunkgroups"), out.errors)
    out.trunk_groups, out.span_maps = trunks["trunkgroup"], trunks["spanmap"]
    values = CHANNELS.defaults()
    section = file.get("channels")
    if section is not None:
        values = _run(section, values, out)
    out.general = values
    for other in file:
        name = other.name.lower()
        if name in ("channels", "trunkgroups", "general"):
            continue
        entries = list(other)
        if any(entry.name.lower() == "dahdichan" for entry in entries):
            _run(entries, _copy(values), out)
    return out


def _copy(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in values.items()}


def _run(entries: Iterable[Entry], values: dict[str, Any], out: Reading) -> dict[str, Any]:
    """Apply lines one by one: a list of channels takes the values so far, with dahdichan those at the end."""
    last: list[Entry] = []
    for entry in entries:
        option = CHANNELS.find(entry.name)
        if option is None or option.name not in _LISTS:
            values = _apply(entry, values, out)
        elif option.name == "dahdichan":
            last.append(entry)
        else:
            _assign(entry, values, out)
    for entry in last:
        _assign(entry, values, out)
    return values


def _apply(entry: Entry, values: dict[str, Any], out: Reading) -> dict[str, Any]:
    if entry.name.lower().startswith(_TIMERS):
        out.ss7.timer(entry, values, out.errors)
        return values
    option = CHANNELS.find(entry.name)
    if option is not None and option.name in NO_EFFECT and _differs(option, entry):
        out.errors.append(ConfigError(entry.file, entry.line, f"{option.name} {NO_EFFECT[option.name]}"))
    if option is not None and option.name == "sigchan":
        for channel in CHANNELS.apply([entry], out.errors)["sigchan"]:
            out.ss7.link(entry, channel, values, out.errors)
        return values
    if option is not None and option.many:
        return _add(CHANNELS, option.name, entry, values, out)
    values = CHANNELS.apply([entry], out.errors, values)
    if option is not None and option.name == "echocancel" and "," in entry.value:
        out.errors.append(ConfigError(entry.file, entry.line, _PARAMETERS))
    if option is not None and option.name == "callerid":
        values["fullname"], values["cid_number"] = _caller_id(values["callerid"])
    if option is not None and option.name in OWN:
        out.ss7.option(option.name, values)
    return values


def _differs(option: Option, entry: Entry) -> bool:
    """Whether a line asks for anything but what is so anyway."""
    try:
        return bool(option.kind.parse(entry.value) != option.default)
    except ValueError:
        return False  # said when it is read


def _caller_id(text: str) -> tuple[str, str]:
    return ("", "") if text.strip().lower() == "asreceived" else parse_callerid(text)


def _add(kind: Type, name: str, entry: Entry, values: dict[str, Any], out: Reading) -> dict[str, Any]:
    """A line of an option that may stand several times goes beside the earlier ones."""
    if name == "cadence":
        try:
            out.cadences.append(parse_cadence(entry.value))
        except ValueError as error:
            out.errors.append(ConfigError(entry.file, entry.line, f"cadence: {error}"))
        return values
    if name == "setvar":
        variable, equals, _ = entry.value.partition("=")
        if not equals:
            out.errors.append(ConfigError(entry.file, entry.line, f'setvar: "{entry.value}" is no name=value'))
            return values
        others = [one for one in values[name] if one.partition("=")[0] != variable]
        return values | {name: [*others, entry.value]}
    added = kind.apply([entry], out.errors)[name]
    return values | {name: [*values[name], *added]}


def parse_cadence(text: str) -> tuple[int, ...]:
    """Times of ringing on, off, ... in ms, an even count of up to 16; caller ID goes into a negative pause, and a
    negative time of ringing is where the cadence goes on when it repeats."""
    parts = text.split(",")
    times = tuple(int(part) for part in parts if part.strip().lstrip("-").isdigit())
    if len(times) != len(parts) or len(times) % 2 or not 2 <= len(times) <= 16:
        raise ValueError(f'"{text}" is no cadence; write an even count of times in ms, such as 125,125,2000,-4000')
    if 0 in times:
        raise ValueError(f'"{text}": neither ringing nor a pause can last no time')
    if sum(time < 0 for time in times[1::2]) > 1:
        raise ValueError(f'"{text}": caller ID can be sent in one pause only')
    if sum(time < 0 for time in times[::2]) > 1:
        raise ValueError(f'"{text}": a cadence can go on at one place only when it repeats')
    return times


def _assign(entry: Entry, values: dict[str, Any], out: Reading) -> None:
    words = [word.strip() for word in entry.value.split(",")]
    lines = [word for word in words if word.lower() != "pseudo"]
    try:
        numbers = [*(PSEUDO for _ in range(len(lines), len(words))), *(number_list(",".join(lines)) if lines else ())]
    except ValueError as error:
        out.errors.append(ConfigError(entry.file, entry.line, f"{entry.name}: {error}"))
        return
    if values["cidsignalling"] == "v23_jp" and values["usecallerid"]:
        _japanese(entry, values, out)
    for number in numbers:
        if number in out.channels:
            first = out.channels[number]
            text = f"channel {number} is configured already (line {first.line}); these settings are for nothing"
            out.errors.append(ConfigError(entry.file, entry.line, text))
            continue
        own = _copy(values)
        if values["signalling"] == "ss7":
            circuit = out.ss7.circuit(entry, values, out.errors)
            if circuit is None:
                return
            own["cic"], own["point_code"] = circuit
        out.channels[number] = ChannelSettings(number, own, entry.file, entry.line)


def _japanese(entry: Entry, values: dict[str, Any], out: Reading) -> None:
    """What of NTT's way of caller ID these channels will not have."""
    if values["signalling"].startswith("fxo"):
        out.errors.append(ConfigError(entry.file, entry.line, _JAPAN))
    elif values["cidstart"] == "ring":
        out.errors.append(ConfigError(entry.file, entry.line, _NO_REVERSAL))
