"""Where a message came from or goes to, and what carries it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.sections import Transport

_serials = count(1)

DEFAULT_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}


class Bound(Protocol):
    """Something that ends with its carrier, such as a contact registered over a connection."""

    def carrier_closed(self) -> None: ...


class Carrier:
    """A bound datagram socket or one stream connection.

    A carrier is never opened again once it is closed: ``generation`` is a number no other carrier of this process
    has had, so whoever remembers (transport, generation) knows for certain whether that carrier still lives.
    """

    __slots__ = ("bound", "generation", "host", "name", "open", "port", "section", "wildcard")

    protocol = "UDP"
    """As it stands in Via."""
    reliable = False

    def __init__(self, name: str, section: Transport, host: str, port: int) -> None:
        self.name = name
        """The transport section's name in pjsip.conf."""
        self.section = section
        self.generation = next(_serials)
        self.open = False
        self.host = host
        """Our address here; a wildcard address when bound to all."""
        self.wildcard = host in ("0.0.0.0", "::")
        """Whether it is bound to every address of the machine."""
        self.port = port
        """The port on which peers reach this transport (a stream's listener, not its own end)."""
        self.bound: dict[Bound, None] = {}
        """What ends with this carrier, in order of binding."""

    @property
    def ipv6(self) -> bool:
        """Whether it speaks IPv6."""
        return ":" in self.host

    def send(self, data: bytes, host: str, port: int) -> None:
        """Put one message on the wire; OSError when that is known to fail at once."""
        raise NotImplementedError

    def close(self, why: str = "") -> None:
        """End it. Harmless when closed."""
        raise NotImplementedError

    def __repr__(self) -> str:
        state = "open" if self.open else "closed"
        return f"<{self.protocol} {self.name} {host_port(self.host, self.port)} {state} #{self.generation}>"


class Flow(NamedTuple):
    """A carrier and the address at its other end."""

    carrier: Carrier
    host: str
    port: int

    @property
    def reliable(self) -> bool:
        """Whether the carrier delivers or fails (RFC 3261 17)."""
        return self.carrier.reliable

    @property
    def open(self) -> bool:
        """Whether anything can be sent on it."""
        return self.carrier.open

    @property
    def protocol(self) -> str:
        """UDP, TCP, TLS, WS or WSS."""
        return self.carrier.protocol

    def __str__(self) -> str:
        return f"{self.carrier.protocol}:{host_port(self.host, self.port)}"


def host_port(host: str, port: int) -> str:
    """host:port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
