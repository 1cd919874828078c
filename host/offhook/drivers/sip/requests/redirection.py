"""Following 3xx answers to requests outside calls (follow_redirect_methods): contact after contact, not in circles."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.log import NOTICE
from offhook.sip.errors import SIPError
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.sip.message import Response

log = logging.getLogger(__name__)

MOST_HOPS = 5
MOST_CONTACTS = 20


class Redirections:
    """Where one request may go on to. ``send`` sends it anew to a URI."""

    def __init__(self, endpoint: Endpoint, uri: str, send: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._send = send
        self._seen = {uri}
        self._waiting: list[str] = []
        self._hops = 0

    def follow(self, outgoing: OutgoingRequest, response: Response) -> bool:
        """Take a final response: true when the request goes on elsewhere."""
        if 300 <= response.status < 400:
            return self._redirected(outgoing, response)
        if response.status >= 400 and self._waiting:
            return self._next(f"{response.status} {response.reason}")
        return False

    def _redirected(self, outgoing: OutgoingRequest, response: Response) -> bool:
        method, name = outgoing.request.method, self._endpoint.name
        if method.lower() not in (word.lower() for word in self._endpoint.follow_redirect_methods):
            log.log(NOTICE, "%s to %s is redirected; follow_redirect_methods does not name it", method, name)
            return False
        if self._hops >= MOST_HOPS:
            log.warning("%s to %s was redirected %d times, that is enough", method, name, self._hops)
            return False
        fresh = [uri for uri in _contacts(response) if uri not in self._seen]
        if not fresh:
            log.warning("%s to %s is redirected to nowhere it has not been yet", method, name)
            return False
        self._hops += 1
        self._waiting += fresh
        return self._next("redirected")

    def _next(self, why: str) -> bool:
        uri = self._waiting.pop(0)
        self._seen.add(uri)
        log.log(NOTICE, "a request to %s goes on to %s (%s)", self._endpoint.name, uri, why)
        self._send(uri)
        return True


def _contacts(response: Response) -> list[str]:
    """The SIP URIs of a 3xx, most wanted first (RFC 3261 20.10)."""
    try:
        contacts = response.contacts[:MOST_CONTACTS]
    except SIPError:
        return []
    usable = [each for each in contacts if not each.star and isinstance(each.uri, SipUri)]
    return [str(each.uri) for each in sorted(usable, key=_wish, reverse=True)]


def _wish(contact: NameAddr) -> float:
    try:
        wish = float(contact.params.get("q") or 1)
    except ValueError:
        return 1.0
    return wish if 0 <= wish <= 1 else 1.0
