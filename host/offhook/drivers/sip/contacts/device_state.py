"""The device state of an endpoint, from its channels and its contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, State
from offhook.calls.devices import combine
from offhook.drivers.sip.calls.indications import ON_HOLD
from offhook.drivers.sip.stack import PART, SipStack

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

_WORDS = {State.DOWN: "NOT_INUSE", State.RINGING: "RINGING", State.BUSY: "BUSY"}


def device_state(pbx: Pbx, resource: str) -> str:
    """What an endpoint does: as its channels tell; without any, whether it can be reached."""
    stack: SipStack | None = pbx.parts.get(PART)
    if stack is None or resource not in stack.config.endpoints:
        return "INVALID"
    channels = list(pbx.channels.of_device(f"PJSIP/{resource}"))
    if not channels:
        return "NOT_INUSE" if stack.locations.online.get(resource) else "UNAVAILABLE"
    busy_at = stack.config.endpoints[resource].device_state_busy_at
    if busy_at and sum(channel.state > State.RESERVED for channel in channels) >= busy_at:
        return "BUSY"
    return combine(map(_word, channels))


def _word(channel: Channel) -> str:
    return "ONHOLD" if ON_HOLD in channel.flags else _WORDS.get(channel.state, "INUSE")
