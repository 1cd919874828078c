"""What the bus hears of endpoints, their contacts and registrations of ours, whatever the technology."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ContactStatus:
    """A contact of an endpoint changed: "NonQualified", "Reachable", "Unreachable", "Unknown" or "Removed"."""

    technology: str
    endpoint: str
    aor: str
    uri: str
    status: str
    roundtrip_us: int


@dataclass(slots=True)
class ContactChange:
    """A contact, by its own name, is there ("" before), is known otherwise, or is gone ("Removed" now)."""

    contact: str
    was: str
    now: str


@dataclass(slots=True)
class ContactAsked:
    """A contact was asked whether it is there: microseconds to its answer, None when there was none."""

    contact: str
    roundtrip_us: int | None


@dataclass(slots=True)
class RegistrationChange:
    """A registration of ours, by its name, is new ("" before), in another state, or given up ("" now)."""

    technology: str
    registration: str
    was: str
    now: str


@dataclass(slots=True)
class PeerStatus:
    """An endpoint became "Reachable", "Unreachable", "Registered", "Unregistered", "Lagged" or "Rejected"."""

    technology: str
    endpoint: str
    status: str
    cause: str = ""
    address: str = ""
    port: str = ""
    time_ms: str = ""


@dataclass(slots=True)
class Registry:
    """A registration of ours changed: "Registered", "Unregistered", "Rejected", "Stopped", ..."""

    technology: str
    username: str
    domain: str
    status: str
    cause: str = ""


@dataclass(slots=True)
class Maintenance:
    """An endpoint ("all": every one) was put into or out of maintenance mode."""

    technology: str
    endpoint: str
    enabled: bool
