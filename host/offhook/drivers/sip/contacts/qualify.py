"""Asking contacts whether they are there: OPTIONS every so often, and what the answer means."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from offhook.calls.endpoints import ContactAsked
from offhook.calls.events import TestEvent
from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.sip.message import Response

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.contacts.locations import Location
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack

log = logging.getLogger(__name__)

SOON = 0.001
"""A contact that has just registered is asked at once."""


class Qualify:
    """Keeps the status of contacts current."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        locations = stack.locations
        locations.on_contact_added.append(self._contact_added)
        locations.on_configured.append(self.configured)
        self._frequencies: dict[str, int] = {}

    def _contact_added(self, location: Location, contact: Contact) -> None:
        if location.section.qualify_frequency:
            self._schedule(location, SOON)

    def configured(self, location: Location) -> None:
        """An AOR's options or contacts may have changed: qualify as they say from now on."""
        frequency = location.section.qualify_frequency
        before = self._frequencies.get(location.name, 0)
        self._frequencies[location.name] = frequency
        if not frequency or not location.contacts:
            if location.timer is not None:
                location.timer.cancel()
                location.timer = None
            return
        if frequency != before or location.timer is None:
            # Spread over the period, so that a thousand phones are not asked in the same instant after a start.
            limit = self._stack.config.settings.max_initial_qualify_time
            period = min(limit, frequency) if limit else frequency
            self._schedule(location, max(SOON, period * random.random()))

    def _schedule(self, location: Location, delay: float) -> None:
        if location.timer is not None:
            location.timer.cancel()
        location.timer = self._stack.loop.call_later(delay, self._due, location)

    def _due(self, location: Location) -> None:
        location.timer = None
        if location.section.qualify_frequency and location.contacts:
            self._schedule(location, location.section.qualify_frequency)
        self.ask(location)

    def ask(self, location: Location) -> None:
        """Send OPTIONS to every contact of an AOR now."""
        for contact in list(location.contacts.values()):
            self.ask_contact(location, contact)

    def ask_contact(self, location: Location, contact: Contact) -> None:
        """Send OPTIONS to one contact; nothing is sent when no endpoint is reached there."""
        endpoint = self._endpoint(location, contact)
        if endpoint is None:
            log.debug("contact %s is not qualified: no endpoint uses its AOR", contact.id)
            return
        section = location.section
        timing = self._stack.layer.timing
        if section.qualify_timeout:
            timing = timing._replace(timeout=section.qualify_timeout)
        asked_at = self._stack.now()

        def answered(outgoing: OutgoingRequest, response: Response) -> None:
            if response.status >= 200:
                contact.probes.discard(outgoing)
                self._answered(location, contact, outgoing, response, self._stack.now() - asked_at)

        contact.probes.add(self._stack.send_to_contact("OPTIONS", endpoint, contact, answered, timing=timing))

    def _endpoint(self, location: Location, contact: Contact) -> Endpoint | None:
        endpoints = self._stack.config.endpoints
        found = endpoints.get(contact.endpoint) if contact.endpoint else None
        if found is None and location.endpoints:
            found = endpoints.get(location.endpoints[0])
        return found

    def _answered(
        self, location: Location, contact: Contact, outgoing: OutgoingRequest, response: Response, elapsed: float
    ) -> None:
        if not self._stack.locations.alive(contact) or not location.section.qualify_frequency:
            return  # the answer comes late: the contact is gone or not qualified any more
        good = not outgoing.failure and (not location.section.qualify_2xx_only or 200 <= response.status < 300)
        roundtrip = int(elapsed * 1_000_000) if good else 0
        self._stack.locations.set_status(contact, Status.AVAILABLE if good else Status.UNAVAILABLE, roundtrip)
        bus = self._stack.pbx.bus
        if bus.wants(ContactAsked):
            bus.publish(ContactAsked(contact.id, roundtrip if good else None))
        if bus.wants(TestEvent):
            headers = (("Contact", contact.id), ("Status", contact.status.value), ("RTT", str(roundtrip)))
            function = "sip_options_contact_status_notify_task"
            bus.publish(TestEvent("AOR_CONTACT_QUALIFY_RESULT", headers, "res_pjsip/pjsip_options.c", function))
