"""Who may talk to us: ACLs, identification, authentication, and strangers in moderation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from offhook.calls.sparing import Sparing
from offhook.config.acl import Acl, named_acls
from offhook.drivers.sip.requests.authentication import Authentication, Outcome
from offhook.drivers.sip.requests.identify import Identification
from offhook.drivers.sip.transport.flow import Flow, host_port
from offhook.log import NOTICE
from offhook.sip.auth import parse_digest
from offhook.sip.errors import SIPError
from offhook.sip.locate import is_address

if TYPE_CHECKING:
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.reading import Configuration
    from offhook.drivers.sip.requests.incoming import IncomingRequest
    from offhook.drivers.sip.stack import SipStack
    from offhook.sip.message import Request

log = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 300
"""When peers of an endpoint in maintenance may try again."""
REFUSALS = 10
"""Lines about refused requests a source and minute: enough for programs that watch the log, too few to fill a disk."""
SOURCES = 1024
"""Sources remembered at most; a flood from more of them is logged as if new."""


class Acls:
    """The two lists of an endpoint or an acl section: for source addresses and for contacts."""

    __slots__ = ("contact", "source")

    def __init__(self, stack: SipStack, rules: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> None:
        named = named_acls(stack.pbx)
        self.source = Acl(named)
        self.contact = Acl(named)
        for option, value in rules:
            if option.startswith("contact_"):
                self.contact.add(option.removeprefix("contact_"), value)
            else:
                self.source.add(option, value)


class Admission:
    """Lets requests in, or answers those it does not."""

    def __init__(self, stack: SipStack) -> None:
        self._stack = stack
        self.authentication = Authentication(stack.pbx)
        self.identification = Identification(stack.config)
        self.ways: set[str] = set()
        """The ways to identify that loaded modules bring."""
        self.first_ways: list[Callable[[Request, Flow], Endpoint | None]] = []
        """Ways to identify that come before all others."""
        self.acl_sections = False
        """Whether acl sections count."""
        self._acls: list[Acls] = []
        self._endpoint_acls: dict[str, Acls] = {}
        self._strangers: dict[str, tuple[float, int]] = {}
        """By source address: when an unidentified request came first, and how many since."""
        self._sparing = Sparing()

    def configure(self, config: Configuration, identification: Identification) -> None:
        """Judge by a new configuration from now on."""
        self.identification = identification
        self._acls = [Acls(self._stack, section.rules) for section in config.acls.values()]
        self._endpoint_acls = {
            endpoint.name: Acls(self._stack, endpoint.acl_rules)
            for endpoint in config.endpoints.values()
            if endpoint.acl_rules
        }

    # ---- judging ------------------------------------------------------------------------------------

    def admit(self, incoming: IncomingRequest) -> bool:
        """Whether the request may go to its handler, with its endpoint set; else it has been answered."""
        for acls in self._acls if self.acl_sections else ():
            if not self._allowed(acls, incoming):
                incoming.respond(403)
                return False
        endpoint = self._identify(incoming)
        if endpoint is None:
            self._stranger(incoming)
        else:
            self._strangers.pop(incoming.flow.host, None)
            endpoint = self._past_acl(endpoint, incoming)
        if endpoint is not None:
            incoming.endpoint = endpoint
            set_reply_flow(incoming)
            if endpoint.name in self._stack.maintenance and not _says_goodbye(incoming.message):
                log.log(
                    NOTICE,
                    "endpoint %s is in maintenance mode; %s from %s is refused",
                    endpoint.name,
                    incoming.message.method,
                    incoming.flow,
                )
                incoming.respond(503, headers=[("Retry-After", str(MAINTENANCE_SECONDS))])
                return False
            if not self.authentication.required(endpoint, incoming.message):
                return True
        return self._authenticate(endpoint, incoming)

    def _identify(self, incoming: IncomingRequest) -> Endpoint | None:
        for way in self.first_ways:
            found = way(incoming.message, incoming.flow)
            if found is not None:
                return found
        return self.identification.identify(incoming.message, incoming.flow, self.ways)

    def _past_acl(self, endpoint: Endpoint, incoming: IncomingRequest) -> Endpoint | None:
        """The endpoint, or None when its ACLs keep the request out: then it is treated as a stranger's."""
        acls = self._endpoint_acls.get(endpoint.name)
        if acls is None:
            return endpoint
        incoming.endpoint = endpoint
        for list_, name, what in (
            (acls.source, "not_match_endpoint_acl", "Not match Endpoint ACL"),
            (acls.contact, "not_match_endpoint_contact_acl", "Not match Endpoint Contact ACL"),
        ):
            addresses = [incoming.flow.host] if list_ is acls.source else _contact_hosts(incoming)
            if list_ and not all(list_.allows(address, "SIP ACL: ") for address in addresses):
                self._log_refusal(incoming, what)
                incoming.report("FailedACL", ACLName=name)
                incoming.endpoint = self._stack.artificial
                return None
        return endpoint

    @staticmethod
    def _allowed(acls: Acls, incoming: IncomingRequest) -> bool:
        if acls.source and not acls.source.allows(incoming.flow.host, "SIP ACL: "):
            return False
        return not acls.contact or all(
            acls.contact.allows(host, "SIP Contact ACL: ") for host in _contact_hosts(incoming)
        )

    def _authenticate(self, endpoint: Endpoint | None, incoming: IncomingRequest) -> bool:
        message = incoming.message
        outcome, challenges = self.authentication.check(
            endpoint, self._stack.config, message, incoming.flow.host, incoming.now
        )
        if outcome is Outcome.ACCEPTED:
            self._strangers.pop(incoming.flow.host, None)
            incoming.report("SuccessfulAuth", UsingPassword="1" if "Authorization" in message else "0")
            return True
        nonce, response = _credentials(message.get("Authorization") or "")
        if outcome is Outcome.BROKEN:
            self._log_refusal(incoming, "Error to authenticate")
            incoming.report("ChallengeResponseFailed", Challenge=nonce, Response=response, ExpectedResponse="")
            incoming.respond(500)
            return False
        if outcome is Outcome.REFUSED:
            self._log_refusal(incoming, "Failed to authenticate")
            incoming.report("ChallengeResponseFailed", Challenge=nonce, Response=response, ExpectedResponse="")
        else:
            incoming.report("ChallengeSent", Challenge=_credentials(challenges[0][1])[0] if challenges else "")
        incoming.respond(401, headers=challenges)
        # Nothing is kept for a stranger: the challenge is not repeated, a request that comes again gets a fresh one.
        self._stack.layer.abandon(incoming.transaction)
        return False

    # ---- strangers ----------------------------------------------------------------------------------

    def _stranger(self, incoming: IncomingRequest) -> None:
        """Note a request from somebody unknown; tell when it is not just the first step of a challenge."""
        settings = self._stack.config.settings
        source, now = incoming.flow.host, incoming.now
        first, count = self._strangers.get(source, (now, 0))
        if now - first > max(settings.unidentified_request_prune_interval, settings.unidentified_request_period):
            first, count = now, 0
        count += 1
        if len(self._strangers) >= SOURCES and source not in self._strangers:
            self._strangers.pop(next(iter(self._strangers)))
        self._strangers[source] = (first, count)
        if self.identification.by_auth_username:
            if not (
                now - first < settings.unidentified_request_period and count >= settings.unidentified_request_count
            ):
                return
            what = f"No matching endpoint found after {count} tries in {(now - first) * 1000:.3f} ms"
        else:
            what = "No matching endpoint found"
        self._log_refusal(incoming, what)
        try:
            user = incoming.message.from_.uri.user
        except SIPError:
            user = ""
        incoming.report("InvalidAccountID", user or "<unknown>")

    def strangers(self, now: float) -> list[tuple[str, int, float]]:
        """Source, number of requests and age in seconds of the unidentified ones remembered."""
        return sorted((source, count, now - first) for source, (first, count) in self._strangers.items())

    def _log_refusal(self, incoming: IncomingRequest, what: str) -> None:
        flow, message = incoming.flow, incoming.message
        if self._sparing.quiet(flow.host, "refusal", incoming.now, REFUSALS):
            return
        log.log(
            NOTICE,
            "Request '%s' from '%s' failed for '%s' (callid: %s) - %s",
            message.method,
            message.get("From"),
            host_port(flow.host, flow.port),
            message.call_id,
            what,
        )

    def garbage(self, flow: Flow, what: str) -> None:
        """Tell of what cannot be read, once per source and minute."""
        if not self._sparing.quiet(flow.host, "garbage", self._stack.now()):
            log.log(NOTICE, "unreadable SIP from %s: %s (further ones are not told for a minute)", flow, what)


