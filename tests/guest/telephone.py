"""A telephone: the far end of one of our FXS ports, in the kernel's own time (see README.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from guest.dahdi_kernel import BLOCK, Event, Hook, Line
from guest.hearing import hear

SETTLE_S = 1.5
"""After a hook moved, until it may move again without being a flash."""
RING_DEBOUNCE_S = 2.1
"""After the far end went on hook, or was opened, until a line takes notice of ringing."""


class Telephone(Line):
    """Its verbs take as long as a person with the kernel at the other end would have to."""

    def lift(self) -> list[int]:
        """Off the hook; what is heard in the first second."""
        self.hook(Hook.OFF)
        return hear(self, 1.0)

    def press(self, digits: str) -> None:
        """Press keys, and wait until they are out."""
        self.dial(f"T{digits}")
        self.expect(Event.DIALCOMPLETE, 10)

    def flash(self) -> list[int]:
        """Press the hook; what is heard in the two seconds after it."""
        self.hook(Hook.FLASH)
        return hear(self, 2.0)

    def answer(self, timeout: float = 15.0) -> None:
        """Wait for the bell and lift."""
        self.expect(Event.RINGBEGIN, timeout)
        self.lift()

    def hang_up(self) -> None:
        """On the hook, and stay there until the kernel has taken notice."""
        self.hook(Hook.ON)
        time.sleep(SETTLE_S)


@contextmanager
def telephones(*channels: int, block: int = BLOCK) -> Iterator[list[Telephone]]:
    """Some telephones, on the hook; they hang up at the end. Sound moves in blocks of that many bytes."""
    opened: list[Telephone] = []
    try:
        for channel in channels:
            opened.append(Telephone(channel, block))
        time.sleep(RING_DEBOUNCE_S)
        yield opened
    finally:
        for phone in opened:
            phone.close()
