"""One contact of an address of record: where it is, how long, over what, and how it answers."""

from __future__ import annotations

import hashlib
from asyncio import TimerHandle
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.transport.flow import Flow


class Status(Enum):
    """What is known of a contact, by Asterisk's word for it."""

    CREATED = "NonQualified"
    AVAILABLE = "Reachable"
    UNAVAILABLE = "Unreachable"
    UNKNOWN = "Unknown"
    REMOVED = "Removed"

    @property
    def short(self) -> str:
        """The word in the CLI's tables."""
        return _SHORT[self]


_SHORT = {
    Status.CREATED: "NonQual",
    Status.AVAILABLE: "Avail",
    Status.UNAVAILABLE: "Unavail",
    Status.UNKNOWN: "Unknown",
    Status.REMOVED: "Removed",
}


class Contact:
    """A contact, registered or configured.

    ``flow`` is set when the contact can be reached over one stream connection only: then it is bound to that
    connection (its transport and generation) and goes with it.
    """

    __slots__ = (
        "aor",
        "call_id",
        "endpoint",
        "expires_at",
        "expiry",
        "flow",
        "id",
        "on_carrier_closed",
        "outbound_proxy",
        "path",
        "probes",
        "prune_on_boot",
        "reg_server",
        "roundtrip_us",
        "status",
        "uri",
        "user_agent",
        "via_addr",
        "via_port",
    )

    def __init__(self, aor: str, uri: str, *, static: bool = False, endpoint: str = "") -> None:
        self.aor = aor
        self.uri = uri
        self.id = contact_id(aor, uri, static=static)
        self.endpoint = endpoint
        """The endpoint that registered it."""
        self.expires_at: float | None = None
        """Monotonic time; None for a configured contact, which never expires."""
        self.expiry: TimerHandle | None = None
        self.flow: Flow | None = None
        self.on_carrier_closed: Callable[[Contact], None] | None = None
        self.path = ""
        self.user_agent = ""
        self.via_addr = ""
        self.via_port = 0
        self.call_id = ""
        self.outbound_proxy = ""
        self.reg_server = ""
        self.prune_on_boot = False
        self.status = Status.CREATED
        self.roundtrip_us = 0
        self.probes: set[OutgoingRequest] = set()
        """OPTIONS requests that wait for an answer."""

    @property
    def static(self) -> bool:
        """Whether it stands in the configuration."""
        return self.expires_at is None

    @property
    def generation(self) -> int:
        """The generation of the connection it is bound to, 0 when it is bound to none."""
        return self.flow.carrier.generation if self.flow is not None else 0

    def bind(self, flow: Flow) -> None:
        """Tie the contact to an open connection: it goes when the connection does."""
        self.unbind()
        self.flow = flow
        flow.carrier.bound[self] = None

    def unbind(self) -> None:
        """Untie it."""
        flow, self.flow = self.flow, None
        if flow is not None:
            flow.carrier.bound.pop(self, None)

    def stop_expiry(self) -> None:
        """Let it not expire any more: it has gone, or we have."""
        if self.expiry is not None:
            self.expiry.cancel()
            self.expiry = None

    def carrier_closed(self) -> None:
        """The connection it was bound to is gone."""
        self.flow = None
        if self.on_carrier_closed is not None:
            self.on_carrier_closed(self)

    def __repr__(self) -> str:
        return f"<Contact {self.aor} {self.uri} {self.status.value}>"


def contact_id(aor: str, uri: str, *, static: bool = False) -> str:
    """A contact's name as Asterisk makes it: AOR, ";@" (or "@@" when configured), hash of the URI."""
    return f"{aor}{'@@' if static else ';@'}{hashlib.md5(uri.encode('utf-8', 'surrogateescape')).hexdigest()}"
