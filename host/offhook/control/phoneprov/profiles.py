"""phoneprov.conf: which files the phones of a kind fetch, and of what they are made."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from offhook.calls.provisioning import Line
from offhook.config.model import ConfigError, ConfigFile, Section
from offhook.control.http.static import TYPES

FILE: Final = "phoneprov.conf"
USERS_FILE: Final = "phoneprov_users.conf"
DEFAULT_PORT: Final = "5060"
_SIOCGIFADDR: Final = 0x8915

USER_OPTIONS: Final = {
    "macaddress": "MAC",
    "profile": "PROFILE",
    "username": "USERNAME",
    "fullname": "DISPLAY_NAME",
    "secret": "SECRET",
    "label": "LABEL",
    "cid_number": "CALLERID",
    "timezone": "TIMEZONE",
    "linenumber": "LINE",
    "linekeys": "LINEKEYS",
    "vmexten": "VOICEMAIL_EXTEN",
    "localextenlength": "EXTENSION_LENGTH",
}
"""Options of phoneprov_users.conf and the variables that they become."""
_SHARED: Final = ("vmexten", "localextenlength")
"""Those that [general] may set for all."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of a profile: its name as phones ask for it, where it lies below the folder phoneprov, its media type."""

    name: str
    template: str
    media_type: str


@dataclass(slots=True)
class Profile:
    """A kind of phones."""

    name: str
    static: list[ServedFile] = field(default_factory=list)
    dynamic: list[ServedFile] = field(default_factory=list)
    """Their names hold variables; their contents are templates."""
    variables: list[tuple[str, str]] = field(default_factory=list)


def read_profiles(config: ConfigFile) -> dict[str, Profile]:
    """Every section but [general] is a profile."""
    return {section.name: _profile(section) for section in config if section.name.lower() != "general"}


def _profile(section: Section) -> Profile:
    profile, folder, default = Profile(section.name), "", ""
    for entry in section:
        option = entry.name.lower()
        if option == "mime_type":
            default = entry.value
        elif option == "staticdir":
            folder = entry.value
        elif option == "setvar":
            name, _, value = (part.strip() for part in entry.value.partition("="))
            if name and value:
                profile.variables.append((name, value))
        else:
            name, _, given = (part.strip() for part in entry.value.partition(","))
            media_type = given or TYPES.get(name.rpartition(".")[2].lower(), "") or default or "text/plain"
            if option == "static_file":
                profile.static.append(ServedFile(name, folder + name, media_type))
            else:
                profile.dynamic.append(ServedFile(entry.name, name, media_type))
    return profile


# ---- the users of phoneprov_users.conf ----------------------------------------------------------------


def read_users(config: ConfigFile, users: ConfigFile, errors: list[ConfigError]) -> Iterator[Line]:
    """The lines of phoneprov_users.conf; what is wrong with one costs that one."""
    defaults = _defaults(config, users, errors)
    for section in users:
        if section.name.lower() in ("general", "authentication") or not section.boolean("autoprov", False):
            continue
        given = {USER_OPTIONS[e.name.lower()]: e.value for e in section if e.name.lower() in USER_OPTIONS}
        if "MAC" not in given:
            errors.append(
                ConfigError(section.file, section.line, f"[{section.name}] has autoprov = yes and no macaddress")
            )
        else:
            yield {**defaults, **given}


def _defaults(config: ConfigFile, users: ConfigFile, errors: list[ConfigError]) -> Line:
    general = config.get("general")
    values = {name.lower(): value for name, value in general.pairs().items()} if general is not None else {}
    found = {"SERVER_PORT": values.get("serverport") or DEFAULT_PORT}
    if server := values.get("serveraddr"):
        found["SERVER"] = server
    elif interface := values.get("serveriface"):
        try:
            found["SERVER"] = address_of(interface)
        except OSError as error:
            line = general.line if general is not None else 0
            errors.append(ConfigError(FILE, line, f"serveriface {interface} has no address: {error.strerror}"))
    if profile := values.get("default_profile"):
        found["PROFILE"] = profile
    shared = users.get("general")
    for entry in shared or ():
        if entry.name.lower() in _SHARED:
            found[USER_OPTIONS[entry.name.lower()]] = entry.value
    return found


def address_of(interface: str) -> str:
    """The IPv4 address of a network interface. OSError when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
    return socket.inet_ntoa(answer[20:24])
