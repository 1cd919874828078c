"""The registrar (RFC 3261 10.3, RFC 3327): REGISTER requests to contacts."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from offhook.calls.events import TestEvent
from offhook.drivers.sip.contacts.contact import Contact, Status
from offhook.drivers.sip.contacts.locations import ConnectionGone, Location
from offhook.drivers.sip.transport.flow import Flow, host_port
from offhook.drivers.sip.transport.nat import ORIGINAL_HOST
from offhook.drivers.sip.transport.routing import sendable
from offhook.log import verbose
from offhook.sip.auth import parse_digest
from offhook.sip.errors import SIPError
from offhook.sip.grammar import parse_number
from offhook.sip.headers import Via
from offhook.sip.message import Header, Request
from offhook.sip.uri import NameAddr, SipUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.sections import Aor
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.stack import SipStack

log = logging.getLogger(__name__)

MAX_URI = 256
MAX_HOST = 128
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Registrar:
    """Handles REGISTER."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack

    def on_register(self, incoming: IncomingRequest) -> None:
        """Carry out one REGISTER, identified and authenticated."""
        endpoint = incoming.endpoint
        flow = incoming.flow
        where = host_port(flow.host, flow.port)
        if not endpoint.aors:
            incoming.respond(403)
            incoming.report("FailedACL", ACLName="registrar_attempt_without_configured_aors")
            log.warning("endpoint %s (%s) wants to register and has no aors", endpoint.name, where)
            return
        to = incoming.message.to.uri
        if not isinstance(to, SipUri):
            incoming.respond(416)
            incoming.report("FailedACL", ACLName="registrar_invalid_uri_in_to_received")
            log.warning("endpoint %s (%s) wants to register %s, which is no SIP URI", endpoint.name, where, to)
            return
        name = self._aor_name(incoming, to)
        location = self._stack.locations.by_name.get(name)
        if location is None:
            incoming.respond(404)
            incoming.report("RequestNotSupported", RequestType="registrar_requested_aor_not_found")
            log.warning("AOR '%s' not found for endpoint '%s' (%s)", name, endpoint.name, where)
            return
        if not location.section.max_contacts:
            incoming.respond(403)
            incoming.report("RequestNotSupported", RequestType="registrar_attempt_without_registration_permitted")
            log.warning("endpoint %s (%s): AOR %s takes no registrations; set max_contacts", endpoint.name, where, name)
            return
        try:
            _Registration(self._stack, incoming, location).carry_out()
        except ConnectionGone:
            # Nobody is there to hear a response, and nothing was bound.
            log.debug("%s: the connection of a REGISTER was closed before it was carried out", where)
            self._stack.layer.abandon(incoming.transaction)

    def _aor_name(self, incoming: IncomingRequest, to: SipUri) -> str:
        endpoint = incoming.endpoint
        user = to.user
        if self._stack.config.settings.ignore_uri_user_options:
            user = user.partition(";")[0]
        found = self._match(user, to.host, endpoint.aors)
        if found or "auth_username" not in endpoint.identify_by:
            return found
        for value in incoming.message.get_all("Authorization"):
            try:
                params = parse_digest(value)
            except SIPError:
                continue
            found = self._match(params.get("username", ""), params.get("realm", ""), endpoint.aors)
            if found:
                return found
        return ""

    def _match(self, user: str, domain: str, aors: tuple[str, ...]) -> str:
        wanted = [f"{user}@{domain}"]
        alias = self._stack.config.domain_aliases.get(domain)
        if alias is not None:
            wanted.append(f"{user}@{alias.domain}")
        if user:
            wanted.append(user)
        return next((name for name in wanted if name in aors), "")


