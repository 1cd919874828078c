"""Registrations of ours with servers (RFC 3261 10.2): kept up, retried with patience, taken back at the end."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import string
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from offhook.calls.endpoints import RegistrationChange, Registry
from offhook.drivers.sip.calls.capabilities import ALLOW
from offhook.drivers.sip.requests.building import Local, address_of, local_end, new_call_id, routes_of, set_routes
from offhook.drivers.sip.transport.routing import sip_uri
from offhook.sip.errors import SIPError
from offhook.sip.grammar import parse_number
from offhook.sip.layer import new_tag
from offhook.sip.message import Header, Request, Response, make_request
from offhook.sip.uri import SipUri, TelUri

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.sections import Registration
    from offhook.drivers.sip.requests.outgoing import OutgoingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.drivers.sip.transport.flow import Flow

log = logging.getLogger(__name__)

EARLY_SECONDS = 10
"""A registration is renewed so long before it runs out."""
TEMPORARY = frozenset((408, 500, 502, 503, 504))
GOODBYE_SECONDS = 5.0
"""How long the end of the program waits for servers to confirm."""
JITTER = 0.1
"""Retries come later by up to this share of their interval, so that a thousand boxes do not come back at once."""


class Client:
    """One registration of ours."""

    __slots__ = (
        "_contact",
        "_cseq",
        "_done",
        "_expires",
        "_flow",
        "_leaving",
        "_outgoing",
        "_request_after_494",
        "_server_mechanisms",
        "_tag",
        "_timer",
        "backoff",
        "call_id",
        "due_at",
        "line",
        "retries",
        "section",
        "stack",
        "status",
        "stopped",
    )

    def __init__(self, stack: SipStack, section: Registration) -> None:
        self.stack = stack
        self.section = section
        self.status = ""
        """Asterisk's word: Unregistered, Registered or Rejected; "" when it is given up for good."""
        self.stopped = False
        """Given up after a fatal answer or too many retries."""
        self.retries = 0
        self.due_at = 0.0
        """Monotonic time of the next REGISTER."""
        self.line = "".join(secrets.choice(string.ascii_lowercase) for _ in range(7)) if section.line else ""
        self.call_id = new_call_id()
        self._tag = new_tag()
        self._cseq = secrets.randbelow(30000) + 1
        self._expires = section.expiration
        self._contact = ""
        self._flow: Flow | None = None
        """The connection it was registered over."""
        self._leaving = False
        self._outgoing: OutgoingRequest | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._done: asyncio.Future[None] | None = None
        self._server_mechanisms: list[str] = []
        self._request_after_494 = False
        self.backoff: Callable[[int], float] | None = None
        """Decides about retries in the place of the section's intervals: the answer's status (0: none) -> seconds."""
        self._become("Unregistered")

    @property
    def flow(self) -> Flow | None:
        """The connection we are registered over."""
        return self._flow

    # ---- verbs --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Register soon, at a random moment, so that not everything happens at once after a start."""
        delay = self.section.max_random_initial_delay
        self._schedule((random.randrange(delay) if delay else 0) + 1)

    def register_now(self) -> None:
        """Register (again) at once, even when it had been given up."""
        self.stopped = False
        self.retries = 0
        self._schedule(0)

    def unregister(self) -> None:
        """Take the registration back and leave it so until ``register_now``."""
        self._cancel_timer()
        self._send(0)

    async def leave(self) -> None:
        """The registration is no longer wanted: take it back, and wait a moment for the answer."""
        self._cancel_timer()
        if self.status != "Registered":
            self.drop()
            return
        self._done = self.stack.loop.create_future()
        self._become("Unregistered")
        self._send(0)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._done
        except TimeoutError:
            log.warning("registration %s: the server did not confirm that it is over", self.section.name)
        self.drop()

    def drop(self) -> None:
        """Forget everything without a word."""
        self._leaving = True
        self._become("")
        self._cancel_timer()
        self._unbind()
        if self._outgoing is not None:
            self._outgoing.abandon()
            self._outgoing = None

    def seconds_left(self) -> int:
        """Seconds until the next REGISTER; negative when that is past."""
        return int(self.due_at - self.stack.now())

    # ---- sending ------------------------------------------------------------------------------------

    def _schedule(self, delay: float) -> None:
        self._cancel_timer()
        self.due_at = self.stack.now() + delay
        self._timer = self.stack.loop.call_later(delay, self._due)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        self._send(self._expires)

    def _send(self, expires: int) -> None:
        if self._outgoing is not None:
            self._outgoing.abandon()
        section = self.section
        server, client = sip_uri(section.server_uri), sip_uri(section.client_uri)
        assert server is not None
        assert client is not None
        local = local_end(self.stack, server, None, None, section.transport)
        request = self._build(server, client, local, expires)
        log.debug("registration %s: REGISTER to %s, attempt %d", section.name, section.server_uri, self.retries + 1)
        self._outgoing = self.stack.request(
            request,
            self._answered,
            transport=section.transport,
            credentials=self.stack.credentials(section.outbound_auth),
            next_cseq=self._next_cseq,
            local=local,
            user=expires,
        )
        self._outgoing.amend = self._amend

    def _build(self, server: SipUri, client: SipUri, local: Local, expires: int) -> Request:
        section = self.section
        scheme = "sips" if server.scheme == "sips" and local.protocol in ("TLS", "WSS") else "sip"
        line = f";line={self.line}" if self.line else ""
        params = f";{section.contact_header_params}" if section.contact_header_params else ""
        contact = local.contact(section.contact_user or "s")
        contact = f"<{scheme}{contact[4:-1]}{line}>{params}"
        headers: list[Header] = [("Contact", contact), ("Expires", str(expires)), ALLOW]
        supported = [
            word for word, on in (("path", section.support_path), ("outbound", section.support_outbound)) if on
        ]
        if supported:
            headers.append(("Supported", ", ".join(supported)))
        headers += self._security_headers()
        identity = address_of(client)
        request = make_request(
            "REGISTER",
            server,
            f"{identity};tag={self._tag}",
            identity,
            self.call_id,
            self._next_cseq(),
            headers,
            max_forwards=self.stack.config.settings.max_forwards,
            user_agent=section.user_agent or self.stack.user_agent,
        )
        set_routes(request, routes_of(section.outbound_proxy))
        self._contact = contact
        return request

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    # ---- media plane security (RFC 3329 as the "mediasec" draft uses it) -------------------------------

    def _security_headers(self) -> list[Header]:
        if self.section.security_negotiation != "mediasec":
            return []
        headers: list[Header] = []
        if self._server_mechanisms and (self._request_after_494 or self.status == "Rejected"):
            headers += [("Security-Verify", mechanism) for mechanism in self._server_mechanisms]
        if not self._request_after_494:
            headers += [("Security-Client", mechanism) for mechanism in self.section.security_mechanisms]
        headers += [("Require", "mediasec"), ("Proxy-Require", "mediasec")]
        return headers

    def _amend(self, again: Request, response: Response) -> None:
        """Change what is sent again after a challenge."""
        if self.section.security_negotiation == "mediasec":
            self._learn(response)
            if self._server_mechanisms and "Security-Verify" not in again:
                for mechanism in self._server_mechanisms:
                    again.add("Security-Verify", mechanism)

    def _learn(self, response: Response) -> None:
        offered = response.members("Security-Server")
        if offered:
            self._server_mechanisms = offered

    # ---- answers ------------------------------------------------------------------------------------

    def _answered(self, outgoing: OutgoingRequest, response: Response) -> None:
        if response.status < 200 or outgoing is not self._outgoing or self._leaving:
            return
        self._outgoing = None
        wanted = outgoing.user
        assert isinstance(wanted, int)
        status = response.status
        if status == 423 and wanted and self._ask_longer(response):
            return
        if status == 494 and self.section.security_negotiation == "mediasec":
            self._learn(response)
            self._request_after_494 = True
            self._become("Rejected")
            self.retries += 1
            self._schedule(0)
            return
        self._request_after_494 = False
        if status < 300:
            self._accepted(outgoing, response, wanted)
        elif wanted:
            self._refused(outgoing, response)
        else:
            log.warning("registration %s: taking it back was answered %d", self.section.name, status)
        self._tell()
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _ask_longer(self, response: Response) -> bool:
        try:
            least = parse_number(response.get("Min-Expires") or "", "Min-Expires")
        except SIPError:
            return False
        if least <= self._expires:
            return False
        self._expires = least
        self._send(least)
        return True

    def _accepted(self, outgoing: OutgoingRequest, response: Response, wanted: int) -> None:
        self._unbind()
        lifetime = self._granted(response, wanted) if wanted else 0
        if not lifetime:
            self._become("Unregistered")
            return
        self._become("Registered")
        self.retries = 0
        self._schedule(max(0, lifetime - EARLY_SECONDS))
        flow = outgoing.flow
        if flow is not None and flow.reliable and flow.open:
            self._flow = flow
            flow.carrier.bound[self] = None

    def _granted(self, response: Response, wanted: int) -> int:
        """The lifetime the server gives: of our Contact, else of Expires, else what we asked for."""
        lifetime = wanted
        try:
            if response.expires is not None:
                lifetime = response.expires
            ours = sip_uri(self._contact)
            for contact in response.contacts:
                given = contact.params.get("expires")
                if given and contact.uri == ours:
                    return parse_number(given, "expires")
        except SIPError as error:
            log.warning("registration %s: the answer is malformed: %s", self.section.name, error)
        return lifetime

    def _refused(self, outgoing: OutgoingRequest, response: Response) -> None:
        section, status = self.section, response.status
        what = "no answer" if outgoing.failure else f"answer {status}"
        after = 0
        if not outgoing.failure:
            try:
                after = parse_number((response.get("Retry-After") or "0").split(";")[0].split("(")[0], "Retry-After")
            except SIPError:
                after = 0
        more = self.retries < section.max_retries
        temporary = (
            status in TEMPORARY
            or 600 <= status < 700
            or (status in (401, 407) and not section.auth_rejection_permanent)
        )
        self._become("Rejected")
        self._unbind()
        if self.backoff is not None:
            wait = self.backoff(0 if outgoing.failure else status)
            self.retries += 1
            log.warning("registration %s: %s, the next attempt follows in %.1f s", section.name, what, max(after, wait))
            self._schedule(max(after, wait))
        elif after:
            self._retry(after, what, count=False)
        elif section.retry_interval and temporary:
            if more:
                self._retry(section.retry_interval, what)
            else:
                self._give_up(f"{what}, after {self.retries} retries")
        elif status == 403 and section.forbidden_retry_interval and more:
            self._retry(section.forbidden_retry_interval, what)
        elif section.fatal_retry_interval and more:
            self._retry(section.fatal_retry_interval, what)
        else:
            self._give_up(what)

    def _retry(self, interval: int, what: str, *, count: bool = True) -> None:
        if count:
            self.retries += 1
        log.warning(
            "registration %s with %s as %s: %s, the next attempt follows in %d s",
            self.section.name,
            self.section.server_uri,
            self.section.client_uri,
            what,
            interval,
        )
        self._schedule(interval * (1 + random.random() * JITTER))

    def _give_up(self, what: str) -> None:
        self.stopped = True
        log.warning(
            'registration %s with %s as %s: %s, no further attempt is made; use "pjsip send register %s"',
            self.section.name,
            self.section.server_uri,
            self.section.client_uri,
            what,
            self.section.name,
        )

    def _become(self, status: str) -> None:
        was, self.status = self.status, status
        if was != status and (bus := self.stack.pbx.bus).wants(RegistrationChange):
            bus.publish(RegistrationChange("PJSIP", self.section.name, was, status))

    def _tell(self) -> None:
        section = self.section
        self.stack.pbx.bus.publish(Registry("PJSIP", section.client_uri, section.server_uri, self.status))

    # ---- the connection -------------------------------------------------------------------------------

    def _unbind(self) -> None:
        flow, self._flow = self._flow, None
        if flow is not None:
            flow.carrier.bound.pop(self, None)

    def carrier_closed(self) -> None:
        """The connection we registered over is gone: the server cannot reach us until we register again."""
        self._flow = None
        if self.status == "Registered" and not self._leaving:
            self._schedule(random.random())


