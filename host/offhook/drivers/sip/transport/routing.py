"""From a URI to the flow a request takes: transport by section and protocol, address by RFC 3263, our own address."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from offhook.drivers.sip.transport.flow import DEFAULT_PORTS, Carrier, Flow
from offhook.drivers.sip.transport.resolver import Resolver
from offhook.sip.errors import SIPError
from offhook.sip.locate import Query, Steps, Target, is_address, locate
from offhook.sip.uri import SipUri, parse_uri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.sections import Transport
    from offhook.drivers.sip.transport.transports import Transports

log = logging.getLogger(__name__)

TRANSPORT_PARAM = "x-ast-txp"
"""URI parameter by which a contact remembers the transport it came in on (symmetric_transport); never sent."""
PROTOCOLS = ("udp", "tcp", "tls", "ws", "wss", "flow")
"""In order of preference where nothing decides."""
ADDRESS_SECONDS = 30.0
REMEMBERED = 256


class Routing:
    """Chooses carriers and addresses."""

    def __init__(self, transports: Transports, resolver: Resolver) -> None:
        self.transports = transports
        self.resolver = resolver
        self._sources: dict[str, tuple[float, str]] = {}
        self._local_nets: dict[tuple[str, ...], list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {}

    # ---- towards a URI ------------------------------------------------------------------------------

    def section(self, uri: SipUri, endpoint: Endpoint | None, transport: str = "") -> Transport | None:
        """The transport section a request to a URI is bound to use; None when any of the right protocol will do."""
        name = transport or (endpoint.transport if endpoint is not None else "")
        if not name and is_address(uri.host):
            name = uri.params.get(TRANSPORT_PARAM) or ""
        if not name:
            return None
        found = self.transports.sections.get(name)
        if found is None:
            log.error("transport [%s] is not in use; check pjsip.conf and the log of its start", name)
        return found

    def immediate(self, uri: SipUri, endpoint: Endpoint | None = None, transport: str = "") -> Flow | None:
        """The flow for a numeric address that can be sent to at once; None when it takes a look-up or a connection."""
        host = uri.params.get("maddr") or uri.host
        if not is_address(host):
            return None
        section = self.section(uri, endpoint, transport)
        protocol = _protocol(uri, section)
        port = uri.port or DEFAULT_PORTS.get(protocol, 5060)
        if protocol == "UDP":
            section = section or self.transports.section_for("UDP", ":" in host)
            carrier = self.transports.datagram.get(section.name) if section is not None else None
            return None if carrier is None else carrier.flow_to(host, port)
        connection = self.transports.existing(protocol, host, port)
        return None if connection is None else connection.flow

    def protocol(self, uri: SipUri, endpoint: Endpoint | None = None, transport: str = "") -> str:
        """UDP, TCP, TLS, WS or WSS: of the bound transport, the URI's parameter, or what its scheme implies."""
        return _protocol(uri, self.section(uri, endpoint, transport))

    def route(self, uri: SipUri, endpoint: Endpoint | None = None, transport: str = "") -> Route:
        """Every flow that may lead to a URI, one after the other."""
        section = self.section(uri, endpoint, transport)
        if section is not None:
            protocols: Sequence[str] = (section.protocol,)
            families: Sequence[str] = ("A",)
            if section.protocol in ("udp", "tcp", "tls") and self.transports.is_ipv6(section):
                families = ("AAAA",)
            uri = uri.replace(params={k: v for k, v in uri.params.items() if k not in ("transport", TRANSPORT_PARAM)})
            if section.protocol in ("tls", "wss"):
                uri = uri.replace(scheme="sips")
        else:
            protocols = tuple(dict.fromkeys(each.protocol for each in self.transports.sections.values()))
            protocols = sorted(protocols, key=PROTOCOLS.index)
            ipv6 = {
                self.transports.is_ipv6(each)
                for each in self.transports.sections.values()
                if each.protocol in ("udp", "tcp", "tls")
            }
            families = [name for name, wanted in (("A", False), ("AAAA", True)) if wanted in ipv6]
        return Route(self, locate(uri, transports=protocols, families=families), section)

    async def flow_to(self, target: Target, section: Transport | None) -> Flow | None:
        """An open flow to one target; None when there is no transport for it or the connection fails."""
        protocol = target.transport.upper()
        if protocol in ("WS", "WSS"):
            # We are only ever the server of a WebSocket: its connection exists or nothing leads there.
            connection = self.transports.existing(protocol, target.address, target.port)
            return None if connection is None else connection.flow
        chosen = section or self.transports.section_for(protocol, ":" in target.address)
        if chosen is None:
            return None
        if protocol == "UDP":
            carrier = self.transports.datagram.get(chosen.name)
            return None if carrier is None else carrier.flow_to(target.address, target.port)
        name = "" if target.name == target.address else target.name
        try:
            return (await self.transports.connect(chosen, target.address, target.port, name)).flow
        except OSError as error:
            log.warning("cannot connect to %s port %d (%s): %s", target.address, target.port, protocol, error)
            return None

    # ---- our own address ----------------------------------------------------------------------------

    def source(self, host: str) -> str:
        """Our address on the way to a host; a loopback address when there is no way."""
        if not host or not is_address(host):
            host = "192.0.2.1"
        now = self.transports.now()
        found = self._sources.get(host)
        if found is not None and found[0] > now:
            return found[1]
        ipv6 = ":" in host
        with socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.connect((host, 9))
                address = str(sock.getsockname()[0])
            except OSError:
                address = "::1" if ipv6 else "127.0.0.1"
        if len(self._sources) >= REMEMBERED:
            self._sources.clear()
        self._sources[host] = (now + ADDRESS_SECONDS, address)
        return address

    def network_changed(self) -> None:
        """Find out anew which address of ours leads where."""
        self._sources.clear()

    def advertised(self, carrier: Carrier, host: str) -> tuple[str, int]:
        """Address and port by which ``host`` reaches a carrier of ours: the external ones for hosts beyond a NAT."""
        section = carrier.section
        external = section.external_signaling_hostname or section.external_signaling_address
        if external and not self.is_local(section, host):
            return external, section.external_signaling_port or carrier.port
        return (self.source(host) if carrier.wildcard else carrier.host), carrier.port

    def bound_address(self, section: Transport, host: str) -> tuple[str, int]:
        """As ``advertised``, for a transport whose carrier to the host does not exist yet."""
        local, port = self.transports.local(section)
        external = section.external_signaling_hostname or section.external_signaling_address
        if external and not self.is_local(section, host):
            return external, section.external_signaling_port or port
        return (self.source(host) if local in ("0.0.0.0", "::") else local), port

    def is_local(self, section: Transport, host: str) -> bool:
        """Whether a host lies inside one of the transport's local_net; without any nothing does."""
        if not section.local_net:
            return False
        nets = self._local_nets.get(section.local_net)
        if nets is None:
            nets = [ipaddress.ip_network(text) for text in section.local_net]
            self._local_nets[section.local_net] = nets
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in net for net in nets if net.version == address.version)


