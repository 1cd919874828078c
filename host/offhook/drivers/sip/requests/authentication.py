"""Checking who calls: digest challenges by the endpoint's auth sections, the same for strangers as for friends.

A stranger, or somebody whom an ACL keeps out, gets the challenge that anybody gets, and his credentials are
checked against a secret nobody knows: neither the answer nor its time tells which users exist.
"""

from __future__ import annotations

import logging
import secrets
from enum import Enum
from typing import TYPE_CHECKING

from offhook.calls.events import TestEvent
from offhook.sip.auth import DigestServer, Secret, Verdict, parse_digest
from offhook.sip.errors import SIPError
from offhook.sip.message import Header, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.configuration.endpoint import Endpoint
    from offhook.drivers.sip.configuration.reading import Configuration
    from offhook.drivers.sip.configuration.sections import Auth

log = logging.getLogger(__name__)

TEST_WORDS = {
    Verdict.ACCEPTED: "SUCCESS",
    Verdict.MISSING: "NOAUTH",
    Verdict.STALE: "STALE",
    Verdict.WRONG: "FAIL",
}


class Outcome(Enum):
    """What became of a request's credentials."""

    ACCEPTED = "accepted"
    CHALLENGE = "challenge"
    REFUSED = "refused"
    """Credentials were given and are wrong."""
    BROKEN = "broken"
    """The endpoint names an auth section that does not exist."""


class Authentication:
    """Digest authentication of requests by the configuration in force."""

    def __init__(self, pbx: Pbx) -> None:
        self._pbx = pbx
        self._key = secrets.token_bytes(32)
        self._servers: dict[int, DigestServer] = {}
        self._nobody = Secret("", secrets.token_hex(16))

    def forget_nonces(self) -> None:
        """Make every nonce given out so far stale."""
        self._key = secrets.token_bytes(32)
        self._servers.clear()

    def required(self, endpoint: Endpoint, request: Request) -> bool:
        """Whether the endpoint's requests need credentials; OPTIONS may be exempt."""
        if request.method == "OPTIONS" and endpoint.allow_unauthenticated_options:
            return False
        return bool(endpoint.auth)

    def check(
        self, endpoint: Endpoint | None, config: Configuration, request: Request, source: str, now: float
    ) -> tuple[Outcome, list[Header]]:
        """Check a request (endpoint None: a stranger's); the headers are the challenges of a 401."""
        settings = config.settings
        found: list[tuple[str, Secret, tuple[str, ...], int]] = []
        if endpoint is None:
            given = next(iter(self._usernames(request)), "")
            stranger = Secret(given, self._nobody.password)
            found.append((settings.default_realm, stranger, settings.default_auth_algorithms_uas, 32))
        else:
            for name in endpoint.auth:
                auth = config.auths.get(name)
                if auth is None:
                    log.error("endpoint %s: there is no auth section [%s] in pjsip.conf", endpoint.name, name)
                    return Outcome.BROKEN, []
                realm = auth.realm or settings.default_realm
                algorithms = auth.supported_algorithms_uas or settings.default_auth_algorithms_uas
                found.append((realm, secret_of(auth), algorithms, auth.nonce_lifetime))
        verdicts = []
        for realm, secret, algorithms, lifetime in found:
            server = self._server(lifetime)
            verdict = server.verify(request, realm, (secret,), now, peer=source, algorithms=algorithms)
            verdicts.append(verdict)
            self._tell(realm, secret.username if endpoint is not None else "", verdict)
            if verdict is Verdict.ACCEPTED:
                return Outcome.ACCEPTED, []
            if verdict is Verdict.MISSING:
                break
        verdicts += [Verdict.MISSING] * (len(found) - len(verdicts))
        headers: list[Header] = []
        challenged: set[tuple[str, str]] = set()
        for (realm, _, algorithms, lifetime), verdict in zip(found, verdicts, strict=True):
            wanted = [name for name in algorithms if (realm, name) not in challenged]
            challenged.update((realm, name) for name in wanted)
            server = self._server(lifetime)
            stale = verdict is Verdict.STALE
            for value in server.challenges(realm, now, peer=source, algorithms=wanted, stale=stale):
                headers.append(("WWW-Authenticate", value))
        refused = all(verdict is Verdict.WRONG for verdict in verdicts)
        return Outcome.REFUSED if refused else Outcome.CHALLENGE, headers

    def _server(self, lifetime: int) -> DigestServer:
        server = self._servers.get(lifetime)
        if server is None:
            server = self._servers[lifetime] = DigestServer(self._key, lifetime)
        return server

    @staticmethod
    def _usernames(request: Request) -> list[str]:
        found = []
        for value in request.get_all("Authorization"):
            try:
                found.append(parse_digest(value).get("username", ""))
            except SIPError:
                continue
        return found

    def _tell(self, realm: str, username: str, verdict: Verdict) -> None:
        bus = self._pbx.bus
        if bus.wants(TestEvent):
            headers = (("Realm", realm), ("Username", username), ("Status", TEST_WORDS[verdict]))
            bus.publish(TestEvent("INCOMING_AUTH_VERIFY_RESULT", headers, "res_pjsip_authenticator_digest.c", "verify"))


def secret_of(auth: Auth) -> Secret:
    """What an auth section knows, in the form the digest code wants."""
    if auth.auth_type == "md5":
        return Secret(auth.username, None, auth.md5_cred | auth.password_digest, auth.realm)
    digests = dict(auth.password_digest)
    return Secret(auth.username, auth.password if auth.password or not digests else None, digests, auth.realm)
