"""The events bus: who is told of what, and what is not made because nobody is."""

from __future__ import annotations

from offhook.calls.bus import Bus


class Rang:
    """An event that counts how many of it were made."""

    made = 0

    def __init__(self, who: str, *, times: int = 1) -> None:
        Rang.made += 1
        self.who = who
        self.times = times


class Answered:
    """Another event."""


def test_an_event_is_made_only_when_somebody_wants_it() -> None:
    bus, heard = Bus(), []
    before = Rang.made
    bus.tell(Rang, "alice")
    assert Rang.made == before
    drop = bus.subscribe(Rang, heard.append)
    bus.tell(Rang, "alice", times=2)
    assert [(event.who, event.times) for event in heard] == [("alice", 2)]
    drop()
    bus.tell(Rang, "alice")
    assert Rang.made == before + 1


def test_what_is_wanted_follows_who_listens() -> None:
    bus = Bus()
    assert not bus.wants(Rang)
    drop = bus.subscribe(Rang, lambda event: None)
    assert bus.wants(Rang)
    assert not bus.wants(Answered)
    first, second = bus.subscribe_all(lambda event: None), bus.subscribe_all(lambda event: None)
    assert bus.wants(Answered)
    first()
    assert bus.wants(Answered)
    second()
    assert not bus.wants(Answered)
    assert bus.wants(Rang)
    drop()
    assert not bus.wants(Rang)
