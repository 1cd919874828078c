"""What the console shows of conferences and does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offhook.modules import CommandError, Request
from offhook.services.conference.module import configuration_of, find_room, module, rooms

if TYPE_CHECKING:
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User


def _names(pbx: Any, words: list[str], _typed: str) -> list[str]:
    return [] if words else [room.name for room in rooms(pbx)]


def _names_and_users(pbx: Any, words: list[str], _typed: str) -> list[str]:
    if not words:
        return [room.name for room in rooms(pbx)]
    room = find_room(pbx, words[0]) if len(words) == 1 else None
    return ["all", "participants", *(user.channel.name for user in room.users)] if room is not None else []


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


@module.command("confbridge list [conference]", "List conference bridges and participants", complete=_names)
def list_rooms(request: Request) -> None:
    """List conferences, or who is in one.

    Flags: A admin, M marked, W waits for a marked user, E leaves with the last marked user, m muted, w waiting.
    """
    if len(request.args) > 1:
        raise request.usage()
    if not request.args:
        request.print("Conference Bridge Name           Users  Marked Locked Muted")
        request.print("================================ ====== ====== ====== =====")
        for room in rooms(request.pbx):
            count, marked = len(room.users), room.attendance.marked
            state = f"{_yes(room.locked):<6} {_yes(room.muted)}"
            request.print(f"{room.name:<32} {count:>6} {marked:>6} {state}")
        return
    found = find_room(request.pbx, request.args[0])
    if found is None:
        request.print(f"No conference bridge named '{request.args[0]}' found!")
        return
    request.print("Channel                        Flags  User Profile     Bridge Profile   Menu             CallerID")
    request.print(
        "============================== ====== ================ ================ ================ ================"
    )
    for user in found.users:
        request.print(_row(found, user))


def _row(room: Room, user: User) -> str:
    profile = user.profile
    letters = (
        ("A", profile.admin),
        ("M", profile.marked),
        ("W", profile.wait_marked),
        ("E", profile.end_marked),
        ("m", user.muted),
        ("w", user in room.attendance.waiting),
    )
    flags = "".join(letter for letter, on in letters if on)
    number = user.channel.caller.id.number
    caller = number.text if number.valid else "<unknown>"
    names = f"{profile.name:<16} {room.profile.name:<16} {user.menu.name:<16}"
    return f"{user.channel.name:<30} {flags:<6} {names} {caller}"


@module.command("confbridge kick <conference> <channel>", complete=_names_and_users)
def kick(request: Request) -> None:
    """Kick participants out of conference bridges.

    The channel's whole name; all for everybody, participants for all but admins.
    """
    name, who = _two(request)
    room = find_room(request.pbx, name)
    if room is None:
        request.print(f"No conference bridge named '{name}' found!")
    elif room.kick_named(who):
        request.print(f"Kicked '{who}' out of conference '{name}'")
    elif who.lower() in ("all", "participants"):
        request.print("No participants found!")
    else:
        request.print(f"No participant named '{who}' found!")


def _two(request: Request) -> tuple[str, str]:
    if len(request.args) != 2:
        raise request.usage()
    return request.args[0], request.args[1]


@module.command("confbridge mute <conference> <channel>", complete=_names_and_users)
def mute(request: Request) -> None:
    """Mute participants.

    The first whose channel's name begins so; all for everybody, participants for all but admins.
    """
    _mute(request, True)


@module.command("confbridge unmute <conference> <channel>", complete=_names_and_users)
def unmute(request: Request) -> None:
    """Unmute participants.

    The first whose channel's name begins so; all for everybody, participants for all but admins.
    """
    _mute(request, False)


def _mute(request: Request, on: bool) -> None:
    name, who = _two(request)
    room = find_room(request.pbx, name)
    if room is None:
        request.print(f"No conference bridge named '{name}' found!")
    elif room.mute_named(who, on):
        request.print(f"{'Muting' if on else 'Unmuting'} {who} from confbridge {name}")
    elif who.lower() in ("all", "participants"):
        request.print(f"No participants found in conference {name}")
    else:
        request.print(f"No channel named '{who}' found in conference {name}")


@module.command("confbridge lock <conference>", complete=_names)
def lock(request: Request) -> None:
    """Lock a conference.

    Only admins come in until it is unlocked.
    """
    _lock(request, True)


@module.command("confbridge unlock <conference>", complete=_names)
def unlock(request: Request) -> None:
    """Unlock a conference."""
    _lock(request, False)


def _lock(request: Request, on: bool) -> None:
    if len(request.args) != 1:
        raise request.usage()
    room = find_room(request.pbx, request.args[0])
    if room is None:
        request.print(f"Conference {request.args[0]} is not found")
        return
    room.lock(on)
    request.print(f"Conference {request.args[0]} is {'locked' if on else 'unlocked'}.")


@module.command("confbridge record start <conference> [file]", complete=_names)
async def record_start(request: Request) -> None:
    """Start recording a conference.

    The file is the one given, the profile's, or one of the folder of recordings named by room and time.
    """
    if not request.args:
        raise request.usage()
    room = find_room(request.pbx, request.args[0])
    if room is None:
        raise CommandError("Conference not found.")
    if room.recording.running:
        request.print("Conference is already being recorded.")
    elif await room.recording.start(request.args[1] if len(request.args) == 2 else ""):
        request.print("Recording started")
    else:
        raise CommandError("Could not start recording due to internal error.")


@module.command("confbridge record stop <conference>", complete=_names)
def record_stop(request: Request) -> None:
    """Stop recording a conference."""
    if len(request.args) != 1:
        raise request.usage()
    room = find_room(request.pbx, request.args[0])
    if room is None:
        request.print("Conference not found.")
    else:
        request.print(f"Recording {'' if room.recording.stop() else 'could not be '}stopped.")


# ---- profiles and menus -------------------------------------------------------------------------------------


def _first(kind: str) -> Any:
    def complete(pbx: Any, words: list[str], _typed: str) -> list[str]:
        return [] if words else [each.name for each in getattr(configuration_of(pbx), kind).values()]

    return complete


@module.command("confbridge show menus", "Show a list of conference menus")
def show_menus(request: Request) -> None:
    """List the menus of confbridge.conf."""
    request.print("--------- Menus -----------", *(menu.name for menu in configuration_of(request.pbx).menus.values()))


@module.command("confbridge show menu <menu>", "Show a conference menu", complete=_first("menus"))
def show_menu(request: Request) -> None:
    """Show what digits do in a menu."""
    menu = configuration_of(request.pbx).menus.get(_one(request).lower())
    if menu is None:
        request.print(f"No conference menu named '{request.args[0]}' found!")
        return
    request.print(f"Name: {menu.name}")
    for digits, actions in menu.entries.items():
        request.print(f"{digits}={', '.join(map(str, actions))}")


def _one(request: Request) -> str:
    if len(request.args) != 1:
        raise request.usage()
    return request.args[0]


@module.command("confbridge show profile users", "Show a list of conference user profiles")
def show_users(request: Request) -> None:
    """List the user profiles of confbridge.conf."""
    users = configuration_of(request.pbx).users.values()
    request.print("--------- User Profiles -----------", *(profile.name for profile in users))


@module.command("confbridge show profile bridges", "Show a list of conference bridge profiles")
def show_bridges(request: Request) -> None:
    """List the bridge profiles of confbridge.conf."""
    bridges = configuration_of(request.pbx).bridges.values()
    request.print("--------- Bridge Profiles -----------", *(profile.name for profile in bridges))


@module.command("confbridge show profile user <profile>", "Show a conference user profile", complete=_first("users"))
def show_user(request: Request) -> None:
    """Show the options of a user profile."""
    from offhook.services.conference.showing import user_lines

    profile = configuration_of(request.pbx).users.get(_one(request).lower())
    if profile is None:
        request.print(f"No conference user profile named '{request.args[0]}' found!")
    else:
        request.print(*user_lines(profile))


@module.command(
    "confbridge show profile bridge <profile>", "Show a conference bridge profile", complete=_first("bridges")
)
def show_bridge(request: Request) -> None:
    """Show the options of a bridge profile."""
    from offhook.services.conference.showing import bridge_lines

    profile = configuration_of(request.pbx).bridges.get(_one(request).lower())
    if profile is None:
        request.print(f"No conference bridge profile named '{request.args[0]}' found!")
    else:
        request.print(*bridge_lines(profile))
