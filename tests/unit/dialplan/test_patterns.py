"""Patterns: what matches, what may match, and which match wins."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.dialplan.patterns import Match, Pattern, matches, shrink_number, without_blanks, without_decoration


@pytest.mark.parametrize(
    ("pattern", "digits"),
    [
        ("100", "100"),
        ("100", "1-00"),
        ("1-00", "100"),
        ("s", "s"),
        ("_X", "0"),
        ("_Z", "1"),
        ("_N", "2"),
        ("_NXX-XXXX", "555-1234"),
        ("_x", "7"),
        ("_[13-5]", "4"),
        ("_[13-5]", "1"),
        ("_[a-c]x", "b7"),
        ("_[-5]", "5"),
        ("_[5-]", "5"),
        ("_9.", "91"),
        ("_9.", "9abc"),
        ("_9!", "9"),
        ("_9!", "999"),
        ("_!", ""),
        ("_X.junk", "12"),
        ("_[]5", "5"),
        ("_1_2", "1_2"),
        ("_*[*#]", "*#"),
        ("_X.", "_X."),
        ("_[0-9]", "_X"),
        ("_+X.", "+49"),
        ("_[é]", "é"),
    ],
)
def test_match(pattern: str, digits: str):
    assert matches(pattern, digits)


@pytest.mark.parametrize(
    ("pattern", "digits"),
    [
        ("100", "10"),
        ("100", "1000"),
        ("S", "s"),
        ("_Z", "0"),
        ("_N", "1"),
        ("_X", "a"),
        ("_X", "12"),
        ("_XX", "1"),
        ("_9.", "9"),
        ("_[13-5]", "2"),
        ("_X", "_Z"),
        ("_[5", "5"),
        ("X", "5"),
    ],
)
def test_no_match(pattern: str, digits: str):
    assert not matches(pattern, digits)


@pytest.mark.parametrize(
    ("pattern", "digits", "can", "more"),
    [
        ("100", "", True, True),
        ("100", "10", True, True),
        ("100", "100", True, False),
        ("100", "11", False, False),
        ("100", "1000", False, False),
        ("_XXX", "12", True, True),
        ("_XXX", "123", True, False),
        ("_XXX", "1a", False, False),
        ("_9.", "9", True, True),
        ("_9.", "91", True, True),
        ("_9.", "8", False, False),
    ],
)
def test_progress(pattern: str, digits: str, can: bool, more: bool):
    assert Pattern(pattern).progress(digits, Match.CAN) == (can, False)
    assert Pattern(pattern).progress(digits, Match.MORE) == (more, False)


def test_an_exclamation_mark_needs_no_more_digits():
    assert Pattern("_9!").progress("9", Match.MORE) == (True, True)
    assert Pattern("_9!").progress("95", Match.MORE) == (True, True)


IN_ORDER = [
    "100",
    "1000",
    "_1234",
    "_1[12]5",
    "_1[13]5",
    "_1[1-4]5",
    "_1N5",
    "_1Z5",
    "_1X4",
    "_1X5X",
    "_1X5",
    "_1X.",
    "_1X!",
    "_1.",
    "_2X",
    "_N.",
    "_X.",
    "_.",
    "_!",
]


def test_the_more_specific_pattern_comes_first():
    shuffled = IN_ORDER[:]
    random.Random(5).shuffle(shuffled)
    assert sorted(shuffled, key=lambda text: Pattern(text).key) == IN_ORDER


@pytest.mark.parametrize(
    ("one", "two"), [("_X", "_[0-9]"), ("_2", "_[2]"), ("_X-X", "_XX"), ("1-0-0", "100"), ("_n", "_N")]
)
def test_the_same_pattern_may_be_written_differently(one: str, two: str):
    assert Pattern(one).key == Pattern(two).key


def test_a_longer_pattern_beats_the_shorter_one_it_begins_with():
    assert Pattern("_1XX").key < Pattern("_1X").key


def test_decoration():
    assert without_decoration("_NXX-[a-c] 1") == "_NXX[a-c]1"
    assert without_blanks("_NXX-[a b] 1") == "_NXX-[a b]1"
    assert without_decoration("1-2[3-4]") == "12[34]"
    assert shrink_number("(555) 12-34") == "5551234"
    assert shrink_number("_55[1-3]X.") == "_55[1-3]X."


_patterns = st.text("XZN0123456789[]-.!ab", max_size=6).map("_".__add__)


@given(_patterns, st.text("0123456789ab-", max_size=6))
def test_exact_is_can_without_more(pattern: str, digits: str):
    compiled = Pattern(pattern)
    can, _ = compiled.progress(digits, Match.CAN)
    more, final = compiled.progress(digits, Match.MORE)
    if compiled.matches(digits):
        assert can
    if can and not more:
        assert compiled.matches(digits)
    if final:
        assert more


@given(st.lists(_patterns, min_size=2, max_size=8))
def test_patterns_have_one_order(patterns: list[str]):
    keys = [Pattern(text).key for text in patterns]
    backwards = list(reversed(keys))
    backwards.sort()
    assert sorted(keys) == backwards
