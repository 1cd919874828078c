"""Message waiting told unasked: NOTIFYs outside any dialog to the contacts of endpoints with ``mailboxes``.

Most phones want it so. An endpoint's mailboxes are either told unasked or subscribed to, never both:
mwi_subscribe_replaces_unsolicited says which wins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from offhook.calls.events import FullyBooted
from offhook.calls.mailboxes import Count
from offhook.drivers.sip.requests.building import outside_dialog
from offhook.log import NOTICE
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.contacts.contact import Contact
    from offhook.drivers.sip.contacts.locations import Location
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.subscriptions.package import Pubsub
    from offhook.sip.message import Message

log = logging.getLogger(__name__)

Write = Callable[[Count, str, str], tuple[str, bytes]]
"""(count, our URI, voicemail extension) -> content type and body."""


@runtime_checkable
class Subscribed(Protocol):
    """Mailboxes that somebody has subscribed to."""

    mailboxes: list[str]

    def give_way(self) -> None:
        """End that subscription."""


def names_in(option: str) -> list[str]:
    """The names in a comma-separated option."""
    return [name for part in option.split(",") if (name := part.strip())]


class Told:
    """Mailboxes that one NOTIFY tells of: all of an endpoint's together, or one."""

    __slots__ = ("drops", "endpoint")

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.drops: dict[str, Callable[[], None]] = {}
        """By mailbox: what ends watching it."""

    def stop(self, mailbox: str) -> None:
        """Watch a mailbox no more."""
        self.drops.pop(mailbox)()


