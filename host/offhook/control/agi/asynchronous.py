"""AsyncAGI: commands come one by one through the manager or the CLI, answers go out as manager events."""

from __future__ import annotations

import asyncio
from collections import deque
from urllib.parse import quote

from offhook.calls.channel import Channel
from offhook.control.agi.events import AsyncAgiEnd, AsyncAgiExec, AsyncAgiStart
from offhook.control.agi.links import Link
from offhook.control.agi.session import Session

_QUEUE = "agi.queue"


class Queue:
    """Commands for a channel that is, or was, in AsyncAGI: (command, id to give back)."""

    __slots__ = ("commands", "waiter")

    def __init__(self) -> None:
        self.commands: deque[tuple[str, str]] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def add(self, command: str, command_id: str) -> None:
        """Have a command carried out after those before it."""
        self.commands.append((command, command_id))
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def take(self) -> tuple[str, str]:
        """The next command."""
        while not self.commands:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return self.commands.popleft()


def queue_of(channel: Channel) -> Queue | None:
    """The channel's commands; None when it has not been in AsyncAGI."""
    found: Queue | None = channel.data.get(_QUEUE)
    return found


class Collected(Link):
    """Keeps what is sent, for an event."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def send(self, text: str) -> None:
        self.text += text

    def take(self) -> str:
        """What has been sent since the last time, URL-encoded."""
        text, self.text = self.text, ""
        return quote(text, safe="-_.~!*'()", errors="surrogateescape")


async def run(channel: Channel, arguments: list[str]) -> str:
    """Carry out commands until one of them ends that, or the call ends; what AGISTATUS becomes."""
    queue: Queue = channel.data.setdefault(_QUEUE, Queue())
    link = Collected()
    session = Session(channel, link, "async")
    session.introduce(arguments)
    bus = channel.pbx.bus
    bus.publish(AsyncAgiStart(channel, link.take()))
    try:
        while channel.alive:
            command, command_id = await queue.take()
            channel.frames.clear()
            fine = await session.execute(command)
            bus.publish(AsyncAgiExec(channel, link.take(), command_id))
            if channel.interruption is not None:
                break
            if session.left:
                return "SUCCESS"
            if not fine:
                return "FAILURE"
    finally:
        bus.publish(AsyncAgiEnd(channel))
    return "HANGUP"
