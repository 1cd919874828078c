"""Worker threads that move only when it is their turn: what they do between each other and the loop is repeatable.

At any time either the loop runs or one worker does. A worker gives its turn back before each operation that ``pause``
marks; which worker goes on, and when, is drawn from the random stream that the test gives.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_IDLE = 0.5
"""How likely the loop goes on alone, so that a worker falls behind it."""
_PATIENCE_S = 60.0


class _Worker:
    """One piece of work on a thread of its own, which stands still but for its turns."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._work = work
        self.over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self._go.acquire()
        self._work()
        self.over = True
        self._stands.release()

    def turn(self) -> None:
        """Go on until the next pause or the end; returns then."""
        self._go.release()
        assert self._stands.acquire(timeout=_PATIENCE_S), "a worker neither pauses nor ends"
        if self.over:
            self.thread.join()

    def pause(self) -> None:
        """Stand still until the next turn."""
        self._stands.release()
        self._go.acquire()


class Turns(ThreadPoolExecutor):
    """An executor for a loop (``loop.set_default_executor``)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: random.Random) -> None:
        super().__init__(1)
        self._loop, self._chance = loop, chance
        self._workers: list[_Worker] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Have work done, some turns later."""
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(function(*arguments, **named))
            except Exception as error:
                future.set_exception(error)

        if not self._workers:
            self._loop.call_soon(self._next)
        self._workers.append(_Worker(work))
        return future

    def pause(self) -> None:
        """Before an operation: a worker lets others move first; the loop does not."""
        for worker in self._workers:
            if worker.thread is threading.current_thread():
                worker.pause()

    def _next(self) -> None:
        if self._chance.random() >= _IDLE:
            worker = self._chance.choice(self._workers)
            worker.turn()
            if worker.over:
                self._workers.remove(worker)
        if self._workers:
            self._loop.call_soon(self._next)
