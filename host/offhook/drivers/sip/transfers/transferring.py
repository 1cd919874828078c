"""Asking the far end to call elsewhere: 302 while its call rings, REFER when it is answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.capabilities import ALLOW, supported
from offhook.drivers.sip.calls.incoming_call import IncomingInvite
from offhook.drivers.sip.calls.states import UP
from offhook.drivers.sip.transfers.referral import ALLOW_EVENTS, EXPIRES_S, SIPFRAG
from offhook.drivers.sip.transfers.transfer_replies import FAILED, SUCCESS, done
from offhook.drivers.sip.transport.routing import sip_uri

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.channel import SipChannel
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.sip.message import Response

log = logging.getLogger(__name__)

_LAST_STEP_S = 0.1
"""How long the dialplan goes on after a redirection before its channel ends."""


def transfer(channel: SipChannel, destination: str) -> bool:
    """Send the far end to an endpoint of ours or a SIP URI; the condition TRANSFER tells how it went."""
    call = channel.session
    stack = call.stack
    endpoint = stack.config.endpoints.get(destination)
    target = destination
    for name in endpoint.aors if endpoint is not None else ():
        location = stack.locations.by_name.get(name)
        contact = next(iter(location.reachable), None) if location is not None else None
        if contact is not None:
            target = contact.uri
            break
    if sip_uri(target.strip("<>")) is None:
        log.warning(
            "%s cannot be transferred to %r: it is neither an endpoint nor a SIP URI", channel.name, destination
        )
        done(call, FAILED)
        return True
    opening = call.opening
    if isinstance(opening, IncomingInvite) and not opening.answered:
        opening.end(302, [("Contact", f"<{target.strip('<>')}>"), ALLOW, ("Supported", "histinfo")])
        done(call, SUCCESS)
        stack.loop.call_later(_LAST_STEP_S, call.far_end_gone, channel.hangup_cause)
    elif call.status in UP:
        _refer(call, channel, target)
    else:
        return False
    return True


def _refer(call: CallSession, channel: SipChannel, target: str) -> None:
    session = call.session
    assert session is not None
    by = channel.get("SIPREFERREDBYHDR") or session.dialog.local.partition(">")[0] + ">"
    headers = [
        ("Event", "refer"),
        ("Expires", str(EXPIRES_S)),
        supported(call),
        ("Accept", SIPFRAG),
        ("Allow-Events", ALLOW_EVENTS),
        ("Refer-To", target),
        ("Referred-By", by),
    ]
    call.notes["transfer"] = True
    call.send("REFER", headers, on_answer=lambda response: _answered(call, response))


def _answered(call: CallSession, response: Response) -> None:
    if response.status >= 300:
        done(call, response.status)
    elif response.status >= 200 and (response.get("Refer-Sub") or "").strip().lower() == "false":
        done(call, SUCCESS)
