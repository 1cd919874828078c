"""What the far end says of a REFER of ours, told to the channel as the condition TRANSFER."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from offhook.calls.frames import Condition, Control
from offhook.drivers.sip.calls.capabilities import ALLOW, supported

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.requests.incoming import IncomingRequest

SUCCESS = 0
FAILED = -1
"""What the condition TRANSFER carries besides SIP response codes."""

_STATUS_LINE = re.compile(rb"\s*SIP/2\.0 +(\d{3})")


def receive_notify(call: CallSession, incoming: IncomingRequest) -> None:
    """A NOTIFY about a REFER of ours (RFC 3515 2.4.4)."""
    message = incoming.message
    event = message.valued("Event")
    state = message.valued("Subscription-State")
    if "transfer" not in call.notes or event is None or event.value.lower() != "refer":
        incoming.respond(481)
        return
    incoming.respond(200, headers=[("Contact", call.contact), ALLOW, supported(call)])
    found = _STATUS_LINE.match(message.body) if message.content_type == "message/sipfrag" else None
    status = int(found[1]) if found is not None else 0
    over = state is not None and state.value.lower() == "terminated"
    if status >= 200 or over:
        done(call, SUCCESS if 200 <= status < 300 else status if status >= 300 else FAILED)
        if not over:
            call.send("SUBSCRIBE", [("Event", "refer"), ("Expires", "0")])


def done(call: CallSession, outcome: int) -> None:
    """Tell the channel how the transfer went: SUCCESS, FAILED or a SIP response code."""
    call.notes.pop("transfer", None)
    if call.channel is not None:
        call.channel.deliver(Control(Condition.TRANSFER, outcome))
