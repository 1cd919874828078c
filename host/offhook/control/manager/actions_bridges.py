"""Actions on bridges."""

from __future__ import annotations

from offhook.calls.bridge import Bridge
from offhook.calls.bridge_technologies import TECHNOLOGIES, set_suspended, suspended
from offhook.control.manager.actions_channels import find_channel
from offhook.control.manager.module import module
from offhook.control.manager.render import Headers, block_headers, bridge_block
from offhook.modules import ActionError, ActionRequest, Syntax


def _headers(bridge: Bridge) -> Headers:
    lines = bridge_block(bridge).split("\r\n")[:-1]
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def _bridge(request: ActionRequest) -> Bridge:
    uniqueid = request.require("BridgeUniqueid", "BridgeUniqueid must be provided")
    bridge: Bridge | None = request.pbx.bridges.find(uniqueid)
    if bridge is None:
        raise ActionError("Specified BridgeUniqueid not found")
    return bridge


@module.action("BridgeList", (), Syntax("[BridgeType]", BridgeType="Only bridges of this technology."))
def bridge_list(request: ActionRequest) -> None:
    """List the bridges."""
    wanted = request.get("BridgeType")
    request.listed("Bridge listing will follow")
    count = 0
    for bridge in request.pbx.bridges:
        if not wanted or wanted == bridge.technology:
            request.event("BridgeListItem", _headers(bridge))
            count += 1
    request.complete("BridgeListComplete", count)


@module.action("BridgeInfo", (), Syntax("BridgeUniqueid"))
def bridge_info(request: ActionRequest) -> None:
    """Show a bridge and list its channels."""
    bridge = _bridge(request)
    request.listed("Bridge channel listing will follow")
    count = 0
    for channel in bridge:
        if headers := block_headers(channel):
            request.event("BridgeInfoChannel", headers)
            count += 1
    request.complete("BridgeInfoComplete", count, _headers(bridge))


@module.action("BridgeDestroy", (), Syntax("BridgeUniqueid"))
def bridge_destroy(request: ActionRequest) -> None:
    """End a bridge: everybody in it leaves."""
    _bridge(request).dissolve()
    request.ok("Bridge has been destroyed")


@module.action(
    "BridgeKick", (), Syntax("[BridgeUniqueid]", "Channel", BridgeUniqueid="To be sure that it is this bridge.")
)
def bridge_kick(request: ActionRequest) -> None:
    """Take a channel out of its bridge."""
    request.require("Channel", "Channel must be provided")
    channel = find_channel(request, "", "Channel does not exist")
    bridge = channel.bridge
    uniqueid = request.get("BridgeUniqueid")
    if uniqueid and request.pbx.bridges.find(uniqueid) is None:
        raise ActionError("Bridge not found")
    if not uniqueid and bridge is None:
        raise ActionError("Channel is not in a bridge")
    if bridge is None or (uniqueid and bridge is not request.pbx.bridges.find(uniqueid)):
        raise ActionError("Channel kick from bridge failed")
    bridge.remove(channel)
    request.ok("Channel has been kicked")


@module.action("BridgeTechnologyList", ())
def technology_list(request: ActionRequest) -> None:
    """List the ways of mixing."""
    request.listed("Bridge technology listing will follow")
    for name, kind, preference in TECHNOLOGIES:
        headers = [
            ("BridgeTechnology", name),
            ("BridgeType", kind),
            ("BridgePriority", str(preference)),
            ("BridgeSuspended", "Yes" if suspended(request.pbx, name) else "No"),
            ("ActionID", request.get("ActionID")),
        ]
        request.event("BridgeTechnologyListItem", headers)
    request.complete("BridgeTechnologyListComplete", len(TECHNOLOGIES))


@module.action("BridgeTechnologySuspend", (), Syntax("BridgeTechnology"))
def technology_suspend(request: ActionRequest) -> None:
    """Use a way of mixing no longer for new bridges."""
    _set_suspended(request, True)


@module.action("BridgeTechnologyUnsuspend", (), Syntax("BridgeTechnology"))
def technology_unsuspend(request: ActionRequest) -> None:
    """Use a suspended way of mixing again."""
    _set_suspended(request, False)


def _set_suspended(request: ActionRequest, suspend: bool) -> None:
    name = request.require("BridgeTechnology", "BridgeTechnology must be provided")
    if not set_suspended(request.pbx, name, suspend):
        raise ActionError("BridgeTechnology not found")
    request.ok("Suspended bridge technology" if suspend else "Unsuspended bridge technology")
