"""The states of a call leg over SIP; the words are those the CLI and CHANNEL(pjsip,...) show."""

from __future__ import annotations

NEW = "NULL"
"""Nothing has been sent or received."""
CALLING = "CALLING"
"""Our INVITE is on its way."""
INCOMING = "INCOMING"
"""Their INVITE waits for an answer, nothing but 100 was sent."""
EARLY = "EARLY"
"""A provisional response with a tag went either way."""
CONNECTING = "CONNECTING"
"""The INVITE has its 2xx, the ACK is still to come."""
CONFIRMED = "CONFIRMED"
ENDED = "DISCONNCTD"
UP = frozenset((CONNECTING, CONFIRMED))
"""Answered: requests can be sent inside the dialog."""

ENCLOSED = "enclosed"
"""Note of a call: (Content-Type, body) that goes along with the description in answers to the peer's INVITE."""
LAST_WORDS = "last words"
"""Note of a call: (body, Content-Type) of the BYE, or of the answer to the peer's."""
