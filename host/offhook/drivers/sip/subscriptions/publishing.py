"""PUBLISH of ours (RFC 3903): states told to the servers that outbound-publish sections name, and kept up there."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from offhook.drivers.sip.configuration.publication_sections import OutboundPublish
from offhook.drivers.sip.requests.building import local_end, new_call_id, routes_of, set_routes
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.sip.errors import SIPError
from offhook.sip.grammar import parse_number
from offhook.sip.layer import new_tag
from offhook.sip.message import Header, Response, make_request

if TYPE_CHECKING:
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack

log = logging.getLogger(__name__)

EARLY_S = 5
"""A publication is refreshed so long before it runs out."""
_QUEUED = 100
"""Bodies that wait for an earlier one's answer, at most: beyond that the oldest is too old to matter."""


class Content(NamedTuple):
    """What is published."""

    content_type: str
    body: bytes


class Publisher:
    """One resource's publication: PUBLISHes one after the other, each replacing what the last one told."""

    def __init__(self, stack: SipStack, section: OutboundPublish, user: str) -> None:
        self._stack = stack
        self.section = section
        self.server = _with_user(section.server_uri, user)
        self.from_uri = _with_user(section.from_uri or section.server_uri, user)
        self.to_uri = _with_user(section.to_uri or section.server_uri, user)
        self._call_id = new_call_id()
        self._tag = new_tag()
        self._cseq = secrets.randbelow(30000)
        self._expires = section.expiration
        self._etag = ""
        self._queue: deque[Content | None] = deque(maxlen=_QUEUED)
        """What to tell; None refreshes what was told."""
        self._outgoing: OutgoingRequest | None = None
        self._refresh: asyncio.TimerHandle | None = None
        self._over = False

    # ---- verbs --------------------------------------------------------------------------------------------

    def tell(self, content: Content) -> None:
        """Publish a state, behind those that wait."""
        self._queue.append(content)
        self._next()

    def stop(self) -> None:
        """Take the publication back."""
        self._over = True
        self._queue.clear()
        self._cancel_refresh()
        if self._outgoing is None and self._etag:
            self._send(None, 0)

    # ---- sending ------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._outgoing is None and self._queue:
            self._send(self._queue[0], self._expires)

    def _send(self, content: Content | None, expires: int) -> None:
        stack, section = self._stack, self.section
        server = sip_uri(self.server)
        assert server is not None
        headers: list[Header] = [("Event", section.event), ("Expires", str(expires))]
        if self._etag:
            headers.append(("SIP-If-Match", self._etag))
        local = local_end(stack, server, None, None, section.transport)
        request = make_request(
            "PUBLISH",
            server,
            f"<{self.from_uri}>;tag={self._tag}",
            f"<{self.to_uri}>",
            self._call_id,
            self._next_cseq(),
            headers,
            max_forwards=stack.config.settings.max_forwards,
            user_agent=stack.user_agent,
            body=content.body if content is not None else b"",
            content_type=content.content_type if content is not None else "",
        )
        set_routes(request, routes_of(section.outbound_proxy))
        self._outgoing = stack.request(
            request,
            self._answered,
            transport=section.transport,
            credentials=stack.credentials(section.outbound_auth),
            next_cseq=self._next_cseq,
            local=local,
        )

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _answered(self, outgoing: OutgoingRequest, response: Response) -> None:
        if response.status < 200 or outgoing is not self._outgoing:
            return
        self._outgoing = None
        if self._over:
            self._finished(outgoing, response)
            return
        if response.status == 412:
            self._etag = ""  # RFC 3903 4.1: publish anew
            if self._queue and self._queue[0] is None:
                self._queue.popleft()
        elif response.status == 423 and self._longer(response):
            log.debug("publish %s: the server wants %d seconds at least", self.section.name, self._expires)
        else:
            self._queue.popleft()
            if response.status < 300:
                self._etag = response.get("SIP-ETag") or ""
                if not self._queue:
                    self._schedule(response)
            else:
                log.warning("publish %s was refused: %d %s", self.section.name, response.status, response.reason)
        self._next()

    def _finished(self, outgoing: OutgoingRequest, response: Response) -> None:
        """The answer that was outstanding when everything ended: take back what it made."""
        etag = response.get("SIP-ETag") or ""
        if response.status < 300 and etag and outgoing.request.expires:
            self._etag = etag
            self._send(None, 0)

    def _longer(self, response: Response) -> bool:
        try:
            least = parse_number(response.get("Min-Expires") or "", "Min-Expires")
        except SIPError:
            log.error("publish %s: the server answered 423 without Min-Expires", self.section.name)
            return False
        longer, self._expires = least > self._expires, max(least, self._expires)
        return longer

    # ---- refreshing ---------------------------------------------------------------------------------------

    def _schedule(self, response: Response) -> None:
        """Refresh before the server forgets, however long it said it would remember."""
        self._cancel_refresh()
        expires = response.expires if response.expires is not None else self._expires
        delay = max(min(expires - EARLY_S, self._expires) if expires else self._expires, EARLY_S)
        self._refresh = self._stack.loop.call_later(delay, self._due)

    def _due(self) -> None:
        self._refresh = None
        if not self._queue and self._etag:
            self._queue.append(None)
            self._next()

    def _cancel_refresh(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None


def _with_user(text: str, user: str) -> str:
    uri = sip_uri(text.strip("<>"))
    assert uri is not None
    return str(uri.replace(user=user) if user else uri)


class Client:
    """What one outbound-publish section publishes."""

    def __init__(self, stack: SipStack, section: OutboundPublish) -> None:
        self._stack = stack
        self.section = section
        self._publishers: dict[str, Publisher] = {}

    def publisher(self, user: str = "") -> Publisher:
        """The publication of a user; all users have one together unless multi_user is set."""
        if not self.section.multi_user:
            user = ""
        if user not in self._publishers:
            self._publishers[user] = Publisher(self._stack, self.section, user)
        return self._publishers[user]

    def stop(self) -> None:
        """Take everything back."""
        for publisher in self._publishers.values():
            publisher.stop()
        self._publishers.clear()


class Source(Protocol):
    """Where states of an event come from."""

    def start(self, client: Client) -> Callable[[], None]:
        """Publish by a client from now on; the call that ends it. ValueError with a sentence when it cannot."""


class Publishers:
    """All clients, and the sources they publish from; follows the configuration."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self.sources: dict[str, Source] = {}
        """By event."""
        self.clients: dict[str, Client] = {}
        self._stops: dict[str, Callable[[], None]] = {}

    def configure(self) -> None:
        """Start what is new in the configuration, stop what is gone; what is as it was goes on."""
        sections = self._stack.config.of(OutboundPublish)
        for name, client in list(self.clients.items()):
            section = sections.get(name)
            if section is None or section.set_values() != client.section.set_values():
                self._stop(name)
        for name, section in sections.items():
            source = self.sources.get(section.event)
            if name in self.clients or source is None:
                continue
            client = Client(self._stack, section)
            try:
                self._stops[name] = source.start(client)
            except ValueError as error:
                log.error("outbound-publish %s cannot be used: %s", name, error)
                continue
            self.clients[name] = client

    def _stop(self, name: str) -> None:
        client, stop = self.clients.pop(name), self._stops.pop(name)
        stop()
        client.stop()

    def add(self, event: str, source: Source) -> None:
        """Publish states of an event."""
        self.sources[event] = source
        self.configure()

    def drop(self, event: str) -> None:
        """Publish them no more."""
        self.sources.pop(event, None)
        for name, client in list(self.clients.items()):
            if client.section.event == event:
                self._stop(name)
