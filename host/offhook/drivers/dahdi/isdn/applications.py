"""Dialplan applications of ISDN calls."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel, Hangup
from offhook.drivers.dahdi.channel import DahdiChannel
from offhook.drivers.dahdi.isdn.bearer import BearerPort
from offhook.drivers.dahdi.isdn.calls import IsdnCall
from offhook.drivers.dahdi.isdn.span import IsdnSpan
from offhook.drivers.dahdi.module import module
from offhook.modules import Syntax

log = logging.getLogger(__name__)
_REPLY_S = 5.0
"""The far end clears the call within that."""


def _call(channel: Channel, application: str) -> tuple[IsdnSpan, IsdnCall]:
    """The ISDN call of a channel; the call ends when it is none."""
    port = channel.port if isinstance(channel, DahdiChannel) else None
    call = port.span_of.call_on(channel) if isinstance(port, BearerPort) and isinstance(channel, DahdiChannel) else None
    if call is None or not isinstance(port, BearerPort):
        log.warning("%s: %s is for calls of ISDN", channel.name, application)
        raise Hangup
    return port.span_of, call


@module.application("DAHDISendKeypadFacility", Syntax("digits"))
def send_keypad_facility(channel: Channel, digits: str = "") -> None:
    """Send digits out of band over a PRI.

    They go in a keypad facility element of an INFORMATION message.
    """
    span, call = _call(channel, "DAHDISendKeypadFacility")
    if not digits:
        log.warning("DAHDISendKeypadFacility: there are no digits")
        raise Hangup
    span.link.services.keypad(call.handle, digits)
    span.schedule()


@module.application("DAHDISendCallreroutingFacility", Syntax("destination", "[original]", "[reason]"))
async def send_callrerouting_facility(
    channel: Channel, destination: str = "", original: str = "", reason: str = ""
) -> None:
    """Send an ISDN call rerouting/deflection facility message.

    The far end's exchange sends the call to the destination; this one ends, when the far end clears it or after 5 s.
    The reason is unknown, cfu, cfb or cfnr. Which switch types know of it is libpri's matter: EuroISDN and Q.SIG do.
    """
    span, call = _call(channel, "DAHDISendCallreroutingFacility")
    if not destination:
        log.warning("DAHDISendCallreroutingFacility: there is no destination")
        raise Hangup
    sent = span.link.services.reroute(call.handle, destination, original, reason)
    span.schedule()
    if sent:
        await channel.sleep(_REPLY_S)
    raise Hangup
