"""Manager events of bridges and of transfers between them."""

from __future__ import annotations

from offhook.calls import events
from offhook.control.manager.permissions import CALL
from offhook.control.manager.render import bridge_block, channel_block, render


@render(events.BridgeCreate, "BridgeCreate", CALL)
def bridge_create(event: events.BridgeCreate) -> str:
    return bridge_block(event.bridge)


@render(events.BridgeDestroy, "BridgeDestroy", CALL)
def bridge_destroy(event: events.BridgeDestroy) -> str:
    return bridge_block(event.bridge)


@render(events.BridgeEnter, "BridgeEnter", CALL)
def bridge_enter(event: events.BridgeEnter) -> str | None:
    channel = channel_block(event.channel)
    swap = f"SwapUniqueid: {event.swap.uniqueid}\r\n" if event.swap is not None else ""
    return channel and bridge_block(event.bridge) + channel + swap


@render(events.BridgeLeave, "BridgeLeave", CALL)
def bridge_leave(event: events.BridgeLeave) -> str | None:
    channel = channel_block(event.channel)
    return channel and bridge_block(event.bridge) + channel


@render(events.BridgeMerge, "BridgeMerge", CALL)
def bridge_merge(event: events.BridgeMerge) -> str:
    return bridge_block(event.target, "To") + bridge_block(event.source, "From")


@render(events.BlindTransfer, "BlindTransfer", CALL)
def blind_transfer(event: events.BlindTransfer) -> str | None:
    transferer = channel_block(event.transferer, "Transferer")
    transferee = "" if event.transferee is None else channel_block(event.transferee, "Transferee")
    if transferer is None or transferee is None:
        return None
    bridge = "" if event.bridge is None else bridge_block(event.bridge)
    return (
        f"Result: {event.result}\r\n{transferer}{transferee}{bridge}"
        f"IsExternal: {'Yes' if event.external else 'No'}\r\n"
        f"Context: {event.context}\r\nExtension: {event.exten}\r\n"
    )


@render(events.AttendedTransfer, "AttendedTransfer", CALL)
def attended_transfer(event: events.AttendedTransfer) -> str | None:
    parts = [
        f"Result: {event.result}\r\n",
        channel_block(event.first_transferer, "OrigTransferer"),
        "" if event.first_bridge is None else bridge_block(event.first_bridge, "Orig"),
        channel_block(event.second_transferer, "SecondTransferer"),
        "" if event.second_bridge is None else bridge_block(event.second_bridge, "Second"),
        "" if event.transferee is None else channel_block(event.transferee, "Transferee"),
        "" if event.target is None else channel_block(event.target, "TransferTarget"),
        f"IsExternal: {'Yes' if event.external else 'No'}\r\nDestType: {event.dest_type}\r\n",
        *_destination(event),
    ]
    if None in parts:
        return None
    return "".join(part or "" for part in parts)


def _destination(event: events.AttendedTransfer) -> list[str | None]:
    bridge = event.dest_bridge.uniqueid if event.dest_bridge is not None else ""
    if event.dest_type == "Bridge":
        return [f"DestBridgeUniqueid: {bridge}\r\n"]
    if event.dest_type == "App":
        return [f"DestApp: {event.dest_app}\r\n"]
    if event.dest_type == "Link":
        names = ("LocalOne", "LocalTwo")
        return [channel_block(channel, name) for channel, name in zip(event.dest_channels, names, strict=False)]
    if event.dest_type == "Threeway":
        transferer = event.dest_channels[0].name if event.dest_channels else ""
        return [f"DestBridgeUniqueid: {bridge}\r\nDestTransfererChannel: {transferer}\r\n"]
    return []
