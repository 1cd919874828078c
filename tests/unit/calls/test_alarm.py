"""A timer set again and again."""

from __future__ import annotations

from collections.abc import Callable

from offhook.calls.alarm import Alarm


class Loop:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.set: list[tuple[float, Callable[[], None]]] = []
        self.cancelled: list[float] = []

    def call_at(self, when: float, ring: Callable[[], None]) -> Handle:
        self.set.append((when, ring))
        return Handle(self, when)


class Handle:
    def __init__(self, loop: Loop, when: float) -> None:
        self.loop = loop
        self.when = when

    def cancel(self) -> None:
        self.loop.cancelled.append(self.when)


def test_the_same_time_is_set_once() -> None:
    loop = Loop()
    alarm = Alarm(loop, lambda: None)  # type: ignore[arg-type]
    alarm.set(3.0)
    alarm.set(3.0)
    assert [when for when, _ in loop.set] == [3.0]
    alarm.set(5.0)
    assert [when for when, _ in loop.set] == [3.0, 5.0]
    assert loop.cancelled == [3.0]
    alarm.set(None)
    alarm.cancel()
    assert loop.cancelled == [3.0, 5.0]


def test_what_went_off_a_little_early_is_set_again() -> None:
    loop = Loop()
    rung: list[str] = []
    alarm = Alarm(loop, lambda: rung.append("now"))  # type: ignore[arg-type]
    alarm.set(3.0)
    loop.set[0][1]()
    assert rung == ["now"]
    alarm.set(3.0)
    assert [when for when, _ in loop.set] == [3.0, 3.0]
    assert loop.cancelled == []
