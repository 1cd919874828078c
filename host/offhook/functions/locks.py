"""LOCK, TRYLOCK and UNLOCK: one call at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from offhook.calls.channel import Channel
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Request, Syntax

module = Module("func_lock", "Dialplan mutexes")

WAIT_SECONDS = 3.0
_PART = "dialplan locks"


class Lock:
    """A named lock: the channel that has it, how often, and who waits, first come first served."""

    __slots__ = ("count", "owner", "waiting")

    def __init__(self) -> None:
        self.owner: Channel | None = None
        self.count = 0
        self.waiting: deque[tuple[Channel, asyncio.Future[None]]] = deque()

    def take(self, channel: Channel) -> bool:
        """Have the lock, once more if the channel has it already; False when another one has it."""
        if self.owner not in (None, channel):
            return False
        self._give(channel)
        return True

    def _give(self, channel: Channel) -> None:
        if self.owner is None:
            channel.at_end(lambda: self.release(channel))
        self.owner = channel
        self.count += 1

    def drop(self, channel: Channel) -> bool:
        """Give the lock back once; False when the channel does not have it."""
        if self.owner is not channel or not self.count:
            return False
        self.count -= 1
        if not self.count:
            self._next()
        return True

    def release(self, channel: Channel) -> None:
        """Give the lock back altogether: the channel ends."""
        if self.owner is channel:
            self.count = 0
            self._next()

    def _next(self) -> None:
        self.owner = None
        while self.waiting:
            channel, turn = self.waiting.popleft()
            if not turn.done():
                self._give(channel)
                turn.set_result(None)
                return


def _lock(pbx: Any, name: str) -> Lock:
    locks: dict[str, Lock] = pbx.parts.setdefault(_PART, {})
    return locks.setdefault(name, Lock())


@module.function("LOCK", Syntax("lockname"), see_also=("TRYLOCK", "UNLOCK"), raw=True, dangerous="read")
async def take(scope: Scope, name: str) -> str:
    """Have a named lock to oneself, waiting up to 3 seconds for it: 1 when it was obtained, else 0.

    Give it back with UNLOCK as often as it was taken; the end of the channel gives it back too.
    """
    channel = need_channel(scope, "LOCK")
    lock = _lock(scope.pbx, name)
    if lock.take(channel):
        return "1"
    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    lock.waiting.append((channel, turn))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await turn
    except TimeoutError:
        return "0"
    except asyncio.CancelledError:
        if turn.done() and not turn.cancelled():
            lock.drop(channel)
        raise
    return "1"


@module.function("TRYLOCK", Syntax("lockname"), see_also=("LOCK", "UNLOCK"), raw=True, dangerous="read")
def try_take(scope: Scope, name: str) -> str:
    """Have a named lock to oneself if nobody else has it: 1 when it was obtained, else 0."""
    return "1" if _lock(scope.pbx, name).take(need_channel(scope, "TRYLOCK")) else "0"


@module.function("UNLOCK", Syntax("lockname"), see_also=("LOCK", "TRYLOCK"), raw=True, dangerous="read")
def give_back(scope: Scope, name: str) -> str:
    """Give a named lock back: 1, or 0 when the channel does not have it."""
    return "1" if _lock(scope.pbx, name).drop(need_channel(scope, "UNLOCK")) else "0"


@module.command("dialplan locks show", "List func_lock locks.")
def show(request: Request) -> None:
    """List the locks of LOCK() with who has them and how many wait."""
    locks: dict[str, Lock] = request.pbx.parts.get(_PART, {})
    request.print("func_lock locks:", f"{'Name':<40} Requesters Owner")
    for name, lock in locks.items():
        owner = lock.owner.name if lock.owner is not None else "(unlocked)"
        waiting = sum(not turn.done() for _, turn in lock.waiting)
        request.print(f"{name:<40} {waiting:<10} {owner}")
    request.print(f"{len(locks)} total locks listed.")
