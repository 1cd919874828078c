"""libopenr2 against itself, bits and tones of two ends crossed in memory, on a clock of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_shims.line import LineError
from kernel_shims.r2.events import COLLECT_CALL, Cause, Direction, Kind
from kernel_shims.r2.line import R2Line, Terms, category_name, category_of, variants
from kernel_shims.r2.pair import Pair

ONE_WAY = {"CN"}
"""Its caller's number is asked for with A-1, which libopenr2's calling side takes for a further called digit."""
TERMS = Terms(max_ani=7, max_dnis=4)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two ends, idle."""
    made = Pair(TERMS, TERMS)
    yield made
    made.close()


def offer(pair: Pair, ani: str | None = "5551234", category: int = 0) -> None:
    """One calls two; two has all the digits."""
    assert pair.one.make_call(ani, "4321", category)
    pair.settle()
    event = pair.event(pair.two, Kind.OFFERED)
    assert (event.dnis, event.value) == ("4321", category)


def accept(pair: Pair) -> None:
    """Two takes the call; both ends know."""
    assert pair.two.accept(charge=True)
    pair.event(pair.one, Kind.ACCEPTED)
    pair.event(pair.two, Kind.ACCEPTED)


def clear(pair: Pair, first: R2Line, second: R2Line) -> None:
    """One end clears, the other follows, both are idle."""
    assert first.disconnect(Cause.NORMAL)
    pair.settle()
    event = pair.event(second, Kind.DISCONNECTED)
    assert event.value == Cause.NORMAL
    assert second.disconnect(Cause.NORMAL)
    pair.settle()
    for line in (first, second):
        pair.event(line, Kind.ENDED)
        assert line.direction is Direction.STOPPED
        assert line.states == ("IDLE", "IDLE")


@pytest.mark.parametrize("variant", [code for code, _ in variants() if code not in ONE_WAY])
def test_a_call_of_every_variant(variant: str) -> None:
    """Numbers, category, answer and clearing from the calling side; then once more the other way."""
    terms = replace(TERMS, variant=variant.lower())
    pair = Pair(terms, terms)
    offer(pair)
    accept(pair)
    assert pair.two.answer()
    pair.settle()
    pair.event(pair.one, Kind.ANSWERED)
    clear(pair, pair.one, pair.two)
    assert pair.two.make_call("7654321", "4567", 0)
    pair.settle()
    event = pair.event(pair.one, Kind.OFFERED)
    assert (event.ani, event.dnis) == ("7654321", "4567")
    pair.close()


def test_numbers_are_told_and_may_be_withheld(pair: Pair) -> None:
    """The caller's number arrives whole, or as restricted."""
    assert pair.one.make_call("5551234", "4321", 0)
    pair.settle()
    assert pair.event(pair.two, Kind.OFFERED).ani == "5551234"
    accept(pair)
    clear(pair, pair.one, pair.two)
    assert pair.one.make_call(None, "4321", 0)
    pair.settle()
    assert not pair.event(pair.two, Kind.OFFERED).ani


def test_no_more_digits_than_are_wanted(pair: Pair) -> None:
    """The called number ends where the called side has enough."""
    seen: list[str] = []

    def wants(digit: str) -> bool:
        seen.append(digit)
        return len(seen) < 2

    pair.two.wants_digit = wants
    assert pair.one.make_call("5551234", "4321", 0)
    pair.settle()
    assert pair.event(pair.two, Kind.OFFERED).dnis == "43"
    assert seen == ["4", "3"]


@pytest.mark.parametrize(
    "cause", [Cause.BUSY, Cause.CONGESTION, Cause.UNALLOCATED, Cause.OUT_OF_ORDER], ids=lambda cause: cause.name.lower()
)
def test_refused_with_a_cause(pair: Pair, cause: Cause) -> None:
    """Group B tells why; the calling side clears."""
    offer(pair)
    assert pair.two.disconnect(cause)
    assert pair.event(pair.one, Kind.DISCONNECTED).value == cause
    assert pair.one.disconnect(Cause.NORMAL)
    pair.settle()
    pair.event(pair.two, Kind.DISCONNECTED)
    assert pair.two.disconnect(Cause.NORMAL)
    pair.settle()
    pair.event(pair.two, Kind.ENDED)
    pair.event(pair.one, Kind.ENDED)


