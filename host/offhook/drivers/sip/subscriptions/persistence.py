"""Subscriptions over a restart: kept in the database, and taken up again when everything is there."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from offhook.drivers.sip.subscriptions.branch import grow
from offhook.drivers.sip.subscriptions.package import Pubsub
from offhook.drivers.sip.subscriptions.receiving import choose
from offhook.drivers.sip.subscriptions.subscription import Subscription
from offhook.drivers.sip.transport.flow import Flow
from offhook.log import verbose
from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.message import Request
from offhook.sip.parser import parse
from offhook.sip.uri import SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.stack import SipStack


FAMILY = "subscription_persistence"
_PREFIX = "subscription_persistence/"


class Persistence:
    """Writes each subscription's line in the database, and reads them all once."""

    def __init__(self, stack: SipStack, pubsub: Pubsub) -> None:
        self._stack = stack
        self._pubsub = pubsub
        self._keys: dict[Subscription, str] = {}

    # ---- writing ------------------------------------------------------------------------------------------

    def begun(self, subscription: Subscription, tied: bool) -> None:
        """A subscription is there; one tied to a connection does not outlive us and is not kept."""
        if not tied:
            self._keep(subscription, secrets.token_hex(16))

    def _keep(self, subscription: Subscription, key: str) -> None:
        self._keys[subscription] = key
        subscription.on_changed = self._write
        subscription.on_ended = self._ended
        self._write(subscription)

    def _write(self, subscription: Subscription) -> None:
        stack, dialog, flow = self._stack, subscription.core.dialog, subscription.flow
        host, port = stack.local_address(flow)
        versions = {leaf.resource: leaf.view.versions for leaf in subscription.root.leaves() if leaf.view.versions}
        values = {
            "endpoint": subscription.endpoint.name,
            "packet": subscription.request.to_bytes().decode("utf-8", "surrogateescape"),
            "src_name": flow.host,
            "src_port": str(flow.port),
            "transport_key": flow.protocol,
            "transport": flow.carrier.name,
            "local_name": host,
            "local_port": str(port),
            "cseq": str(dialog.local_seq),
            "remote_cseq": str(dialog.remote_seq),
            "tag": dialog.local_tag,
            "contact_uri": dialog.remote_target,
            "expires": str(int(stack.pbx.wall() + subscription.seconds_left)),
            "prune_on_boot": "no",
            "generator_data": json.dumps(versions),
        }
        stack.pbx.astdb.put(FAMILY, _PREFIX + self._keys[subscription], json.dumps(values, separators=(",", ":")))

    def _ended(self, subscription: Subscription) -> None:
        key = self._keys.pop(subscription, None)
        if key is not None:
            self._stack.pbx.astdb.delete(FAMILY, _PREFIX + key)

    # ---- reading ------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """Take up what was kept; what cannot be is dropped."""
        astdb = self._stack.pbx.astdb
        kept = set(self._keys.values())
        for path, text in astdb.by_prefix(FAMILY, _PREFIX):
            key = path.removeprefix(f"/{FAMILY}/{_PREFIX}")
            if key in kept:
                continue
            try:
                subscription = self._revive(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError, SIPError) as error:
                verbose(3, "a subscription of the last run is dropped: %s", error)
                astdb.delete(FAMILY, _PREFIX + key)
                continue
            self._keep(subscription, key)
            subscription.watch()

    def _revive(self, values: dict[str, Any]) -> Subscription:
        """The subscription of a line in the database; ValueError and others when it cannot be."""
        stack = self._stack
        seconds = int(values["expires"]) - int(stack.pbx.wall())
        if seconds <= 0:
            raise ValueError("it has run out")
        endpoint = stack.config.endpoints.get(values["endpoint"])
        if endpoint is None:
            raise ValueError(f"endpoint {values['endpoint']} is gone")
        carrier = stack.transports.datagram.get(values["transport"])
        if carrier is None:
            raise ValueError(f"transport {values['transport']} is gone")
        message = parse(values["packet"].encode("utf-8", "surrogateescape"))
        if not isinstance(message, Request):
            raise ValueError("it did not begin with a SUBSCRIBE")
        message.set("Expires", min(seconds, message.expires or seconds))
        package, body = choose(self._pubsub, message)
        uri = message.uri
        resource = uri.user if isinstance(uri, SipUri) else ""
        if stack.config.settings.ignore_uri_user_options:
            resource = resource.partition(";")[0]
        eventlist = "eventlist" in message.tokens("Supported")
        status, root, interval_ms = grow(stack.config, package, endpoint, resource, eventlist=eventlist)
        if status != 200:
            raise ValueError(f"{resource} cannot be watched any more")
        dialog = Dialog.of_request(message, values["tag"])
        dialog.local_seq = int(values["cseq"])
        dialog.remote_seq = int(values["remote_cseq"])
        dialog.remote_target = values["contact_uri"]
        flow = Flow(carrier, values["src_name"], int(values["src_port"]))
        subscription = Subscription(stack, self._pubsub, endpoint, package, body, message, dialog, flow)
        subscription.core.receive(message, stack.now())
        subscription.begin(root, interval_ms)
        versions = json.loads(values["generator_data"])
        for leaf in root.leaves():
            leaf.view.versions.update({str(name): int(last) for name, last in versions.get(leaf.resource, {}).items()})
        return subscription
