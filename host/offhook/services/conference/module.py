"""The module app_confbridge: its applications and functions. Rooms themselves are imported with the first caller."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel
from offhook.calls.pbx import Pbx
from offhook.config.model import ConfigError
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax
from offhook.services.conference import configuration

if TYPE_CHECKING:
    from offhook.services.conference.configuration import Configuration
    from offhook.services.conference.room import Room

log = logging.getLogger(__name__)
module = Module("app_confbridge", "Conference Bridge Application", priority=45)

_CONFIGURATION = "conference configuration"


@module.on_load
@module.on_reload
async def read(pbx: Pbx) -> None:
    """Read confbridge.conf, at first or again; rooms keep what they began with."""
    file = await pbx.off_loop(pbx.config.load, "confbridge.conf", module.name)
    errors: list[ConfigError] = []
    pbx.parts[_CONFIGURATION] = configuration.read(file, errors)
    for error in errors:
        log.warning("%s", error)
    pbx.devices.providers["confbridge"] = lambda name: "NOT_INUSE" if find_room(pbx, name) is None else "INUSE"


@module.on_unload
def forget(pbx: Pbx) -> None:
    """Whoever is in a room is thrown out."""
    for room in rooms(pbx):
        room.kick_named("all")
    pbx.devices.providers.pop("confbridge", None)
    pbx.parts.pop(_CONFIGURATION, None)


def configuration_of(pbx: Pbx) -> Configuration:
    """confbridge.conf in force."""
    found: Configuration = pbx.parts[_CONFIGURATION]
    return found


def rooms(pbx: Pbx) -> list[Room]:
    """All rooms; none are looked for where none was ever opened."""
    return list(pbx.parts.get("conference rooms", ()))


def find_room(pbx: Pbx, name: str) -> Room | None:
    """The room of a name, in any case."""
    return next((room for room in rooms(pbx) if room.name.lower() == name.lower()), None)


# ---- applications -------------------------------------------------------------------------------------------


@module.application(
    "ConfBridge",
    Syntax(
        "conference",
        "[bridge_profile]",
        "[user_profile]",
        "[menu]",
        conference="Name of the room, up to 79 characters.",
        bridge_profile="Profile of the room in confbridge.conf, default_bridge unless CONFBRIDGE() made one.",
        user_profile="Profile of the caller, default_user unless CONFBRIDGE() made one.",
        menu="What digits do, default_menu unless CONFBRIDGE() made one.",
    ),
    see_also=("ConfKick", "CONFBRIDGE", "CONFBRIDGE_INFO", "CONFBRIDGE_CHANNELS"),
)
async def confbridge(channel: Channel, conference: str = "", bridge: str = "", user: str = "", menu: str = "") -> None:
    """Take part in a conference.

    A room begins with the first who comes and ends with the last who goes. CONFBRIDGE_RESULT is FAILED (the channel
    did not come in), HANGUP, KICKED, ENDMARKED (the last marked user left), DTMF (by the menu) or TIMEOUT.
    """
    from offhook.services.conference.entry import take_part

    await take_part(channel, configuration_of(channel.pbx), conference, bridge, user, menu)


@module.application(
    "ConfKick",
    Syntax(
        "conference",
        "[channel]",
        channel="Name of a channel; all (also when not said), or participants for all but admins.",
    ),
    see_also=("ConfBridge",),
)
def confkick(channel: Channel, conference: str = "", who: str = "") -> None:
    """Throw channels out of a conference.

    CONFKICKSTATUS is SUCCESS or FAILURE.
    """
    room = find_room(channel.pbx, conference) if conference else None
    if room is None:
        log.warning("%s: ConfKick: there is no conference %r", channel.name, conference)
    elif room.kick_named(who or "all"):
        channel.set("CONFKICKSTATUS", "SUCCESS")
        return
    else:
        log.warning("%s: ConfKick: nobody in conference %s is %s", channel.name, room.name, who or "there")
    channel.set("CONFKICKSTATUS", "FAILURE")


# ---- functions ----------------------------------------------------------------------------------------------


@module.function(
    "CONFBRIDGE",
    Syntax(
        "type",
        "option",
        type="user, bridge or menu.",
        option="An option of confbridge.conf; template takes a profile of the file, clear forgets what was set.",
    ),
    see_also=("ConfBridge",),
    dangerous="write",
    write_only=True,
)
def confbridge_function(scope: Scope, value: str, kind: str = "", option: str = "") -> None:
    """Make a profile or menu for this channel, which ConfBridge takes where it is given no name.

    It begins as a copy of the default one, or of the one that template names. Set(CONFBRIDGE(user,admin)=yes).
    """
    channel = need_channel(scope, "CONFBRIDGE")
    try:
        configuration.change(configuration_of(scope.pbx), channel, kind, option, value)
    except ValueError as error:
        raise FunctionError(f"CONFBRIDGE({kind},{option})={value}: {error}") from None


@module.function(
    "CONFBRIDGE_INFO",
    Syntax("type", "conference", type="parties, admins, marked, locked or muted."),
    see_also=("ConfBridge", "CONFBRIDGE_CHANNELS"),
)
def confbridge_info(scope: Scope, kind: str = "", conference: str = "") -> str:
    """How many are in a conference, or whether it is locked or muted (1 or 0).

    0 for a conference that there is not.
    """
    if not kind or not conference:
        raise FunctionError("CONFBRIDGE_INFO: write CONFBRIDGE_INFO(type,conference)")
    room = find_room(scope.pbx, conference)
    if room is None:
        return "0"
    word = kind.strip().lower()
    if word in ("locked", "muted"):
        return str(int(room.locked if word == "locked" else room.muted))
    if word not in ("parties", "admins", "marked"):
        log.error('CONFBRIDGE_INFO: "%s" is not one of parties, admins, marked, locked, muted', kind)
        return "0"
    return str(len(_named(room, word)))


@module.function(
    "CONFBRIDGE_CHANNELS",
    Syntax("type", "conference", type="parties, active, waiting, admins or marked."),
    see_also=("ConfBridge", "CONFBRIDGE_INFO"),
)
def confbridge_channels(scope: Scope, kind: str = "", conference: str = "") -> str:
    """The names of the channels in a conference, with commas between."""
    if not kind or not conference:
        raise FunctionError("CONFBRIDGE_CHANNELS: write CONFBRIDGE_CHANNELS(type,conference)")
    room = find_room(scope.pbx, conference)
    if room is None:
        raise FunctionError(f"CONFBRIDGE_CHANNELS: there is no conference {conference!r}")
    word = kind.strip().lower()
    if word not in ("parties", "active", "waiting", "admins", "marked"):
        raise FunctionError(f"CONFBRIDGE_CHANNELS: {kind!r} is not one of parties, active, waiting, admins, marked")
    return ",".join(_named(room, word))


def _named(room: Room, word: str) -> list[str]:
    """Names of the channels of a room that a word stands for."""
    attendance = room.attendance
    found = {
        "parties": attendance.everybody(),
        "active": attendance.active,
        "waiting": attendance.waiting,
        "admins": [user for user in attendance.active if user.profile.admin],
        "marked": [user for user in attendance.active if user.marked],
    }[word]
    return [user.channel.name for user in found]


# The commands and manager actions register themselves with the module above.
from offhook.services.conference import actions, commands  # noqa: E402, F401
