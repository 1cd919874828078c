"""What stories of applications have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.calls import events
from offhook.calls.channel import Channel
from support.call_exchange import Exchange


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so that worker threads bring about."""
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110  (worker threads have no event to wait for)
            await asyncio.sleep(0.002)


async def caller(exchange: Exchange, dialplan: str, exten: str = "s") -> Channel:
    """Run an extension of [test]; the channel that runs it."""
    exchange.dialplan(dialplan)
    before = set(exchange.pbx.channels)
    await exchange.call(f"Local/{exten}@test", application="Wait", data="60")
    (channel,) = (each for each in exchange.pbx.channels if each not in before and _runs(each, exten))
    return channel


def _runs(channel: Channel, exten: str) -> bool:
    return channel.name.startswith(f"Local/{exten}@test-") and channel.name.endswith(";2")


def told(exchange: Exchange) -> list[str]:
    """What the dialplan's UserEvents said."""
    return [event.headers[0][1] for event in exchange.heard(events.UserEvent)]


async def said(exchange: Exchange, count: int = 1) -> str:
    """The dialplan's UserEvent of that number, once it is there."""
    await eventually(lambda: len(told(exchange)) >= count)
    return told(exchange)[count - 1]


def assigned(exchange: Exchange, name: str) -> list[str]:
    """All values a variable got."""
    return [event.value for event in exchange.heard(events.VarSet) if event.name == name]
