"""MESSAGE inside a call (RFC 3428): text to and from the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.calls.frames import Text

if TYPE_CHECKING:
    from offhook.drivers.sip.incoming import IncomingRequest
    from offhook.drivers.sip.session import CallSession


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