class Unsolicited:
    """Who is told unasked, and of what."""

    def __init__(self, stack: SipStack, pubsub: Pubsub, write: Write) -> None:
        self._stack = stack
        self._pubsub = pubsub
        self._write = write
        self._told: dict[str, list[Told]] = {}
        """By endpoint."""
        self._booted: Callable[[], None] | None = None

    # ---- life -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Watch the mailboxes of every endpoint, tell all of it once everything is there, and follow contacts."""
        locations, pbx = self._stack.locations, self._stack.pbx
        locations.on_contact_added.append(self._contact_seen)
        locations.on_contact_refreshed.append(self._contact_seen)
        locations.on_contact_removed.append(self._contact_gone)
        self._stack.on_reloaded.append(self.configure)
        self.configure()
        if self._stack.config.settings.mwi_disable_initial_unsolicited:
            return
        if pbx.booted:
            self._stack.loop.call_soon(self._tell_all)
        else:
            self._booted = pbx.bus.subscribe(FullyBooted, lambda _: self._tell_all())

    def stop(self) -> None:
        """Watch nothing any more."""
        locations = self._stack.locations
        locations.on_contact_added.remove(self._contact_seen)
        locations.on_contact_refreshed.remove(self._contact_seen)
        locations.on_contact_removed.remove(self._contact_gone)
        self._stack.on_reloaded.remove(self.configure)
        self._unwatch_all()
        if self._booted is not None:
            self._booted()

    def configure(self) -> None:
        """Watch what the configuration says now."""
        if self._stack.config.settings.mwi_disable_initial_unsolicited:
            return
        self._unwatch_all()
        for name in self._stack.config.endpoints:
            self.watch(name)

    def _unwatch_all(self) -> None:
        for name in list(self._told):
            self._unwatch(name)

    def _unwatch(self, name: str) -> None:
        for told in self._told.pop(name, ()):
            for mailbox in list(told.drops):
                told.stop(mailbox)

    # ---- what is watched --------------------------------------------------------------------------------------

    def watch(self, name: str, tell: bool = False) -> None:
        """Watch those mailboxes of an endpoint that are not told yet, and ``tell`` of them."""
        endpoint = self._stack.config.endpoints.get(name)
        if endpoint is None:
            return
        groups = self._told.setdefault(name, [])
        fresh: list[Told] = []
        for mailbox in names_in(endpoint.mailboxes):
            if any(mailbox in told.drops for told in groups) or not self._free(endpoint, mailbox):
                continue
            if endpoint.aggregate_mwi and groups:
                told = groups[0]
            else:
                told = Told(name)
                groups.append(told)
            told.drops[mailbox] = self._stack.pbx.mailboxes.watch(mailbox, lambda *_, told=told: self._tell(told))
            if told not in fresh:
                fresh.append(told)
        if not groups:
            del self._told[name]
        if tell:
            for told in fresh:
                self._tell(told)

    def _free(self, endpoint: Endpoint, mailbox: str) -> bool:
        """Whether nobody subscribes to a mailbox of an endpoint, or who does gives way."""
        for watch in self._subscribed(endpoint, mailbox):
            if endpoint.mwi_subscribe_replaces_unsolicited:
                return False
            watch.give_way()
        return True

    def _subscribed(self, endpoint: Endpoint, mailbox: str) -> list[Subscribed]:
        found: list[Subscribed] = []
        for subscription in self._pubsub.subscriptions:
            if subscription.endpoint.name == endpoint.name:
                for leaf in subscription.root.leaves():
                    watch = leaf.watch
                    if isinstance(watch, Subscribed) and mailbox in watch.mailboxes:
                        found.append(watch)
        return found

    def give_up(self, endpoint: Endpoint, mailboxes: Sequence[str]) -> bool:
        """Somebody wants to subscribe to mailboxes of an endpoint: False when they stay told unasked."""
        for mailbox in mailboxes:
            for told in list(self._told.get(endpoint.name, ())):
                if mailbox not in told.drops:
                    continue
                if not endpoint.mwi_subscribe_replaces_unsolicited:
                    log.log(
                        NOTICE,
                        "endpoint %s is told of mailbox %s unasked already; it cannot subscribe to it, since "
                        "mwi_subscribe_replaces_unsolicited is not set",
                        endpoint.name,
                        mailbox,
                    )
                    return False
                told.stop(mailbox)
                if not told.drops:
                    self._told[endpoint.name].remove(told)
        return True

    # ---- contacts ---------------------------------------------------------------------------------------------

    def _contact_seen(self, location: Location, contact: Contact) -> None:
        endpoint = self._stack.config.endpoints.get(contact.endpoint)
        if endpoint is not None and endpoint.mailboxes:
            self.watch(endpoint.name)
            # Once the REGISTER has been answered.
            self._stack.loop.call_soon(self._tell_those_at, location.name)

    def _tell_those_at(self, aor: str) -> None:
        for name, groups in list(self._told.items()):
            endpoint = self._stack.config.endpoints.get(name)
            if endpoint is not None and aor in endpoint.aors:
                for told in list(groups):
                    self._tell(told)

    def _contact_gone(self, location: Location, contact: Contact) -> None:
        endpoint = self._stack.config.endpoints.get(contact.endpoint)
        if endpoint is not None and not self._stack.locations.contacts_of(endpoint):
            self._unwatch(endpoint.name)

    # ---- telling ----------------------------------------------------------------------------------------------

    def _tell_all(self) -> None:
        for groups in list(self._told.values()):
            for told in list(groups):
                self._tell(told)

    def _tell(self, told: Told) -> None:
        endpoint = self._stack.config.endpoints.get(told.endpoint)
        if endpoint is None:
            return
        counts = [self._stack.pbx.mailboxes.count(mailbox) for mailbox in told.drops]
        count = Count(sum(each.new for each in counts), sum(each.old for each in counts))
        for contact in self._stack.locations.contacts_of(endpoint):
            self._send(endpoint, contact, count)

    def _send(self, endpoint: Endpoint, contact: Contact, count: Count) -> None:
        stack = self._stack
        request, local = outside_dialog(stack, "NOTIFY", endpoint, contact.uri, contact=contact)
        from_ = request.from_
        if endpoint.mwi_from_user and isinstance(from_.uri, SipUri):
            from_ = NameAddr(from_.uri.replace(user=endpoint.mwi_from_user), from_.display, from_.params)
            request.set("From", from_)
        content_type, body = self._write(count, str(from_.uri), endpoint.voicemail_extension)
        for header in (
            ("Subscription-State", "terminated"),
            ("Event", "message-summary"),
            self._pubsub.allow_events,
            ("Content-Type", content_type),
        ):
            request.add(*header)
        request.body = body
        request.touched()
        stack.deliver(request, local, endpoint, contact, _answered)


def _answered(outgoing: object, response: Message) -> None:
    log.debug("message waiting was answered: %s", response)
