"""SF digits counted from pulses, with the clock in the test's hand."""

from __future__ import annotations

from typing import Any, cast

from offhook.apps.trunk_signals import Ears, _Pulses
from offhook.media.events import MediaEvent, ToneHeard
from offhook.modules import Options


class Exchange:
    """A clock that goes on by what is waited for, less what a timer of the loop may be early."""

    def __init__(self, heard: dict[float, int]) -> None:
        self.pbx = self
        self.time = 0.0
        self._ends = [at + 0.1 * pulse for at, pulses in heard.items() for pulse in range(pulses)]

    def now(self) -> float:
        return self.time

    async def next(self, seconds: float | None) -> MediaEvent | None:
        end = self._ends[0] if self._ends else None
        if end is not None and (seconds is None or end <= self.time + seconds):
            self.time = self._ends.pop(0)
            return ToneHeard(cast(Any, None), cast(Any, None), 0, False, 67, 0)
        assert seconds is not None, "waits for ever"
        self.time += seconds - _EARLY
        return None


_EARLY = 1e-9


async def received(heard: dict[float, int], most: int = 0, options: str = "", patience: float | None = None) -> _Pulses:
    exchange = Exchange(heard)
    receiver = _Pulses(cast(Any, exchange), most, Options(options))
    await receiver.run(cast(Ears, exchange), patience)
    return receiver


async def test_a_digit_ends_though_the_timer_comes_a_little_early() -> None:
    receiver = await received({1.0: 3, 3.0: 10, 5.0: 1}, most=3)
    assert (receiver.digits, receiver.status) == ("301", "START")


async def test_the_patience_for_all_digits_ends_within_one() -> None:
    receiver = await received({1.0: 3, 3.0: 10}, patience=3.5)
    assert (receiver.digits, receiver.status) == ("3", "TIMEOUT")


async def test_the_patience_after_a_digit() -> None:
    receiver = await received({1.0: 3, 3.0: 2}, options="t(0.8)")
    assert (receiver.digits, receiver.status) == ("3", "TIMEOUT")


async def test_what_came_already_is_heard_though_no_time_is_left() -> None:
    ears = Ears()
    event = ToneHeard(cast(Any, None), cast(Any, None), 0, False, 67, 0)
    ears.hear(event)
    assert await ears.next(0.0) is event
    assert await ears.next(0.0) is None
