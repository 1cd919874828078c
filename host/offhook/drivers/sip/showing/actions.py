"""Manager actions that show SIP objects and ask contacts whether they are there."""

from __future__ import annotations

from offhook.drivers.sip.configuration.endpoint import Endpoint
from offhook.drivers.sip.configuration.reading import MIRROR
from offhook.drivers.sip.parts import registrar
from offhook.drivers.sip.resource import module
from offhook.drivers.sip.showing.details import (
    aor_detail,
    auth_detail,
    contact_detail,
    contact_status,
    contacts_of,
    detail,
    endpoint_state,
)
from offhook.drivers.sip.stack import PART, SipStack
from offhook.modules import ActionError, ActionRequest, Syntax

SYSTEM = ("system",)


def _stack(request: ActionRequest) -> SipStack:
    found: SipStack = request.pbx.parts[PART]
    return found


@module.action("PJSIPShowEndpoints", SYSTEM, Syntax())
def show_endpoints(request: ActionRequest) -> None:
    """List the endpoints.

    Sends an EndpointList event for each.
    """
    stack = _stack(request)
    endpoints = stack.config.endpoints
    if not endpoints:
        raise ActionError("No endpoints found\n")
    request.listed("A listing of Endpoints follows, presented as EndpointList events")
    for endpoint in endpoints.values():
        contacts = [f"{each.aor}/{each.uri}," for each in stack.locations.contacts_of(endpoint)]
        headers = [
            ("ObjectType", "endpoint"),
            ("ObjectName", endpoint.name),
            ("Transport", endpoint.transport),
            ("Aor", ",".join(endpoint.aors)),
            ("Auths", ",".join(endpoint.auth)),
            ("OutboundAuths", ",".join(endpoint.outbound_auth)),
            ("Contacts", "".join(contacts)),
            *endpoint_state(stack, endpoint),
        ]
        request.event("EndpointList", headers)
    request.complete("EndpointListComplete", len(endpoints))


@module.action("PJSIPShowEndpoint", SYSTEM, Syntax("Endpoint"))
async def show_endpoint(request: ActionRequest) -> None:
    """Show an endpoint and everything that belongs to it.

    Sends EndpointDetail, and for what it uses AuthDetail, TransportDetail, AorDetail, ContactStatusDetail and
    IdentifyDetail events.
    """
    stack = _stack(request)
    name = request.require("Endpoint", "PJSIPShowEndpoint requires an endpoint name\n")
    if (mirror := request.pbx.parts.get(MIRROR)) is not None:
        await mirror.look_up(name)
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise ActionError(f"Unable to retrieve endpoint {name}\n")
    request.listed("Following are Events for each object associated with the Endpoint")
    _tell_endpoint(request, stack, endpoint)
    request.complete("EndpointDetailComplete", len(request.events))


def _tell_endpoint(request: ActionRequest, stack: SipStack, endpoint: Endpoint) -> None:
    config = stack.config
    request.event("EndpointDetail", [*detail(stack, endpoint), *endpoint_state(stack, endpoint)])
    for name in (*endpoint.auth, *endpoint.outbound_auth):
        if name in config.auths:
            request.event("AuthDetail", auth_detail(stack, name, endpoint))
    if endpoint.transport in config.transports:
        headers = detail(stack, config.transports[endpoint.transport])
        request.event("TransportDetail", [*headers, ("EndpointName", endpoint.name)])
    for name in endpoint.aors:
        if name in config.aors:
            request.event("AorDetail", aor_detail(stack, config.aors[name], endpoint))
    for contact in stack.locations.contacts_of(endpoint):
        request.event("ContactStatusDetail", contact_status(stack, contact, endpoint.name))
    for identify in config.identifies.values():
        if identify.endpoint == endpoint.name:
            request.event("IdentifyDetail", [*detail(stack, identify), ("EndpointName", endpoint.name)])


@module.action("PJSIPShowAors", SYSTEM, Syntax())
def show_aors(request: ActionRequest) -> None:
    """List the addresses of record.

    Sends an AorList event for each.
    """
    stack = _stack(request)
    aors = stack.config.aors
    if not aors:
        raise ActionError("No AORs found\n")
    request.listed("A listing of AORs follows, presented as AorList events")
    for aor in aors.values():
        request.event("AorList", aor_detail(stack, aor))
    request.complete("AorListComplete", len(aors))


@module.action("PJSIPShowAuths", SYSTEM, Syntax())
def show_auths(request: ActionRequest) -> None:
    """List the auth sections.

    Sends an AuthList event for each.
    """
    stack = _stack(request)
    auths = stack.config.auths
    if not auths:
        raise ActionError("No Auths found\n")
    request.listed("A listing of Auths follows, presented as AuthList events")
    for name in auths:
        request.event("AuthList", auth_detail(stack, name))
    request.complete("AuthListComplete", len(auths))


@module.action("PJSIPShowContacts", SYSTEM, Syntax())
def show_contacts(request: ActionRequest) -> None:
    """List the registered contacts.

    Sends a ContactList event for each.
    """
    stack = _stack(request)
    contacts = [contact for contact in stack.locations.contacts() if not contact.static]
    if not contacts:
        raise ActionError("No Contacts found\n")
    request.listed("A listing of Contacts follows, presented as ContactList events")
    for contact in contacts:
        request.event("ContactList", contact_detail(stack, contact))
    request.complete("ContactListComplete", len(contacts))


@module.action("PJSIPQualify", ("system", "reporting"), Syntax("Endpoint"))
def qualify(request: ActionRequest) -> None:
    """Ask every contact of an endpoint whether it is there.

    Sends OPTIONS to each; what comes of it is told by ContactStatus events.
    """
    stack = _stack(request)
    name = request.require("Endpoint", "Endpoint parameter missing.")
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise ActionError("Unable to retrieve endpoint\n")
    if not endpoint.aors:
        raise ActionError("No AoRs configured for endpoint\n")
    for aor in endpoint.aors:
        if aor in stack.locations.by_name:
            stack.qualify.ask(stack.locations.by_name[aor])
    request.ok("Endpoint found, will qualify")


@registrar.action("PJSIPShowRegistrationsInbound", SYSTEM, Syntax())
def show_inbound(request: ActionRequest) -> None:
    """List the addresses of record that endpoints use, with their contacts.

    Sends an InboundRegistrationDetail event for each, configured contacts included.
    """
    stack = _stack(request)
    request.listed("Following are Events for each Inbound registration")
    count = 0
    for endpoint in stack.config.endpoints.values():
        for name in endpoint.aors:
            aor = stack.config.aors.get(name)
            if aor is not None:
                contacts = "".join(f"{text}," for text in contacts_of(stack, aor))
                request.event("InboundRegistrationDetail", [*detail(stack, aor), ("Contacts", contacts)])
                count += 1
    request.complete("InboundRegistrationDetailComplete", count)


@registrar.action("PJSIPShowRegistrationInboundContactStatuses", SYSTEM, Syntax())
def show_inbound_statuses(request: ActionRequest) -> None:
    """List the registered contacts with their status.

    Sends a ContactStatusDetail event for each.
    """
    stack = _stack(request)
    request.listed("Following are ContactStatusEvents for each Inbound registration")
    contacts = [contact for contact in stack.locations.contacts() if not contact.static]
    for contact in contacts:
        request.event("ContactStatusDetail", contact_status(stack, contact))
    request.complete("ContactStatusDetailComplete", len(contacts))
