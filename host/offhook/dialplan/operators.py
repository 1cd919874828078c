"""The operators and functions of ``$[...]`` expressions, on values that are numbers or texts.

A value is a number (int or Decimal), a text that reads as a number but shows otherwise (Numeral: "007",
"1.50"), or any other text. Texts keep their quotes. An arithmetic operator that meets a text that is no number
warns and goes on with what is left, as Asterisk's does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from offhook.dialplan import arithmetic
from offhook.dialplan.arithmetic import Number, show
from offhook.dialplan.posix import RegexError, compile_regex

if TYPE_CHECKING:
    from offhook.dialplan.expression import Step
    from offhook.dialplan.scope import Scope

__all__ = ["BINARY", "PREFIX", "Constant", "Numeral", "Value", "call", "conditional", "show"]

log = logging.getLogger(__name__)

NO_QUOTIENT = 2147483647
"""What a division by zero gives: C's INT_MAX."""

_NAME = re.compile("[A-Z_0-9]+")
_NUMBER_ONLY = re.compile(r"[-0-9. \t]*")
_LEADING_INTEGER = re.compile(r"\s*([-+]?\d+)", re.ASCII)


class Numeral(str):
    """A text that counts as a number."""

    __slots__ = ()


Value = int | Decimal | Numeral | str


def _number(value: Value) -> Number | None:
    """The value as a number; None for a text that is none."""
    if isinstance(value, str):
        return arithmetic.parse(value) if isinstance(value, Numeral) else None
    return value


def _text(value: Value) -> str:
    return value if isinstance(value, str) else show(value)


def _classified(text: str) -> Value:
    """A text that an operator made: it counts as a number when it is digits and points."""
    if text and text[0] in "0123456789." and not text.strip("0123456789."):
        return Numeral(text)
    return text


def _false(value: Value) -> bool:
    """Zero or empty. Text that is no number is true unless empty (``""`` with its quotes is not empty)."""
    if isinstance(value, str):
        return not value or (isinstance(value, Numeral) and not arithmetic.parse(value))
    return not value


def _or(a: Value, b: Value) -> Value:
    return b if _false(a) else _as_number_if_numeral(a)


def _and(a: Value, b: Value) -> Value:
    return 0 if _false(a) or _false(b) else _as_number_if_numeral(a)


def _as_number_if_numeral(value: Value) -> Value:
    return arithmetic.parse(value) if isinstance(value, Numeral) else value


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and not isinstance(value, Numeral)


def _order(a: Value, b: Value) -> int | None:
    """-1, 0 or 1: as numbers when both are, else as texts by code point. None when one of them is not a number."""
    if _is_text(a) or _is_text(b):
        one, two = _text(a), _text(b)
        return (one > two) - (one < two)
    x, y = _number(a), _number(b)
    assert x is not None and y is not None
    if arithmetic.is_nan(x) or arithmetic.is_nan(y):
        return None
    return (x > y) - (x < y)


def _comparison(*holding: int) -> Callable[[Value, Value], Value]:
    return lambda a, b: 1 if _order(a, b) in holding else 0


def _not_a_number(*values: Value) -> None:
    texts = " and ".join(f'"{value}"' for value in values if _is_text(value))
    log.warning("an expression calculates with %s, which is no number", texts)


def _plus(a: Value, b: Value) -> Value:
    x, y = _number(a), _number(b)
    if x is None:
        _not_a_number(a, b)
        return 0 if y is None else y
    if y is None:
        return x
    return arithmetic.add(x, y)


def _minus(a: Value, b: Value) -> Value:
    x, y = _number(a), _number(b)
    if x is None or y is None:
        _not_a_number(a, b)
        if x is not None:
            return x
        return 0 if y is None else arithmetic.subtract(0, y)
    return arithmetic.subtract(x, y)


def _times(a: Value, b: Value) -> Value:
    x, y = _number(a), _number(b)
    if x is None or y is None:
        _not_a_number(a, b)
        return 0
    return arithmetic.multiply(x, y)


def _divided(a: Value, b: Value) -> Value:
    x, y = _number(a), _number(b)
    if x is None:
        _not_a_number(a)
        return 0
    if y is None:
        _not_a_number(b)
        return NO_QUOTIENT
    if not y:
        log.warning("an expression divides %s by zero; the result is %d", show(x), NO_QUOTIENT)
        return NO_QUOTIENT
    return arithmetic.divide(x, y)


def _remainder(a: Value, b: Value) -> Value:
    x, y = _number(a), _number(b)
    if x is None or y is None:
        _not_a_number(a, b)
        return 0
    if not y:
        log.warning("an expression divides %s by zero; the remainder is 0", show(x))
        return y
    return arithmetic.remainder(x, y)


def _negated(a: Value) -> Value:
    x = _number(a)
    if x is None:
        _not_a_number(a)
        return 0
    return arithmetic.negate(x)


def _inverted(a: Value) -> Value:
    if not isinstance(a, str):
        return 0 if a else 1
    whole = _LEADING_INTEGER.match(a)
    return 0 if whole and int(whole.group(1)) else 1


def _unquoted(value: Value) -> str:
    """Without any double quotes, when it is enclosed in them."""
    text = _text(value)
    return text.replace('"', "") if text[:1] == '"' and text[-1] == '"' else text


def _joined(a: Value, b: Value) -> Value:
    return _classified(_unquoted(a) + _unquoted(b))


def _match(a: Value, b: Value, *, anchored: bool) -> Value:
    subject, pattern = _unquoted(a), _unquoted(b)
    try:
        regex = compile_regex(pattern)
    except RegexError as error:
        log.warning('"%s" in an expression is no regular expression: %s', pattern, error)
        return ""
    spans = regex.search(subject)
    if spans is None or (anchored and spans[0][0]):
        return "" if regex.groups else 0
    if len(spans) > 1 and spans[1][0] >= 0:
        octets = subject.encode("utf-8", "surrogateescape")[spans[1][0] : spans[1][1]]
        return _classified(octets.decode("utf-8", "surrogateescape"))
    return spans[0][1] - spans[0][0]


