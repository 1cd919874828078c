"""Access control lists: which addresses may talk to us, by permit, deny and named lists of acl.conf."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from offhook.config.model import ConfigError, ConfigFile
from offhook.log import NOTICE

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PART = "acl"
"""Where the named lists are kept in ``pbx.parts``."""


class Rule(NamedTuple):
    """One network, let in or kept out. Of the rules that match an address the last one counts."""

    allow: bool
    network: Network

    def __str__(self) -> str:
        mask = self.network.netmask if self.network.version == 4 else self.network.prefixlen
        return f"{'allow' if self.allow else 'deny':>5} - {self.network.network_address}/{mask}"


def parse_rules(sense: str, text: str) -> list[Rule]:
    """The rules of ``permit = text`` or ``deny = text``: networks with commas between, ``!`` turns one around.

    Raises ValueError with a sentence.
    """
    allow = sense.lower().startswith("p")
    rules = []
    for word in text.split(","):
        word = word.strip()
        turned = word.startswith("!")
        try:
            network = ipaddress.ip_network(word[1:] if turned else word, strict=False)
        except ValueError:
            raise ValueError(
                f'"{word}" is no network; write 192.0.2.0/24, 192.0.2.0/255.255.255.0 or 2001:db8::/32'
            ) from None
        if isinstance(network, ipaddress.IPv6Network) and (mapped := network.network_address.ipv4_mapped):
            network = ipaddress.IPv4Network((mapped, max(0, network.prefixlen - 96)), strict=False)
        rules.append(Rule(allow is not turned, network))
    return rules


def judge(rules: list[Rule], address: Address) -> bool:
    """Whether the rules let the address in; without a matching rule they do."""
    allowed = True
    for rule in rules:
        if rule.network.version == address.version and address in rule.network:
            allowed = rule.allow
    return allowed


def parse_address(text: str) -> Address:
    """An address as rules see it: without a zone, IPv4-mapped ones as IPv4. Raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


class NamedAcls:
    """The lists of acl.conf by name, in any case."""

    __slots__ = ("lists", "stored")

    def __init__(self) -> None:
        self.lists: dict[str, tuple[str, list[Rule]]] = {}
        self.stored: dict[str, list[Rule]] = {}
        """Lists from a database, by name in lower case; acl.conf's come first."""

    def read(self, config: ConfigFile) -> list[ConfigError]:
        """Take the lists of a file in place of the old ones; what was wrong. A list with an error is left out."""
        errors = []
        lists: dict[str, tuple[str, list[Rule]]] = {}
        for section in config:
            rules: list[Rule] = []
            for entry in section:
                try:
                    if entry.name.lower() not in ("permit", "deny"):
                        raise ValueError(f'"{entry.name}" is unknown; write permit or deny')
                    rules += parse_rules(entry.name, entry.value)
                except ValueError as error:
                    errors.append(ConfigError(entry.file, entry.line, str(error)))
                    break
            else:
                lists[section.name.lower()] = (section.name, rules)
        self.lists = lists
        return errors

    def find(self, name: str) -> list[Rule] | None:
        """The rules of a list, or None when there is no such list."""
        found = self.lists.get(name.lower())
        return found[1] if found else self.stored.get(name.lower())

    def store(self, rows: Iterable[Mapping[str, str]]) -> list[str]:
        """Take the rows of a database (name, sense, rule, rule_order) in place of the old ones; what was wrong.

        A list with a rule that cannot be read is left out whole.
        """
        errors: list[str] = []
        self.stored = {}
        broken: set[str] = set()
        for row in sorted(rows, key=lambda row: int(row.get("rule_order") or 0)):
            name = row.get("name", "")
            try:
                rules = parse_rules(row.get("sense", ""), row.get("rule", ""))
            except ValueError as error:
                errors.append(f"the stored list {name} is left out: {error}")
                broken.add(name.lower())
                continue
            self.stored.setdefault(name.lower(), []).extend(rules)
        for name in broken:
            self.stored.pop(name, None)
        return errors


class Acl:
    """What an item of a configuration file says about addresses: rules of its own and names of lists.

    Names are looked up when an address is judged, so a reload of acl.conf is felt at once. A name
    that does not exist keeps everybody out.
    """

    __slots__ = ("named", "names", "rules")

    def __init__(self, named: NamedAcls) -> None:
        self.named = named
        self.rules: list[Rule] = []
        self.names: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.rules or self.names)

    def add(self, option: str, value: str) -> None:
        """Take a ``permit``, ``deny`` or ``acl`` option. Raises ValueError with a sentence."""
        if not option.lower().startswith("a"):
            self.rules.extend(parse_rules(option, value))
            return
        for name in value.split(","):
            name = name.strip()
            if name.lower() in (known.lower() for known in self.names):
                raise ValueError(f'the list "{name}" is named twice; name it once')
            if self.named.find(name) is None:
                log.warning('there is no list "%s" in acl.conf: whoever is judged by it is kept out', name)
            self.names.append(name)

    def allows(self, address: str, purpose: str = "") -> bool:
        """Whether the address may come in; a refusal is logged with the purpose in front."""
        if not self:
            return True
        subject = parse_address(address)
        if not judge(self.rules, subject):
            log.log(NOTICE, "%s%s is kept out by its permit and deny rules", purpose, address)
            return False
        for name in self.names:
            rules = self.named.find(name)
            if rules is None:
                log.warning('%s%s is kept out: there is no list "%s" in acl.conf', purpose, address, name)
                return False
            if not judge(rules, subject):
                log.log(NOTICE, '%s%s is kept out by the list "%s"', purpose, address, name)
                return False
        return True

    def lines(self, prefix: str = "") -> list[str]:
        """How the command line shows it."""
        out = []
        if self.rules:
            out += show("(unnamed)", self.rules, prefix)
        for name in self.names:
            out += show(name, self.named.find(name) or [], prefix)
        return out


def show(name: str, rules: list[Rule], prefix: str = "") -> list[str]:
    """How the command line shows one list."""
    lines = [f"{prefix}ACL: {name}", "-" * 45]
    lines += [f"{prefix}{index:3}: {rule}" for index, rule in enumerate(rules)]
    return lines


def named_acls(pbx: Any) -> NamedAcls:
    """The named lists of this PBX; acl.conf is read when first asked for."""
    found = pbx.parts.get(PART)
    if found is None:
        found = pbx.parts[PART] = NamedAcls()
        reload_named(pbx)
    assert isinstance(found, NamedAcls)
    return found


def reload_named(pbx: Any) -> None:
    """Read acl.conf (again); a file that is not there has no lists."""
    acls = pbx.parts.setdefault(PART, NamedAcls())
    for error in acls.read(pbx.config.load("acl.conf", "acl") or ConfigFile("acl.conf")):
        log.error("%s", error)
