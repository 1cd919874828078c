"""Texts without their secrets: passwords of configuration, credentials and keys of SIP and SDP."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "<hidden>"
_OPTION = re.compile(
    r"^(\s*[\w/-]*(?:secret|passw|password|md5_cred|token|api_?key|priv_?key|pin|credential|dsn|ca_key|inkeys|auth)"
    r"(?!_type|_rejection|entication|orization|s\b)[\w-]*\s*(?:=>|=|:)\s*)(\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_REGISTER = re.compile(r"^(\s*register\s*=>?\s*[^:\n]*:)[^@\n]*(@.*)$", re.IGNORECASE | re.MULTILINE)
_AUTHORIZATION = re.compile(r"^((?:Proxy-)?Authorization:\s*\w+).*$", re.IGNORECASE | re.MULTILINE)
_CRYPTO = re.compile(r"(a=crypto:\S+ \S+ inline:)\S+")
_URL = re.compile(r"(\w+://[^/\s:@]+:)[^@\s/]+(@)")
_MAILBOX = re.compile(r"^(\s*\d+\s*=>\s*)[^,\n]+", re.MULTILINE)


def redacted(text: str, *, mailboxes: bool = False) -> str:
    """The text with every secret replaced; ``mailboxes`` for voicemail.conf, whose lines begin with a password."""
    text = _OPTION.sub(rf"\g<1>{HIDDEN}", text)
    text = _REGISTER.sub(rf"\g<1>{HIDDEN}\g<2>", text)
    text = _AUTHORIZATION.sub(rf"\g<1> {HIDDEN}", text)
    text = _CRYPTO.sub(rf"\g<1>{HIDDEN}", text)
    text = _URL.sub(rf"\g<1>{HIDDEN}\g<2>", text)
    return _MAILBOX.sub(rf"\g<1>{HIDDEN}", text) if mailboxes else text
