"""Manager actions on conferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.modules import ActionError, ActionRequest, Syntax
from offhook.services.conference.module import find_room, module, rooms

if TYPE_CHECKING:
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User

_CONFERENCE = "Name of the conference."
_CHANNEL = "Name of a channel; all, or participants for all but admins."


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


def _room(request: ActionRequest, *needed: str) -> Room:
    """The room that an action names; what else it needs is asked for first."""
    name = request.require("Conference", "No Conference name provided.")
    for header in needed:
        request.require(header, f"No {header.lower()} name provided.")
    if not rooms(request.pbx):
        raise ActionError("No active conferences.")
    room = find_room(request.pbx, name)
    if room is None:
        raise ActionError("No Conference by that name found.")
    return room


@module.action("ConfbridgeList", ("reporting",), Syntax("Conference", Conference=_CONFERENCE))
def list_users(request: ActionRequest) -> None:
    """List who is in a conference."""
    room = _room(request)
    request.listed("Confbridge user list will follow")
    count = 0
    for user in room.users:
        headers = _listed(room, user)
        if headers is not None:
            request.event("ConfbridgeList", headers)
            count += 1
    request.complete("ConfbridgeListComplete", count)


def _listed(room: Room, user: User) -> list[tuple[str, str]] | None:
    from offhook.control.manager.render import block_headers

    channel, profile = user.channel, user.profile
    block = block_headers(channel)
    if not block:
        return None
    up = int(channel.pbx.now() - channel.answered_at) if channel.answered_at is not None else 0
    own = [
        ("Conference", room.name),
        ("Admin", _yes(profile.admin)),
        ("MarkedUser", _yes(profile.marked)),
        ("WaitMarked", _yes(profile.wait_marked)),
        ("EndMarked", _yes(profile.end_marked)),
        ("EndMarkedAny", _yes(profile.end_marked_any)),
        ("Waiting", _yes(user in room.attendance.waiting)),
        ("Muted", _yes(user.muted)),
        ("Talking", _yes(user.talking)),
        ("AnsweredTime", str(up)),
    ]
    return [*own, *block]


@module.action("ConfbridgeListRooms", ("reporting",), Syntax())
def list_rooms(request: ActionRequest) -> None:
    """List the conferences."""
    found = rooms(request.pbx)
    if not found:
        raise ActionError("No active conferences.")
    request.listed("Confbridge conferences will follow")
    for room in found:
        request.event(
            "ConfbridgeListRooms",
            [
                ("Conference", room.name),
                ("Parties", str(len(room.users))),
                ("Marked", str(room.attendance.marked)),
                ("Locked", _yes(room.locked)),
                ("Muted", _yes(room.muted)),
            ],
        )
    request.complete("ConfbridgeListRoomsComplete", len(found))


@module.action("ConfbridgeMute", ("call",), Syntax("Conference", "Channel", Conference=_CONFERENCE, Channel=_CHANNEL))
def mute(request: ActionRequest) -> None:
    """Mute somebody in a conference."""
    _mute(request, True)


@module.action("ConfbridgeUnmute", ("call",), Syntax("Conference", "Channel", Conference=_CONFERENCE, Channel=_CHANNEL))
def unmute(request: ActionRequest) -> None:
    """Unmute somebody in a conference."""
    _mute(request, False)


def _mute(request: ActionRequest, on: bool) -> None:
    if not _room(request, "Channel").mute_named(request.get("Channel"), on):
        raise ActionError("No Channel by that name found in Conference.")
    request.ok("User muted" if on else "User unmuted")


@module.action("ConfbridgeKick", ("call",), Syntax("Conference", "Channel", Conference=_CONFERENCE, Channel=_CHANNEL))
def kick(request: ActionRequest) -> None:
    """Throw somebody out of a conference."""
    name = request.get("Channel")
    if not _room(request).kick_named(name):
        raise ActionError("No Channel by that name found in Conference.")
    request.ok("All participants kicked" if name == "all" else "User kicked")


@module.action("ConfbridgeLock", ("call",), Syntax("Conference", Conference=_CONFERENCE))
def lock(request: ActionRequest) -> None:
    """Let only admins into a conference."""
    _room(request).lock(True)
    request.ok("Conference locked")


@module.action("ConfbridgeUnlock", ("call",), Syntax("Conference", Conference=_CONFERENCE))
def unlock(request: ActionRequest) -> None:
    """Let anybody into a conference again."""
    _room(request).lock(False)
    request.ok("Conference unlocked")


@module.action(
    "ConfbridgeStartRecord",
    ("system",),
    Syntax("Conference", "[RecordFile]", Conference=_CONFERENCE, RecordFile="Instead of the profile's file."),
)
async def start_record(request: ActionRequest) -> None:
    """Begin to record a conference."""
    room = _room(request)
    if room.recording.running:
        raise ActionError("Conference is already being recorded.")
    if not await room.recording.start(request.get("RecordFile")):
        raise ActionError("Internal error starting conference recording.")
    request.ok("Conference Recording Started.")


@module.action("ConfbridgeStopRecord", ("system",), Syntax("Conference", Conference=_CONFERENCE))
def stop_record(request: ActionRequest) -> None:
    """End the recording of a conference."""
    if not _room(request).recording.stop():
        raise ActionError("Internal error while stopping recording.")
    request.ok("Conference Recording Stopped.")


@module.action(
    "ConfbridgeSetSingleVideoSrc", ("call",), Syntax("Conference", "Channel", Conference=_CONFERENCE, Channel=_CHANNEL)
)
def set_single_video_source(request: ActionRequest) -> None:
    """Say whose pictures all are to see.

    The bridge's BridgeVideoSource tells it; pictures themselves are not passed on in conferences.
    """
    room = _room(request, "Channel")
    name = request.get("Channel")
    user = next((user for user in room.attendance.active if user.channel.name.startswith(name)), None)
    if user is None:
        raise ActionError("No channel by that name found in conference.")
    room.show(user)
    request.ok("Conference single video source set.")
