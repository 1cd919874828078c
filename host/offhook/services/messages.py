"""Text messages outside calls: what the dialplan and manager do with them."""

from __future__ import annotations

import base64
import binascii

from offhook.calls.channel import Channel
from offhook.calls.messages import Message, Messages, messages_of
from offhook.calls.pbx import Pbx
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import ActionRequest, Module, Syntax

module = Module("message", "Text messages outside calls", priority=9)


@module.on_load
def load(pbx: Pbx) -> None:
    """Make room for messages."""
    pbx.parts["messages"] = Messages(pbx)


# ---- the dialplan --------------------------------------------------------------------------------------


@module.application(
    "MessageSend",
    Syntax("destination", "[from]", "[to]", destination="Technology and address, such as pjsip:alice."),
    see_also=("MESSAGE",),
)
async def message_send(channel: Channel, destination: str = "", from_: str = "", to: str = "") -> None:
    """Send the channel's text message on.

    MESSAGE_SEND_STATUS is INVALID_PROTOCOL, INVALID_URI, SUCCESS or FAILURE.
    """
    message: Message | None = channel.data.get("message")
    if message is None:
        message = channel.data["message"] = Message()
    channel.set("MESSAGE_SEND_STATUS", await messages_of(channel.pbx).send(message, destination, from_, to))


def _message(scope: Scope) -> Message:
    if scope.channel is None:
        raise FunctionError("MESSAGE() needs a channel")
    found: Message | None = scope.channel.data.get("message")
    if found is None:
        found = scope.channel.data["message"] = Message()
    return found


@module.function("MESSAGE", Syntax("argument"), see_also=("MESSAGE_DATA", "MessageSend"))
def message_part(scope: Scope, part: str = "") -> str:
    """A part of the channel's text message: to, from or body.

    body may be written. custom_data may be written: mark_all_outbound or clear_all_outbound.
    """
    message = _message(scope)
    parts = {"to": message.to, "from": message.from_, "body": message.body}
    if part.lower() not in parts:
        raise FunctionError(f"MESSAGE({part}): to, from and body can be read")
    return parts[part.lower()]


@message_part.writer
def set_message_part(scope: Scope, value: str, part: str = "") -> None:
    """Change a part of the message."""
    message = _message(scope)
    name = part.lower()
    if name == "body":
        message.body = value
    elif name == "to":
        message.to = value
    elif name == "from":
        message.from_ = value
    elif name == "custom_data" and value == "mark_all_outbound":
        message.outbound = set(message.variables)
    elif name == "custom_data" and value == "clear_all_outbound":
        message.outbound.clear()
    else:
        raise FunctionError(f"MESSAGE({part})={value}: to, from, body and custom_data can be written")


@module.function("MESSAGE_DATA", Syntax("argument"), see_also=("MESSAGE",))
def message_data(scope: Scope, name: str = "") -> str:
    """A header or variable of the channel's text message; one that is written is sent along."""
    return _message(scope).variables.get(name, "")


@message_data.writer
def set_message_data(scope: Scope, value: str, name: str = "") -> None:
    """Set a header that is sent along; an empty value drops it."""
    message = _message(scope)
    if value:
        message.variables[name] = value
        message.outbound.add(name)
    else:
        message.variables.pop(name, None)
        message.outbound.discard(name)


# ---- manager -------------------------------------------------------------------------------------------


@module.action(
    "MessageSend",
    ("message",),
    Syntax("[Destination]", "[To]", "[From]", "[Body]", "[Base64Body]", "[Variable]"),
)
async def send_action(request: ActionRequest) -> None:
    """Send a text message outside a call.

    Destination says where to (To does when it is missing). The body is text, or Base64 in Base64Body.
    """
    to = request.get("To")
    destination = request.get("Destination") or to
    body = request.get("Body")
    if not destination:
        request.error("No 'Destination' or 'To' specified.")
        return
    if not body and (encoded := request.get("Base64Body")):
        try:
            body = base64.b64decode(encoded, validate=True).decode("utf-8", "replace")
        except binascii.Error:
            request.error("Base64Body is no Base64.")
            return
    header = to if request.get("Destination") else ""
    message = Message(to=header, body=body)
    for name, value in request.variables():
        message.variables[name] = value
        message.outbound.add(name)
    messages = messages_of(request.pbx)
    if destination.partition(":")[0].lower() not in messages.technologies:
        request.error("Message technology not found.")
        return
    status = await messages.send(message, destination, request.get("From"), header)
    if status == "SUCCESS":
        request.ok("Message successfully sent")
    else:
        request.error("Message failed to send.")
