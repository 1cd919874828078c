"""The module res_pjsip_outbound_publish, and what it publishes of its own: the states of extensions."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.pbx import Pbx
from offhook.calls.watched_events import ExtensionPresence, ExtensionState
from offhook.drivers.sip.stack import PART, SipStack
from offhook.drivers.sip.subscriptions import extension_state
from offhook.drivers.sip.subscriptions.package import EXTENSION_STATE, Body, View, pubsub_of
from offhook.drivers.sip.subscriptions.publishing import Client, Content, Publishers
from offhook.modules import Module

if TYPE_CHECKING:
    from offhook.calls.hints import Hint
    from offhook.drivers.sip.subscriptions.package import Pubsub

log = logging.getLogger(__name__)

module = Module(
    "res_pjsip_outbound_publish", "PJSIP Outbound Publish Support", depends=("res_pjsip_pubsub",), priority=38
)
PUBLISHERS = "pjsip_publishers"


def publishers_of(pbx: Pbx) -> Publishers:
    """The exchange's publications."""
    found: Publishers = pbx.parts[PUBLISHERS]
    return found


class HintSource:
    """Publishes the states of hints: those whose context and extension fit ``@context`` and ``@exten``."""

    def __init__(self, pbx: Pbx, pubsub: Pubsub) -> None:
        self._pbx = pbx
        self._pubsub = pubsub

    def start(self, client: Client) -> Callable[[], None]:
        """Follow all hints. ValueError when ``@body`` is no body that there is, or a pattern is none."""
        notes = client.section.notes
        body = self._pubsub.bodies.get(notes.get("body", "").lower())
        if body is None or body.kind != EXTENSION_STATE:
            known = ", ".join(name for name, each in self._pubsub.bodies.items() if each.kind == EXTENSION_STATE)
            raise ValueError(f'"{notes.get("body", "")}" cannot be published; write @body = one of {known}')
        context, exten = (_pattern(notes.get(name, ""), name) for name in ("context", "exten"))
        views: dict[str, View] = {}

        def changed(event: ExtensionState | ExtensionPresence) -> None:
            if context.search(event.context) and exten.search(event.exten):
                hint = self._pbx.hints.find(event.context, event.exten)
                if hint is not None and hint.state >= 0:
                    self._publish(client, body, hint, views)

        drops = [
            self._pbx.bus.subscribe(ExtensionState, changed),
            self._pbx.bus.subscribe(ExtensionPresence, changed),
        ]

        def stop() -> None:
            for drop in drops:
                drop()

        return stop

    def _publish(self, client: Client, body: Body, hint: Hint, views: dict[str, View]) -> None:
        publisher = client.publisher(hint.exten)
        view = views.setdefault(hint.exten, View(publisher.from_uri, publisher.to_uri))
        text = self._pubsub.write(body, extension_state.state_without_channels(hint), view)
        publisher.tell(Content(body.content_type, text))


def _pattern(text: str, name: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"@{name} = {text} is no regular expression: {error}") from None


@module.on_load
def load(pbx: Pbx) -> None:
    """Publish what outbound-publish sections ask for."""
    stack: SipStack = pbx.parts[PART]
    publishers = pbx.parts[PUBLISHERS] = Publishers(stack)
    source = HintSource(pbx, pubsub_of(pbx))
    publishers.sources.update({"presence": source, "dialog": source})
    stack.on_reloaded.append(publishers.configure)
    publishers.configure()


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Take everything back."""
    publishers: Publishers = pbx.parts.pop(PUBLISHERS)
    stack: SipStack = pbx.parts[PART]
    stack.on_reloaded.remove(publishers.configure)
    for event in list(publishers.sources):
        publishers.drop(event)
