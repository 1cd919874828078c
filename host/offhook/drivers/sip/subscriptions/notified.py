"""NOTIFY outside any dialog: another exchange tells unasked of messages waiting there."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from offhook.calls.events import TestEvent
from offhook.log import NOTICE
from offhook.sip.errors import SIPError

if TYPE_CHECKING:
    from offhook.drivers.sip.requests.incoming import IncomingRequest

log = logging.getLogger(__name__)

_SUMMARY = "application/simple-message-summary"
_COUNTS = re.compile(
    r"^voice-message:[ \t]*(\d{1,9})/(\d{1,9})(?!\d)(?:[ \t]*\((\d{1,9})/(\d{1,9})\b)?", re.ASCII | re.I | re.M
)
_ACCOUNT = re.compile(r"^message-account:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


def receive_notify(incoming: IncomingRequest) -> None:
    """Publish the counts under the endpoint's incoming_mwi_mailbox."""
    try:
        _take(incoming)
    except SIPError as error:
        log.log(NOTICE, "NOTIFY from %s refused: %s", incoming.endpoint.name, error)
        incoming.respond(error.status, error.reason)


def _take(incoming: IncomingRequest) -> None:
    message, endpoint, pbx = incoming.message, incoming.endpoint, incoming.stack.pbx
    if not message.body or message.content_type != _SUMMARY:
        raise SIPError(481, "Subscription Does Not Exist")
    mailbox = endpoint.incoming_mwi_mailbox
    if not mailbox:
        pbx.bus.publish(
            TestEvent(
                "PUBSUB_NO_INCOMING_MWI_MAILBOX",
                (("Endpoint", endpoint.name),),
                "res_pjsip_pubsub.c",
                "pubsub_on_rx_mwi_notify_request",
            )
        )
        raise SIPError(404, detail="its endpoint has no incoming_mwi_mailbox")
    if "@" not in mailbox:
        raise SIPError(404, detail=f"incoming_mwi_mailbox {mailbox} is not mailbox@context")
    text = message.body.decode("utf-8", "replace")
    new, old, urgent_new, urgent_old = counts_of(text)
    account = _ACCOUNT.search(text)
    pbx.mailboxes.publish(mailbox, new, old, kept_here=False)
    pbx.bus.publish(
        TestEvent(
            "PUBSUB_INCOMING_MWI_PUBLISH",
            (
                ("Endpoint", endpoint.name),
                ("Mailbox", mailbox),
                ("MessageAccount", account[1].lower() if account is not None else ""),
                ("VoiceMessagesNew", str(new)),
                ("VoiceMessagesOld", str(old)),
                ("VoiceMessagesUrgentNew", str(urgent_new)),
                ("VoiceMessagesUrgentOld", str(urgent_old)),
            ),
            "res_pjsip_pubsub.c",
            "pubsub_on_rx_mwi_notify_request",
        )
    )
    incoming.respond(200)


def counts_of(summary: str) -> tuple[int, int, int, int]:
    """New, old, urgent new and urgent old messages of a message summary (RFC 3842 5.2). Raises SIPError."""
    counts = _COUNTS.search(summary)
    if counts is None:
        raise SIPError(404, detail="the message summary has no line Voice-Message")
    new, old, urgent_new, urgent_old = (int(each or 0) for each in counts.groups())
    return new, old, urgent_new, urgent_old
