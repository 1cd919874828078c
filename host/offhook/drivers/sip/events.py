"""What SIP itself tells the bus: contacts, endpoints and our registrations."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ContactStatus:
    """A contact of an endpoint changed: "NonQualified", "Reachable", "Unreachable", "Unknown" or "Removed"."""

    endpoint: str
    aor: str
    uri: str
    status: str
    roundtrip_us: int


@dataclass(slots=True)
class PeerStatus:
    """An endpoint became "Reachable" or "Unreachable"."""

    endpoint: str
    status: str


@dataclass(slots=True)
class Registry:
    """A registration of ours changed: "Registered", "Unregistered", "Rejected", "Stopped", ..."""

    client_uri: str
    server_uri: str
    status: str
