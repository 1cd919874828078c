"""StoreDTMF: what is dialled on a channel is kept in a variable."""

from __future__ import annotations

import logging
from collections.abc import Callable

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_dtmfstore", "Technology independent async DTMF storage")

_STORE = "DTMF store"
"""Key in a channel's data of what ends the storing."""


@module.application(
    "StoreDTMF",
    Syntax(
        "direction",
        "[var_name]",
        "[max_digits]",
        direction="RX: what the party dials; TX: what is sent to it; remove: store no more.",
        max_digits="0, or nothing: no limit.",
    ),
    see_also=("Read",),
)
def store_dtmf(channel: Channel, direction: str = "", name: str = "", most: str = "") -> None:
    """Append digits to a variable as they are dialled, while the dialplan goes on."""
    end: Callable[[], None] | None = channel.data.pop(_STORE, None)
    if end is not None:
        end()
    if direction.lower() == "remove":
        return
    way = {"rx": "Received", "tx": "Sent"}.get(direction.lower())
    if way is None or not name or (most and not most.isdigit()):
        log.warning(
            "%s: StoreDTMF(%s,%s,%s): write RX or TX, a variable, and perhaps a number of digits, or remove",
            channel.name,
            direction,
            name,
            most,
        )
        return
    left = int(most or 0) or None

    def digit(event: events.DtmfEnd) -> None:
        nonlocal left
        if event.channel is channel and event.direction == way and left != 0:
            channel.set_by_name(name, (channel.get(name) or "") + event.digit)
            if left is not None:
                left -= 1

    channel.set_by_name(name, "")
    channel.data[_STORE] = stop = channel.pbx.bus.subscribe(events.DtmfEnd, digit)
    channel.at_end(stop)
