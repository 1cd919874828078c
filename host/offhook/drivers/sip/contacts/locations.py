"""Addresses of record and their contacts: binding, expiry, persistence, and which endpoints are online.

Everything happens on the loop, in one step each: binding a contact is refused unless its connection is open, and
the end of a connection takes its contacts with it. So there is never a contact whose connection is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offhook.calls.endpoints import ContactChange, ContactStatus, PeerStatus
from offhook.calls.events import TestEvent
from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.reading import Configuration
    from offhook.drivers.sip.configuration.sections import Aor
    from offhook.drivers.sip.transport.flow import Flow

log = logging.getLogger(__name__)

FAMILY = "registrar"
PREFIX = "contact/"


class ConnectionGone(Exception):
    """The connection a contact was to be bound to is not open."""


class Location:
    """One address of record in use: its contacts, and how many of them can be reached."""

    __slots__ = ("available", "contacts", "endpoints", "name", "section", "timer")

    def __init__(self, section: Aor) -> None:
        self.name = section.name
        self.section = section
        self.contacts: dict[str, Contact] = {}
        self.endpoints: list[str] = []
        """Endpoints that can be reached here."""
        self.available = 0
        self.timer: asyncio.TimerHandle | None = None
        """When its contacts are qualified next."""

    @property
    def dynamic(self) -> list[Contact]:
        """The registered contacts."""
        return [contact for contact in self.contacts.values() if contact.expires_at is not None]

    @property
    def reachable(self) -> list[Contact]:
        """Every contact that is not known to be unreachable."""
        return [contact for contact in self.contacts.values() if contact.status is not Status.UNAVAILABLE]


class Locations:
    """Every address of record and the state of the endpoints that follows from their contacts."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._config: Configuration | None = None
        self.by_name: dict[str, Location] = {}
        self.online: dict[str, bool] = {}
        """Endpoints by name: whether any of their contacts can be reached."""
        self.on_contact_added: list[Any] = []
        """Called with (location, contact) for each new registered contact."""
        self.on_contact_refreshed: list[Any] = []
        """Called with (location, contact) when a registered contact is registered again."""
        self.on_contact_removed: list[Any] = []
        self.on_configured: list[Any] = []
        """Called with each location whose configuration or static contacts may have changed."""
        self.on_endpoint: list[Any] = []
        """Called with (endpoint name, online) when that changes."""

    # ---- configuration ------------------------------------------------------------------------------

    def configure(self, config: Configuration) -> None:
        """Take the AORs and endpoints of a (new) configuration; contacts of AORs that are gone go too."""
        first = self._config is None
        self._config = config
        for name in [name for name in self.by_name if name not in config.aors]:
            location = self.by_name[name]
            for contact in list(location.contacts.values()):
                self.remove(contact, "configuration")
            self._stop_timer(location)
            del self.by_name[name]
        for name, section in config.aors.items():
            location = self.by_name.setdefault(name, Location(section))
            location.section = section
            location.endpoints = []
        for endpoint in config.endpoints.values():
            for name in endpoint.aors:
                if name in self.by_name and endpoint.name not in self.by_name[name].endpoints:
                    self.by_name[name].endpoints.append(endpoint.name)
        if first:
            self._restore()
        for location in self.by_name.values():
            self._apply(location)
        for name in [name for name in self.online if name not in config.endpoints]:
            self._set_online(name, False)
            del self.online[name]
        for name in config.endpoints:
            self._update_endpoint(name)

    def _apply(self, location: Location) -> None:
        section = location.section
        wanted = {
            contact.id: contact for contact in (Contact(section.name, uri, static=True) for uri in section.contact)
        }
        for contact in [each for each in location.contacts.values() if each.static and each.id not in wanted]:
            self.remove(contact, "configuration")
        for identity, contact in wanted.items():
            if identity not in location.contacts:
                contact.outbound_proxy = section.outbound_proxy
                location.contacts[identity] = contact
                self._tell_change(contact, "")
                self._publish_status(location, contact)
        if section.qualify_frequency:
            location.available = sum(each.status is Status.AVAILABLE for each in location.contacts.values())
        else:
            for contact in location.contacts.values():
                if contact.status is not Status.CREATED:
                    self.set_status(contact, Status.CREATED)
            location.available = len(location.contacts)
        for listener in self.on_configured:
            listener(location)

    @staticmethod
    def _stop_timer(location: Location) -> None:
        if location.timer is not None:
            location.timer.cancel()
            location.timer = None

    # ---- finding ------------------------------------------------------------------------------------

    def contacts(self) -> Iterator[Contact]:
        """Every contact, registered and configured."""
        for location in self.by_name.values():
            yield from location.contacts.values()

    def contacts_of(self, endpoint: Endpoint) -> list[Contact]:
        """The contacts of an endpoint's AORs, in the order of the AORs."""
        found: list[Contact] = []
        for name in endpoint.aors:
            location = self.by_name.get(name)
            if location is not None:
                found += location.contacts.values()
        return found

    def first_contact(self, endpoint: Endpoint) -> Contact | None:
        """The first contact of an endpoint's AORs, None when it has none."""
        return next(iter(self.contacts_of(endpoint)), None)

    def find(self, identity: str) -> Contact | None:
        """A contact by its name."""
        aor = identity.partition(";@")[0] if ";@" in identity else identity.partition("@@")[0]
        location = self.by_name.get(aor)
        return location.contacts.get(identity) if location is not None else None

    def alive(self, contact: Contact) -> bool:
        """Whether this very contact is still one of its AOR's."""
        location = self.by_name.get(contact.aor)
        return location is not None and location.contacts.get(contact.id) is contact

    # ---- binding ------------------------------------------------------------------------------------

    def bind(self, contact: Contact, lifetime: float, flow: Flow, *, tied: bool) -> None:
        """Add a registered contact that came in on a flow, for a time in seconds.

        ``tied``: it can be reached over that connection only. Raises ConnectionGone, and changes nothing, when the
        flow is a stream that is not open any more.
        """
        if flow.reliable and not flow.open:
            raise ConnectionGone(str(flow))
        location = self.by_name[contact.aor]
        contact.expires_at = self._pbx.now() + lifetime
        contact.on_carrier_closed = self._carrier_closed
        if tied:
            contact.prune_on_boot = True
            contact.bind(flow)
        contact.reg_server = self._pbx.options.system_name
        contact.outbound_proxy = location.section.outbound_proxy
        location.contacts[contact.id] = contact
        self._schedule_expiry(contact)
        self._store(contact)
        if not location.section.qualify_frequency:
            location.available = len(location.contacts)
            if location.available == 1:
                self._update_endpoints(location)
        self._tell_change(contact, "")
        self._publish_status(location, contact)
        for listener in self.on_contact_added:
            listener(location, contact)

    def refresh(self, contact: Contact, lifetime: float, flow: Flow, *, tied: bool) -> None:
        """Prolong a registered contact; it moves to the connection it was refreshed over. Raises ConnectionGone."""
        if flow.reliable and not flow.open:
            raise ConnectionGone(str(flow))
        contact.expires_at = self._pbx.now() + lifetime
        if tied:
            contact.prune_on_boot = True
            contact.bind(flow)
        self._schedule_expiry(contact)
        self._store(contact)
        for listener in self.on_contact_refreshed:
            listener(self.by_name[contact.aor], contact)

    def remove(self, contact: Contact, reason: str) -> None:
        """Take a contact out; ``reason`` as in "Removed contact ... due to <reason>". Harmless when it is out."""
        location = self.by_name.get(contact.aor)
        if location is None or location.contacts.get(contact.id) is not contact:
            return
        del location.contacts[contact.id]
        contact.unbind()
        contact.stop_expiry()
        for probe in list(contact.probes):
            probe.abandon()
        contact.probes.clear()
        was, contact.status = contact.status, Status.REMOVED
        contact.roundtrip_us = 0
        if not contact.static:
            self._pbx.astdb.delete(FAMILY, PREFIX + contact.id)
        verbose(2, "Contact %s/%s has been deleted", contact.aor, contact.uri)
        self._tell_change(contact, was.value)
        if location.section.qualify_frequency:
            if was is Status.AVAILABLE:
                location.available -= 1
                if not location.available:
                    self._update_endpoints(location)
        else:
            location.available = len(location.contacts)
            if not location.available:
                self._update_endpoints(location)
        self._publish_status(location, contact)
        if not location.contacts:
            self._stop_timer(location)
        if not contact.static:
            verbose(3, "Removed contact '%s' from AOR '%s' due to %s", contact.uri, contact.aor, reason)
            self._test_event("AOR_CONTACT_REMOVED", contact)
        for listener in self.on_contact_removed:
            listener(location, contact)

    def _carrier_closed(self, contact: Contact) -> None:
        self.remove(contact, "shutdown")

    def _test_event(self, state: str, contact: Contact) -> None:
        bus = self._pbx.bus
        if bus.wants(TestEvent):
            headers = (("Contact", contact.uri), ("AOR", contact.aor), ("UserAgent", contact.user_agent))
            bus.publish(TestEvent(state, headers, "res_pjsip_registrar.c", "registrar_contact_delete"))

    # ---- expiry -------------------------------------------------------------------------------------

    def _schedule_expiry(self, contact: Contact) -> None:
        assert contact.expires_at is not None
        if contact.expiry is not None:
            contact.expiry.cancel()
        contact.expiry = self._pbx.loop.call_at(contact.expires_at, self.remove, contact, "expiration")

    # ---- status -------------------------------------------------------------------------------------

    def set_status(self, contact: Contact, status: Status, roundtrip_us: int = 0) -> None:
        """Note what a qualify found out; tells about a change."""
        location = self.by_name.get(contact.aor)
        if location is None:
            return
        was, contact.status = contact.status, status
        contact.roundtrip_us = roundtrip_us
        if was is status:
            return
        if location.section.qualify_frequency:
            if status is Status.AVAILABLE:
                location.available += 1
                if location.available == 1:
                    self._update_endpoints(location)
            elif was is Status.AVAILABLE:
                location.available -= 1
                if not location.available:
                    self._update_endpoints(location)
        verbose(
            3, "Contact %s/%s is now %s.  RTT: %.3f msec", contact.aor, contact.uri, status.value, roundtrip_us / 1000
        )
        self._tell_change(contact, was.value)
        self._publish_status(location, contact)
        bus = self._pbx.bus
        if bus.wants(TestEvent):
            headers = (("Contact", contact.id), ("Status", status.value))
            bus.publish(
                TestEvent(
                    "AOR_CONTACT_UPDATE", headers, "res_pjsip/pjsip_options.c", "sip_options_contact_status_notify_task"
                )
            )

    def tell_status(self, contact: Contact) -> None:
        """Publish a contact's status again though it has not changed."""
        location = self.by_name.get(contact.aor)
        if location is not None:
            self._publish_status(location, contact)

    def _tell_change(self, contact: Contact, was: str) -> None:
        if (bus := self._pbx.bus).wants(ContactChange):
            bus.publish(ContactChange(contact.id, was, contact.status.value))

    def _publish_status(self, location: Location, contact: Contact) -> None:
        bus = self._pbx.bus
        if bus.wants(ContactStatus):
            for name in location.endpoints:
                bus.publish(
                    ContactStatus("PJSIP", name, contact.aor, contact.uri, contact.status.value, contact.roundtrip_us)
                )

    def _update_endpoints(self, location: Location) -> None:
        for name in location.endpoints:
            self._update_endpoint(name)

    def _update_endpoint(self, name: str) -> None:
        endpoint = self._config.endpoints.get(name) if self._config is not None else None
        if endpoint is None:
            return
        online = any(
            (location := self.by_name.get(aor)) is not None and location.available > 0 for aor in endpoint.aors
        )
        self._set_online(name, online)

    def _set_online(self, name: str, online: bool) -> None:
        was = self.online.get(name, False)
        self.online[name] = online
        if was is online:
            return
        word = "Reachable" if online else "Unreachable"
        for listener in self.on_endpoint:
            listener(name, online)
        verbose(2, "Endpoint %s is now %s", name, word)
        self._pbx.bus.publish(PeerStatus("PJSIP", name, word))
        self._pbx.devices.changed(f"PJSIP/{name}")

    # ---- persistence --------------------------------------------------------------------------------

    def _store(self, contact: Contact) -> None:
        assert contact.expires_at is not None
        aor = self.by_name[contact.aor].section
        remaining = contact.expires_at - self._pbx.now()
        values = {
            "via_addr": contact.via_addr,
            "qualify_timeout": f"{aor.qualify_timeout:.6f}",
            "call_id": contact.call_id,
            "reg_server": contact.reg_server,
            "prune_on_boot": "yes" if contact.prune_on_boot else "no",
            "path": contact.path,
            "endpoint": contact.endpoint,
            "via_port": str(contact.via_port),
            "authenticate_qualify": "yes" if aor.authenticate_qualify else "no",
            "uri": contact.uri,
            "qualify_frequency": str(aor.qualify_frequency),
            "qualify_2xx_only": "yes" if aor.qualify_2xx_only else "no",
            "user_agent": contact.user_agent,
            "expiration_time": str(int(self._pbx.wall() + remaining)),
            "outbound_proxy": contact.outbound_proxy,
        }
        self._pbx.astdb.put(FAMILY, PREFIX + contact.id, json.dumps(values, separators=(",", ":")))

    def _restore(self) -> None:
        """Bring back the contacts of the last run that can still be reached and have not expired."""
        astdb = self._pbx.astdb
        for key, text in astdb.by_prefix(FAMILY, PREFIX):
            identity = key.removeprefix(f"/{FAMILY}/{PREFIX}")
            location = self.by_name.get(identity.partition(";@")[0])
            try:
                values = json.loads(text)
                lifetime = float(values["expiration_time"]) - self._pbx.wall()
                uri = str(values["uri"])
            except (ValueError, KeyError, TypeError):
                log.warning("%s in the database is no contact and is dropped", key)
                astdb.delete(FAMILY, PREFIX + identity)
                continue
            ours = values.get("reg_server", "") == self._pbx.options.system_name
            if location is None or lifetime <= 0 or (ours and values.get("prune_on_boot") == "yes"):
                astdb.delete(FAMILY, PREFIX + identity)
                continue
            contact = Contact(location.name, uri, endpoint=str(values.get("endpoint", "")))
            # A clock that jumped back at boot must not make a contact immortal.
            contact.expires_at = self._pbx.now() + min(lifetime, location.section.maximum_expiration)
            contact.on_carrier_closed = self._carrier_closed
            contact.path = str(values.get("path", ""))
            contact.user_agent = str(values.get("user_agent", ""))
            contact.via_addr = str(values.get("via_addr", ""))
            contact.via_port = int(values.get("via_port") or 0)
            contact.call_id = str(values.get("call_id", ""))
            contact.outbound_proxy = str(values.get("outbound_proxy", ""))
            contact.reg_server = str(values.get("reg_server", ""))
            location.contacts[contact.id] = contact
            self._schedule_expiry(contact)
            self._tell_change(contact, "")
            self._publish_status(location, contact)

    def stop(self) -> None:
        """End every timer; contacts stay in the database."""
        for location in self.by_name.values():
            self._stop_timer(location)
            for contact in location.contacts.values():
                contact.stop_expiry()
