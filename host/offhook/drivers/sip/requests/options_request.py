"""Answering OPTIONS: what we understand, and whether the extension exists (RFC 3261 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.drivers.sip.calls.capabilities import ALLOW
from offhook.sip.uri import SipUri, TelUri

if TYPE_CHECKING:
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.sip.message import Header

ACCEPT = (
    "application/sdp, application/dialog-info+xml, application/simple-message-summary, application/pidf+xml, "
    "application/cpim-pidf+xml, application/xpidf+xml, message/sipfrag;version=2.0"
)
SUPPORTED = "100rel, timer, replaces, norefersub"


def on_options(incoming: IncomingRequest) -> None:
    """Answer an OPTIONS outside a dialog."""
    stack = incoming.stack
    uri = incoming.message.uri
    if not isinstance(uri, SipUri | TelUri):
        respond(incoming, 416)
        return
    exten = uri.user
    if stack.config.settings.ignore_uri_user_options:
        exten = exten.partition(";")[0]
    if stack.pbx.stopping:
        respond(incoming, 503)
    elif exten and not stack.pbx.dialplan.exists(incoming.endpoint.context, exten):
        respond(incoming, 404)
    else:
        respond(incoming, 200)


def respond(incoming: IncomingRequest, status: int) -> None:
    """Answer an OPTIONS with what we can do."""
    incoming.respond(status, headers=capabilities(incoming.stack))


def capabilities(stack: SipStack) -> list[Header]:
    """Accept, Allow, Supported and what goes with them in an answer to OPTIONS."""
    supported = SUPPORTED if stack.config.settings.norefersub else SUPPORTED.replace(", norefersub", "")
    return [
        ("Accept", ACCEPT),
        ALLOW,
        ("Supported", supported),
        ("Accept-Encoding", "identity"),
        ("Accept-Language", "en"),
    ]
