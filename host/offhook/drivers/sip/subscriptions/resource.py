"""The module res_pjsip_pubsub: takes SUBSCRIBE, PUBLISH and unasked NOTIFY, and keeps subscriptions over restarts."""

from __future__ import annotations

from offhook.calls.events import FullyBooted
from offhook.calls.pbx import Pbx
from offhook.drivers.sip.stack import PART as STACK
from offhook.drivers.sip.stack import SipStack
from offhook.drivers.sip.subscriptions import notified, publication
from offhook.drivers.sip.subscriptions.package import PART, Pubsub, pubsub_of
from offhook.drivers.sip.subscriptions.persistence import Persistence
from offhook.drivers.sip.subscriptions.receiving import receive_subscribe
from offhook.modules import Module

module = Module("res_pjsip_pubsub", "PJSIP event resource", depends=("res_pjsip",), priority=32)

_METHODS = {
    "SUBSCRIBE": receive_subscribe,
    "PUBLISH": publication.receive_publish,
    "NOTIFY": notified.receive_notify,
}


@module.on_load
def load(pbx: Pbx) -> None:
    """Take requests; subscriptions of the last run come back once everything is there."""
    stack: SipStack = pbx.parts[STACK]
    pubsub = pbx.parts[PART] = Pubsub()
    stack.handlers.update(_METHODS)
    persistence = Persistence(stack, pubsub)
    pubsub.on_begun.append(persistence.begun)
    if pbx.booted:
        pbx.loop.call_soon(persistence.restore)
    else:
        pbx.bus.subscribe(FullyBooted, lambda _: persistence.restore())


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Take none any more; what is subscribed stays in the database."""
    stack: SipStack = pbx.parts[STACK]
    for method in _METHODS:
        stack.handlers.pop(method, None)
    pubsub = pubsub_of(pbx)
    for subscription in list(pubsub.subscriptions):
        subscription.leave()
    for handler in pubsub.publications.values():
        handler.stop()
    del pbx.parts[PART]


# What else the module registers stands in a file of its own.
from offhook.drivers.sip.subscriptions import shown  # noqa: E402, F401
