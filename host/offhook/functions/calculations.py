"""MATH, INC, DEC, MIN, MAX, ABS, DIGIT_SUM, and RAND."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable

from offhook.dialplan.arguments import from_octets, integer, need_channel, number
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_math", "Mathematical dialplan function")
random_module = Module("func_rand", "Random number dialplan function")

_MOST_RANDOM = 2147483647

_OPERATORS = ("*", "/", "%", "^", "AND", "XOR", "OR", ">", "<", "==", "+", "-")
"""In the order in which they are looked for; - comes last because the second number may be negative."""


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b > 0 else 0.0,
    "%": lambda a, b: math.fmod(_whole(a), _whole(b)) if _whole(b) else 0.0,
    "^": _power,
    "AND": lambda a, b: _whole(a) & _whole(b),
    "XOR": lambda a, b: _whole(a) ^ _whole(b),
    "OR": lambda a, b: _whole(a) | _whole(b),
    ">>": lambda a, b: _whole(a) >> (_whole(b) & 31),
    "<<": lambda a, b: _wrapped(_whole(a) << (_whole(b) & 31)),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
}


def _whole(value: float) -> int:
    """As a C int: cut towards zero; what does not fit is the smallest."""
    if not math.isfinite(value) or not -(2**31) <= value < 2**31:
        return -(2**31)
    return int(value)


def _wrapped(value: int) -> int:
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


@module.function("MATH", Syntax("expression", "[type]", type="float (f), int (i), hex (h) or char (c)."))
def calculate(scope: Scope, expression: str, kind: str = "float") -> str:
    """Calculate with two numbers.

    Operators are + - / * % << >> ^ AND OR XOR and, giving TRUE or FALSE, < <= > >= ==. Numbers may have fractions.
    Without a type the result has six decimals: ${MATH(123%16,int)} is 11. A division by a number that is not above
    zero gives 0.
    """
    sign = expression.startswith("-")
    found = _split(expression[sign:])
    shown = {"f": "float", "i": "int", "h": "hex", "c": "char"}.get(kind.lower(), kind.lower())
    if shown not in ("float", "int", "hex", "char"):
        raise FunctionError(f'MATH: "{kind}" is no type of result; write float, int, hex or char')
    if found is None:
        raise FunctionError(f'MATH: "{expression}" is no calculation with two numbers')
    left, operator, right = found
    a, b = number(left), number(right)
    if a is None or b is None:
        raise FunctionError(f'MATH: "{left if a is None else right}" is no number')
    a = -a if sign else a
    if operator in _COMPARISONS:
        return "TRUE" if _COMPARISONS[operator](a, b) else "FALSE"
    result = _ARITHMETIC[operator](a, b)
    if shown == "float":
        return f"{result:f}"
    whole = _whole(result)
    if shown == "int":
        return str(whole)
    if shown == "hex":
        return f"{int(result) & 0xFFFFFFFF if math.isfinite(result) else 0:x}"
    return from_octets(bytes((whole & 255,)))


def _split(text: str) -> tuple[str, str, str] | None:
    for operator in _OPERATORS:
        at = text.find(operator)
        if at < 0:
            continue
        if operator in "<>":
            for longer in (operator + "=", operator * 2):
                if text.startswith(longer, at):
                    return text[:at], longer, text[at + 2 :]
        return text[:at], operator, text[at + len(operator) :]
    return None


def _crement(scope: Scope, function: str, name: str, step: int) -> str:
    channel = need_channel(scope, function)
    value = scope.get(name)
    whole = integer(value) if value else None
    if not value or whole is None or not value.strip().lstrip("+-").isdigit():
        raise FunctionError(f"{function}({name}): the variable holds no whole number")
    result = str(_wrapped(whole + step))
    channel.set(name, result)
    return result


@module.function("INC", Syntax("variable"), see_also=("DEC",), raw=True)
def increment(scope: Scope, name: str) -> str:
    """Add one to a variable, and give its new value. The argument is the variable's name."""
    return _crement(scope, "INC", name, 1)


@module.function("DEC", Syntax("variable"), see_also=("INC",), raw=True)
def decrement(scope: Scope, name: str) -> str:
    """Take one from a variable, and give its new value. The argument is the variable's name."""
    return _crement(scope, "DEC", name, -1)


def _numbers(function: str, one: str, two: str) -> tuple[float, float]:
    if not one and not two:
        raise FunctionError(f"{function} needs a number")
    values = [number(text) for text in (one or two, two or one)]
    if values[0] is None or values[1] is None:
        raise FunctionError(f'{function}: "{one if values[0] is None else two}" is no number')
    return values[0], values[1]


def _shown(value: float) -> str:
    return str(int(value)) if value == _whole(value) else f"{value:f}"


@module.function("MIN", Syntax("num1", "[num2]"), see_also=("MAX",))
def minimum(scope: Scope, one: str = "", two: str = "") -> str:
    """The smaller one of two numbers."""
    return _shown(min(_numbers("MIN", one, two)))


@module.function("MAX", Syntax("num1", "[num2]"), see_also=("MIN",))
def maximum(scope: Scope, one: str = "", two: str = "") -> str:
    """The larger one of two numbers."""
    return _shown(max(_numbers("MAX", one, two)))


@module.function("ABS", Syntax("num"))
def absolute(scope: Scope, text: str) -> str:
    """A number without its sign."""
    value = number(text)
    if value is None:
        raise FunctionError(f'ABS: "{text}" is no number')
    return _shown(abs(value))


@module.function("DIGIT_SUM", Syntax("num"), raw=True)
def digit_sum(scope: Scope, text: str) -> str:
    """The sum of the digits of a text; other characters do not count."""
    if not text:
        raise FunctionError("DIGIT_SUM needs a number")
    return str(sum(int(char) for char in text if char in "0123456789"))


@random_module.function("RAND", Syntax("[min]", "[max]"))
def rand(scope: Scope, least: str = "", most: str = "") -> str:
    """A random whole number from least to most, both included; by default 0 to 2147483647."""
    low, high = integer(least), integer(most)
    low, high = 0 if low is None else low, _MOST_RANDOM if high is None else high
    return str(random.randint(min(low, high), max(low, high)))
