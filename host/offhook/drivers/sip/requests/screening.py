"""What a request must have before anybody looks closer: addresses of schemes we know, and a Contact where needed."""

from __future__ import annotations

from offhook.sip.message import Request
from offhook.sip.uri import SipUri, TelUri

_NEED_CONTACT = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY", "UPDATE"))
"""Methods that make or refresh a dialog's remote target (RFC 3261 8.1.1.8, RFC 6665, RFC 3311)."""
_TEL_ALLOWED = frozenset(("INVITE", "ACK", "BYE", "CANCEL"))


def objection(request: Request) -> tuple[int, str] | None:
    """Status and reason to refuse a request with, or None."""
    if isinstance(request.uri, TelUri) and request.method not in _TEL_ALLOWED:
        return 416, ""
    if not isinstance(request.from_.uri, SipUri | TelUri) or not isinstance(request.to.uri, SipUri | TelUri):
        return 416, ""
    contacts = request.contacts
    if not contacts and request.method in _NEED_CONTACT:
        return 400, "Missing Contact header"
    for contact in contacts:
        if not isinstance(contact.uri, SipUri) and not contact.star:
            return 416, ""
    return None
