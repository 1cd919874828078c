"""Two MFC/R2 channels back to back: bits and sound cross over, 10 ms at a time, on a clock of their own."""

from __future__ import annotations

from collections.abc import Callable

from kernel_shims.r2.events import Kind, R2Event
from kernel_shims.r2.line import R2Line, Terms

STEP_S = 0.01
_STEP = 80
_SILENCE = b"\xd5" * _STEP


class Pair:
    """``one`` and ``two``; ``told`` has the events of each, ``bits`` what each sent so far."""

    def __init__(self, one: Terms, two: Terms, law: str = "alaw") -> None:
        self.now = 0.0
        self.one, self.two = (R2Line(number, law, terms, lambda: self.now) for number, terms in ((1, one), (2, two)))
        self.told: dict[R2Line, list[R2Event]] = {self.one: [], self.two: []}
        self.bits: dict[R2Line, list[int]] = {self.one: [], self.two: []}
        self._said = {self.one: _SILENCE, self.two: _SILENCE}
        self._other = {self.one: self.two, self.two: self.one}
        for line in (self.one, self.two):
            line.begin(8)
        self.settle()

    def settle(self) -> None:
        """Carry bits over until neither end changes them any more; gather events."""
        changed = True
        while changed:
            changed = False
            for line, other in self._other.items():
                self.told[line] += line.take_events()
                sent = self.bits[line]
                if not sent or sent[-1] != line.sent_bits:
                    sent.append(line.sent_bits)
                    other.bits(line.sent_bits)
                    changed = True

    def step(self) -> None:
        """10 ms pass."""
        self.now += STEP_S
        self._said = {line: line.hear(self._said[other]) for line, other in self._other.items()}
        self.settle()

    def until(self, condition: Callable[[], bool], within: float = 30.0) -> None:
        """Let time pass until something is so."""
        for _ in range(round(within / STEP_S)):
            if condition():
                return
            self.step()
        raise AssertionError(f"it did not come to pass within {within:g} s: {self.told}")

    def event(self, line: R2Line, kind: Kind, within: float = 30.0) -> R2Event:
        """Wait for an event of a kind at one end; it is taken."""
        self.until(lambda: any(event.kind is kind for event in self.told[line]), within)
        found = next(event for event in self.told[line] if event.kind is kind)
        self.told[line].remove(found)
        return found

    def close(self) -> None:
        """Forget both."""
        self.one.close()
        self.two.close()