class _Registration:
    """One REGISTER on one AOR: first what it asks for, then whether that is allowed, then doing it."""

    __slots__ = ("aor", "changes", "incoming", "location", "now", "stack", "star")

    def __init__(self, stack: SipStack, incoming: IncomingRequest, location: Location) -> None:
        self.stack = stack
        self.incoming = incoming
        self.location = location
        self.aor: Aor = location.section
        self.now = stack.now()
        self.star = False
        self.changes: list[tuple[SipUri, int, Contact | None]] = []
        """(URI, lifetime in seconds, the contact it has) for each Contact."""

    def carry_out(self) -> None:
        """Answer it. Raises ConnectionGone."""
        endpoint, message = self.incoming.endpoint, self.incoming.message
        try:
            self._read(message)
        except (SIPError, ValueError) as error:
            self.incoming.report("FailedACL", ACLName="registrar_invalid_contacts_provided")
            log.warning("Failed to validate contacts in REGISTER request from '%s': %s", endpoint.name, error)
            self.incoming.respond(400)
            return
        path = ", ".join(message.get_all("Path")) if self.aor.support_path else ""
        if path and "path" not in (word.lower() for word in message.members("Supported")):
            log.warning("REGISTER from '%s' carries a Path but does not support it: changed on its way", endpoint.name)
            self.incoming.respond(420, headers=[("Unsupported", "path")])
            return
        existing = self.location.dynamic
        added = sum(1 for _, lifetime, contact in self.changes if contact is None and lifetime)
        updated = sum(1 for _, lifetime, contact in self.changes if contact is not None and lifetime)
        deleted = sum(1 for _, lifetime, contact in self.changes if contact is not None and not lifetime)
        if self.star:
            deleted = len(existing)
        if not self._make_room(existing, added, updated, deleted):
            flow = self.incoming.flow
            self.incoming.report("FailedACL", ACLName="registrar_attempt_exceeds_maximum_configured_contacts")
            log.warning(
                "Registration attempt from endpoint '%s' (%s) to AOR '%s' will exceed max contacts of %d",
                endpoint.name,
                host_port(flow.host, flow.port),
                self.aor.name,
                self.aor.max_contacts,
            )
            self.incoming.respond(403)
            return
        self._change(path)
        if self.aor.remove_existing and not self.star:
            touched = {contact for _, _, contact in self.changes if contact is not None}
            untouched = [
                contact for contact in existing if contact not in touched and contact.status is not Status.REMOVED
            ]
            self._remove_excess(untouched, len(untouched) + updated + added, "remove existing")
        self._answer()

    # ---- what it asks for ---------------------------------------------------------------------------

    def _read(self, message: Request) -> None:
        contacts = message.contacts
        for address in contacts:
            if address.star:
                if len(contacts) > 1 or self._lifetime(message, None):
                    raise ValueError("a star must stand alone and with Expires: 0 (RFC 3261 10.2.2)")
                self.star = True
                return
            uri = address.uri
            if not isinstance(uri, SipUri):
                continue
            if len(str(uri)) > MAX_URI or len(uri.host) >= MAX_HOST:
                raise ValueError("a contact URI is too long")
            contact = next((each for each in self.location.dynamic if SipUri.parse(each.uri) == uri), None)
            self.changes.append((uri, self._lifetime(message, address), contact))

    def _lifetime(self, message: Request, address: NameAddr | None) -> int:
        wanted = self.aor.default_expiration
        given = address.params.get("expires") if address is not None else None
        if given is not None:
            wanted = parse_number(given, "expires")
        elif message.expires is not None:
            wanted = message.expires
        if not wanted:
            return 0
        return max(self.aor.minimum_expiration, min(wanted, self.aor.maximum_expiration))

    # ---- whether it may -----------------------------------------------------------------------------

    def _make_room(self, existing: list[Contact], added: int, updated: int, deleted: int) -> bool:
        aor = self.aor
        total = max(updated + added - deleted, 0) if aor.remove_existing else len(existing) + added - deleted
        if total > aor.max_contacts and aor.remove_unavailable:
            lost = [contact for contact in existing if contact.status is Status.UNAVAILABLE]
            if total - len(lost) <= aor.max_contacts:
                self._remove_excess(lost, total, "remove unavailable")
                total = len(self.location.dynamic) + added - deleted
        return total <= aor.max_contacts

    def _remove_excess(self, candidates: list[Contact], total: int, reason: str) -> None:
        excess = total - self.aor.max_contacts
        if excess <= 0:
            return
        by_need = sorted(
            candidates,
            key=lambda contact: (
                self.aor.remove_unavailable and contact.status is not Status.UNAVAILABLE,
                contact.expires_at or 0.0,
            ),
        )
        for contact in by_need[:excess]:
            self.stack.locations.remove(contact, reason)

    # ---- doing it -----------------------------------------------------------------------------------

    def _change(self, path: str) -> None:
        locations = self.stack.locations
        if self.star:
            for contact in self.location.dynamic:
                locations.remove(contact, "request")
            return
        flow = self.incoming.flow
        for uri, lifetime, known in self.changes:
            # Another Contact of this request, or remove_unavailable, may have taken it.
            current = known if known is not None and known.status is not Status.REMOVED else None
            if current is None:
                if lifetime:
                    self._add(uri, lifetime, path, flow)
                else:
                    verbose(
                        3, "Attempted to remove non-existent contact '%s' from AOR '%s' by request", uri, self.aor.name
                    )
            elif lifetime:
                if path:
                    current.path = path
                current.user_agent = self.incoming.message.get("User-Agent") or current.user_agent
                locations.refresh(current, lifetime, flow, tied=is_tied(uri, flow))
                self._test_event("AOR_CONTACT_REFRESHED", current, lifetime)
                if self.stack.config.settings.send_contact_status_on_update_registration:
                    locations.tell_status(current)
            else:
                locations.remove(current, "request")

    def _add(self, uri: SipUri, lifetime: int, path: str, flow: Flow) -> None:
        message = self.incoming.message
        contact = Contact(self.aor.name, str(uri), endpoint=self.incoming.endpoint.name)
        contact.path = path
        contact.user_agent = message.get("User-Agent") or ""
        via = Via.parse(message.members("Via")[-1])
        contact.via_addr, contact.via_port = via.host, via.port or 0
        contact.call_id = message.call_id
        self.stack.locations.bind(contact, lifetime, flow, tied=is_tied(uri, flow))
        verbose(3, "Added contact '%s' to AOR '%s' with expiration of %d seconds", contact.uri, contact.aor, lifetime)
        self._test_event("AOR_CONTACT_ADDED", contact, lifetime)

    def _test_event(self, state: str, contact: Contact, lifetime: int) -> None:
        bus = self.stack.pbx.bus
        if bus.wants(TestEvent):
            headers = (
                ("Contact", contact.uri),
                ("AOR", contact.aor),
                ("Expiration", str(lifetime)),
                ("UserAgent", contact.user_agent),
            )
            bus.publish(TestEvent(state, headers, "res_pjsip_registrar.c", "register_aor_core"))

    def _answer(self) -> None:
        headers: list[Header] = [("Date", http_date(self.stack.pbx.wall()))]
        path = ""
        for contact in self.location.contacts.values():
            shown = original(contact.uri)
            if contact.expires_at is None:
                headers.append(("Contact", f"<{shown}>"))
            else:
                headers.append(("Contact", f"<{shown}>;expires={max(0, round(contact.expires_at - self.now))}"))
            path = path or contact.path
        if self.incoming.message.expires is not None:
            headers.append(("Expires", str(self._lifetime(self.incoming.message, None))))
        if self.aor.support_path:
            headers.append(("Supported", "path"))
            if path:
                headers.append(("Path", path))
        self.incoming.respond(200, headers=headers)


def is_tied(uri: SipUri, flow: Flow) -> bool:
    """Whether a contact can be reached over the connection it came in on and no other way.

    That is so for every WebSocket, and for a stream whose far end is what the contact names.
    """
    protocol = flow.protocol
    if protocol in ("WS", "WSS"):
        return True
    return flow.reliable and uri.host == flow.host and uri.port == flow.port and uri.transport == protocol.lower()


def original(uri_text: str) -> str:
    """A contact's URI as the phone wrote it, before its address was replaced by the one it came from."""
    if ORIGINAL_HOST not in uri_text:
        return sendable(uri_text)
    uri = SipUri.parse(uri_text)
    host, colon, port = (uri.params.get(ORIGINAL_HOST) or "").rpartition(":")
    if colon:
        uri = uri.replace(host=host.strip("[]"), port=int(port) or None if port.isdigit() else None)
    return sendable(str(uri))


def http_date(wall: float) -> str:
    """A time as Date wants it (RFC 3261 20.17), whatever the locale."""
    when = datetime.fromtimestamp(wall, UTC)
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year} "
        f"{when.hour:02}:{when.minute:02}:{when.second:02} GMT"
    )
