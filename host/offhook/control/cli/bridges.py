"""``bridge show``, ``bridge kick`` and ``bridge technology``: who talks to whom, and how they are mixed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from offhook.calls.bridge_technologies import TECHNOLOGIES, set_suspended, suspended
from offhook.control.cli.completion import first
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge

module = Module("cli_bridges", "Commands about bridges")

_ROW = "{:<36} {:<36} {:>5} {:<15} {:<15} {}"
_TECHNOLOGY = "{:<20} {:<20} {:>8} {}"


def _ids(pbx: Any) -> list[str]:
    return [bridge.uniqueid for bridge in pbx.bridges]


def _duration(bridge: Bridge) -> str:
    seconds = int(bridge.pbx.now() - bridge.created_at)
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


@module.command("bridge show all", "List all bridges")
def show_all(request: Request) -> None:
    """List the bridges: their ids, names, members and ages."""
    if request.args:
        raise request.usage()
    request.print(_ROW.format("Bridge-ID", "Name", "Chans", "Type", "Technology", "Duration"))
    for bridge in request.pbx.bridges:
        name = bridge.name or "<unknown>"
        row = _ROW.format(bridge.uniqueid, name, len(bridge), bridge.kind, bridge.technology, _duration(bridge))
        request.print(row)


@module.command("bridge show <bridge-id>", "Show information about a bridge", complete=first(_ids))
def show(request: Request) -> None:
    """Show a bridge and the channels in it."""
    if len(request.args) != 1:
        raise request.usage()
    bridge = request.pbx.bridges.find(request.args[0])
    if bridge is None:
        request.print(f"Bridge '{request.args[0]}' not found")
        return
    request.print(
        f"Id: {bridge.uniqueid}",
        f"Type: {bridge.kind}",
        f"Technology: {bridge.technology}",
        f"Subclass: {bridge.kind}",
        f"Creator: {bridge.creator}",
        f"Name: {bridge.name}",
        f"Video-Mode: {bridge.video_mode}",
        f"Video-Source-Id: {bridge.video_source}",
        f"Num-Channels: {len(bridge)}",
        f"Num-Active: {len(bridge)}",
        f"Duration: {_duration(bridge)}",
        *(f"Channel: {channel.name}" for channel in bridge),
    )


def _members(pbx: Any, args: Sequence[str], _typed: str) -> Iterable[str]:
    if not args:
        return _ids(pbx)
    bridge = pbx.bridges.find(args[0]) if len(args) == 1 else None
    return ["all", *(channel.name for channel in bridge)] if bridge is not None else ()


@module.command("bridge kick <bridge-id> <channel|all>", "Kick a channel from a bridge", complete=_members)
def kick(request: Request) -> None:
    """Take one channel out of a bridge, or "all" of them."""
    if len(request.args) != 2:
        raise request.usage()
    uniqueid, name = request.args
    bridge = request.pbx.bridges.find(uniqueid)
    if bridge is None:
        request.print(f"Bridge '{uniqueid}' not found")
    elif name.lower() == "all":
        request.print(f"Kicking all channels from bridge '{uniqueid}'")
        for channel in bridge:
            bridge.remove(channel)
    elif (channel := request.pbx.channels.find(name)) is None:
        request.print(f"Channel '{name}' not found")
    else:
        request.print(f"Kicking channel '{channel.name}' from bridge '{uniqueid}'")
        bridge.remove(channel)


@module.command("bridge technology show", "List registered bridge technologies")
def show_technologies(request: Request) -> None:
    """List the ways of mixing."""
    if request.args:
        raise request.usage()
    request.print(_TECHNOLOGY.format("Name", "Type", "Priority", "Suspended"))
    for name, kind, preference in TECHNOLOGIES:
        request.print(_TECHNOLOGY.format(name, kind, preference, "Yes" if suspended(request.pbx, name) else "No"))


def _names(_pbx: Any) -> list[str]:
    return [name for name, _, _ in TECHNOLOGIES]


@module.command("bridge technology suspend <technology-name>", "Suspend a bridge technology", complete=first(_names))
def suspend_technology(request: Request) -> None:
    """Choose a way of mixing no longer; bridges that use it go on."""
    _set_suspended(request, True)


@module.command(
    "bridge technology unsuspend <technology-name>", "Unsuspend a bridge technology", complete=first(_names)
)
def unsuspend_technology(request: Request) -> None:
    """Choose a suspended way of mixing again."""
    _set_suspended(request, False)


def _set_suspended(request: Request, suspend: bool) -> None:
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    if not set_suspended(request.pbx, name, suspend):
        request.print(f"Bridge technology '{name}' not found")
    else:
        request.print(f"{'Suspended' if suspend else 'Unsuspended'} bridge technology '{name}'")
