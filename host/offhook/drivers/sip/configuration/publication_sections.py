"""The sections of pjsip.conf about publications (RFC 3903): what others may publish to us, and what we publish."""

from __future__ import annotations

import re

from offhook.drivers.sip.configuration.options import Configured, Option, flag, gathered, number, text
from offhook.sip.errors import SIPError
from offhook.sip.uri import SipUri


class InboundPublication(Configured):
    """What may be published to a resource, and by whom."""

    TYPE = "inbound-publication"

    endpoint = text()

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.events: dict[str, str] = {}
        """Names of what is done with it, by event."""

    def assign(self, option: str, value: str) -> Option:
        """As Configured.assign; ``event_NAME = what to do`` lines are kept by their event."""
        if option.startswith("event_"):
            self.events[option.removeprefix("event_")] = value
            return self.OPTIONS["endpoint"]
        return super().assign(option, value)


class OutboundPublish(Configured):
    """What we publish to a server."""

    TYPE = "outbound-publish"

    event = text()
    server_uri = text()
    from_uri = text()
    to_uri = text()
    expiration = number(3600)
    max_auth_attempts = number(5, refused="a challenge is answered once, and a refusal told")
    outbound_auth = gathered()
    outbound_proxy = text()
    transport = text()
    multi_user = flag(False)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.notes: dict[str, str] = {}
        """Options that begin with @: they are for whoever makes the bodies."""

    def note(self, name: str, value: str) -> None:
        """Keep it."""
        self.notes[name] = value

    def complete(self) -> None:
        """There must be an event and a server."""
        if not self.event:
            raise ValueError("an outbound-publish needs event = presence, dialog, asterisk-devicestate or asterisk-mwi")
        for name, value in (("server_uri", self.server_uri), ("from_uri", self.from_uri), ("to_uri", self.to_uri)):
            if not value:
                if name == "server_uri":
                    raise ValueError("an outbound-publish needs server_uri")
                continue
            try:
                SipUri.parse(value.strip("<>"))
            except SIPError:
                raise ValueError(f'{name} "{value}" is no SIP URI such as sip:user@example.com') from None


def _checked(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f'"{value}" is no regular expression: {error}') from None
    return value


class AsteriskPublication(Configured):
    """Device states and message counts that exchanges tell each other."""

    TYPE = "asterisk-publication"

    devicestate_publish = text()
    mailboxstate_publish = text()
    device_state = flag(False)
    device_state_filter = text()
    mailbox_state = flag(False)
    mailbox_state_filter = text()

    def complete(self) -> None:
        """Filters must be regular expressions."""
        _checked(self.device_state_filter)
        _checked(self.mailbox_state_filter)
