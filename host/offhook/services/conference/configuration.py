"""confbridge.conf in force, and the profiles that CONFBRIDGE() makes for one channel."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from offhook.config.model import ConfigError
from offhook.services.conference import profiles
from offhook.services.conference.menus import DIGITS, Menu
from offhook.services.conference.profiles import (
    DEFAULT_BRIDGE,
    DEFAULT_MENU,
    DEFAULT_USER,
    BridgeProfile,
    UserProfile,
    make_bridge,
    make_user,
)

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.config.model import ConfigFile, Section

log = logging.getLogger(__name__)
Found = TypeVar("Found")

_OWN = "confbridge profiles"
"""Key in a channel's data of what CONFBRIDGE() set."""


@dataclass(slots=True)
class Configuration:
    """Profiles and menus by their names in lower case."""

    users: dict[str, UserProfile] = field(default_factory=dict)
    bridges: dict[str, BridgeProfile] = field(default_factory=dict)
    menus: dict[str, Menu] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What is applied where nothing is named is always there."""
        self.users.setdefault(DEFAULT_USER, make_user(DEFAULT_USER, profiles.user_type().defaults()))
        self.bridges.setdefault(DEFAULT_BRIDGE, make_bridge(DEFAULT_BRIDGE, profiles.bridge_type().defaults()))
        self.menus.setdefault(DEFAULT_MENU, Menu(DEFAULT_MENU))


@dataclass(slots=True)
class Own:
    """What CONFBRIDGE() made for a channel."""

    user: UserProfile | None = None
    bridge: BridgeProfile | None = None
    menu: Menu | None = None


def read(config: ConfigFile | None, errors: list[ConfigError]) -> Configuration:
    """Read a confbridge.conf; complaints are added to ``errors``, and what they are about has no effect."""
    users: dict[str, UserProfile] = {}
    bridges: dict[str, BridgeProfile] = {}
    menus: dict[str, Menu] = {}
    for section in config or ():
        if section.template or section.name == "general":
            continue
        kind = (section.get("type") or "").strip().lower()
        key = section.name.lower()
        if kind == "user":
            users[key] = make_user(section.name, profiles.user_type().apply(section, errors))
        elif kind == "bridge":
            bridges[key] = make_bridge(section.name, profiles.bridge_type().apply(section, errors))
            _complain(section, errors)
        elif kind == "menu":
            menus[key] = _menu(section, errors)
        else:
            sentence = f"[{section.name}] needs type = user, bridge or menu" + (f', not "{kind}"' if kind else "")
            errors.append(ConfigError(section.file, section.line, sentence))
    return Configuration(users, bridges, menus)


def _complain(section: Section, errors: list[ConfigError]) -> None:
    for entry in section:
        option = profiles.bridge_type().find(entry.name)
        if option is None:
            continue
        try:
            missing = profiles.missing(option.name, option.kind.parse(entry.value))
        except ValueError:  # its table has said so
            continue
        if missing:
            errors.append(ConfigError(entry.file, entry.line, f"{option.name} = {entry.value}: {missing}"))


def _menu(section: Section, errors: list[ConfigError]) -> Menu:
    menu = Menu(section.name)
    for entry in section:
        if entry.name.lower() == "type":
            continue
        try:
            menu.assign(entry.name.removeprefix("\\"), entry.value)
        except ValueError as error:
            errors.append(ConfigError(entry.file, entry.line, f"{entry.name}: {error}"))
    return menu


# ---- what holds for a channel --------------------------------------------------------------------------


def own(channel: Channel) -> Own:
    """What CONFBRIDGE() made for a channel, which may be changed."""
    found: Own = channel.data.setdefault(_OWN, Own())
    return found


def user_for(config: Configuration, channel: Channel | None, name: str) -> UserProfile | None:
    """A copy of the user profile of a name; without one the channel's own, else the default one."""
    mine = own(channel).user if channel is not None and not name else None
    found = mine or config.users.get((name or DEFAULT_USER).lower())
    return replace(found) if found is not None else None


def bridge_for(config: Configuration, channel: Channel | None, name: str) -> BridgeProfile | None:
    """A copy of the bridge profile of a name; without one the channel's own, else the default one."""
    mine = own(channel).bridge if channel is not None and not name else None
    found = mine or config.bridges.get((name or DEFAULT_BRIDGE).lower())
    return copy.deepcopy(found)


def menu_for(config: Configuration, channel: Channel | None, name: str) -> Menu | None:
    """The menu of a name; without one the channel's own, else the default one."""
    mine = own(channel).menu if channel is not None and not name else None
    return mine or config.menus.get((name or DEFAULT_MENU).lower())


def change(config: Configuration, channel: Channel, kind: str, option: str, value: str) -> None:
    """What ``Set(CONFBRIDGE(kind,option)=value)`` does. Raises ValueError with a sentence."""
    kind, option = kind.strip().lower(), option.strip()
    mine = own(channel)
    if kind == "user":
        mine.user = _changed_user(config, mine, option, value)
    elif kind == "bridge":
        mine.bridge = _changed_bridge(config, mine, option, value)
    elif kind == "menu":
        mine.menu = _changed_menu(config, mine, option, value)
    else:
        raise ValueError(f'"{kind}" is not one of user, bridge, menu')


def _changed_user(config: Configuration, mine: Own, option: str, value: str) -> UserProfile | None:
    word = option.lower()
    if word == "clear":
        return None
    if word == "template":
        return replace(_named(config.users, value, "user profile"))
    profile = mine.user or replace(config.users[DEFAULT_USER])
    _assign(profile, option, value)
    return profile


def _changed_bridge(config: Configuration, mine: Own, option: str, value: str) -> BridgeProfile | None:
    word = option.lower()
    if word == "clear":
        return None
    if word == "template":
        return copy.deepcopy(_named(config.bridges, value, "bridge profile"))
    profile = mine.bridge or copy.deepcopy(config.bridges[DEFAULT_BRIDGE])
    _assign(profile, option, value)
    return profile


def _changed_menu(config: Configuration, mine: Own, option: str, value: str) -> Menu | None:
    word = option.lower()
    if word == "clear":
        return None
    if word == "template":
        copied = _named(config.menus, value, "menu").copy("dialplan")
        if mine.menu is not None:
            copied.entries = mine.menu.entries | copied.entries
        return copied
    if not DIGITS.fullmatch(option):
        raise ValueError(f'"{option}" is neither template, clear, nor a sequence of digits')
    menu = mine.menu or config.menus[DEFAULT_MENU].copy("dialplan")
    menu.assign(option, value)
    return menu


def _named(found: dict[str, Found], name: str, what: str) -> Found:
    try:
        return found[name.strip().lower()]
    except KeyError:
        raise ValueError(f"{profiles.FILE} has no {what} {name!r}") from None


def _assign(profile: UserProfile | BridgeProfile, name: str, value: str) -> None:
    table = profiles.user_type() if isinstance(profile, UserProfile) else profiles.bridge_type()
    option = table.find(name)
    if option is None:
        raise ValueError(f"a {table.name} profile has no option {name!r}")
    profiles.assign(profile, option, value)
    missing = profiles.missing(option.name, getattr(profile, option.name, None))
    if missing:
        log.warning("CONFBRIDGE(%s,%s)=%s: %s", table.name, name, value, missing)
