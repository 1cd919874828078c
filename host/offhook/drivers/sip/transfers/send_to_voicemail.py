"""The key of some phones that sends a call to somebody's voicemail: a REFER that says so in a header.

The extension that the call is sent to reads it as REDIRECTING(reason), "send_to_vm", or as the header
X-Digium-Call-Feature.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.channel import SipChannel
from offhook.drivers.sip.calls.header_functions import headers_of
from offhook.drivers.sip.calls.identity import first_address
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module
from offhook.sip.errors import SIPError
from offhook.sip.grammar import unquote
from offhook.sip.message import Header, Request

if TYPE_CHECKING:
    from offhook.calls.channel import Channel
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.owners import Undo

log = logging.getLogger(__name__)
module = Module(
    "res_pjsip_send_to_voicemail", "PJSIP REFER Send to Voicemail Support", depends=("res_pjsip_refer",), priority=22
)

FEATURE = ("X-Digium-Call-Feature", "feature_send_to_vm")
REASON = "send_to_vm"


def note_wish(channel: Channel, message: Request) -> Undo | None:
    """Leave on the channel that is transferred what a REFER of ``channel`` says of voicemail; how to take it back.

    SIPError(400) when it says so and the channel is in no bridge of two.
    """
    name, value = FEATURE
    by_header = (message.get(name) or "").strip().lower() == value
    diverted = first_address(message, "Diversion")
    by_reason = diverted is not None and unquote(diverted.params.get("reason") or "").lower() == REASON
    if not by_header and not by_reason:
        return None
    other = channel.bridge.peer(channel) if channel.bridge is not None else None
    if other is None:
        log.warning("%s asks for a transfer to voicemail, and is in no bridge of two", channel.name)
        raise SIPError(400)
    before = other.redirecting.copy()
    headers: list[Header] = headers_of(other.session) if isinstance(other, SipChannel) else []
    if by_header:
        headers.append(FEATURE)
    if by_reason:
        other.redirecting = before.copy()
        other.redirecting.reason, other.redirecting.reason_text = REASON, ""

    def undo() -> None:
        if by_header:
            headers.remove(FEATURE)
        other.redirecting = before

    return undo


@module.on_load
def load(pbx: Pbx) -> None:
    """Look at every REFER."""
    stack: SipStack = pbx.parts[PART]
    stack.on_refer.append(note_wish)


@module.on_unload
def unload(pbx: Pbx) -> None:
    """No more."""
    stack: SipStack = pbx.parts[PART]
    stack.on_refer.remove(note_wish)
