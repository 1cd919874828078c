"""Manager events of parked calls."""

from __future__ import annotations

from offhook.control.manager.permissions import CALL
from offhook.control.manager.render import channel_block, render
from offhook.services.parking.place import ParkingEvent, Place

_NAMES = ("ParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp", "UnParkedCall", "ParkedCallSwap")


def block(place: Place) -> str | None:
    """The headers that tell a parked call; None when its channel is not to be told of."""
    parkee = channel_block(place.channel, "Parkee")
    retriever = "" if place.retriever is None else channel_block(place.retriever, "Retriever")
    if parkee is None or retriever is None:
        return None
    return (
        f"{parkee}{retriever}ParkerDialString: {place.parker}\r\nParkinglot: {place.lot.name}\r\n"
        f"ParkingSpace: {place.number}\r\nParkingTimeout: {place.left_s}\r\nParkingDuration: {place.duration}\r\n"
    )


@render(ParkingEvent, lambda event: str(event.kind), CALL, names=_NAMES)
def parking_event(event: ParkingEvent) -> str | None:
    return block(event.place)