class Route:
    """The flows to one destination, worked out as far as they are asked for."""

    __slots__ = ("_found", "_routing", "_section", "_step", "_steps", "resolved")

    def __init__(self, routing: Routing, steps: Steps, section: Transport | None) -> None:
        self._routing = routing
        self._steps = steps
        self._section = section
        self._step: Query | Target | None = None
        self.resolved = not routing.transports.sections
        """Whether any address was found (or there was no need to look for one, for want of a transport)."""

    async def next(self) -> Flow | None:
        """The next open flow; None when nothing is left to try."""
        try:
            step = next(self._steps)
            while True:
                if isinstance(step, Query):
                    step = self._steps.send(await self._routing.resolver.ask(step))
                    continue
                self.resolved = True
                flow = await self._routing.flow_to(step, self._section)
                if flow is not None:
                    return flow
                step = next(self._steps)
        except StopIteration:
            return None


def _protocol(uri: SipUri, section: Transport | None) -> str:
    if section is not None and section.protocol != "flow":
        return section.protocol.upper()
    wanted = uri.transport.upper()
    if uri.scheme == "sips":
        return {"WS": "WSS", "WSS": "WSS"}.get(wanted, "TLS")
    return wanted or "UDP"


def sip_uri(text: str) -> SipUri | None:
    """A sip or sips URI, bare or in angle brackets; None when it is none."""
    text = text.strip()
    if text.startswith("<") and ">" in text:
        text = text[1 : text.index(">")]
    try:
        found = parse_uri(text)
    except SIPError:
        return None
    return found if isinstance(found, SipUri) else None


def sendable(uri_text: str) -> str:
    """A URI without the parameters that are for ourselves alone."""
    if ";x-ast-" not in uri_text:
        return uri_text
    uri = SipUri.parse(uri_text)
    return str(uri.replace(params={name: value for name, value in uri.params.items() if not name.startswith("x-ast-")}))


__all__ = ["TRANSPORT_PARAM", "Route", "Routing", "sendable", "sip_uri"]