class Registrations:
    """Every registration of ours, by name."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self.clients: dict[str, Client] = {}
        stack.on_reloaded.append(self.configure)
        stack.admission.first_ways.append(self.endpoint_of_line)

    def configure(self) -> None:
        """Take the registrations of the configuration in force: unchanged ones go on undisturbed."""
        sections = self._stack.config.registrations
        for name, client in list(self.clients.items()):
            section = sections.get(name)
            if section is None or section.set_values() != client.section.set_values():
                del self.clients[name]
                self._stack.pbx.spawn(client.leave(), f"unregister {name}")
            else:
                client.section = section
        for name, section in sections.items():
            if name not in self.clients:
                client = self.clients[name] = Client(self._stack, section)
                client.start()

    def endpoint_of_line(self, request: Request, flow: Flow) -> Endpoint | None:
        """The endpoint of the registration whose line a request names in its To or Request-URI."""
        try:
            uris: Iterable[object] = (request.to.uri, request.uri)
        except SIPError:
            return None
        for uri in uris:
            line = uri.params.get("line") if isinstance(uri, SipUri | TelUri) else None
            if line:
                for client in self.clients.values():
                    if client.line == line:
                        return self._stack.config.endpoints.get(client.section.endpoint)
        return None

    async def stop(self) -> None:
        """Take every registration back."""
        self._stack.on_reloaded.remove(self.configure)
        self._stack.admission.first_ways.remove(self.endpoint_of_line)
        clients, self.clients = list(self.clients.values()), {}
        await asyncio.gather(*(client.leave() for client in clients))
