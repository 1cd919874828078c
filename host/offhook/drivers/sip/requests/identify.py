"""Whose request is it: identification by address, header, Request-URI, user name or as anonymous.

The ways are tried in the order of endpoint_identifier_order; those that it does not name come after.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable, Container
from functools import lru_cache
from typing import TYPE_CHECKING

from offhook.sip.auth import parse_digest
from offhook.sip.errors import SIPError
from offhook.sip.message import Request
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.reading import Configuration
    from offhook.drivers.sip.configuration.sections import Identify
    from offhook.drivers.sip.transport.flow import Flow
    from offhook.drivers.sip.transport.resolver import Resolver

log = logging.getLogger(__name__)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
WAYS = ("ip", "header", "request_uri", "username", "auth_username", "anonymous")
SRV_PREFIXES = ("_sip._udp.", "_sip._tcp.", "_sips._tcp.")


class Matcher:
    """One identify section, ready to match."""

    __slots__ = ("_header", "_header_pattern", "_networks", "_uri_pattern", "endpoint", "hosts", "name")

    def __init__(self, section: Identify) -> None:
        """Raises ValueError with a sentence for a section that cannot match."""
        self.name = section.name
        self.endpoint = section.endpoint
        self.hosts: list[str] = []
        """Names whose addresses are still to be looked up."""
        self._networks: list[tuple[Network, int]] = []
        self._header = ""
        self._header_pattern: Callable[[str], bool] | None = None
        self._uri_pattern: Callable[[str], bool] | None = None
        if not section.endpoint:
            raise ValueError("an identify section needs endpoint = name")
        for text in section.match:
            self._add(text)
        if section.match_header:
            name, colon, value = section.match_header.partition(":")
            if not colon or not name.strip():
                raise ValueError(f'match_header "{section.match_header}" is not Header: value')
            self._header = name.strip()
            self._header_pattern = _pattern(value.strip())
        if section.match_request_uri:
            self._uri_pattern = _pattern(section.match_request_uri.strip())
        if not (self._networks or self.hosts or self._header or self._uri_pattern):
            raise ValueError("an identify section needs match, match_header or match_request_uri")

    def _add(self, text: str) -> None:
        address, port, mask = text, 0, ""
        if "/" in address:
            address, _, mask = address.partition("/")
        if address.startswith("["):
            address, _, tail = address[1:].partition("]")
            if tail.startswith(":"):
                port = _port(tail[1:], text)
        elif address.count(":") == 1:
            address, _, tail = address.partition(":")
            port = _port(tail, text)
        try:
            network = ipaddress.ip_network(f"{address}/{mask}" if mask else address, strict=False)
        except ValueError:
            if mask:
                raise ValueError(f'match "{text}" is no network such as 192.0.2.0/24') from None
            self.hosts.append(text)
            return
        self._networks.append((network, port))

    def learn(self, address: str, port: int) -> None:
        """Match an address that a name was found to have; port 0: any."""
        entry = (ipaddress.ip_network(address), port)
        if entry not in self._networks:
            self._networks.append(entry)

    def fits_address(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> bool:
        """Whether a source address is one of the section's."""
        for network, wanted in self._networks:
            if network.version == address.version and address in network and wanted in (0, port):
                return True
        return False

    def fits_header(self, request: Request) -> bool:
        """Whether the request carries the section's header."""
        matches = self._header_pattern
        return matches is not None and any(matches(value) for value in request.get_all(self._header))

    def fits_uri(self, request: Request) -> bool:
        """Whether the Request-URI is the section's."""
        return self._uri_pattern is not None and self._uri_pattern(request.target)

    def shown(self) -> list[str]:
        """The addresses it matches, with the number of leading bits."""
        return [f"{_address(network, port)}/{network.prefixlen}" for network, port in self._networks]

    def masks(self) -> list[str]:
        """The addresses it matches, with masks."""
        return [f"{_address(network, port)}/{network.netmask}" for network, port in self._networks]


def _address(network: Network, port: int) -> str:
    address = str(network.network_address)
    if not port:
        return address
    return f"[{address}]:{port}" if network.version == 6 else f"{address}:{port}"


def _port(text: str, whole: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f'match "{whole}": "{text}" is no port')
    return int(text)


def _pattern(text: str) -> Callable[[str], bool]:
    if len(text) > 2 and text[0] == text[-1] == "/":
        try:
            compiled = re.compile(text[1:-1])
        except re.error as error:
            raise ValueError(f"{text} is no regular expression: {error}") from None
        return lambda value: compiled.search(value) is not None
    wanted = "" if text == "//" else text
    return lambda value: value.strip() == wanted


