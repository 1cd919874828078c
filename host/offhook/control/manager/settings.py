"""What manager.conf says: the interface's options and its users."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from offhook.config.acl import Acl, NamedAcls
from offhook.config.model import ConfigError, ConfigFile, Entry
from offhook.config.options import Schema, address, flag, integer, string, words
from offhook.control.http import tls
from offhook.control.http.tls import TlsOptions
from offhook.control.manager.filters import FilterError, Filters
from offhook.control.manager.permissions import parse_mask
from offhook.modules.syntax import split_arguments

DEFAULT_PORT = 5038
DEFAULT_TLS_PORT = 5039

SCHEMA = Schema("manager", "manager.conf", "the manager interface (AMI)")
_general = SCHEMA.type("general", "Where it listens, and what events look like.")
_general.option("enabled", flag(), False, "Listen at all.")
_general.option("webenabled", flag(), False, "Serve /manager, /rawman, /mxml and their digest sisters by http.conf.")
_general.option("bindaddr", address(), ("::", None), "Address to listen at.")
_general.option("port", integer(1024, 65535), DEFAULT_PORT, "Port to listen at.")
_general.option("allowmultiplelogin", flag(), True, "A user may have several sessions.")
_general.option("displayconnects", flag(), True, "Tell on the console who comes and goes.")
_general.option("timestampevents", flag(), False, "Events have a header Timestamp.")
_general.option("brokeneventsaction", flag(), False, "No answer to the action Events when all are wanted.")
_general.option("debug", flag(), False, "Events tell where they come from.")
_general.option("authtimeout", integer(1, unit="s"), 30, "Who has not logged in by then is disconnected.")
_general.option("authlimit", integer(1), 50, "The most connections that have not logged in.")
_general.option("httptimeout", integer(1, unit="s"), 60, "Sessions over HTTP end after so long without a request.")
_general.option("channelvars", string(), "", "Variables and functions that every channel event shows.")
_general.option("disabledevents", string(), "", "Events that nobody gets.")
tls.declare(_general, DEFAULT_TLS_PORT)
_user_type = SCHEMA.type("user", "One who may log in; the section's name is the user's.", open=True)
_user_type.option("secret", string(), None, "The user's secret; without one nobody logs in.")
_user_type.option("read", words(), [], "Classes of events that the user may see.")
_user_type.option("write", words(), [], "Classes of actions that the user may use.")
_user_type.option("deny", string(), [], "Networks that the user may not come from.", many=True)
_user_type.option("permit", string(), [], "Networks that the user may come from.", many=True)
_user_type.option("acl", string(), [], "Lists of acl.conf that must let the user in too.", many=True)
_user_type.option("setvar", string(), [], "NAME=value on channels that the user originates.", many=True)
_user_type.option("eventfilter", string(), [], "Events that the user gets, or does not get.", many=True)
_user_type.option("allowmultiplelogin", flag(), True, "As in [general].")
_user_type.option("displayconnects", flag(), True, "As in [general].")
_user_type.option(
    "writetimeout", integer(100, unit="ms"), 100, "A client that takes nothing for so long (30 s at least) is cut off."
)


@dataclass(slots=True)
class User:
    """One who may log in."""

    name: str
    acl: Acl
    secret: str | None = None
    """None: nobody logs in as this user."""
    read: int = 0
    write: int = 0
    display_connects: bool = True
    multiple_logins: bool = True
    write_timeout_ms: int = 100
    variables: list[tuple[str, str]] = field(default_factory=list)
    """Set on channels that this user originates, the last one of the file first."""
    filters: Filters = field(default_factory=Filters)

    def digest_key(self, realm: str) -> str:
        """A1 of digest authentication (RFC 2617 3.2.2.2)."""
        return hashlib.md5(f"{self.name}:{realm}:{self.secret or ''}".encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Settings:
    """The interface's options with Asterisk's defaults, and the users by lower-case name."""

    enabled: bool = False
    web_enabled: bool = False
    host: str = "::"
    port: int = DEFAULT_PORT
    tls: TlsOptions = field(default_factory=TlsOptions)
    display_connects: bool = True
    multiple_logins: bool = True
    timestamps: bool = False
    broken_events_action: bool = False
    debug: bool = False
    auth_timeout_s: int = 30
    most_unauthenticated: int = 50
    http_timeout_s: int = 60
    channel_variables_text: str = ""
    disabled_events_text: str = ""
    users: dict[str, User] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)
    channel_variables: tuple[str, ...] = ()
    disabled_events: frozenset[str] = frozenset()

    @property
    def tls_address(self) -> tuple[str, int]:
        """Where TLS listens."""
        return self.tls.bind or (self.host, DEFAULT_TLS_PORT)

    def user(self, name: str) -> User | None:
        """The user of that name, in any case."""
        return self.users.get(name.lower())


def read_settings(config: ConfigFile | None, named: NamedAcls) -> Settings:
    """Read manager.conf; what is wrong with it is in ``errors``. A user with a broken ACL is left out."""
    errors: list[ConfigError] = []
    sections = list(config or ())
    lines = [entry for section in sections if section.name.lower() == "general" for entry in section]
    values = _general.apply(lines, errors)
    settings = Settings(
        values["enabled"],
        values["webenabled"],
        values["bindaddr"][0],
        values["port"],
        TlsOptions.of(values),
        values["displayconnects"],
        values["allowmultiplelogin"],
        values["timestampevents"],
        values["brokeneventsaction"],
        values["debug"],
        values["authtimeout"],
        values["authlimit"],
        values["httptimeout"],
        values["channelvars"],
        values["disabledevents"],
        errors=errors,
        channel_variables=tuple(split_arguments(values["channelvars"])),
        disabled_events=frozenset(word.strip() for word in values["disabledevents"].split(",")),
    )
    users: dict[str, list[Entry]] = {}
    names: dict[str, str] = {}
    for section in sections:
        if section.name.lower() != "general":
            users.setdefault(section.name.lower(), []).extend(section)
            names.setdefault(section.name.lower(), section.name)
    for key, entries in users.items():
        user = _read_user(names[key], entries, settings, named)
        if user is not None:
            settings.users[key] = user
    return settings


def _read_user(name: str, entries: list[Entry], settings: Settings, named: NamedAcls) -> User | None:
    """A user by the lines of its sections; None when its ACL is broken."""
    errors = settings.errors
    simple = [entry for entry in entries if _user_type.find(entry.name) is not None]
    base = {"displayconnects": settings.display_connects, "allowmultiplelogin": settings.multiple_logins}
    values = _user_type.apply(simple, errors, base)
    user = User(
        name,
        Acl(named),
        values["secret"],
        parse_mask(",".join(values["read"])),
        parse_mask(",".join(values["write"])),
        values["displayconnects"],
        values["allowmultiplelogin"],
        values["writetimeout"],
    )
    broken = False
    for entry in entries:
        try:
            _take(user, entry)
        except (ValueError, FilterError) as error:
            errors.append(ConfigError(entry.file, entry.line, str(error)))
            broken |= entry.name.lower() in ("permit", "deny", "acl")
    return None if broken else user


def _take(user: User, entry: Entry) -> None:
    """Take a line whose place among the others counts. Raises ValueError and FilterError."""
    name, value = entry.name.lower(), entry.value
    if name in ("permit", "deny", "acl"):
        user.acl.add(name, value)
    elif name == "setvar":
        variable, equals, text = value.partition("=")
        if not equals:
            raise ValueError(f'setvar: "{value}" has no value; write NAME=value')
        user.variables.insert(0, (variable, text))
    elif name.startswith("eventfilter"):
        user.filters.add(entry.name, value)
    elif _user_type.find(name) is None:
        raise ValueError(f'unknown option "{entry.name}" of user {user.name}; it has no effect')