def test_a_collect_call_is_refused_in_brazil() -> None:
    """The category says it is one; B-7, which refuses it, also tells of a number that is not assigned."""
    terms = replace(TERMS, variant="br")
    pair = Pair(terms, terms)
    offer(pair, category=COLLECT_CALL)
    assert pair.two.disconnect(Cause.COLLECT_REJECTED)
    assert pair.event(pair.one, Kind.DISCONNECTED).value == Cause.UNALLOCATED
    pair.close()


def test_answered_twice() -> None:
    """Answer, clear back and answer again: who accepts charges automatically is thrown off."""
    pair = Pair(replace(TERMS, variant="br"), replace(TERMS, variant="br", double_answer=True))
    offer(pair)
    accept(pair)
    before = len(pair.bits[pair.two])
    assert pair.two.answer()
    pair.until(lambda: len(pair.bits[pair.two]) >= before + 3, 5)
    answer, back, again = (bits & 0xC for bits in pair.bits[pair.two][before : before + 3])
    assert (answer, back, again) == (0x4, 0xC, 0x4)
    pair.close()


def test_the_called_side_clears_first(pair: Pair) -> None:
    """Clear back, clear forward, idle."""
    offer(pair)
    accept(pair)
    pair.two.answer()
    pair.settle()
    pair.event(pair.one, Kind.ANSWERED)
    clear(pair, pair.two, pair.one)


def test_a_blocked_line_is_told_and_takes_no_calls(pair: Pair) -> None:
    """Blocked and idle again."""
    pair.two.block()
    pair.settle()
    pair.event(pair.one, Kind.BLOCKED)
    assert not pair.one.make_call("1", "2", 0)
    pair.two.idle()
    pair.told[pair.one].clear()
    pair.settle()
    pair.event(pair.one, Kind.IDLE)
    offer(pair)


def test_nobody_acknowledges_the_seizure(pair: Pair) -> None:
    """A dead far end is an error of the protocol when its timer runs out."""
    line = R2Line(7, "alaw", TERMS, lambda: pair.now)
    line.begin(9)
    assert line.make_call("1", "2", 0)
    delay = line.delay()
    assert delay is not None
    pair.now += delay
    line.tick()
    assert [event.kind for event in line.take_events()][-1] is Kind.PROTOCOL_ERROR
    line.close()


def test_mu_law() -> None:
    """Tones survive the other law."""
    pair = Pair(TERMS, TERMS, "ulaw")
    offer(pair)
    pair.close()


def test_categories_have_names() -> None:
    """Both ways."""
    assert category_of("collect_call") == COLLECT_CALL
    assert category_of("nonsense") is None
    assert category_name(0) == "National Subscriber"


def test_what_is_wrong_is_told() -> None:
    """A variant that does not exist, and a file that cannot be read."""
    with pytest.raises(LineError, match="no MFC/R2 variant xx; there are ar, br"):
        R2Line(1, "alaw", replace(TERMS, variant="xx"), lambda: 0.0)
    with pytest.raises(LineError, match="/nowhere has no MFC/R2 protocol definitions"):
        R2Line(1, "alaw", replace(TERMS, protocol_file="/nowhere"), lambda: 0.0)


def test_numbers_in_dtmf() -> None:
    """Bits as ever, numbers as DTMF (R2 with DTMF): no tones back, the end is a pause."""
    terms = replace(TERMS, dtmf_dialing=True, dtmf_detection=True)
    pair = Pair(terms, terms)
    assert pair.one.make_call("5551234", "4321", 0)
    pair.settle()
    assert pair.event(pair.two, Kind.OFFERED).dnis == "4321"
    assert pair.two.accept(charge=True)
    pair.event(pair.one, Kind.ACCEPTED)
    assert pair.two.answer()
    pair.settle()
    pair.event(pair.one, Kind.ANSWERED)
    pair.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 40)), max_size=12), st.booleans())
def test_no_bits_wedge_a_line(changes: list[tuple[int, int]], calling: bool) -> None:
    """Whatever the far end sends, when it is idle again and our call is cleared a call is possible."""
    now = 0.0
    line = R2Line(1, "alaw", TERMS, lambda: now)
    line.begin(9)
    if calling:
        line.make_call("1", "2", 0)
    for bits, steps in [*changes, (9, 100)]:
        line.bits(bits)
        for _ in range(steps):
            now += 0.01
            line.hear(b"\xd5" * 80)
    if line.direction is not Direction.STOPPED and not line.disconnect(Cause.NORMAL):
        line.idle()
    now += 60
    line.tick()
    if line.direction is not Direction.STOPPED:
        line.idle()
    assert line.make_call("1", "2", 0)
    line.close()
