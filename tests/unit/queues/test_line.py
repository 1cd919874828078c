"""The line by itself: places, and whose turn it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from offhook.services.queues.line import Entry, Line
from offhook.services.queues.moments import Moment


def entry(name: str, priority: int = 0) -> Entry:
    channel: Any = SimpleNamespace(name=name)
    return Entry(channel, Moment(0.0, 0), priority)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=12))
def test_places_go_by_priority_and_then_by_wish(callers: list[tuple[int, int]]) -> None:
    line = Line()
    for number, (priority, wanted) in enumerate(callers):
        newcomer = entry(str(number), priority)
        better = sum(one.priority > priority for one in line.entries)
        line.join(newcomer, wanted)
        assert [one.position for one in line.entries] == list(range(1, len(line) + 1))
        priorities = [one.priority for one in line.entries]
        assert priorities == sorted(priorities, reverse=True)
        assert newcomer.position > better
        if wanted:
            equals = sum(one.priority >= priority for one in line.entries)
            assert newcomer.position == min(max(wanted, better + 1), equals)
        else:
            assert all(one.priority < priority for one in line.entries[newcomer.position :])
    for one in list(line.entries):
        assert line.leave(one)
        assert not line.leave(one)
    assert not len(line)


def test_whose_turn_it_is() -> None:
    line = Line()
    first, second, third = (entry(name) for name in "abc")
    for one in (first, second, third):
        line.join(one)
    assert [line.turn(one, 2, only_first=False) for one in (first, second, third)] == [True, True, False]
    first.ringing = True
    assert [line.turn(one, 2, only_first=False) for one in (first, second, third)] == [True, True, True]
    assert [line.turn(one, 1, only_first=False) for one in (first, second, third)] == [True, True, False]
    assert [line.turn(one, 9, only_first=True) for one in (first, second, third)] == [True, False, False]
    assert not line.turn(first, 0, only_first=False)
    assert not line.turn(entry("d"), 9, only_first=False)
