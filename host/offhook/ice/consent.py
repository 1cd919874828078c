"""Consent freshness (RFC 7675): the far end keeps showing that it wants what we send, or nothing is sent any more."""

from __future__ import annotations

import random

from .stun import Address, Attribute, Class, Message, Method

INTERVAL, SPREAD = 5.0, 0.2
"""Seconds between requests, and by what share of it each is sooner or later."""
EXPIRES = 30.0
"""Seconds without an answer after which there is no consent."""


class Consent:
    """Of one way that media goes. ``lost`` once it has expired; requests are not repeated, the next one will do."""

    def __init__(self, address: Address, username: str, password: str, now: float, *, relayed: bool) -> None:
        self.address, self.relayed = address, relayed
        self.lost = False
        self._username, self._password = username, password
        self._until = now + EXPIRES
        self._due = now
        self._asked: dict[bytes, float] = {}
        self._plan(now)

    def _plan(self, now: float) -> None:
        self._due = now + INTERVAL * random.uniform(1 - SPREAD, 1 + SPREAD)

    @property
    def next_timer(self) -> float | None:
        """When ``timer`` is due."""
        return None if self.lost else min(self._due, self._until)

    def timer(self, now: float, attributes: dict[int, bytes]) -> bytes | None:
        """A request to be sent, with these attributes of a check, if it is time for one."""
        if self.lost:
            return None
        if self._until <= now:
            self.lost = True
            return None
        if self._due > now:
            return None
        self._plan(now)
        request = Message(Method.BINDING, Class.REQUEST)
        request.attributes |= {Attribute.USERNAME: self._username.encode()} | attributes
        self._asked = {each: at for each, at in self._asked.items() if at > now - EXPIRES}
        self._asked[request.transaction] = now
        return request.encode(self._password.encode())

    def receive(self, message: Message, source: Address, now: float, *, relayed: bool) -> bool:
        """Whether a response was to one of these requests."""
        asked = self._asked.get(message.transaction)
        if asked is None or not message.is_signed_by(self._password.encode()):
            return False
        del self._asked[message.transaction]
        if message.kind is Class.SUCCESS and (source, relayed) == (self.address, self.relayed):
            self._until = max(self._until, now + EXPIRES)
        elif message.error is not None and message.error[0] == 403:  # revoked (RFC 7675 5.2 by RFC 8489)
            self._until = now
        return True
