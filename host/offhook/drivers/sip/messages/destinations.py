"""Where a request outside calls goes, from the ways in which people write it.

| written | means |
| --- | --- |
| alice | an endpoint, at its first contact |
| alice@anywhere | the same; the domain does not count |
| alice/desk | an endpoint, at the contact of an AOR |
| alice/bob@host:5062, alice/"Bob" <sip:bob@host> | an endpoint, at any URI |
| PJSIP/200@alice | as in Dial: the endpoint's contact with another user |
| host, bob@host, sip:bob@host, "Bob" <sip:bob@host> | a URI, by the default endpoint |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.drivers.sip.transport.routing import sip_uri
from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.contacts.contact import Contact
    from offhook.drivers.sip.stack import SipStack

_DIALLED = "PJSIP/"


class NoDestination(Exception):
    """What was written leads nowhere; the sentence says why."""


@dataclass(slots=True)
class Destination:
    """Who is asked, and where: a contact of the endpoint, or what was written, with a scheme."""

    endpoint: Endpoint
    text: str
    contact: Contact | None = None

    @property
    def uri(self) -> str:
        """The Request-URI. Raises NoDestination."""
        if "<" not in self.text:
            return self.text
        return str(self._address().uri)

    @property
    def display(self) -> str:
        """The name that was written with the URI. Raises NoDestination."""
        return self._address().display if "<" in self.text else ""

    def _address(self) -> NameAddr:
        found = sip_address(self.text)
        if found is None:
            raise NoDestination(f"{self.text!r} is no SIP URI")
        return found


def destination_of(stack: SipStack, written: str) -> Destination:
    """Read a destination. Raises NoDestination."""
    endpoints = stack.config.endpoints
    if written.startswith(_DIALLED):
        return _dialled(stack, written)
    if "/" in written:
        name, _, place = written.partition("/")
        endpoint = endpoints.get(name)
        if endpoint is None:
            raise NoDestination(f"there is no endpoint {name!r}")
        if not _has_scheme(place) and place in stack.locations.by_name:
            return _at_contact(stack, endpoint, (place,))
        return Destination(endpoint, _with_scheme(place))
    if not _has_scheme(written):
        name = written.partition("@")[0]
        if "@" in written and stack.config.settings.ignore_uri_user_options:
            name = name.partition(";")[0]
        if (endpoint := endpoints.get(name)) is not None:
            return _at_contact(stack, endpoint, endpoint.aors)
    default = endpoints.get(stack.config.settings.default_outbound_endpoint)
    if default is None:
        raise NoDestination(
            f"there is no endpoint {written!r}, and no default_outbound_endpoint in [global] of pjsip.conf"
        )
    return Destination(default, _with_scheme(written))


def _dialled(stack: SipStack, written: str) -> Destination:
    user, at, name = written.removeprefix(_DIALLED).partition("@")
    if not at or "/" in user + name:
        raise NoDestination(f"{written!r}: what begins with PJSIP/ is PJSIP/user@endpoint")
    endpoint = stack.config.endpoints.get(name)
    if endpoint is None:
        raise NoDestination(f"there is no endpoint {name!r}")
    found = _at_contact(stack, endpoint, endpoint.aors)
    uri = sip_uri(found.text)
    if uri is None:
        raise NoDestination(f"endpoint {name!r} has the contact {found.text!r}, which is no SIP URI")
    found.text = str(uri.replace(user=user))
    return found


def _at_contact(stack: SipStack, endpoint: Endpoint, aors: Iterable[str]) -> Destination:
    for name in aors:
        location = stack.locations.by_name.get(name)
        for contact in location.reachable if location is not None else ():
            return Destination(endpoint, contact.uri, contact)
    raise NoDestination(f"endpoint {endpoint.name!r} has no contact in {', '.join(aors)!r}: it is not registered")


def _has_scheme(written: str) -> bool:
    return "sip:" in written or "sips:" in written


def _with_scheme(written: str) -> str:
    return written if _has_scheme(written) else f"sip:{written}"


def sip_address(text: str) -> NameAddr | None:
    """A SIP URI, perhaps with a name, or with pjsip: before it as MESSAGE() shows addresses; None when it is none."""
    text = text.strip().removeprefix("pjsip:")
    try:
        found = NameAddr.parse(text if "<" in text else f"<{text}>")
    except SIPError:
        return None
    return found if isinstance(found.uri, SipUri) else None


def sender(ours: NameAddr, wanted: str) -> NameAddr:
    """Our From with the name, user and host that are wanted: an address, or ``user[@host[:port]]``.

    A host that is none leaves ours.
    """
    assert isinstance(ours.uri, SipUri)
    found = sip_address(wanted)
    if found is not None and isinstance(found.uri, SipUri):
        uri = ours.uri.replace(user=found.uri.user, host=found.uri.host, port=found.uri.port)
        return NameAddr(uri, found.display or ours.display, ours.params)
    user, _, domain = wanted.partition("@")
    place = sip_uri(f"sip:{domain}")
    host, port = (ours.uri.host, ours.uri.port) if place is None else (place.host, place.port)
    return NameAddr(ours.uri.replace(user=user, host=host, port=port), ours.display, ours.params)
