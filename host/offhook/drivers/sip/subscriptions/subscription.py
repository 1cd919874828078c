"""A subscription as the notifier keeps it: its dialog, what is watched, the notifications it gets (RFC 6665 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offhook.calls.events import TestEvent
from offhook.drivers.sip.requests.building import address_of
from offhook.drivers.sip.subscriptions.branch import Branch, grow
from offhook.drivers.sip.subscriptions.lists import write
from offhook.drivers.sip.subscriptions.package import View
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.log import verbose
from offhook.sip.dialog import Dialog
from offhook.sip.errors import SIPError
from offhook.sip.events import Event, SubscriptionExpired
from offhook.sip.message import Header, Response
from offhook.sip.subscription import ACTIVE, TERMINATED, Notifier
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.subscriptions.package import Body, EventPackage, Pubsub
    from offhook.drivers.sip.transport.flow import Flow
    from offhook.sip.message import Request

log = logging.getLogger(__name__)

DEFAULT_EXPIRES_S = 3600
MAX_EXPIRES_S = 0xFFFFFFFF
EVENTLIST: Header = ("Require", "eventlist")


class Subscription:
    """One subscriber's subscription to one resource or list."""

    __slots__ = (
        "__weakref__",
        "_batch",
        "body",
        "core",
        "endpoint",
        "flow",
        "interval_ms",
        "on_changed",
        "on_ended",
        "over",
        "package",
        "pubsub",
        "request",
        "root",
        "stack",
    )

    def __init__(
        self,
        stack: SipStack,
        pubsub: Pubsub,
        endpoint: Endpoint,
        package: EventPackage,
        body: Body,
        request: Request,
        dialog: Dialog,
        flow: Flow,
    ) -> None:
        self.stack = stack
        self.pubsub = pubsub
        self.endpoint = endpoint
        self.package = package
        self.body = body
        self.request = request
        """The SUBSCRIBE that began it."""
        self.flow = flow
        """What that came on."""
        event = request.valued("Event")
        identity = event.params.get("id") or "" if event is not None else ""
        self.core = Notifier(dialog, package.event, identity, default=DEFAULT_EXPIRES_S, max_expires=MAX_EXPIRES_S)
        self.core.user = self
        self.root = Branch("")
        self.interval_ms = 0
        self.over = False
        self.on_changed: Callable[[Subscription], None] | None = None
        """Called when what a restart has to know has changed."""
        self.on_ended: Callable[[Subscription], None] | None = None
        self._batch: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Subscription {self.endpoint.name} {self.package.event} {self.root.resource}>"

    @property
    def routed(self) -> bool:
        """Contacts of subscriptions are always taken as they come, as Asterisk does."""
        return False

    @property
    def is_list(self) -> bool:
        """Whether it is to a list."""
        return bool(self.root.children)

    @property
    def seconds_left(self) -> int:
        """How long it lasts unless it is refreshed."""
        return self.core.remaining(self.stack.now())

    # ---- beginning --------------------------------------------------------------------------------------

    def begin(self, root: Branch, interval_ms: int) -> None:
        """Take requests of the dialog, and run out in time, from now on; nothing is watched yet."""
        dialog = self.core.dialog
        dialog.confirm()
        self.stack.dialogs[dialog.id] = self
        self.pubsub.subscriptions[self] = None
        self._take(root, interval_ms)
        self.stack.layer.watch(self.core)
        self.stack.alarm.watch()

    def watch(self) -> bool:
        """Watch every resource and notify all of it; False, and it is over, when one cannot be watched."""
        if not self._watch_all():
            log.warning("%s cannot be watched any more: the subscription ends", self.root.resource)
            self.end()
            return False
        self.notify(full=True)
        self.tell_test("SUBSCRIPTION_ESTABLISHED", "initial_notify_task")
        return True

    def _take(self, root: Branch, interval_ms: int) -> None:
        self.root = root
        self.interval_ms = interval_ms
        dialog = self.core.dialog
        target = sip_uri(self.request.target)
        watcher = NameAddr.parse(dialog.remote).uri
        remote = address_of(watcher)[1:-1] if isinstance(watcher, SipUri) else str(watcher)
        local = NameAddr.parse(dialog.local).uri
        for branch in root.branches():
            branch.subscription = self
            branch.uri = str(target.replace(user=branch.resource)) if target is not None else branch.resource
            branch.view = View(
                branch.uri,
                remote,
                getattr(local, "host", ""),
                (self.request.get("User-Agent") or "").lower(),
                self.endpoint.notify_early_inuse_ringing,
            )

    def _watch_all(self) -> bool:
        for leaf in self.root.leaves():
            leaf.watch = self.package.watch(leaf)
            state = leaf.watch.state() if leaf.watch is not None else None
            if state is None:
                return False
            leaf.body = self.pubsub.write(self.body, state, leaf.view)
        return True

    # ---- telling ------------------------------------------------------------------------------------------

    def resource_changed(self, leaf: Branch, state: Any, *, terminate: bool) -> None:
        """A watched resource is in another state, or gone: notify it, now or with what else changes soon."""
        if self.over:
            return
        leaf.body = self.pubsub.write(self.body, state, leaf.view)
        leaf.changed = True
        leaf.terminated = terminate
        if self.interval_ms:
            if self._batch is None:
                self._batch = self.stack.loop.call_later(self.interval_ms / 1000, self._notify_changes)
        else:
            self._notify_changes()

    def _notify_changes(self) -> None:
        self._batch = None
        self.notify(full=False)
        self.tell_test(
            "SUBSCRIPTION_TERMINATED" if self.over else "SUBSCRIPTION_STATE_CHANGED", "ast_sip_subscription_notify"
        )

    def notify(self, *, full: bool) -> None:
        """Send a NOTIFY of everything, or of what has changed. It is the last one when the resource is gone."""
        if self._batch is not None:
            self._batch.cancel()
            self._batch = None
        written = write(self.root, self.body.content_type, full=full)
        if written is None:
            return
        status, reason = ACTIVE, ""
        if self.root.terminated and self.core.status is not TERMINATED:
            status, reason = TERMINATED, "noresource"
        stack = self.stack
        request = self.core.notify(
            stack.now(),
            status,
            reason=reason,
            body=written.body,
            content_type=written.content_type,
            extra=[self.pubsub.allow_events, *([EVENTLIST] if self.is_list else [])],
            contact=self.contact,
            user_agent=stack.user_agent,
        )
        if stack.config.settings.max_forwards != 70:
            request.set("Max-Forwards", stack.config.settings.max_forwards)
        stack.request(request, self._answered, endpoint=self.endpoint, next_cseq=self._next_cseq)
        self._tell_state()
        if self.core.status is TERMINATED:
            self.end()
        elif self.on_changed is not None:
            self.on_changed(self)

    @property
    def contact(self) -> str:
        """Our Contact in the dialog."""
        return self.stack.contact(self.flow, self.endpoint)

    def _next_cseq(self) -> int:
        self.core.dialog.local_seq += 1
        return self.core.dialog.local_seq

    def _answered(self, outgoing: OutgoingRequest, response: Response) -> None:
        if response.status < 300 or self.over:
            return
        # RFC 6665 4.2.2 names the failures that end a subscription; as Asterisk we let every one do so (as RFC 3265
        # 3.2.2 had it) that does not ask to be tried again.
        if self.core.notify_failed(response) or "Retry-After" not in response:
            verbose(3, "%s ends: the subscriber answered NOTIFY with %d", self, response.status)
            self.end()

    # ---- requests of the subscriber ---------------------------------------------------------------------

    def on_request(self, incoming: IncomingRequest) -> None:
        """A SUBSCRIBE in the dialog: a refresh or the end."""
        message = incoming.message
        if message.method != "SUBSCRIBE":
            incoming.respond(405, headers=[("Allow", "SUBSCRIBE")])
            return
        try:
            self.core.dialog.receive_request(message)
            granted = self.core.receive(message, self.stack.now())
        except SIPError as error:
            incoming.respond(error.status, error.reason, error.headers)
            return
        self.stack.layer.watch(self.core)
        self.stack.alarm.watch()
        regrown = bool(granted) and self.is_list and self._regrow(message)
        incoming.respond(200, headers=self.accepted(granted))
        if not granted:
            self.finish()
            return
        if regrown and not self._watch_all():
            self.end()
            return
        self.notify(full=True)
        self.tell_test("SUBSCRIPTION_REFRESHED", "pubsub_on_refresh_timeout")

    def accepted(self, granted: int) -> list[Header]:
        """The headers of a 200 to SUBSCRIBE."""
        headers = [("Expires", str(granted)), ("Contact", self.contact), self.pubsub.allow_events]
        return [*headers, EVENTLIST] if self.is_list else headers

    def _regrow(self, message: Request) -> bool:
        """Take what the list says now; whether it has other members."""
        eventlist = "eventlist" in message.tokens("Supported")
        status, root, interval_ms = grow(
            self.stack.config, self.package, self.endpoint, self.root.resource, eventlist=eventlist
        )
        if status != 200 or self.root.same_members(root):
            return False
        self._close_watches()
        root.version = self.root.version
        self._take(root, interval_ms)
        return True

    # ---- the end ------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The subscriber ended it, or let it run out: notify that as the last."""
        for branch in self.root.branches():
            branch.terminated = True
        self.core.status = TERMINATED
        self.notify(full=True)
        self.tell_test("SUBSCRIPTION_TERMINATED", "pubsub_on_refresh_timeout")

    def on_timer_event(self, event: Event) -> None:
        """It has run out."""
        if isinstance(event, SubscriptionExpired) and not self.over:
            self.finish()

    def carrier_closed(self) -> None:
        """The connection it was made over, the only way to the subscriber, is gone."""
        self.end()

    def end(self) -> None:
        """Watch no more and forget it. Harmless when it is over."""
        if self.over:
            return
        self.over = True
        self.leave()
        if self.on_ended is not None:
            self.on_ended(self)

    def leave(self) -> None:
        """Watch no more, but let it be as far as the subscriber is concerned: we stop, and may come back."""
        self.over = True
        if self._batch is not None:
            self._batch.cancel()
            self._batch = None
        self._close_watches()
        self.stack.layer.unwatch(self.core)
        self.stack.dialogs.pop(self.core.dialog.id, None)
        self.pubsub.subscriptions.pop(self, None)
        self.flow.carrier.bound.pop(self, None)

    def _close_watches(self) -> None:
        for leaf in self.root.leaves():
            watch, leaf.watch = leaf.watch, None
            if watch is not None:
                watch.close()

    def tell_test(self, state: str, function: str) -> None:
        """Report a step as Asterisk's tests see it."""
        self._report(state, (("Resource", self.root.resource),), function)

    def _tell_state(self) -> None:
        headers = (("StateText", self.core.status.name), ("Endpoint", self.endpoint.name))
        self._report("SUBSCRIPTION_STATE_SET", headers, "sip_subscription_send_request")

    def _report(self, state: str, headers: tuple[Header, ...], function: str) -> None:
        bus = self.stack.pbx.bus
        if bus.wants(TestEvent):
            bus.publish(TestEvent(state, headers, "res_pjsip_pubsub.c", function))
