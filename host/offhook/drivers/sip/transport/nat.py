"""Peers behind address translation: what they wrote is not where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.drivers.sip.transport.flow import host_port
from offhook.sip.errors import SIPError
from offhook.sip.message import Message, Request
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.transport.flow import Flow

ORIGINAL_HOST = "x-ast-orig-host"
"""URI parameter that keeps what a rewritten contact said; never sent."""


def rewrite(message: Message, flow: Flow, *, routed: bool = False) -> None:
    """Let requests go back to where the message came from (rewrite_contact).

    The nearest Record-Route is changed, or without any the Contact; nothing when the dialog has a route set already
    (``routed``).
    """
    is_register = isinstance(message, Request) and message.method == "REGISTER"
    routes = message.get_all("Record-Route")
    if routes and not is_register:
        _rewrite_record_route(message, flow)
    elif not routed:
        rewrite_contact(message, flow)


def _rewrite_record_route(message: Message, flow: Flow) -> None:
    routes = message.members("Record-Route")
    # In a request the proxy nearest to us put its route first; in a response it stands last.
    index = 0 if isinstance(message, Request) else len(routes) - 1
    try:
        address = NameAddr.parse(routes[index])
    except SIPError:
        return
    if isinstance(address.uri, SipUri):
        address.uri = moved(address.uri, flow, remember=False)
        routes[index] = str(address)
        message.set("Record-Route", ", ".join(routes))


def rewrite_contact(message: Message, flow: Flow) -> None:
    """Replace the address in the first Contact by the one the message came from; a REGISTER's keeps the old one too."""
    try:
        contacts = message.contacts
    except SIPError:
        return
    if not contacts or contacts[0].star or not isinstance(contacts[0].uri, SipUri):
        return
    remember = isinstance(message, Request) and message.method == "REGISTER"
    contacts[0].uri = moved(contacts[0].uri, flow, remember=remember)
    message.set("Contact", ", ".join(str(contact) for contact in contacts))


def moved(uri: SipUri, flow: Flow, *, remember: bool = True) -> SipUri:
    """The URI at the address and transport of a flow; what it said before is kept in a parameter."""
    params = dict(uri.params)
    if remember and uri.host != flow.host:
        params[ORIGINAL_HOST] = host_port(uri.host, uri.port or 0)
    if flow.protocol == "UDP":
        params.pop("transport", None)
    elif flow.protocol in ("WS", "WSS"):
        params["transport"] = "ws"
    else:
        params["transport"] = flow.protocol
    return uri.replace(host=flow.host, port=flow.port, params=params)
