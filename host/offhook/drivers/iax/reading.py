"""Reading iax.conf: [general], the limits of [callnumberlimits], users, peers and friends."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from offhook.calls.party import parse_callerid
from offhook.config.acl import Acl
from offhook.config.model import ConfigError, Section
from offhook.drivers.iax.options import ENTRY, GENERAL, ORDERED, SHARED
from offhook.iax import formats as iax_formats
from offhook.iax.proof import MD5, RSA
from offhook.media.formats import Formats, parse_allow

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from offhook.config.acl import NamedAcls
    from offhook.config.model import ConfigFile

_LOW = ("g723", "gsm", "g729", "speex", "ilbc", "lpc10")
_MEDIUM = (*_LOW, "g726", "adpcm", "g726aal2", "g722")
_USUAL = 1 << 15
"""The highest bit of the formats that are allowed without being named."""


@dataclass(slots=True)
class Entry:
    """A user, peer or friend: typed values by option name, and what is made of several lines."""

    name: str
    values: dict[str, Any]
    acl: Acl
    formats: Formats
    realtime: bool = False

    def __getitem__(self, option: str) -> Any:
        return self.values[option]

    @property
    def is_user(self) -> bool:
        """Whether it may call us."""
        return self["type"] in ("user", "friend")

    @property
    def is_peer(self) -> bool:
        """Whether it may be called."""
        return self["type"] in ("peer", "friend")

    @property
    def dynamic(self) -> bool:
        """Whether it registers."""
        return str(self["host"]).lower() == "dynamic"

    @property
    def methods(self) -> int:
        """How who calls proves himself."""
        return self["auth"] or (RSA if self["inkeys"] and not self["secret"] else MD5)

    @property
    def capability(self) -> int:
        """Its formats, as bits."""
        return iax_formats.bits(each.name for each in self.formats)

    @property
    def encryption(self) -> int:
        """What may be agreed on."""
        return self["encryption"] or self["forceencryption"]  # type: ignore[no-any-return]

    @property
    def context(self) -> str:
        """Where its calls begin."""
        contexts = self["context"]
        return contexts[0] if contexts else "default"

    def allows_context(self, context: str) -> bool:
        """Whether a caller may ask for a context by name."""
        return context in self["context"] if self["context"] else context == "default"

    @property
    def caller_id(self) -> tuple[str, str] | None:
        """Name and number that stand for what it says of itself."""
        if self["callerid"]:
            return parse_callerid(self["callerid"])
        if self["fullname"] or self["cid_number"]:
            return self["fullname"], self["cid_number"]
        return None


@dataclass(slots=True)
class Reading:
    """The whole file."""

    general: dict[str, Any]
    formats: Formats
    entries: dict[str, Entry] = field(default_factory=dict)
    limits: list[tuple[IPv4Network | IPv6Network, int]] = field(default_factory=list)
    tokens_optional: list[IPv4Network | IPv6Network] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)

    @property
    def capability(self) -> int:
        """The formats of [general], as bits."""
        return iax_formats.bits(each.name for each in self.formats)

    def users(self) -> list[Entry]:
        """Those who may call us."""
        return [entry for entry in self.entries.values() if entry.is_user]

    def peers(self) -> list[Entry]:
        """Those who may be called."""
        return [entry for entry in self.entries.values() if entry.is_peer]


def read(file: ConfigFile, acls: NamedAcls) -> Reading:
    """Read the file; what is wrong with it is in ``errors``."""
    errors: list[ConfigError] = []
    section = file.get("general")
    general = GENERAL.apply(_plain(section), errors)
    out = Reading(general, _bandwidth(general["bandwidth"]), errors=errors)
    out.formats = _formats(section, out.formats, errors)
    for text in general["calltokenoptional"]:
        _network(text, out.tokens_optional, section, errors)
    for each in file:
        name = each.name.lower()
        if name == "general":
            continue
        if name == "callnumberlimits":
            _limits(each, out)
        else:
            entry = make_entry(each, out, acls)
            if entry is not None:
                out.entries[entry.name] = entry
    return out


def make_entry(section: Section, reading: Reading, acls: NamedAcls, *, realtime: bool = False) -> Entry | None:
    """A user, peer or friend of a section; None when it has no type."""
    errors = reading.errors
    values = ENTRY.apply(_plain(section), errors)
    if not values["type"]:
        errors.append(ConfigError(section.file, section.line, f"[{section.name}] has no type: user, peer or friend"))
        return None
    for name, _, _, _ in SHARED:
        if values[name] is None:
            values[name] = reading.general[name]
    acl = Acl(acls)
    for line in section:
        if line.name.lower() in ("permit", "deny", "acl"):
            try:
                acl.add(line.name, line.value)
            except ValueError as error:
                errors.append(ConfigError(line.file, line.line, f"{line.name}: {error}"))
    return Entry(section.name, values, acl, _formats(section, reading.formats, errors), realtime)


def _plain(section: Section | None) -> list[Any]:
    """Lines but for those whose order counts."""
    return [line for line in section or () if line.name.lower() not in ORDERED]


def _bandwidth(word: str) -> Formats:
    names = {"low": _LOW, "medium": _MEDIUM}.get(word, tuple(iax_formats.BITS))
    return Formats(name for name in iax_formats.BEST if name in names and iax_formats.BITS[name] <= _USUAL)


def _formats(section: Section | None, start: Formats, errors: list[ConfigError]) -> Formats:
    found = start
    for line in section or ():
        name = line.name.lower()
        if name not in ("allow", "disallow"):
            continue
        try:
            found = parse_allow(line.value, found, allow=name == "allow")
        except ValueError as error:
            errors.append(ConfigError(line.file, line.line, f"{line.name}: {error.args[0]}"))
            found = error.args[1]
    return Formats(each for each in found if each.name in iax_formats.BITS)


def _limits(section: Section, out: Reading) -> None:
    for line in section:
        try:
            network = ip_network(line.name, strict=False)
            limit = int(line.value)
        except ValueError:
            why = "a limit is address/mask = number of calls"
            out.errors.append(ConfigError(line.file, line.line, f"{line.name} = {line.value}: {why}"))
            continue
        out.limits.append((network, limit))


def _network(text: str, out: list[Any], section: Section | None, errors: list[ConfigError]) -> None:
    try:
        out.append(ip_network(text.strip(), strict=False))
    except ValueError:
        assert section is not None
        sentence = f'calltokenoptional: "{text}" is no address with a mask'
        errors.append(ConfigError(section.file, section.line, sentence))
