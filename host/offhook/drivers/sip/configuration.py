"""pjsip.conf as objects."""

from __future__ import annotations

from typing import Final

from offhook.config.model import ConfigError, ConfigFile, Section
from offhook.drivers.sip.endpoint import Endpoint, UnknownFormats
from offhook.drivers.sip.options import Configured
from offhook.drivers.sip.sections import (
    Acl,
    Aor,
    Auth,
    DomainAlias,
    Global,
    Identify,
    Registration,
    System,
    Transport,
)

TYPES: Final[dict[str, type[Configured]]] = {
    kind.TYPE: kind
    for kind in (Endpoint, Aor, Auth, Identify, Transport, Registration, DomainAlias, Acl, Global, System)
}


class Configuration:
    """Every object of one reading of pjsip.conf, by type and name."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.aors: dict[str, Aor] = {}
        self.auths: dict[str, Auth] = {}
        self.identifies: dict[str, Identify] = {}
        self.transports: dict[str, Transport] = {}
        self.registrations: dict[str, Registration] = {}
        self.domain_aliases: dict[str, DomainAlias] = {}
        self.acls: dict[str, Acl] = {}
        self.settings = Global("global")
        self.system = System("system")
        self.errors: list[ConfigError] = []

    def add(self, found: Configured) -> None:
        """File an object under its type and name."""
        match found:
            case Endpoint():
                self.endpoints[found.name] = found
            case Aor():
                self.aors[found.name] = found
            case Auth():
                self.auths[found.name] = found
            case Identify():
                self.identifies[found.name] = found
            case Transport():
                self.transports[found.name] = found
            case Registration():
                self.registrations[found.name] = found
            case DomainAlias():
                self.domain_aliases[found.name] = found
            case Acl():
                self.acls[found.name] = found
            case Global():
                self.settings = found
            case System():
                self.system = found


def read(config: ConfigFile) -> Configuration:
    """Make objects of the sections; what is wrong is in ``errors`` and costs its section."""
    result = Configuration()
    for section in config:
        kind = (section.get("type") or "").strip().lower()
        if kind in TYPES:
            found = _object(section, TYPES[kind], result.errors)
            if found is not None:
                result.add(found)
    return result


def _object(section: Section, kind: type[Configured], errors: list[ConfigError]) -> Configured | None:
    found = kind(section.name)
    for entry in section:
        if entry.name.lower() == "type":
            continue
        try:
            found.assign(entry.name.lower(), entry.value)
        except UnknownFormats as error:
            errors.append(ConfigError(entry.file, entry.line, str(error)))
        except KeyError:
            errors.append(ConfigError(entry.file, entry.line, f'{kind.TYPE} has no option "{entry.name}"'))
            return None
        except ValueError as error:
            errors.append(ConfigError(entry.file, entry.line, f"{entry.name}: {error}"))
            return None
    try:
        found.complete()
    except ValueError as error:
        errors.append(ConfigError(section.file, section.line, str(error)))
        return None
    return found
