"""MESSAGE outside calls (RFC 3428): texts from endpoints run the dialplan, and texts of ours go to endpoints."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.messages import Message, SendError, messages_of
from offhook.drivers.sip.redirection import Redirections
from offhook.drivers.sip.requests import local_end, new_call_id, outside_dialog
from offhook.drivers.sip.routing import sip_uri
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import Module
from offhook.sip.uri import NameAddr, SipUri, TelUri

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.contact import Contact
    from offhook.drivers.sip.endpoint import Endpoint
    from offhook.drivers.sip.incoming import IncomingRequest
    from offhook.drivers.sip.outgoing import OutgoingRequest
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
    endpoint, uri, contact = _target(stack, destination)
    headers = [
        (name, message.variables[name])
        for name in message.variables
        if name in message.outbound and name.lower() not in _OWN
    ]
    body = message.body.encode()
    try:
        request, local = outside_dialog(
            stack,
            "MESSAGE",
            endpoint,
            uri,
            contact=contact,
            headers=headers,
            body=body,
            content_type=message.content_type,
        )
    except ValueError as error:
        raise SendError(str(error)) from error
    request.remove("Contact")
    if to and (address := _address(to)):
        request.set("To", address)
    if from_ and (address := _address(from_)):
        tag = request.get("From") or ""
        request.set("From", address + tag[tag.rfind(";tag=") :] if ";tag=" in tag else address)

    def go_on(elsewhere: str) -> None:
        target = sip_uri(elsewhere)
        assert target is not None
        again = request.copy()
        again.remove("Via")
        again.target = str(target)
        again.set("CSeq", f"{request.cseq.number + 1} MESSAGE")
        again.set("Call-ID", new_call_id())
        stack.request(again, answered, endpoint=endpoint, local=local_end(stack, target, endpoint, None))

    redirections = Redirections(endpoint, uri, go_on)

    def answered(outgoing: OutgoingRequest, response: Response) -> None:
        if response.status >= 300 and not redirections.follow(outgoing, response):
            log.warning("message to %s was refused: %d %s", destination, response.status, response.reason)

    stack.request(request, answered, endpoint=endpoint, flow=contact.flow if contact is not None else None, local=local)


def _address(text: str) -> str:
    """A name and address for From or To from what the dialplan gave; "" when it is none."""
    text = text.strip()
    text = text.removeprefix("pj") if text.startswith("pjsip:sip") else text
    if text.startswith("pjsip:"):
        text = "sip:" + text.removeprefix("pjsip:").removeprefix("sip:")
    name, bracket, uri = text.partition("<")
    if bracket:
        name = name.strip().strip('"')
        return f'"{name}" <{uri}' if name else f"<{uri}"
    return f"<{text}>" if text.startswith(("sip:", "sips:")) else f"<sip:{text}>"


def _target(stack: SipStack, destination: str) -> tuple[Endpoint, str, Contact | None]:
    """Endpoint, Request-URI and perhaps contact that a destination means.

    It is ``endpoint``, ``endpoint/aor``, ``endpoint/uri``, ``user@endpoint``, or a URI for the default endpoint.
    """
    endpoints = stack.config.endpoints
    default = endpoints.get(stack.config.settings.default_outbound_endpoint)
    if "<" in destination:
        destination = destination[destination.find("<") + 1 :].rstrip("> ")
    name, _, place = destination.partition("/")
    endpoint = endpoints.get(name)
    if endpoint is None and "@" in name and not name.startswith(("sip:", "sips:")):
        user, _, host = name.partition("@")
        endpoint = endpoints.get(host)
        if endpoint is None and (endpoint := endpoints.get(user.partition(";")[0])) is not None:
            name = endpoint.name
        elif endpoint is not None:
            contact = _contact(stack, endpoint, place)
            uri = sip_uri(contact.uri if contact is not None else place)
            if uri is None:
                raise SendError(f"endpoint {host} has no contact: it is not registered")
            return endpoint, str(uri.replace(user=user)), contact
    if endpoint is not None:
        contact = _contact(stack, endpoint, place)
        if contact is not None:
            return endpoint, contact.uri, contact
        if not place:
            raise SendError(f"endpoint {name} has no contact: it is not registered")
        return endpoint, place if place.startswith(("sip:", "sips:")) else f"sip:{place}", None
    if default is None:
        raise SendError(f"there is no endpoint {name!r}, and no default_outbound_endpoint in [global] of pjsip.conf")
    return default, destination if destination.startswith(("sip:", "sips:")) else f"sip:{destination}", None


def _contact(stack: SipStack, endpoint: Endpoint, place: str) -> Contact | None:
    names = [place] if place else list(endpoint.aors)
    for name in names:
        location = stack.locations.by_name.get(name)
        if location is not None:
            for contact in location.reachable:
                return contact
    return None
