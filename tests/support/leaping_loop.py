"""An event loop whose clock leaps over waiting: timers of hours pass at once, sockets are real.

When nothing is ready, the clock jumps to the next timer instead of sleeping; so stories about expiry, back-off and
retransmission take no time and do not depend on the machine's speed. Work on threads is not waited for: keep to the
loop and to loopback sockets.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

SETTLE = 0.002
"""Real seconds given to the kernel to hand over what is on its way over loopback before the clock leaps."""
STUCK = 10.0
"""Real seconds to wait for a socket when no timer is set; then nothing will ever happen."""


class _Selector(selectors.BaseSelector):
    """The system's selector, except that its waiting advances the loop's clock."""

    def __init__(self, settle: float) -> None:
        self._real = selectors.DefaultSelector()
        self._settle = settle
        self.clock = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = self._real.select(STUCK)
            if not ready:
                raise AssertionError("nothing is ready, no timer is set: the story waits for what never comes")
            return ready
        ready = self._real.select(min(self._settle, timeout)) if self._settle else []
        if not ready:
            self.clock += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Any:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own. Without sockets in the story it need not give them time to ``settle``."""

    def __init__(self, settle: float = SETTLE) -> None:
        self._leaping = _Selector(settle)
        super().__init__(self._leaping)

    def time(self) -> float:
        """Seconds of the story."""
        return self._leaping.clock

    def timers(self) -> list[float]:
        """When the timers that are set are due."""
        return [handle.when() for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]

    def next_timer(self) -> float | None:
        """When the next timer is due; None when none is set."""
        return min(self.timers(), default=None)


class LeapingPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes leaping loops."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """A new loop."""
        return LeapingLoop()