class Constant:
    """The step of a value written in the expression."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __call__(self, scope: Scope | None, values: Sequence[str]) -> Value:
        return self.value


# ---- building steps -----------------------------------------------------------------------------------


def _binary(
    slow: Callable[[Value, Value], Value], fast: Callable[[int, int], Value] | None = None
) -> Callable[[Step, Step], Step]:
    """Makes the step of an operator; ``fast`` serves two whole numbers."""

    def build(left: Step, right: Step) -> Step:
        def run(scope: Scope | None, values: Sequence[str]) -> Value:
            return slow(left(scope, values), right(scope, values))

        def run_fast(scope: Scope | None, values: Sequence[str]) -> Value:
            a = left(scope, values)
            b = right(scope, values)
            if type(a) is int and type(b) is int:
                return fast(a, b)  # type: ignore[misc]
            return slow(a, b)

        if fast is None:
            return run
        if isinstance(right, Constant) and type(right.value) is int:
            constant: int = right.value

            def run_constant(scope: Scope | None, values: Sequence[str]) -> Value:
                a = left(scope, values)
                return fast(a, constant) if type(a) is int else slow(a, constant)

            return run_constant
        return run_fast

    return build


BINARY: dict[str, Callable[[Step, Step], Step]] = {
    "|": _binary(_or),
    "&": _binary(_and),
    "=": _binary(_comparison(0), lambda a, b: 1 if a == b else 0),
    "!=": _binary(lambda a, b: int(_order(a, b) != 0), lambda a, b: 1 if a != b else 0),
    ">": _binary(_comparison(1), lambda a, b: 1 if a > b else 0),
    "<": _binary(_comparison(-1), lambda a, b: 1 if a < b else 0),
    ">=": _binary(_comparison(0, 1), lambda a, b: 1 if a >= b else 0),
    "<=": _binary(_comparison(-1, 0), lambda a, b: 1 if a <= b else 0),
    "+": _binary(_plus, lambda a, b: a + b),
    "-": _binary(_minus, lambda a, b: a - b),
    "*": _binary(_times),
    "/": _binary(_divided),
    "%": _binary(_remainder),
    ":": _binary(lambda a, b: _match(a, b, anchored=True)),
    "=~": _binary(lambda a, b: _match(a, b, anchored=False)),
    "~~": _binary(_joined),
}


def _prefix(operator: Callable[[Value], Value]) -> Callable[[Step], Step]:
    def build(operand: Step) -> Step:
        return lambda scope, values: operator(operand(scope, values))

    return build


PREFIX: dict[str, Callable[[Step], Step]] = {"-": _prefix(_negated), "!": _prefix(_inverted)}


def conditional(condition: Step, positive: Step, negative: Step) -> Step:
    """``condition ? positive :: negative``; both sides are evaluated."""

    def run(scope: Scope | None, values: Sequence[str]) -> Value:
        chosen = condition(scope, values)
        one, other = positive(scope, values), negative(scope, values)
        if _is_text(chosen):
            return one if chosen not in ("", '""', "0") else other
        return one if _number(chosen) else other

    return run


_ONE = {
    "COS": arithmetic.cosine,
    "SIN": arithmetic.sine,
    "TAN": arithmetic.tangent,
    "ACOS": arithmetic.arc_cosine,
    "ASIN": arithmetic.arc_sine,
    "ATAN": arithmetic.arc_tangent,
    "SQRT": arithmetic.square_root,
    "FLOOR": arithmetic.floor,
    "CEIL": arithmetic.ceil,
    "ROUND": arithmetic.round_half_away,
    "RINT": arithmetic.round_half_even,
    "TRUNC": arithmetic.truncate,
    "EXP": arithmetic.exponential,
    "EXP2": arithmetic.exponential2,
    "EXP10": arithmetic.exponential10,
    "LOG": arithmetic.logarithm,
    "LOG2": arithmetic.logarithm2,
    "LOG10": arithmetic.logarithm10,
    "ABS": arithmetic.magnitude,
}
_TWO = {
    "ATAN2": arithmetic.arc_tangent2,
    "POW": arithmetic.power,
    "REMAINDER": arithmetic.nearest_remainder,
}


def call(name: Step, arguments: Sequence[Step]) -> Step:
    """``NAME(arguments)``: a function of this language, or a dialplan function."""

    def run(scope: Scope | None, values: Sequence[str]) -> Value:
        return _called(_text(name(scope, values)), [step(scope, values) for step in arguments], scope)

    return run


def _called(name: str, arguments: list[Value], scope: Scope | None) -> Value:
    if _NAME.fullmatch(name) is None:
        log.error('"%s" in an expression stands before a parenthesis but is no function name', name)
        return 0
    if name in _ONE or name in _TWO:
        expected = 1 if name in _ONE else 2
        if len(arguments) != expected:
            log.warning("%s() in an expression takes %d arguments, not %d", name, expected, len(arguments))
            return 0
        numbers = [_number(argument) or 0 for argument in arguments]
        if any(arithmetic.is_nan(one) for one in numbers):
            return arithmetic.NAN
        return _ONE[name](*numbers) if expected == 1 else _TWO[name](*numbers)
    if scope is None:
        log.error("function %s in an expression is not available here", name)
        return 0
    text = scope.answer(name, ",".join(_text(argument) for argument in arguments))
    if text is None:
        return 0
    return arithmetic.parse(text) if _NUMBER_ONLY.fullmatch(text) else _classified(text)
