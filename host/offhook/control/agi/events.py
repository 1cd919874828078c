"""What happens in AGI, on the bus and as manager events."""

from __future__ import annotations

from dataclasses import dataclass

from offhook.calls.channel import Channel
from offhook.control.manager.permissions import AGI
from offhook.control.manager.protocol import clean
from offhook.control.manager.render import channel_block, render


@dataclass(slots=True)
class AgiExecStart:
    """A channel begins an AGI command."""

    channel: Channel
    command_id: int
    command: str


@dataclass(slots=True)
class AgiExecEnd:
    """A channel has carried out an AGI command."""

    channel: Channel
    command_id: int
    command: str
    result_code: int
    result: str


@dataclass(slots=True)
class AsyncAgiStart:
    """A channel waits for AGI commands of the manager."""

    channel: Channel
    environment: str
    """URL-encoded."""


@dataclass(slots=True)
class AsyncAgiExec:
    """A channel has answered an AGI command of the manager."""

    channel: Channel
    result: str
    """URL-encoded."""
    command_id: str


@dataclass(slots=True)
class AsyncAgiEnd:
    """A channel takes no AGI commands of the manager any more."""

    channel: Channel


@render(AgiExecStart, "AGIExecStart", AGI)
def exec_start(event: AgiExecStart) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}CommandId: {event.command_id}\r\nCommand: {clean(event.command)}\r\n"


@render(AgiExecEnd, "AGIExecEnd", AGI)
def exec_end(event: AgiExecEnd) -> str | None:
    block = channel_block(event.channel)
    return block and (
        f"{block}CommandId: {event.command_id}\r\nCommand: {clean(event.command)}\r\n"
        f"ResultCode: {event.result_code}\r\nResult: {event.result}\r\n"
    )


@render(AsyncAgiStart, "AsyncAGIStart", AGI)
def async_start(event: AsyncAgiStart) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Env: {event.environment}\r\n"


@render(AsyncAgiExec, "AsyncAGIExec", AGI)
def async_exec(event: AsyncAgiExec) -> str | None:
    block = channel_block(event.channel)
    command = f"CommandID: {clean(event.command_id)}\r\n" if event.command_id else ""
    return block and f"{block}Result: {event.result}\r\n{command}"


@render(AsyncAgiEnd, "AsyncAGIEnd", AGI)
def async_end(event: AsyncAgiEnd) -> str | None:
    return channel_block(event.channel)
