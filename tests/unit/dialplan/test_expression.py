"""Expressions: precedence, numbers and texts, and that gaps change nothing."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.dialplan.expression import Expression, evaluate_text

ARITHMETIC = [
    ("1 + 1", "2"),
    ("   7    -     9  ", "-2"),
    ("-7 - -9", "2"),
    ("2 + 3 * 4", "14"),
    ("(2 + 3) * 4", "20"),
    ("20 - 6 / 4", "18.5"),
    ("17 % 5 + 1", "3"),
    ("(17)% 5", "2"),
    ("-17 % 5", "-2"),
    ("2 * -3", "-6"),
    ("10 / 4", "2.5"),
    ("10 / 3", "3.33333333333333333"),
    ("2 / 3", "0.666666666666666667"),
    ("0.1 + 0.2", "0.3"),
    ("1.50", "1.50"),
    ("1.50 + 0", "1.5"),
    ("100000000000000000 * 10", "1e+18"),
    ("123456789 * 1000", "123456789000"),
    ("1 / 10000000", "1e-07"),
    ("5 / 0", "2147483647"),
    ("5 % 0", "0"),
    ("-0", "-0"),
    ("0 - 0", "0"),
]
NUMBERS_AS_WRITTEN = [("007", "007"), ("007 + 0", "7"), ("00", "00"), ("!00", "1"), ("01", "01"), ("!01", "0")]
LOGIC = [
    ("3 & 5", "3"),
    ("0 & 5", "0"),
    ("3 & 0", "0"),
    ("3 | 5", "3"),
    ("0 | 5", "5"),
    ("0 | 05", "05"),
    ("03 | 5", "3"),
    ("1 && 1", "1"),
    ("0 || 0", "0"),
    ("!0", "1"),
    ("!4", "0"),
    ("!x", "1"),
    ("!4 | !0", "1"),
    ('"" | 5', '""'),
    ("abc & 1", "abc"),
]
COMPARISON = [
    ("3 < 4", "1"),
    ("10 < 9", "0"),
    ("10 < 9x", "1"),
    ("3 = 3.0", "1"),
    ("3 == 3", "1"),
    ("x = x", "1"),
    ("x = X", "0"),
    ('"x" = x', "0"),
    ('"a b" = "a b"', "1"),
    ("x != y", "1"),
    ("4 >= 4", "1"),
    ("4 <= 3", "0"),
    ("b > a", "1"),
    ("3 > 4 & 4 < 3", "0"),
    ("4 > 3 & 3 < 4", "1"),
    ("1 + 1 = 2", "1"),
]
CONDITIONAL = [
    ("1 ? yes :: no", "yes"),
    ("0 ? yes :: no", "no"),
    ("abc ? yes :: no", "yes"),
    ('"" ? yes :: no', "no"),
    ("2 > 1 ? 2 + 3 :: 9", "5"),
    ("1 ? 0 :: 5 ? 7 :: 8", "8"),
    ("1 ? 1 ? a :: b :: c", "a"),
]
REGULAR = [
    ('"one two" =~ two', "3"),
    ('"one two" : two', "0"),
    ('"one two" : one', "3"),
    ('"one two" =~ "(t.)"', "tw"),
    ('"one two" : "(t.)"', ""),
    ('"one two" : "(o.)"', "on"),
    ("12345 : 123", "3"),
    ("12345 =~ 9", "0"),
    ('x123 : "x([0-9]+)"', "123"),
    ('"aab" =~ "a|aa|aab"', "3"),
    ('"a(b)" =~ "a\\(b"', "3"),
    ("abc ~~ def", "abcdef"),
    ('"a b" ~~ "c"', "a bc"),
    ("1 ~~ 2 + 1", "13"),
]
FUNCTIONS = [
    ("FLOOR(7 / 2)", "3"),
    ("CEIL(7 / 2)", "4"),
    ("ROUND(2.5)", "3"),
    ("ROUND(-2.5)", "-3"),
    ("RINT(2.5)", "2"),
    ("TRUNC(-2.7)", "-2"),
    ("SQRT(2)", "1.41421356237309505"),
    ("POW(2,10)", "1024"),
    ("POW(2, -1)", "0.5"),
    ("EXP(0)", "1"),
    ("EXP(1)", "2.71828182845904524"),
    ("EXP2(3)", "8"),
    ("EXP10(3)", "1000"),
    ("LOG(1)", "0"),
    ("LOG2(8)", "3"),
    ("LOG10(1000)", "3"),
    ("COS(0)", "1"),
    ("SIN(1)", "0.841470984807896507"),
    ("COS(1)", "0.540302305868139717"),
    ("TAN(1)", "1.55740772465490223"),
    ("ASIN(1)", "1.57079632679489662"),
    ("ACOS(1)", "0"),
    ("ATAN(1) * 4", "3.14159265358979324"),
    ("ATAN2(1,1)", "0.78539816339744831"),
    ("REMAINDER(5,3)", "-1"),
    ("ABS(-3)", "3"),
    ("1 + FLOOR(2.9) * 2", "5"),
]
PLAIN = [("", ""), ("word", "word"), ("043", "043"), ("${X}9${y}", "${X}9${y}"), ("(4 + 2", "0"), ("4 +", "0")]


@pytest.mark.parametrize(
    ("text", "value"),
    ARITHMETIC + NUMBERS_AS_WRITTEN + LOGIC + COMPARISON + CONDITIONAL + REGULAR + FUNCTIONS + PLAIN,
)
def test_value(text: str, value: str):
    assert evaluate_text(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("x + 5", "5"), ("5 + x", "5"), ("x + y", "0"), ("x - 5", "-5"), ("5 - x", "5"), ("x * 5", "0"), ("-x", "0")],
)
def test_arithmetic_with_a_text_warns_and_goes_on_without_it(text: str, value: str, caplog: pytest.LogCaptureFixture):
    assert evaluate_text(text) == value
    assert ("no number" in caplog.text) == (text != "5 + x")


def test_a_wrong_expression_is_named_with_the_column(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert evaluate_text("1 + * 2") == "0"
    assert 'expression "1 + * 2" is wrong at column 5' in caplog.text


def test_gaps_are_filled_with_operands():
    expression = Expression([None, " + ", None])
    assert expression.evaluate(None, ["40", "2"]) == "42"
    assert expression.evaluate(None, ["007", "1"]) == "8"


def test_a_value_with_operators_in_it_counts_as_if_it_were_written_there():
    expression = Expression([None, " * 2"])
    assert expression.evaluate(None, ["1 + 1"]) == evaluate_text("1 + 1 * 2") == "3"


def test_an_empty_value_may_make_the_expression_wrong():
    assert Expression([None, " = 5"]).evaluate(None, [""]) == ""
    assert Expression(['"', None, '" = ""']).evaluate(None, [""]) == "1"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 3", "3"),
        ("a b", "a"),
        ("yes,please = yes,please", "yes"),
        ('""quoted"" = "quoted"', '""'),
        ("(1 + 2", "0"),
        ("1 +", "0"),
        ("1 ? 2", "0"),
        ("= 5", ""),
        (")", ""),
        ("1 )", "1"),
        ("x ~~ y(z) w", "x0"),
        ("a\0b", "ab"),
    ],
)
def test_of_a_wrong_expression_counts_what_is_whole_at_its_beginning(
    text: str, value: str, caplog: pytest.LogCaptureFixture
):
    assert evaluate_text(text) == value
    assert "is wrong at column" in caplog.text or "\0" in text


@pytest.mark.parametrize("text", ["LOG(-1) >= 1", "LOG(-1) = LOG(-1)", "ABS(LOG(-1)) > 0", "POW(LOG(-1),-1) < 0"])
def test_nothing_is_equal_to_what_is_not_a_number(text: str):
    assert evaluate_text(text) == "0"
    assert evaluate_text("LOG(-1) != LOG(-1)") == "1"


def test_an_operator_may_come_from_a_variable():
    assert Expression(["6 ", None, " 7"]).evaluate(None, ["*"]) == "42"


_values = st.one_of(
    st.integers(-1000, 1000).map(str),
    st.sampled_from(
        ["", "007", "1.50", "abc", '"quoted"', "a b", "1 + 1", "$x", "x=y", "0", "?", '"', "é", "$", "${y"]
    ),
    st.text(max_size=4),
)
_texts = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from(
            [" + ", " - ", "*", " = ", " != ", " & ", " | ", "(", ")", "1", "x", '"', " ", " < ", "!", "-"]
        ),
    ),
    min_size=1,
    max_size=7,
)


@given(_texts, st.data())
def test_gaps_and_written_text_give_the_same(pieces: list[str | None], data: st.DataObject):
    values = [data.draw(_values) for piece in pieces if piece is None]
    expression = Expression(pieces)
    assert expression.evaluate(None, values) == evaluate_text(expression.filled(values))


@given(st.integers(-(10**8), 10**8), st.integers(-(10**8), 10**8))
def test_whole_numbers_are_exact(a: int, b: int):
    assert evaluate_text(f"({a}) - ({b})").removeprefix("-0") == str(a - b).removeprefix("-0")
    assert evaluate_text(f"({a}) < ({b})") == str(int(a < b))
    assert int(evaluate_text(f"({a}) * ({b})")) == a * b
