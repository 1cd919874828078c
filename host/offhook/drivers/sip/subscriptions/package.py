"""What can be subscribed to: event packages, the bodies that tell their states, and where both register.

An event package (``presence``, ``message-summary``) says whether a resource may be watched and watches it. A body
(``application/pidf+xml``) writes the states of a kind of resource; which of the bodies of its kind a subscription gets,
its Accept header says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from offhook.drivers.sip.subscriptions.xml import Element
from offhook.sip.message import Header

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.subscriptions.branch import Branch
    from offhook.drivers.sip.subscriptions.publication import PublicationHandler
    from offhook.drivers.sip.subscriptions.subscription import Subscription
    from offhook.sip.message import Request

PART = "pubsub"

EXTENSION_STATE = "ast_sip_exten_state_data"
MESSAGE_COUNT = "ast_sip_message_accumulator"
"""Kinds of states."""

_ABOUT_LISTS = frozenset(("multipart/related", "application/rlmi+xml"))
"""What a subscriber to a list accepts besides the body of its members (RFC 4662 5.3)."""


@dataclass(slots=True)
class View:
    """A resource as one watcher of it sees it."""

    local: str
    """The resource's URI."""
    remote: str
    """The watcher's URI."""
    domain: str = ""
    """The host of our address in the dialog."""
    user_agent: str = ""
    """The watcher's User-Agent in lower case."""
    early_inuse_ringing: bool = False
    """Whether ringing beside a call is told as ringing."""
    versions: dict[str, int] = field(default_factory=dict)
    """Last version told by kind of body; lives as long as the subscription."""

    def next_version(self, body: str) -> int:
        """The version of the next body, counted from 0."""
        version = self.versions[body] = self.versions.get(body, -1) + 1
        return version


Writer = Callable[[Any, View], Element | str]
Supplement = Callable[[Element, Any, View], None]
"""Adds to a body that another writes."""


class Watch(Protocol):
    """One resource being watched."""

    def state(self) -> Any:
        """What it is now, as bodies of its kind want it; None when that cannot be told, which ends the watching."""

    def shown(self) -> list[Header]:
        """What manager clients are told of it."""

    def close(self) -> None:
        """Watch no more."""


class EventPackage(Protocol):
    """A kind of event to subscribe to."""

    @property
    def event(self) -> str:
        """Its name in the Event header."""

    @property
    def kind(self) -> str:
        """The kind of its states."""

    @property
    def accept(self) -> str:
        """The content type without an Accept header."""

    def admit(self, endpoint: Endpoint, resource: str) -> int:
        """Whether an endpoint may watch a resource: 200, or the status to refuse with."""

    def watch(self, branch: Branch) -> Watch | None:
        """Watch the resource of a branch, which is told of changes; None when it cannot be."""

    def display_name(self, endpoint: Endpoint, resource: str) -> str:
        """The resource's name for people, "" when it has none."""


@dataclass(frozen=True, slots=True)
class Body:
    """How states of a kind become bodies of a content type."""

    content_type: str
    kind: str
    write: Writer


class Pubsub:
    """What is registered and what is going on; ``pbx.parts["pubsub"]``."""

    def __init__(self) -> None:
        self.packages: dict[str, EventPackage] = {}
        self.bodies: dict[str, Body] = {}
        self.supplements: dict[str, list[Supplement]] = {}
        """By content type."""
        self.subscriptions: dict[Subscription, None] = {}
        """In the order of their beginning."""
        self.on_begun: list[Callable[[Subscription, bool], None]] = []
        """Called with each subscription that a request begins, and whether it is tied to its connection."""
        self.publications: dict[str, PublicationHandler] = {}
        """What takes PUBLISH, by event."""

    @property
    def allow_events(self) -> Header:
        """Allow-Events as it stands now."""
        return ("Allow-Events", ", ".join((*self.packages, "refer")))

    def body_for(self, request: Request, package: EventPackage) -> Body | None:
        """The body a SUBSCRIBE accepts first of those that are there; None when there is none."""
        accepted = [each.partition(";")[0].strip().lower() for each in request.members("Accept")]
        accepted = [each for each in accepted if each not in _ABOUT_LISTS] or [package.accept]
        found = (self.bodies.get(each) for each in accepted)
        return next((body for body in found if body is not None and body.kind == package.kind), None)

    def write(self, body: Body, state: Any, view: View) -> bytes:
        """The text of a body."""
        written = body.write(state, view)
        if isinstance(written, Element):
            for supplement in self.supplements.get(body.content_type, ()):
                supplement(written, state, view)
            written = written.document()
        return written.encode()

    # ---- registering ----------------------------------------------------------------------------------

    def add_bodies(self, bodies: Iterable[Body]) -> None:
        """Offer more bodies."""
        self.bodies.update({body.content_type: body for body in bodies})

    def drop_bodies(self, bodies: Iterable[Body]) -> None:
        """Offer them no more."""
        for body in bodies:
            self.bodies.pop(body.content_type, None)


def pubsub_of(pbx: Pbx) -> Pubsub:
    """The exchange's subscriptions."""
    found: Pubsub = pbx.parts[PART]
    return found
