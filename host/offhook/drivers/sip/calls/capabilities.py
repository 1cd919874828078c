"""What we say we can do: Allow, Supported and the other headers a call's messages share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from offhook.calls import causes
from offhook.sip.message import Header

if TYPE_CHECKING:
    from offhook.drivers.sip.calls.session import CallSession

METHODS = (
    "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INVITE", "ACK",
    "BYE", "CANCEL", "UPDATE", "PRACK", "MESSAGE", "INFO", "REFER",
)  # fmt: skip
ALLOW: Header = ("Allow", ", ".join(METHODS))
EXTENSIONS = frozenset({"100rel", "timer", "replaces", "norefersub", "histinfo", "path", "outbound"})
"""Option tags a peer may require."""


def supported(call: CallSession, *, history: bool = False) -> Header:
    """Supported, without what the endpoint forbids; ``history`` for messages about forwarding."""
    endpoint = call.endpoint
    return _supported(endpoint.rel100 != "no", endpoint.timers != "no", call.stack.config.settings.norefersub, history)


@cache
def _supported(rel100: bool, timers: bool, norefersub: bool, history: bool) -> Header:
    tags = {"100rel": rel100, "timer": timers, "replaces": True, "norefersub": norefersub, "histinfo": history}
    return ("Supported", ", ".join([tag for tag, wanted in tags.items() if wanted]))


def reason_headers(call: CallSession) -> list[Header]:
    """Why a call ends, as Reason headers (RFC 3326)."""
    channel = call.channel
    if channel is None:
        return []
    headers = []
    cause = channel.hangup_cause
    if cause == causes.ANSWERED_ELSEWHERE:
        headers.append(("Reason", 'SIP;cause=200;text="Call completed elsewhere"'))
    if not call.endpoint.suppress_q850_reason_headers:
        headers.append(("Reason", f"Q.850;cause={cause & 0x7F}"))
    return headers
