"""Silencing what a channel's party says or hears: MUTEAUDIO and the manager's MuteAudio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from offhook.config.model import TRUE_WORDS
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import ActionError, ActionRequest, Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

module = Module("res_mutestream", "Mute audio stream resources", priority=20)

_SIDES: dict[str, tuple[Literal["in", "out"], ...]] = {"in": ("in",), "out": ("out",), "all": ("in", "out")}


def mute(channel: Channel, sides: tuple[Literal["in", "out"], ...], on: bool) -> None:
    """Silence what comes from the party ("in") or goes to it, or end that."""
    if channel.media is not None:
        for side in sides:
            channel.media.mute(side, on)


@module.function("MUTEAUDIO", Syntax("direction", direction="in (from the party), out (to it) or all."))
def mute_audio(scope: Scope, direction: str = "") -> str:
    """Silence what a channel's party says or hears.

    Write only: Set(MUTEAUDIO(in)=on), and off again.
    """
    raise FunctionError("MUTEAUDIO can only be assigned")


@mute_audio.writer
def set_mute_audio(scope: Scope, value: str, direction: str = "") -> None:
    """Silence, or let be heard."""
    sides = _SIDES.get(direction.strip())
    if sides is None:
        raise FunctionError(f'MUTEAUDIO: "{direction}" is none of in, out and all')
    mute(need_channel(scope, "MUTEAUDIO"), sides, value.strip().lower() in TRUE_WORDS)


@module.action(
    "MuteAudio",
    ("system",),
    Syntax("Channel", "Direction", "State", Direction="in, out or all.", State="on or off."),
)
def mute_action(request: ActionRequest) -> None:
    """Silence what a channel hears or says, or end that."""
    name = request.require("Channel", "Channel not specified")
    state = request.require("State", "State not specified")
    direction = request.require("Direction", "Direction not specified").lower()
    channel: Channel | None = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError("No such channel")
    if direction not in _SIDES:
        raise ActionError("Failed to mute/unmute stream")
    mute(channel, _SIDES[direction], state.lower() in TRUE_WORDS)
    request.respond("Success")