def _says_goodbye(request: Request) -> bool:
    """Whether a request ends a registration or subscription."""
    return request.method in ("REGISTER", "SUBSCRIBE") and request.expires == 0


def set_reply_flow(incoming: IncomingRequest) -> None:
    """Where responses go over UDP: the source with force_rport, else where Via says (RFC 3261 18.2.2, RFC 3581 4)."""
    flow = incoming.flow
    if flow.reliable:
        return
    via = incoming.message.via
    if "rport" in via.params:
        return
    if incoming.endpoint.force_rport:
        via.params["received"] = flow.host
        via.params["rport"] = str(flow.port)
        _write_top_via(incoming)
        return
    host, port = via.reply_address()
    if is_address(host):
        incoming.reply_flow = Flow(flow.carrier, host, port)


def _write_top_via(incoming: IncomingRequest) -> None:
    message = incoming.message
    for index, (name, value) in enumerate(message.headers):
        if name == "Via":
            if "," not in value:
                via = message.via
                message.headers[index] = ("Via", str(via))
            return


def _contact_hosts(incoming: IncomingRequest) -> list[str]:
    """The numeric hosts of the Contact headers; names are left to whoever resolves them."""
    try:
        contacts = incoming.message.contacts
    except SIPError:
        return []
    return [contact.uri.host for contact in contacts if not contact.star and is_address(contact.uri.host)]


def _credentials(value: str) -> tuple[str, str]:
    """Nonce and response of a Digest header."""
    try:
        params = parse_digest(value)
    except SIPError:
        return "", ""
    return params.get("nonce", ""), params.get("response", "")
