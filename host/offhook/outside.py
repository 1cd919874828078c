"""Threads for what waits for servers of others.

They are apart from the few threads on which the daemon reads files and databases, so that web servers that do not
answer hold up nobody but who asked them; and the daemon can stop while they wait.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

MOST: Final = 16
"""So many wait at the same time; who comes then waits for one of them."""

T = TypeVar("T")
_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


async def outside(function: Callable[..., T], *args: Any) -> T:
    """What a function returns or raises that may block for long; it runs on a thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    _threads.do((loop, future, function, args))
    return await future


class _Threads:
    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Work] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0

    def do(self, work: _Work) -> None:
        self._waiting.put(work)
        if not self._idle.acquire(blocking=False) and self._started < MOST:
            self._started += 1
            threading.Thread(target=self._run, name=f"outside-{self._started}", daemon=True).start()

    def _run(self) -> None:
        while True:
            loop, future, function, args = self._waiting.get()
            if not future.cancelled():
                try:
                    result, error = function(*args), None
                except Exception as failure:  # whoever asked is told
                    result, error = None, failure
                _tell(loop, future, result, error)
            del loop, future, function, args  # kept by nobody while idle
            self._idle.release()


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    def tell() -> None:
        if not future.done():
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        return  # the loop has ended, and with it whoever asked


_threads = _Threads()
