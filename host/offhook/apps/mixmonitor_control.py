"""MixMonitor from outside the dialplan: manager actions and events, and a command."""

from __future__ import annotations

from offhook.apps import monitors
from offhook.apps.mixmonitor import module
from offhook.apps.monitors import MixMonitorMute, MixMonitorStart, MixMonitorStop
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.control.cli.completion import channels
from offhook.control.manager.permissions import CALL
from offhook.control.manager.render import channel_block, render
from offhook.modules import ActionError, ActionRequest, Options, Request, Syntax


@render(MixMonitorStart, "MixMonitorStart", CALL)
def started(event: MixMonitorStart) -> str | None:
    return channel_block(event.channel)


@render(MixMonitorStop, "MixMonitorStop", CALL)
def stopped(event: MixMonitorStop) -> str | None:
    return channel_block(event.channel)


@render(MixMonitorMute, "MixMonitorMute", CALL)
def muted(event: MixMonitorMute) -> str | None:
    block = channel_block(event.channel)
    return block and (
        f"{block}Direction: {event.direction}\r\nState: {int(event.muted)}\r\n"
        f"MixmonitorID: {event.monitor}\r\nCount: {event.count}\r\n"
    )


def _channel(request: ActionRequest) -> Channel:
    name = request.require("Channel", "No channel specified")
    channel: Channel | None = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError("No such channel")
    return channel


@module.action(
    "MixMonitor",
    ("system", "call"),
    Syntax("Channel", "[File]", "[Options]", "[Command]", Options="As of the application.", Command="Run at the end."),
)
async def start(request: ActionRequest) -> None:
    """Record a call while it goes on."""
    channel = _channel(request)
    options = request.get("Options")
    arguments = f"{request.get('File')},{options},{request.get('Command')}"
    if await monitors.begin(channel, arguments) is None:
        raise ActionError("Could not start monitoring channel")
    variable = Options(options)["i"]
    identity = (channel.get(variable) or "") if variable else ""
    request.respond("Success", headers=[("MixMonitorID", identity)] if identity else [])


@module.action("StopMixMonitor", ("system", "call"), Syntax("Channel", "[MixMonitorID]"))
async def stop(request: ActionRequest) -> None:
    """End a recording of a call, the latest unless an id is given."""
    channel = _channel(request)
    if not await monitors.end(channel, request.get("MixMonitorID")):
        raise ActionError("Could not stop monitoring channel")
    request.respond("Success")


@module.action(
    "MixMonitorMute",
    ("system", "call"),
    Syntax("Channel", "Direction", "State", "[MixMonitorID]", Direction="read, write or both.", State="1 or 0."),
)
def mute(request: ActionRequest) -> None:
    """Have silence in recordings instead of what a party says or hears, or end that."""
    direction = request.require("Direction", "No direction specified. Must be read, write or both").lower()
    if direction not in ("read", "write", "both"):
        raise ActionError("Invalid direction specified. Must be read, write or both")
    request.require("Channel", "No channel specified")
    state = request.require("State", "No state specified").lower()
    channel = _channel(request)
    identity = request.get("MixMonitorID")
    if identity:
        monitor = monitors.named(channel, identity)
        if monitor is None:
            raise ActionError("Cannot set mute flag")
        found = [monitor]
    else:
        found = monitors.monitors(channel)
    directions = {"read", "write"} if direction == "both" else {direction}
    for monitor in found:
        monitor.mute(directions, state not in FALSE_WORDS)
    on = state in TRUE_WORDS
    if not identity and request.pbx.bus.wants(events.TestEvent):
        headers = (
            ("Channel", channel.name),
            ("Source", "MixMonitor"),
            ("Count", str(len(found))),
        )
        toggle = events.TestEvent("AUDIOHOOK_GROUP_MUTE_TOGGLE", headers, "audiohook.c", "ast_audiohook_set_mute_all")
        request.pbx.bus.publish(toggle)
    request.pbx.bus.publish(MixMonitorMute(channel, request.get("Direction"), on, identity, len(found)))
    request.respond("Success")


def _complete(pbx: object, args: list[str], typed: str) -> list[str]:
    if not args:
        return ["start", "stop", "list"]
    return list(channels(pbx)) if len(args) == 1 else []


@module.command(
    "mixmonitor {start|stop|list} <channel> [<arguments>]", "Execute a MixMonitor command", complete=_complete
)
async def command(request: Request) -> None:
    """Begin or end a recording of a call, with the application's arguments, or list a channel's recordings."""
    if len(request.args) < 2:
        raise request.usage()
    verb, name, *rest = request.args
    channel = request.pbx.channels.by_prefix(name)
    if channel is None:
        request.print(f"No channel matching '{name}' found.")
    elif verb == "start":
        await monitors.begin(channel, rest[0] if rest else "")
    elif verb == "stop":
        await monitors.end(channel, rest[0] if rest else "")
    elif verb == "list":
        request.print("MixMonitor ID\tFile\tReceive File\tTransmit File", "=" * 73)
        for each in monitors.monitors(channel):
            files = [each.tracks[key].path if key in each.tracks else "" for key in ("", "r", "t")]
            request.print("\t".join((each.identity, *files)))
    else:
        raise request.usage()
