"""ControlPlayback, and steering what is played on any channel through the manager."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control
from offhook.calls.prompts import SKIP_MS, Keys, NoPrompt, play_steered
from offhook.modules import ActionError, ActionRequest, Module, Options, Syntax

log = logging.getLogger(__name__)
module = Module("app_controlplayback", "Control Playback Application")

_KEYS = "0123456789#*"


@module.application(
    "ControlPlayback",
    Syntax(
        "filename",
        "[skipms]",
        "[ff]",
        "[rew]",
        "[stop]",
        "[pause]",
        "[restart]",
        "[options]",
        filename="With :end behind it, the offset counts from the end.",
        skipms="How far ff and rew wind; 3000 when not said.",
        ff="# when not said.",
        rew="* when not said.",
        options={"o(ms)": "Begin there."},
    ),
    see_also=("Playback", "BackGround"),
)
async def control_playback(
    channel: Channel,
    name: str = "",
    skip: str = "",
    forward: str = "",
    reverse: str = "",
    stop: str = "",
    pause: str = "",
    restart: str = "",
    options: str = "",
) -> None:
    """Play a sound file that the caller's digits wind, pause, begin anew and end.

    CPLAYBACKSTATUS is SUCCESS, USERSTOPPED (with CPLAYBACKSTOPKEY), REMOTESTOPPED or ERROR; CPLAYBACKOFFSET is where it
    ended in ms, -1 at the end of the file.
    """
    if not name:
        log.warning("%s: ControlPlayback needs the name of a sound file", channel.name)
        raise Hangup
    forward, reverse = _wound(forward, reverse, stop, pause, restart)
    stop, pause, restart = (keys if keys[:1] in _KEYS else "" for keys in (stop, pause, restart))
    offset = _number(Options(options)["o"], 0)
    keys = Keys("", forward, reverse, _number(skip, SKIP_MS) or SKIP_MS)
    try:
        end = await play_steered(channel, name, keys, stop=stop, suspend=pause, restart=restart, offset_ms=offset)
    except NoPrompt as missing:
        log.warning("%s: ControlPlayback: %s", channel.name, missing)
        channel.set("CPLAYBACKSTATUS", "ERROR")
        channel.set("CPLAYBACKOFFSET", str(offset))
        return
    if isinstance(end.ending, str) and end.ending:
        channel.set("CPLAYBACKSTATUS", "USERSTOPPED")
        channel.set("CPLAYBACKSTOPKEY", end.ending)
    else:
        channel.set("CPLAYBACKSTATUS", "REMOTESTOPPED" if end.ending is Condition.STREAM_STOP else "SUCCESS")
    channel.set("CPLAYBACKOFFSET", str(end.position_ms))


def _wound(forward: str, reverse: str, *others: str) -> tuple[str, str]:
    """The keys that wind: those given, else # and * where nothing else has them."""
    if forward[:1] not in tuple(_KEYS):
        forward = "" if any("#" in keys for keys in (reverse, *others)) else "#"
    if reverse[:1] not in tuple(_KEYS):
        reverse = "" if any("*" in keys for keys in (forward, *others)) else "*"
    return forward, reverse


def _number(text: str, default: int) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        log.warning("ControlPlayback: %r is no number of milliseconds", text)
        return default


_CONTROLS = {
    "stop": Condition.STREAM_STOP,
    "forward": Condition.STREAM_FORWARD,
    "reverse": Condition.STREAM_REVERSE,
    "pause": Condition.STREAM_SUSPEND,
    "restart": Condition.STREAM_RESTART,
}


@module.action(
    "ControlPlayback", ("call",), Syntax("Channel", "Control", Control="stop, forward, reverse, pause or restart.")
)
def control_action(request: ActionRequest) -> None:
    """Steer what is played on a channel."""
    name = request.require("Channel", "Channel not specified")
    control = request.require("Control", "Control not specified").lower()
    channel = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError("No such channel")
    if control not in _CONTROLS:
        raise ActionError("Unknown control type")
    channel.deliver(Control(_CONTROLS[control]))
    request.respond("Success")
