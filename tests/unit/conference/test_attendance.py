"""Who takes part and who waits: the states of a room, as Asterisk has them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from offhook.services.conference.attendance import BEGIN, ONLY_PERSON, WAIT_FOR_LEADER, Attendance, State
from offhook.services.conference.profiles import make_user, user_type
from offhook.services.conference.user import User


def user(**options: Any) -> User:
    """Somebody whose profile has these options."""
    loop = SimpleNamespace(create_future=lambda: None)
    channel = SimpleNamespace(pbx=SimpleNamespace(loop=loop))
    return User(
        cast(Any, channel), make_user("test", user_type().defaults() | options), cast(Any, None), cast(Any, None)
    )


class Notes:
    """What a room was asked to do."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.muted: dict[User, bool] = {}
        self.attendance: Attendance | None = None

    def state_changed(self, old: State, new: State) -> None:
        self.done.append((old, new))

    def opened(self) -> None:
        self.done.append(("opened",))

    def ended(self) -> None:
        self.done.append(("ended",))

    def start_music(self, who: User) -> None:
        who.music = True

    def stop_music(self, who: User) -> None:
        who.music = False

    def settle_mute(self, who: User) -> None:
        assert self.attendance is not None
        self.muted[who] = who.music or (who.profile.wait_marked and not self.attendance.marked)

    def kick(self, who: User, result: str) -> None:
        who.kicked = True
        self.done.append(("kick", result))

    def leader_left(self, leader: User) -> None:
        self.done.append(("leader left",))


def room() -> tuple[Attendance, Notes]:
    """An empty room."""
    notes = Notes()
    notes.attendance = Attendance(notes)
    return notes.attendance, notes


def test_one_then_two_then_none() -> None:
    attendance, notes = room()
    one, two = user(music_on_hold_when_empty=True), user()
    attendance.join(one)
    assert attendance.state is State.SINGLE and list(one.prompts) == [ONLY_PERSON]
    assert one.music and notes.muted[one]
    attendance.join(two)
    assert attendance.state is State.MULTI and not one.music and not notes.muted[one] and not notes.muted[two]
    assert not two.prompts
    attendance.leave(two)
    assert attendance.state is State.SINGLE and one.music
    attendance.leave(one)
    assert attendance.state is State.EMPTY and not one.music
    assert notes.done.count(("opened",)) == notes.done.count(("ended",)) == 1


def test_waiting_for_a_marked_user() -> None:
    attendance, notes = room()
    one, two = user(wait_marked=True, music_on_hold_when_empty=True), user(wait_marked=True)
    for each in (one, two):
        attendance.join(each)
    assert attendance.state is State.INACTIVE and attendance.waiting == [one, two]
    assert list(one.prompts) == [WAIT_FOR_LEADER] and one.music and not two.music and notes.muted[two]
    leader = user(marked=True)
    attendance.join(leader)
    assert attendance.state is State.MULTI_MARKED and attendance.active == [leader, one, two]
    assert list(leader.prompts) == [BEGIN] and not one.music and not notes.muted[one] and not notes.muted[two]
    attendance.leave(leader)
    assert attendance.state is State.INACTIVE and attendance.waiting == [one, two]
    assert one.music and notes.muted[two] and ("leader left",) in notes.done
    for each in (one, two):
        attendance.leave(each)
    assert attendance.state is State.EMPTY


def test_those_who_wait_do_so_beside_others() -> None:
    attendance, _ = room()
    plain, waits = user(), user(wait_marked=True)
    attendance.join(waits)
    attendance.join(plain)
    assert attendance.state is State.SINGLE and list(plain.prompts) == [ONLY_PERSON]
    attendance.leave(plain)
    assert attendance.state is State.INACTIVE
    attendance.leave(waits)
    assert attendance.state is State.EMPTY


def test_the_last_marked_user_takes_others_along() -> None:
    attendance, notes = room()
    leaders = [user(marked=True), user(marked=True)]
    ends, stays = user(end_marked=True), user()
    for each in (*leaders, ends, stays):
        attendance.join(each)
    attendance.leave(leaders[0])
    assert not ends.kicked
    attendance.leave(leaders[1])
    assert ends.kicked and not stays.kicked and ("kick", "ENDMARKED") in notes.done
    assert ("leader left",) in notes.done
    attendance.leave(ends)
    assert attendance.state is State.SINGLE


def test_any_marked_user_takes_others_along() -> None:
    attendance, _ = room()
    leaders = [user(marked=True), user(marked=True, end_marked_any=True), user(marked=True)]
    ends = user(end_marked_any=True)
    for each in (*leaders, ends):
        attendance.join(each)
    attendance.leave(leaders[0])
    assert ends.kicked and leaders[1].kicked and not leaders[2].kicked


def test_a_single_marked_user() -> None:
    attendance, notes = room()
    leader = user(marked=True)
    attendance.join(leader)
    assert attendance.state is State.SINGLE_MARKED
    waits = user(wait_marked=True)
    attendance.join(waits)
    assert attendance.state is State.MULTI_MARKED and not notes.muted[waits] and not waits.prompts
    attendance.leave(waits)
    assert attendance.state is State.SINGLE_MARKED
    attendance.leave(leader)
    assert attendance.state is State.EMPTY


PROFILE = st.fixed_dictionaries(
    {name: st.booleans() for name in ("marked", "wait_marked", "end_marked", "end_marked_any")}
)


@given(st.lists(st.one_of(PROFILE, st.integers(0, 9)), max_size=40))
def test_whatever_happens_the_state_is_what_is_there(story: list[Any]) -> None:
    """Comings (a profile) and goings (a number of those present) in any order."""
    attendance, notes = room()
    for step in story:
        present = attendance.everybody()
        if isinstance(step, dict):
            attendance.join(user(**step))
        elif present:
            attendance.leave(present[step % len(present)])
        active, waiting, marked = len(attendance.active), len(attendance.waiting), attendance.marked
        assert (attendance.state is State.EMPTY) == (not active and not waiting)
        assert (attendance.state is State.INACTIVE) == (not active and waiting > 0)
        assert (attendance.state in (State.SINGLE_MARKED, State.MULTI_MARKED)) == (marked > 0)
        assert marked == 0 or all(each.kicked for each in attendance.waiting)
        if attendance.state in (State.SINGLE, State.SINGLE_MARKED):
            assert active == 1
    for each in attendance.everybody():
        attendance.leave(each)
    assert attendance.state is State.EMPTY and notes.done.count(("opened",)) == notes.done.count(("ended",))
