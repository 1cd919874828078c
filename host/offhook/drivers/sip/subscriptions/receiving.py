"""SUBSCRIBE outside a dialog: what has to hold before a subscription is made of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.drivers.sip.contacts.registrar import is_tied
from offhook.drivers.sip.subscriptions.branch import grow
from offhook.drivers.sip.subscriptions.package import pubsub_of
from offhook.drivers.sip.subscriptions.subscription import Subscription
from offhook.log import NOTICE
from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.subscriptions.package import Body, EventPackage, Pubsub
    from offhook.sip.message import Request

log = logging.getLogger(__name__)


def receive_subscribe(incoming: IncomingRequest) -> None:
    """Make a subscription of a SUBSCRIBE, or refuse it."""
    try:
        _begin(incoming)
    except SIPError as error:
        log.log(NOTICE, "SUBSCRIBE from %s refused: %s", incoming.endpoint.name, error)
        incoming.respond(error.status, error.reason, error.headers)


def _begin(incoming: IncomingRequest) -> None:
    stack, endpoint, message = incoming.stack, incoming.endpoint, incoming.message
    pubsub = pubsub_of(stack.pbx)
    if not endpoint.allow_subscribe:
        raise SIPError(603, detail=f"allow_subscribe of endpoint {endpoint.name} forbids subscriptions")
    resource = resource_of(incoming)
    expires = message.expires
    if expires == 0:
        raise SIPError(400, detail="a subscription that lasts 0 seconds")
    if expires is not None and expires < endpoint.sub_min_expiry:
        raise SIPError(423, headers=(("Min-Expires", str(endpoint.sub_min_expiry)),))
    package, body = choose(pubsub, message)
    eventlist = "eventlist" in message.tokens("Supported")
    status, root, interval_ms = grow(stack.config, package, endpoint, resource, eventlist=eventlist)
    if status != 200:
        log.log(NOTICE, "%s cannot subscribe to %s (%s)", endpoint.name, resource, package.event)
        raise SIPError(status)
    dialog = Dialog.of_request(message, incoming.tag)
    subscription = Subscription(stack, pubsub, endpoint, package, body, message, dialog, incoming.flow)
    granted = subscription.core.receive(message, incoming.now)
    contact = message.contact
    tied = contact is not None and isinstance(contact.uri, SipUri) and is_tied(contact.uri, incoming.flow)
    if tied:
        if not incoming.flow.open:
            return
        incoming.flow.carrier.bound[subscription] = None
    subscription.begin(root, interval_ms)
    for listener in pubsub.on_begun:
        listener(subscription, tied)
    incoming.respond(200, headers=subscription.accepted(granted))
    if not subscription.over:
        subscription.watch()


def resource_of(incoming: IncomingRequest) -> str:
    """The user of the Request-URI; SIPError 416 when it is no SIP URI."""
    uri = incoming.message.uri
    if not isinstance(uri, SipUri):
        raise SIPError(416)
    user = uri.user
    return user.partition(";")[0] if incoming.stack.config.settings.ignore_uri_user_options else user


def choose(pubsub: Pubsub, message: Request) -> tuple[EventPackage, Body]:
    """Event package and body that a SUBSCRIBE asks for; SIPError 489 when there are none such."""
    event = message.valued("Event")
    package = pubsub.packages.get(event.value.lower()) if event is not None else None
    if package is None:
        raise SIPError(489, detail=f"event {event.value if event is not None else 'missing'}")
    body = pubsub.body_for(message, package)
    if body is None:
        raise SIPError(489, detail=f"no body of event {package.event} is one of {', '.join(message.members('Accept'))}")
    return package, body
