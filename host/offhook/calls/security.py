"""Security events: what the log and the manager hear about logins and refusals, in Asterisk's terms."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from offhook.calls import events

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx


class Kind(NamedTuple):
    """A kind of security event: what it must and may tell besides what all have."""

    error: bool
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ("SessionTV",)
    version: int = 1


KINDS = {
    "FailedACL": Kind(True, (), ("ACLName", "SessionTV")),
    "InvalidAccountID": Kind(True),
    "SessionLimit": Kind(True),
    "MemoryLimit": Kind(True),
    "LoadAverageLimit": Kind(True),
    "RequestNotSupported": Kind(True, ("RequestType",)),
    "RequestNotAllowed": Kind(True, ("RequestType",), ("SessionTV", "RequestParams")),
    "AuthMethodNotAllowed": Kind(True, ("AuthMethod",)),
    "RequestBadFormat": Kind(True, ("RequestType",), ("SessionTV", "AccountID", "RequestParams")),
    "SuccessfulAuth": Kind(False, ("UsingPassword",)),
    "UnexpectedAddress": Kind(True, ("ExpectedAddress",), version=2),
    "ChallengeResponseFailed": Kind(True, ("Challenge", "Response", "ExpectedResponse")),
    "InvalidPassword": Kind(True, (), ("SessionTV", "Challenge", "ReceivedChallenge", "ReceivedHash"), version=2),
    "ChallengeSent": Kind(False, ("Challenge",)),
    "InvalidTransport": Kind(True, ("AttemptedTransport",)),
}


def report(
    pbx: Pbx,
    kind: str,
    service: str,
    *,
    account: str,
    session: str,
    local: str,
    remote: str,
    module: str = "",
    **elements: str,
) -> None:
    """Publish a security event. Addresses are written by ``address``; keyword names are those of ``KINDS``.

    Raises KeyError for an unknown kind or when a required element is missing.
    """
    if not pbx.bus.wants(events.Security):
        return
    what = KINDS[kind]
    pairs = [
        ("EventTV", timestamp(pbx.wall())),
        ("Severity", "Error" if what.error else "Informational"),
        ("Service", service),
        ("EventVersion", str(what.version)),
    ]
    if "AccountID" in what.optional:
        elements["AccountID"] = account
    else:
        pairs.append(("AccountID", account))
    pairs += [("SessionID", session), ("LocalAddress", local), ("RemoteAddress", remote)]
    pairs += [(name, elements[name]) for name in what.required]
    if module:
        pairs.append(("Module", module))
    pairs += [(name, elements[name]) for name in what.optional if name in elements]
    pbx.bus.publish(events.Security(kind, tuple(pairs)))


def address(host: str, port: int, transport: str) -> str:
    """An address as security events write it: "IPV4/TCP/127.0.0.1/5038"."""
    family = "IPV6" if ":" in host else "IPV4"
    return f"{family}/{transport}/{host}/{port}"


def timestamp(wall: float) -> str:
    """A moment as security events write it: local time with milliseconds and the offset from UTC."""
    local = time.localtime(wall)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{int(wall % 1 * 1000):03d}{time.strftime('%z', local)}"
