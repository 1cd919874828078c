"""Calls with real sound in memory: the real engine, and a clock that the story moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from offhook.media.simulated import SimulatedEngine
from support.call_exchange import Exchange
from support.line_story import STEP, StoryLoop, StoryPolicy


class OneThread(StoryLoop):
    """Does blocking work at once: a thread would be slow by this clock whenever the machine is busy."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        done = self.create_future()
        done.set_result(func(*args))
        return done


class OneThreadPolicy(StoryPolicy):
    """Makes such loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return OneThread()


@contextlib.asynccontextmanager
async def sounding(exchange: Exchange) -> AsyncIterator[None]:
    """Give an exchange the engine; after the story nothing of any call is left."""
    engine = SimulatedEngine()
    engine.start()
    exchange.pbx.engine = engine
    yield
    for channel in exchange.pbx.channels:
        channel.request_hangup()
    await advance(exchange, 0.2)
    await exchange.pbx.end_tasks()
    assert not len(exchange.pbx.channels)
    assert engine.figures().legs == 0
    engine.stop()


async def advance(exchange: Exchange, seconds: float) -> None:
    """Let time pass for calls and sound."""
    loop = exchange.pbx.loop
    assert isinstance(loop, StoryLoop)
    for _ in range(round(seconds / STEP)):
        loop.clock += STEP
        for _ in range(6):
            await asyncio.sleep(0)
        exchange.pbx.engine.advance()  # type: ignore[attr-defined]
