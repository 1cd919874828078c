"""Text messages outside calls: received ones run the dialplan, sent ones go out by a technology.

A received message runs its extension on the channel ``Message/ast_msg_queue``, one message after the other; MESSAGE()
reads and changes it, MessageSend() sends it on. Technologies register in ``Messages.technologies``.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offhook.calls.channel import Channel, State

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)
MOST_QUEUED = 1000
"""Messages waiting for the dialplan; more are dropped and logged."""


@dataclass(slots=True)
class Message:
    """One text message."""

    to: str = ""
    from_: str = ""
    body: str = ""
    context: str = ""
    exten: str = ""
    technology: str = ""
    endpoint: str = ""
    content_type: str = "text/plain"
    variables: dict[str, str] = field(default_factory=dict)
    outbound: set[str] = field(default_factory=set)
    """Names of the variables that are sent along."""


class SendError(Exception):
    """A message cannot be sent; the sentence says why."""


Sender = Callable[[Message, str, str, str], Awaitable[None]]
"""(message, destination after the colon, from, to): returns once it is on its way; raises SendError."""


class MessageChannel(Channel):
    """The channel on which messages run the dialplan."""

    technology = "Message"
    __slots__ = ()


class Messages:
    """What is waiting for the dialplan, and the technologies that send."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.technologies: dict[str, Sender] = {}
        self._queue: deque[Message] = deque()
        self._busy = False

    def receive(self, message: Message) -> bool:
        """Run a message's extension when its turn comes; False when too many are waiting."""
        if len(self._queue) >= MOST_QUEUED:
            log.warning("a message from %s is dropped: %d others wait for the dialplan", message.from_, MOST_QUEUED)
            return False
        self._queue.append(message)
        if not self._busy:
            self._busy = True
            self.pbx.spawn(self._run(), "messages")
        return True

    async def _run(self) -> None:
        try:
            while self._queue:
                message = self._queue.popleft()
                channel = MessageChannel(
                    self.pbx, "Message/ast_msg_queue", state=State.UP, context=message.context, exten=message.exten
                )
                channel.data["message"] = message
                for name, value in message.variables.items():
                    channel.set(name, value)
                await channel.start_pbx()
        finally:
            self._busy = False

    async def send(self, message: Message, destination: str, from_: str = "", to: str = "") -> str:
        """Send by the technology before the destination's colon; MESSAGE_SEND_STATUS's word."""
        technology, _, rest = destination.partition(":")
        sender = self.technologies.get(technology.lower())
        if sender is None:
            log.error("message to %r: there is no technology %r that sends messages", destination, technology)
            return "INVALID_PROTOCOL"
        try:
            await sender(message, rest, from_, to)
        except SendError as error:
            log.error("message to %r: %s", destination, error)
            return "FAILURE"
        return "SUCCESS"


def messages_of(pbx: Any) -> Messages:
    """The messages of an exchange."""
    found: Messages = pbx.parts["messages"]
    return found
