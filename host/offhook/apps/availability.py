"""ChanIsAvail: whether a channel could be called now."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.calls.requesting import RequestError, request, split_destinations
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("app_chanisavail", "Check channel availability")

_NUMBERS = {
    "UNKNOWN": 0,
    "NOT_INUSE": 1,
    "INUSE": 2,
    "BUSY": 3,
    "INVALID": 4,
    "UNAVAILABLE": 5,
    "RINGING": 6,
    "RINGINUSE": 7,
    "ONHOLD": 8,
}
"""How AVAILSTATUS writes device states."""


@module.application(
    "ChanIsAvail",
    Syntax(
        "Technology/Resource[&...]",
        "[options]",
        options={
            "a": "Look at all of them, not only until one is available.",
            "s": "A channel whose device is in use is not available.",
            "t": "The same, by the names of the channels that exist.",
        },
    ),
    see_also=("Dial", "DEVICE_STATE"),
)
def chan_is_avail(channel: Channel, destinations: str = "", options: str = "") -> None:
    """Look for a destination that could be called now.

    AVAILCHAN is the channel's name, AVAILORIGCHAN the destination, AVAILSTATUS the device states that were asked
    for, AVAILCAUSECODE the causes of the requests; several are separated by ``&``.
    """
    pbx = channel.pbx
    names: list[str] = []
    found: list[str] = []
    states: list[str] = []
    for target in split_destinations(destinations):
        if "/" not in target:
            log.warning("%s: ChanIsAvail: %r is no destination: write technology/resource", channel.name, target)
            states.append(str(_NUMBERS["INVALID"]))
            continue
        state = "UNKNOWN"
        if "t" in options:
            state = pbx.devices.from_channels(target)
        elif "s" in options:
            state = pbx.devices.state(target)
        states.append(str(_NUMBERS[state]))
        if _NUMBERS[state] > _NUMBERS["NOT_INUSE"]:
            continue
        try:
            tried = request(pbx, target, channel)
        except RequestError as error:
            log.debug("%s: ChanIsAvail: %s: %s", channel.name, target, error)
            continue
        names.append(tried.name)
        found.append(target)
        if "CDR_PROP" in pbx.registry.functions:
            tried.set_by_name("CDR_PROP(disable)", "1")
        tried.hangup()
        if "a" not in options:
            break
    channel.set("AVAILCHAN", "&".join(names))
    channel.set("AVAILORIGCHAN", "&".join(found))
    channel.set("AVAILSTATUS", "&".join(states))
    channel.set("AVAILCAUSECODE", "&".join("0" for _ in found))
