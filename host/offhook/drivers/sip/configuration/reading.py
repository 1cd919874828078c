"""pjsip.conf (and pjsip_wizard.conf) as objects.

A section that cannot be used costs itself and is told with file and line; two sections of one name and type cost
all sections of that type. On a reload what is in force then stays in force.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeVar

from offhook.config.model import ConfigError, Section
from offhook.drivers.sip.configuration.endpoint import Endpoint, UnknownFormats
from offhook.drivers.sip.configuration.options import Configured
from offhook.drivers.sip.configuration.provisioning_section import Phoneprov
from offhook.drivers.sip.configuration.publication_sections import (
    AsteriskPublication,
    InboundPublication,
    OutboundPublish,
)
from offhook.drivers.sip.configuration.sections import (
    Acl,
    Aor,
    Auth,
    DomainAlias,
    Global,
    Identify,
    Registration,
    ResourceList,
    System,
    Transport,
)

log = logging.getLogger(__name__)

FILE: Final = "pjsip.conf"
MIRROR: Final = "sip sections of databases"
"""Part of the exchange that knows the sections which lie in a database."""
TYPES: Final[dict[str, type[Configured]]] = {
    kind.TYPE: kind
    for kind in (
        Endpoint,
        Aor,
        Auth,
        Identify,
        Transport,
        Registration,
        DomainAlias,
        Acl,
        ResourceList,
        InboundPublication,
        OutboundPublish,
        AsteriskPublication,
        Phoneprov,
        Global,
        System,
    )
}
"""Section types by name; a module that brings a type of its own adds it here before the file is read."""

IGNORED: Final = frozenset(("contact", "subscription_persistence", "nat_hook"))
"""Types that Asterisk keeps elsewhere and ignores in the file."""
SINGLE: Final = frozenset(("global", "system"))
"""Types of which there is one section at most; named like its type, it needs no type line."""

Kind = TypeVar("Kind", bound=Configured)


class Configuration:
    """Every object of one reading, by type and name. What is asked for with each message is looked up once."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Configured]] = {name: {} for name in TYPES}
        self.errors: list[ConfigError] = []

    def of(self, kind: type[Kind]) -> dict[str, Kind]:
        """The objects of a class by name, in the order of the file."""
        return self.objects.setdefault(kind.TYPE, {})  # type: ignore[return-value]

    @cached_property
    def endpoints(self) -> dict[str, Endpoint]:
        return self.of(Endpoint)

    @cached_property
    def aors(self) -> dict[str, Aor]:
        return self.of(Aor)

    @cached_property
    def auths(self) -> dict[str, Auth]:
        return self.of(Auth)

    @cached_property
    def identifies(self) -> dict[str, Identify]:
        return self.of(Identify)

    @cached_property
    def transports(self) -> dict[str, Transport]:
        return self.of(Transport)

    @cached_property
    def registrations(self) -> dict[str, Registration]:
        return self.of(Registration)

    @cached_property
    def domain_aliases(self) -> dict[str, DomainAlias]:
        return self.of(DomainAlias)

    @cached_property
    def acls(self) -> dict[str, Acl]:
        return self.of(Acl)

    @cached_property
    def settings(self) -> Global:
        """The global section, or its defaults."""
        return next(iter(self.of(Global).values()), _DEFAULT_GLOBAL)

    @cached_property
    def system(self) -> System:
        """The system section, or its defaults."""
        return next(iter(self.of(System).values()), _DEFAULT_SYSTEM)

    def add(self, found: Configured) -> None:
        """File an object under its type and name."""
        self.objects.setdefault(found.TYPE, {})[found.name] = found
        for name in ("settings", "system"):
            self.__dict__.pop(name, None)


_DEFAULT_GLOBAL: Final = Global("global")
_DEFAULT_SYSTEM: Final = System("system")


def read(sections: Iterable[Section], previous: Configuration | None = None) -> Configuration:
    """Make objects of sections (templates left out by the caller); what is wrong is in ``errors``."""
    result = Configuration()
    broken: set[str] = set()
    for section in sections:
        name = (section.first("type") or "").strip().lower()
        if not name and section.name in SINGLE:
            name = section.name
        kind = TYPES.get(name)
        if kind is None:
            if name not in IGNORED:
                result.errors.append(_unknown(section, name))
            continue
        if name in broken:
            continue
        objects = result.objects.setdefault(name, {})
        if section.name in objects or (name in SINGLE and objects):
            broken.add(name)
            result.errors.append(
                ConfigError(
                    section.file,
                    section.line,
                    f"a second [{section.name}] with type = {name}: no section of this type is used; take one out",
                )
            )
            continue
        found = make(section, kind, result.errors)
        if found is None and previous is not None:
            found = previous.objects.get(name, {}).get(section.name)
            if found is not None:
                log.warning("[%s] of type %s stays as it was before", section.name, name)
        if found is not None:
            objects[section.name] = found
    for name in broken:
        result.objects[name] = dict(previous.objects.get(name, {})) if previous is not None else {}
    return result


def _unknown(section: Section, name: str) -> ConfigError:
    if not name:
        return ConfigError(section.file, section.line, f"[{section.name}] has no type; write type = endpoint, aor, ...")
    known = ", ".join(TYPES)
    return ConfigError(section.file, section.line, f'type "{name}" is not offered here; there are {known}')


def make(section: Section, kind: type[Kind], errors: list[ConfigError]) -> Kind | None:
    """An object of one section; None, and the reasons in ``errors``, when it cannot be used."""
    found = kind(section.name)
    for entry in section:
        name = entry.name.lower() if kind.FOLDED else entry.name
        if name == "type":
            continue
        if name.startswith("@"):
            found.note(name[1:], entry.value)
            continue
        try:
            option = found.assign(name, entry.value)
        except UnknownFormats as error:
            errors.append(ConfigError(entry.file, entry.line, str(error)))
        except KeyError:
            errors.append(
                ConfigError(entry.file, entry.line, f'type = {kind.TYPE} has no option "{entry.name}"; take it out')
            )
            return None
        except ValueError as error:
            errors.append(ConfigError(entry.file, entry.line, f"{entry.name}: {error}"))
            return None
        else:
            if option.refused and getattr(found, option.attribute) != option.default:
                _tell(errors, ConfigError(entry.file, entry.line, f"{entry.name} has no effect: {option.refused}"))
    try:
        found.complete()
    except ValueError as error:
        errors.append(ConfigError(section.file, section.line, f"[{section.name}]: {error}"))
        return None
    errors += (ConfigError(section.file, section.line, f"[{section.name}]: {each}") for each in found.cautions())
    return found


def _tell(errors: list[ConfigError], error: ConfigError) -> None:
    """A line of a template is told once, however many sections are made of it."""
    if all(str(error) != str(each) for each in errors):
        errors.append(error)
