"""Device states and message counts between exchanges, published as JSON the way Asterisk does."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from offhook.calls.pbx import Pbx
from offhook.calls.watched_events import DeviceStateChange, MessageWaiting
from offhook.drivers.sip.configuration.publication_sections import AsteriskPublication
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.subscriptions.outbound import publishers_of
from offhook.drivers.sip.subscriptions.package import pubsub_of
from offhook.drivers.sip.subscriptions.publication import Publication, PublicationHandler, Step
from offhook.drivers.sip.subscriptions.publishing import Client, Content
from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.sip.message import Request

log = logging.getLogger(__name__)

module = Module(
    "res_pjsip_publish_asterisk",
    "PJSIP Asterisk Event PUBLISH Support",
    depends=("res_pjsip_outbound_publish",),
    priority=39,
)

JSON = "application/json"
Fields = dict[str, Any]


def _filter(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


class Exchange:
    """One kind of state exchanged: how ours are written, and how theirs are taken."""

    event = ""
    word = ""
    """Its name in the JSON."""
    noted_filter = ""
    """The option of outbound-publish that says which of ours are told."""
    kind: type

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.taking = False
        """While a state of theirs is published here: it is not told on."""

    # ---- ours -----------------------------------------------------------------------------------------------

    def key(self, change: Any) -> str:
        """What filters look at."""
        raise NotImplementedError

    def fields(self, change: Any) -> Fields:
        """A state of ours, as it is told."""
        raise NotImplementedError

    def known(self) -> Iterable[Any]:
        """All that is known here."""
        raise NotImplementedError

    def start(self, client: Client) -> Callable[[], None]:
        """Tell every state of ours from now on, and what is known now. ValueError when the filter is no pattern."""
        try:
            pattern = _filter(client.section.notes.get(self.noted_filter, ""))
        except re.error as error:
            raise ValueError(f"@{self.noted_filter} is no regular expression: {error}") from None

        def changed(change: Any) -> None:
            if not self.taking and pattern.search(self.key(change)):
                self.tell(client, {"type": self.word, **self.fields(change)})

        for change in self.known():
            changed(change)
        return self.pbx.bus.subscribe(self.kind, changed)

    def tell(self, client: Client, fields: Fields) -> None:
        """Publish something."""
        fields["eid"] = self.pbx.options.entity_id
        client.publisher().tell(Content(JSON, json.dumps(fields, separators=(",", ":")).encode()))

    # ---- theirs -----------------------------------------------------------------------------------------------

    def admit(self, endpoint: Endpoint, resource: str, section: str) -> int:
        """There must be an asterisk-publication section."""
        return 200 if section in self._sections() else 404

    def _sections(self) -> dict[str, AsteriskPublication]:
        stack: SipStack = self.pbx.parts[PART]
        return stack.config.of(AsteriskPublication)

    def take(self, publication: Publication, request: Request, step: Step) -> bool:
        """Publish a state of theirs here."""
        section = self._sections().get(publication.section)
        if section is None:
            return False
        if not request.body:
            return True
        try:
            fields = json.loads(request.body)
            _, what = fields["eid"], fields["type"]
        except (ValueError, KeyError, TypeError, RecursionError):
            log.warning("a publication to %s is no JSON object with type and eid", publication.resource)
            return False
        if request.content_type != JSON:
            log.warning("a publication to %s is %s, not %s", publication.resource, request.content_type, JSON)
            return False
        if what == "refresh":
            self._refresh(section)
            return True
        if what != self.word:
            return False
        self.taking = True
        try:
            return self.apply(section, fields)
        except (KeyError, TypeError, ValueError):
            log.warning("a publication to %s is incomplete", publication.resource)
            return False
        finally:
            self.taking = False

    def apply(self, section: AsteriskPublication, fields: Fields) -> bool:
        """Publish it, if the section wants it. KeyError, TypeError or ValueError when something is missing."""
        raise NotImplementedError

    def answering(self, section: AsteriskPublication) -> str:
        """The outbound-publish section by which a request for everything is answered."""
        raise NotImplementedError

    def _refresh(self, section: AsteriskPublication) -> None:
        """They ask for everything that is known here."""
        client = publishers_of(self.pbx).clients.get(self.answering(section))
        if client is not None:
            for change in self.known():
                self.tell(client, {"type": self.word, **self.fields(change)})

    def expired(self, publication: Publication) -> None:
        """What was published stays."""

    def ask(self) -> None:
        """Ask every exchange that we take states from for all of them."""
        for section in self._sections().values():
            client = publishers_of(self.pbx).clients.get(self.answering(section))
            if client is not None and client.section.event == self.event:
                self.tell(client, {"type": "refresh"})


class DeviceStates(Exchange):
    """Device states."""

    event = "asterisk-devicestate"
    word = "devicestate"
    noted_filter = "device_state_filter"
    kind = DeviceStateChange

    def key(self, change: DeviceStateChange) -> str:
        """The device."""
        return change.device

    def fields(self, change: DeviceStateChange) -> Fields:
        """Device and state."""
        return {"device": change.device, "state": change.state, "cachable": 1}

    def known(self) -> Iterable[DeviceStateChange]:
        """Every device whose state is known here."""
        devices = self.pbx.devices
        return [DeviceStateChange(device, state) for device, state in devices if not devices.is_remote(device)]

    def apply(self, section: AsteriskPublication, fields: Fields) -> bool:
        """Publish it."""
        device, state = str(fields["device"]), str(fields["state"])
        if section.device_state and _filter(section.device_state_filter).search(device):
            self.pbx.devices.publish_remote(device, state)
        return True

    def answering(self, section: AsteriskPublication) -> str:
        """By devicestate_publish."""
        return section.devicestate_publish


class MessageCounts(Exchange):
    """Message counts of mailboxes."""

    event = "asterisk-mwi"
    word = "mailboxstate"
    noted_filter = "mailbox_state_filter"
    kind = MessageWaiting

    def key(self, change: MessageWaiting) -> str:
        """The mailbox."""
        return change.mailbox

    def fields(self, change: MessageWaiting) -> Fields:
        """Mailbox and counts."""
        return {"uniqueid": change.mailbox, "old": change.old, "new": change.new}

    def known(self) -> Iterable[MessageWaiting]:
        """Every mailbox whose count is known here."""
        return [MessageWaiting(mailbox, count.new, count.old) for mailbox, count in self.pbx.mailboxes]

    def apply(self, section: AsteriskPublication, fields: Fields) -> bool:
        """Publish it."""
        mailbox = str(fields["uniqueid"])
        if section.mailbox_state and _filter(section.mailbox_state_filter).search(mailbox):
            self.pbx.mailboxes.publish(mailbox, int(fields["new"]), int(fields["old"]), kept_here=False)
        return True

    def answering(self, section: AsteriskPublication) -> str:
        """By mailboxstate_publish."""
        return section.mailboxstate_publish


@module.on_load
def load(pbx: Pbx) -> None:
    """Tell and take both."""
    stack: SipStack = pbx.parts[PART]
    for exchange in (DeviceStates(pbx), MessageCounts(pbx)):
        pubsub_of(pbx).publications[exchange.event] = PublicationHandler(stack, exchange.event, exchange)
        publishers_of(pbx).add(exchange.event, exchange)
        exchange.ask()


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Neither."""
    for kind in (DeviceStates, MessageCounts):
        publishers_of(pbx).drop(kind.event)
        handler = pubsub_of(pbx).publications.pop(kind.event, None)
        if handler is not None:
            handler.stop()
