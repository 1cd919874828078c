"""MESSAGE outside calls (RFC 3428): texts from endpoints run the dialplan, and texts of ours go to endpoints."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.events import TestEvent
from offhook.calls.messages import Message, SendError, messages_of
from offhook.drivers.sip.messages.destinations import NoDestination, destination_of, sender, sip_address
from offhook.drivers.sip.requests.building import local_end, new_call_id, outside_dialog
from offhook.drivers.sip.requests.redirection import Redirections
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.modules import Module
from offhook.sip.uri import NameAddr, SipUri, TelUri

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.sip.message import Response

log = logging.getLogger(__name__)
module = Module("res_pjsip_messaging", "PJSIP Messaging Support", depends=("res_pjsip",), priority=26)

_OWN = frozenset(
    (
        "via",
        "max-forwards",
        "from",
        "to",
        "call-id",
        "cseq",
        "content-length",
        "content-type",
        "contact",
        "route",
        "record-route",
        "user-agent",
        "authorization",
        "proxy-authorization",
    )
)
"""Headers that belong to the request itself and cannot be set by a message's variables."""


@module.on_load
def load(pbx: Pbx) -> None:
    """Take and send messages."""
    stack: SipStack = pbx.parts[PART]
    stack.handlers["MESSAGE"] = receive

    async def send_by_stack(message: Message, destination: str, from_: str, to: str) -> None:
        send(stack, message, destination, from_, to)

    messages_of(pbx).technologies["pjsip"] = send_by_stack


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Take and send no more."""
    pbx.parts[PART].handlers.pop("MESSAGE", None)
    messages_of(pbx).technologies.pop("pjsip", None)


def receive(incoming: IncomingRequest) -> None:
    """Answer a MESSAGE and hand it to the dialplan."""
    request, endpoint = incoming.message, incoming.endpoint
    pbx = incoming.stack.pbx
    if request.content_type.partition(";")[0].strip().lower() != "text/plain":
        incoming.respond(415)
        return
    uri = request.uri
    if not isinstance(uri, SipUri | TelUri):
        incoming.respond(416)
        return
    exten = uri.user or "s"
    if incoming.stack.config.settings.ignore_uri_user_options:
        exten = exten.partition(";")[0]
    context = endpoint.message_context or endpoint.context
    caller = request.from_.uri
    known = pbx.dialplan.exists(context, exten, 1, getattr(caller, "user", "")) or pbx.dialplan.switched(context)
    if not known:
        incoming.respond(404)
        return
    message = Message(
        to=_pjsip(str(request.to.uri)),
        from_=_sender(request.from_),
        body=request.body.decode("utf-8", "replace"),
        context=context,
        exten=exten,
        technology="pjsip",
        endpoint=endpoint.name,
    )
    flow = incoming.flow
    message.variables["PJSIP_RECVADDR"] = f"{flow.host}:{flow.port}"
    message.variables["PJSIP_TRANSPORT"] = flow.protocol.lower()
    for name, value in request.headers:
        message.variables.setdefault(name, value)
    incoming.respond(202)
    messages_of(pbx).receive(message)


def _pjsip(uri: str) -> str:
    """A URI as MESSAGE() shows it: with the technology's scheme."""
    return f"pj{uri}" if uri.startswith("sip") else f"pjsip:{uri}"


def _sender(address: NameAddr) -> str:
    """Who sent a message: ``"Name" <sip:user@host>``, without a port."""
    uri = address.uri
    plain = f"<{uri.scheme}:{uri.user}@{uri.host}>" if isinstance(uri, SipUri) else f"<{uri}>"
    name = "".join(char if char >= " " else " " for char in address.display)
    return f'"{name}" {plain}' if name else plain


def send(stack: SipStack, message: Message, destination: str, from_: str, to: str) -> None:
    """Send a message. Raises SendError when there is nobody to send it to."""
    told = [
        ("MdataFrom", from_),
        ("MsgFrom", message.from_),
        ("MdataDestination", destination),
        ("MsgTo", to or message.to),
    ]
    try:
        target = destination_of(stack, destination)
        uri, display = target.uri, target.display
    except NoDestination as error:
        _tell(stack, "MSG_ENDPOINT_URI_FAIL", *told)
        raise SendError(str(error)) from error
    endpoint, contact = target.endpoint, target.contact
    headers = [
        (name, message.variables[name])
        for name in message.variables
        if name in message.outbound and name.lower() not in _OWN
    ]
    try:
        request, local = outside_dialog(
            stack,
            "MESSAGE",
            endpoint,
            uri,
            contact=contact,
            headers=headers,
            body=message.body.encode(),
            content_type=message.content_type,
        )
    except ValueError as error:
        raise SendError(str(error)) from error
    request.remove("Contact")
    if to or message.to:
        if (address := sip_address(to or message.to)) is not None:
            request.set("To", str(address))
    elif display:
        request.set("To", str(NameAddr(request.to.uri, display)))
    if from_ or message.from_:
        request.set("From", str(sender(request.from_, from_ or message.from_)))
    places = [("Endpoint", endpoint.name), ("RequestURI", target.text)]
    _tell(stack, "MSG_FROMTO_URI", *told, *places, ("ToURI", str(request.to.uri)), ("FromURI", str(request.from_.uri)))

    def go_on(elsewhere: str) -> None:
        moved = sip_uri(elsewhere)
        assert moved is not None
        again = request.copy()
        again.remove("Via")
        again.target = str(moved)
        again.set("CSeq", f"{request.cseq.number + 1} MESSAGE")
        again.set("Call-ID", new_call_id())
        stack.request(again, answered, endpoint=endpoint, local=local_end(stack, moved, endpoint, None))

    redirections = Redirections(endpoint, uri, go_on)

    def answered(outgoing: OutgoingRequest, response: Response) -> None:
        if response.status >= 300 and not redirections.follow(outgoing, response):
            log.warning("message to %s was refused: %d %s", destination, response.status, response.reason)

    stack.request(request, answered, endpoint=endpoint, flow=contact.flow if contact is not None else None, local=local)


def _tell(stack: SipStack, state: str, *headers: tuple[str, str]) -> None:
    if (bus := stack.pbx.bus).wants(TestEvent):
        bus.publish(TestEvent(state, headers, "res_pjsip_messaging.c", "msg_send"))
