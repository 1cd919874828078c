"""Events of a room as text messages to its users: JSON, as a browser that takes part can show them (enable_events)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from offhook.calls.frames import Text
from offhook.services.conference import events as told

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.calls.channel import Channel
    from offhook.services.conference.events import ConferenceEvent
    from offhook.services.conference.room import Room
    from offhook.services.conference.user import User

CONTENT_TYPE = "application/x-asterisk-confbridge-event+json"
WELCOME = "ConfbridgeWelcome"
_ENHANCED = "ENHANCED"
_KEYS = {"Admin": "admin", "Muted": "muted", "TalkingStatus": "talking_status"}
_VALUES = {"Yes": True, "No": False}


def send_event(room: Room, event: ConferenceEvent, source: User | None) -> None:
    """Tell users whose profile has send_events; the source only with echo_events.

    Whoever comes is welcomed with a list of all who are there.
    """
    details: dict[str, Any] = {_KEYS[name]: _VALUES.get(value, value) for name, value in event.details}
    channels = [] if event.channel is None else [_channel(event.channel, details)]
    body = _body(room, event.kind, channels)
    for user in room.attendance.active:
        if user.profile.send_events and (user is not source or user.profile.echo_events):
            _send(room, user, body)
    if event.kind == told.JOIN and source is not None and source.profile.send_events:
        there = [_channel(user.channel, details) for user in room.attendance.active]
        _send(room, source, _body(room, WELCOME, there))


def _send(room: Room, user: User, body: str) -> None:
    channel = user.channel
    if channel.texts == _ENHANCED and channel.alive and channel.bridge is room.bridge:
        channel.tech_send_text(Text(body, CONTENT_TYPE, room.name))


def _body(room: Room, kind: str, channels: list[dict[str, Any]]) -> str:
    moment = _moment(room.pbx.wall())
    whole = {"type": kind, "timestamp": moment, "bridge": _bridge(room.bridge), "channels": channels}
    return json.dumps(whole, indent=2)


def _bridge(bridge: Bridge) -> dict[str, Any]:
    age = bridge.pbx.now() - bridge.created_at
    shown = {
        "id": bridge.uniqueid,
        "name": bridge.name,
        "creationtime": _moment(bridge.pbx.wall() - age),
        "video_mode": bridge.video_mode,
    }
    if bridge.video_source:
        shown["video_source_id"] = bridge.video_source
    return shown


def _channel(channel: Channel, details: dict[str, Any]) -> dict[str, Any]:
    """A channel without what is not the others' business: its place in the dialplan, its account, whom it talks to."""
    caller = channel.caller.id
    return {
        "id": channel.uniqueid,
        "name": channel.name,
        "state": channel.state.text,
        "protocol_id": channel.tech_call_id(),
        "caller": {"name": caller.name.text, "number": caller.number.text},
        "creationtime": _moment(channel.created_wall),
        "language": channel.language,
        **details,
    }


def _moment(wall: float) -> str:
    """A time as ARI writes it."""
    local = time.localtime(wall)
    return time.strftime(f"%Y-%m-%dT%H:%M:%S.{int(wall * 1000) % 1000:03}%z", local)
