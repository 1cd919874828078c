"""Building requests outside dialogs: From, To, Contact and Route as an endpoint and the way to it ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from offhook.drivers.sip.transport.flow import DEFAULT_PORTS, host_port
from offhook.drivers.sip.transport.routing import sendable, sip_uri
from offhook.sip.entropy import random_hex, random_number
from offhook.sip.layer import new_tag
from offhook.sip.message import Header, Request, make_request
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.contacts.contact import Contact
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow

# Parameters that have no place in From and To (RFC 3261 19.1.1, table 1).
_NOT_IN_IDENTITY = frozenset(("transport", "maddr", "ttl", "lr", "method"))


class Local:
    """Our end of the way to somewhere: protocol, and the address and port that the other end knows us by."""

    __slots__ = ("host", "port", "protocol")

    def __init__(self, protocol: str, host: str, port: int) -> None:
        self.protocol = protocol
        self.host = host
        self.port = port

    @property
    def bracketed(self) -> str:
        """The host as it stands in a URI."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def transport(self) -> str:
        """The transport parameter our URIs need: "" for UDP."""
        if self.protocol == "UDP":
            return ""
        return ";transport=ws" if self.protocol in ("WS", "WSS") else f";transport={self.protocol}"

    def contact(self, user: str = "") -> str:
        """Our Contact."""
        at = f"{user}@" if user else ""
        return f"<sip:{at}{host_port(self.host, self.port)}{self.transport}>"


def local_end(stack: SipStack, uri: SipUri, endpoint: Endpoint | None, flow: Flow | None, transport: str = "") -> Local:
    """Our end of the way that a request to a URI will most likely take."""
    routing = stack.routing
    if flow is None or not flow.open:
        flow = routing.immediate(uri, endpoint, transport)
    if flow is not None:
        return Local(flow.protocol, *routing.advertised(flow.carrier, flow.host))
    protocol = routing.protocol(uri, endpoint, transport)
    section = routing.section(uri, endpoint, transport)
    section = section or stack.transports.section_for(protocol, ":" in uri.host)
    if section is None:
        return Local(protocol, routing.source(uri.host), DEFAULT_PORTS.get(protocol, 5060))
    return Local(protocol, *routing.bound_address(section, uri.host))


def identity(stack: SipStack, endpoint: Endpoint | None, local: Local, user: str = "") -> str:
    """Our address in From, without a tag: the endpoint's from_user and from_domain win."""
    domain = ""
    if endpoint is not None:
        user = endpoint.from_user or user or endpoint.name
        domain = endpoint.from_domain
    user = user or stack.config.settings.default_from_user
    if "@" in user and not stack.config.settings.disable_multi_domain:
        return f"<sip:{user}>"
    return f"<sip:{user}@{domain or local.bracketed}>"


def address_of(uri: SipUri) -> str:
    """A URI as it stands in From and To: without port and the parameters that only route."""
    kept = {name: value for name, value in uri.params.items() if name not in _NOT_IN_IDENTITY}
    return f"<{uri.replace(port=None, params=kept, headers='')}>"


def routes_of(text: str) -> list[str]:
    """An outbound proxy or a stored Path as Route values."""
    found = []
    for part in text.split(","):
        part = part.strip()
        if part:
            found.append(part if part.startswith("<") or "<" in part else f"<{part}>")
    return found


def set_routes(request: Request, routes: Sequence[str]) -> None:
    """Send a request through proxies (RFC 3261 12.2.1.1: a strict router first takes the Request-URI's place)."""
    if not routes:
        return
    routes = list(routes)
    first = NameAddr.parse(routes[0]).uri
    if isinstance(first, SipUri) and not first.loose_route:
        routes = [*routes[1:], f"<{request.target}>"]
        request.target = str(first)
    place = next((index for index, header in enumerate(request.headers) if header[0] == "Max-Forwards"), None)
    for index, route in enumerate(routes):
        if place is None:
            request.add("Route", route)
        else:
            request.insert(place + index, "Route", route)
    request.touched()


def next_hop(request: Request) -> str:
    """The URI to locate the next server by (RFC 3261 8.1.2): the first route when it routes loosely."""
    if "Route" in request:
        first = NameAddr.parse(request.members("Route")[0]).uri
        if isinstance(first, SipUri) and first.loose_route:
            return str(first)
    return request.target


def new_call_id() -> str:
    """A Call-ID nobody else will think of."""
    digits = random_hex(16)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:]}"


def outside_dialog(
    stack: SipStack,
    method: str,
    endpoint: Endpoint | None,
    uri_text: str,
    *,
    contact: Contact | None = None,
    headers: Iterable[Header] = (),
    body: bytes = b"",
    content_type: str = "",
) -> tuple[Request, Local]:
    """A request to a URI on behalf of an endpoint, with the Route of its proxies; ValueError when it is no SIP URI."""
    uri = sip_uri(uri_text)
    if uri is None:
        raise ValueError(f'"{uri_text}" is no SIP URI')
    local = local_end(stack, uri, endpoint, contact.flow if contact is not None else None)
    user = identity(stack, endpoint, local)
    contact_user = endpoint.contact_user if endpoint is not None else ""
    if not contact_user:
        found = sip_uri(user)
        contact_user = found.user if found is not None else ""
    target = sip_uri(sendable(str(uri)))
    assert target is not None
    if endpoint is not None and endpoint.user_eq_phone and _is_number(target.user):
        target = target.replace(params={**target.params, "user": "phone"})
    request = make_request(
        method,
        target,
        f"{user};tag={new_tag()}",
        address_of(target),
        new_call_id(),
        random_number(15) + 1,
        headers,
        max_forwards=stack.config.settings.max_forwards,
        contact=local.contact(contact_user),
        user_agent=stack.user_agent,
        body=body,
        content_type=content_type,
    )
    set_routes(request, proxies(stack, endpoint, contact))
    return request, local


def proxies(stack: SipStack, endpoint: Endpoint | None, contact: Contact | None) -> list[str]:
    """The Route values towards a contact: its Path, its AOR's outbound proxy, or the endpoint's."""
    if contact is not None:
        if contact.path:
            return routes_of(contact.path)
        if contact.outbound_proxy:
            return routes_of(contact.outbound_proxy)
    return routes_of(endpoint.outbound_proxy) if endpoint is not None else []


def _is_number(user: str) -> bool:
    digits = user.removeprefix("+")
    return bool(digits) and all(char in "0123456789*#" for char in digits)


def moved_to(request: Request, before: Local, after: Local) -> None:
    """Correct From and Contact of a request built for another end of ours than the one it goes out on."""
    contact = request.get("Contact")
    old = host_port(before.host, before.port)
    if contact is not None and old in contact:
        new = host_port(after.host, after.port)
        request.set("Contact", contact.replace(old + before.transport, new + after.transport, 1))
    from_ = request.get("From")
    if from_ is not None and f"@{before.bracketed}>" in from_:
        request.set("From", from_.replace(f"@{before.bracketed}>", f"@{after.bracketed}>", 1))


def secure_contact(request: Request) -> None:
    """Let our Contact be a sips URI when the Request-URI or the first Route is one (RFC 3261 8.1.1.8)."""
    if request.target.startswith("sips:") or (request.get("Route") or "").startswith("<sips:"):
        contact = request.get("Contact")
        if contact is not None and contact.startswith("<sip:"):
            request.set("Contact", f"<sips:{contact[5:]}")
