"""Manager events of endpoints, their contacts and registrations of ours."""

from __future__ import annotations

from offhook.calls.endpoints import ContactStatus, Maintenance, PeerStatus, Registry
from offhook.control.manager.permissions import SYSTEM
from offhook.control.manager.protocol import clean
from offhook.control.manager.render import render


@render(ContactStatus, "ContactStatus", SYSTEM)
def contact_status(event: ContactStatus) -> str:
    return (
        f"URI: {clean(event.uri)}\r\nContactStatus: {event.status}\r\nAOR: {clean(event.aor)}\r\n"
        f"EndpointName: {clean(event.endpoint)}\r\nRoundtripUsec: {event.roundtrip_us}\r\n"
    )


@render(PeerStatus, "PeerStatus", SYSTEM)
def peer_status(event: PeerStatus) -> str:
    more = (("Cause", event.cause), ("Address", event.address), ("Port", event.port), ("Time", event.time_ms))
    return (
        f"ChannelType: {event.technology}\r\nPeer: {event.technology}/{clean(event.endpoint)}\r\n"
        f"PeerStatus: {event.status}\r\n" + "".join(f"{name}: {clean(value)}\r\n" for name, value in more if value)
    )


@render(Registry, "Registry", SYSTEM)
def registry(event: Registry) -> str:
    cause = f"Cause: {clean(event.cause)}\r\n" if event.cause else ""
    return (
        f"ChannelType: {event.technology}\r\nUsername: {clean(event.username)}\r\nDomain: {clean(event.domain)}\r\n"
        f"Status: {event.status}\r\n{cause}"
    )


@render(Maintenance, "PJSIPMaintenanceStatus", SYSTEM)
def maintenance(event: Maintenance) -> str:
    return f"Endpoint: {clean(event.endpoint)}\r\nStatus: {'enabled' if event.enabled else 'disabled'}\r\n"
