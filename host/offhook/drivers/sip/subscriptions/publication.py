"""PUBLISH (RFC 3903): others tell us of states they know, under names that inbound-publication sections give."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Protocol

from offhook.drivers.sip.configuration.publication_sections import InboundPublication
from offhook.drivers.sip.subscriptions.package import pubsub_of
from offhook.drivers.sip.subscriptions.receiving import resource_of
from offhook.log import NOTICE
from offhook.sip.errors import SIPError

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.sip.message import Request

log = logging.getLogger(__name__)

DEFAULT_EXPIRES_S = 3600
_TAGS = count(1)


class Step(Enum):
    """What has become of a publication."""

    BEGUN = "initialized"
    ACTIVE = "active"
    ENDED = "terminated"


class Publication:
    """One thing published: who did, and under what name of a section."""

    __slots__ = ("endpoint", "expires", "resource", "section", "tag", "timer")

    def __init__(self, endpoint: Endpoint, resource: str, section: str) -> None:
        self.endpoint = endpoint
        self.resource = resource
        self.section = section
        self.expires = DEFAULT_EXPIRES_S
        self.tag = 0
        self.timer: asyncio.TimerHandle | None = None


class Taker(Protocol):
    """What does something with publications of an event."""

    def admit(self, endpoint: Endpoint, resource: str, section: str) -> int:
        """Whether an endpoint may publish to a resource: 200, or the status to refuse with."""

    def take(self, publication: Publication, request: Request, step: Step) -> bool:
        """A state was published; False when it cannot be used."""

    def expired(self, publication: Publication) -> None:
        """It was not refreshed in time."""


class PublicationHandler:
    """The publications of one event."""

    def __init__(self, stack: SipStack, event: str, taker: Taker) -> None:
        self._stack = stack
        self.event = event
        self.taker = taker
        self.by_tag: dict[int, Publication] = {}

    def stop(self) -> None:
        """Let them run out unnoticed."""
        for publication in self.by_tag.values():
            if publication.timer is not None:
                publication.timer.cancel()
        self.by_tag.clear()

    def receive(self, incoming: IncomingRequest) -> None:
        """A PUBLISH of this event: the first, a refresh, a modification or the end (RFC 3903 6). SIPError."""
        message = incoming.message
        matching = message.get("SIP-If-Match")
        expires = DEFAULT_EXPIRES_S if message.expires is None else message.expires
        if matching is None and (not expires or not message.body):
            raise SIPError(400 if expires else 412, "" if expires else "Conditional Request Failed")
        if matching is None:
            publication = self._first(incoming)
        else:
            publication = self._known(matching)
            step = Step.ACTIVE if expires else Step.ENDED
            if not self.taker.take(publication, message, step):
                expires = 0
        publication.expires = expires
        publication.tag = next(_TAGS)
        if expires:
            self.by_tag[publication.tag] = publication
            publication.timer = self._stack.loop.call_later(expires, self._expire, publication)
        incoming.respond(200, headers=[("SIP-ETag", str(publication.tag)), ("Expires", str(expires))])

    def _known(self, matching: str) -> Publication:
        """Take a publication out by its tag. SIPError 400 or 412."""
        try:
            tag = int(matching.strip())
        except ValueError:
            raise SIPError(400) from None
        publication = self.by_tag.pop(tag, None)
        if publication is None:
            raise SIPError(412, "Conditional Request Failed")
        if publication.timer is not None:
            publication.timer.cancel()
            publication.timer = None
        return publication

    def _first(self, incoming: IncomingRequest) -> Publication:
        endpoint, resource = incoming.endpoint, resource_of(incoming)
        section = self._stack.config.of(InboundPublication).get(resource)
        if section is None:
            raise SIPError(404, detail=f"there is no inbound-publication section [{resource}]")
        if section.endpoint and section.endpoint != endpoint.name:
            raise SIPError(403, detail=f"[{resource}] is for endpoint {section.endpoint}")
        name = section.events.get(self.event)
        if name is None:
            raise SIPError(404, detail=f"[{resource}] has no event_{self.event}")
        status = self.taker.admit(endpoint, resource, name)
        if status != 200:
            raise SIPError(status)
        publication = Publication(endpoint, resource, name)
        if not self.taker.take(publication, incoming.message, Step.BEGUN):
            raise SIPError(500)
        return publication

    def _expire(self, publication: Publication) -> None:
        publication.timer = None
        self.by_tag.pop(publication.tag, None)
        self.taker.expired(publication)


def receive_publish(incoming: IncomingRequest) -> None:
    """Take a PUBLISH, or refuse it."""
    try:
        event = incoming.message.valued("Event")
        handlers = pubsub_of(incoming.stack.pbx).publications
        handler = handlers.get(event.value.lower()) if event is not None else None
        if handler is None:
            raise SIPError(489, detail=f"event {event.value if event is not None else 'missing'}")
        handler.receive(incoming)
    except SIPError as error:
        log.log(NOTICE, "PUBLISH from %s refused: %s", incoming.endpoint.name, error)
        incoming.respond(error.status, error.reason, error.headers)