class Identification:
    """Finds the endpoint of a request by the configuration in force."""

    def __init__(self, config: Configuration) -> None:
        self.config = config
        self.matchers: list[Matcher] = []
        ways: dict[str, Callable[[Request, Flow], Endpoint | None]] = {
            "ip": self._by_address,
            "username": self._by_username,
            "auth_username": self._by_auth_username,
            "anonymous": self._anonymous,
            "header": self._by_header,
            "request_uri": self._by_request_uri,
        }
        order = [word.strip() for word in config.settings.endpoint_identifier_order.split(",") if word.strip()]
        unknown = [word for word in order if word not in ways]
        if unknown:
            log.error("endpoint_identifier_order names %s; it may name %s", ", ".join(unknown), ", ".join(WAYS))
        self.order = [word for word in order if word in ways] + [word for word in WAYS if word not in order]
        self._ways = [(word, ways[word]) for word in self.order]
        self.by_auth_username = "auth_username" in order
        """Whether strangers get a few tries before they count as unidentified (they may be challenged first)."""

    def add(self, matcher: Matcher) -> None:
        """Use one more identify section."""
        self.matchers.append(matcher)

    def identify(self, request: Request, flow: Flow, allowed: Container[str] = WAYS) -> Endpoint | None:
        """The endpoint the request comes from, by the ways allowed; None for a stranger."""
        for word, way in self._ways:
            if word in allowed:
                found = way(request, flow)
                if found is not None:
                    return found
        return None

    async def look_up(self, resolver: Resolver) -> None:
        """Find the addresses of the names that identify sections match."""
        sections = self.config.identifies
        for matcher in self.matchers:
            for text in matcher.hosts:
                host, colon, port_text = text.rpartition(":")
                if not colon:
                    host, port_text = text, ""
                targets: list[tuple[str, int]] = []
                if not colon and matcher.name in sections and sections[matcher.name].srv_lookups:
                    for prefix in SRV_PREFIXES:
                        targets += [(record.target.rstrip("."), 0) for record in await resolver.srv(prefix + host)]
                targets = targets or [(host, int(port_text) if port_text.isdigit() else 0)]
                found = 0
                for name, port in targets:
                    for address in await resolver.addresses(name):
                        matcher.learn(address, port)
                        found += 1
                if not found:
                    log.warning("identify %s: no address was found for %s", matcher.name, text)

    # ---- the ways -----------------------------------------------------------------------------------

    def _endpoint_of(self, matcher: Matcher) -> Endpoint | None:
        endpoint = self.config.endpoints.get(matcher.endpoint)
        if endpoint is None:
            log.warning("identify %s names endpoint %s, which does not exist", matcher.name, matcher.endpoint)
        return endpoint

    def _by_address(self, request: Request, flow: Flow) -> Endpoint | None:
        if not self.matchers:
            return None
        address = _numeric(flow.host)
        for matcher in self.matchers:
            if matcher.fits_address(address, flow.port):
                return self._endpoint_of(matcher)
        return None

    def _by_header(self, request: Request, flow: Flow) -> Endpoint | None:
        for matcher in self.matchers:
            if matcher.fits_header(request):
                return self._endpoint_of(matcher)
        return None

    def _by_request_uri(self, request: Request, flow: Flow) -> Endpoint | None:
        for matcher in self.matchers:
            if matcher.fits_uri(request):
                return self._endpoint_of(matcher)
        return None

    def _by_username(self, request: Request, flow: Flow) -> Endpoint | None:
        try:
            uri = request.from_.uri
        except SIPError:
            return None
        user = uri.user
        if self.config.settings.ignore_uri_user_options:
            user = user.partition(";")[0]
        found = self.find(user, uri.host, flow)
        return found if found is not None and "username" in found.identify_by else None

    def _by_auth_username(self, request: Request, flow: Flow) -> Endpoint | None:
        for value in request.get_all("Authorization"):
            try:
                params = parse_digest(value)
            except SIPError:
                continue
            found = self.find(params.get("username", ""), params.get("realm", ""), flow)
            if found is not None and "auth_username" in found.identify_by:
                return found
        return None

    def _anonymous(self, request: Request, flow: Flow) -> Endpoint | None:
        try:
            uri = request.from_.uri
        except SIPError:
            return None
        return self.find("anonymous", uri.host, flow) if isinstance(uri, SipUri) else None

    def find(self, user: str, domain: str, flow: Flow) -> Endpoint | None:
        """The endpoint "user@domain" (or its alias, or the transport's domain), else "user"."""
        endpoints = self.config.endpoints
        if not self.config.settings.disable_multi_domain:
            found = endpoints.get(f"{user}@{domain}")
            if found is not None:
                return found
            alias = self.config.domain_aliases.get(domain)
            if alias is not None:
                found = endpoints.get(f"{user}@{alias.domain}")
                if found is not None:
                    return found
            own = flow.carrier.section.domain
            if own:
                found = endpoints.get(f"{user}@{own}")
                if found is not None:
                    return found
        return endpoints.get(user)


@lru_cache(256)
def _numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(host.partition("%")[0])
