"""MESSAGE inside a call (RFC 3428): text to and from the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.frames import Text
from offhook.drivers.sip.calls.states import UP
from offhook.sip.uri import NameAddr

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession
    from offhook.drivers.sip.requests.incoming import IncomingRequest


def send_message(call: CallSession, text: Text) -> bool:
    """Send a text, with the names that it shall show; false when the call is not up."""
    if call.status not in UP or call.session is None:
        return False
    dialog = call.session.dialog
    ends = dialog.local, dialog.remote
    dialog.local, dialog.remote = _named(dialog.local, text.sender), _named(dialog.remote, text.recipient)
    try:
        body = text.body.encode("utf-8", "surrogateescape")
        call.send("MESSAGE", body=body, content_type=text.content_type or "text/plain")
    finally:
        dialog.local, dialog.remote = ends
    return True


def _named(address: str, name: str) -> str:
    if not name:
        return address
    found = NameAddr.parse(address)
    found.display = name
    return str(found)


def receive_message(call: CallSession, incoming: IncomingRequest) -> None:
    """Take a text; anything that is no text is refused with 415."""
    message = incoming.message
    content_type = message.content_type
    if call.channel is None:
        incoming.respond(481)
    elif not message.body or not content_type.startswith(("text/", "application/")):
        incoming.respond(415, headers=[("Accept", "text/plain")])
    else:
        incoming.respond(202)
        call.channel.deliver(Text(message.body.decode("utf-8", "replace"), content_type))
