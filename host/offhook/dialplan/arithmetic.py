"""Numbers as expressions and MATH() count: whole numbers exactly, others with 34 digits, shown with 18.

Asterisk computes in C's long double and prints ``%.18Lg``. Decimal arithmetic of the same width prints the
same 18 digits, and prints 0.3 for 0.1 + 0.2 on every machine.
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
)

Number = int | Decimal

SHOWN_DIGITS = 18
_WHOLE_LIMIT = 10**SHOWN_DIGITS
EXACT = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-4932, Emax=4932, traps=[])
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[])
_LEADING_NUMBER = re.compile(r"[ \t\n\r\f\v]*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)", re.ASCII)
MINUS_ZERO = Decimal("-0")
INFINITY = Decimal("Infinity")
NAN = Decimal("NaN")
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534")


def parse(text: str) -> Number:
    """The number that a text starts with, as strtold reads it; 0 when it starts with none."""
    found = _LEADING_NUMBER.match(text)
    if found is None:
        return 0
    digits = found.group(1)
    try:
        whole = int(digits)
    except ValueError:
        return shrunk(EXACT.create_decimal(digits))
    return whole if whole or digits[0] != "-" else MINUS_ZERO


def shrunk(number: Number) -> Number:
    """A whole number as int (but not minus zero, which is shown as "-0")."""
    if isinstance(number, int) or not number.is_finite() or number.adjusted() > SHOWN_DIGITS:
        return number
    whole = int(number)
    return whole if whole == number and (whole or not number.is_signed()) else number


def is_nan(number: Number) -> bool:
    """Whether it is "not a number", as the logarithm of -1 is."""
    return not isinstance(number, int) and number.is_nan()


def show(number: Number) -> str:
    """``%.18Lg``: up to 18 significant digits, no trailing zeros."""
    if isinstance(number, int) and -_WHOLE_LIMIT < number < _WHOLE_LIMIT:
        return str(number)
    return general(number, SHOWN_DIGITS)


def general(number: Number, precision: int) -> str:
    """C's ``%.<precision>g``."""
    value = Decimal(number)
    if not value.is_finite():
        sign = "-" if value.is_signed() else ""
        return sign + ("nan" if value.is_nan() else "inf")
    if not value:
        return "-0" if value.is_signed() else "0"
    value = Context(prec=max(1, precision), rounding=ROUND_HALF_EVEN).plus(value)
    exponent = value.adjusted()
    digits = "".join(map(str, value.as_tuple().digits)).rstrip("0")
    sign = "-" if value.is_signed() else ""
    if exponent < -4 or exponent >= max(1, precision):
        point = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{point}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{sign}{whole}.{rest}" if rest else sign + whole


# ---- the four operations and the remainder ----------------------------------------------------------


def add(a: Number, b: Number) -> Number:
    """a + b."""
    return a + b if isinstance(a, int) and isinstance(b, int) else shrunk(EXACT.add(a, b))


def subtract(a: Number, b: Number) -> Number:
    """a - b."""
    return a - b if isinstance(a, int) and isinstance(b, int) else shrunk(EXACT.subtract(a, b))


def multiply(a: Number, b: Number) -> Number:
    """a * b; zero keeps the sign that floating point gives it."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b or (MINUS_ZERO if (a < 0) != (b < 0) else 0)
    return shrunk(EXACT.multiply(a, b))


def divide(a: Number, b: Number) -> Number:
    """a / b; infinite or not a number for b = 0."""
    if isinstance(a, int) and isinstance(b, int) and b:
        quotient, rest = divmod(a, b)
        if not rest:
            return quotient or (MINUS_ZERO if b < 0 else 0)
    return shrunk(EXACT.divide(a, b))


def remainder(a: Number, b: Number) -> Number:
    """C's fmod: the sign is that of a."""
    if isinstance(a, int) and isinstance(b, int) and b:
        rest = abs(a) % abs(b)
        return (-rest if rest else MINUS_ZERO) if a < 0 else rest
    if not a and b:
        return a
    return shrunk(_WIDE.remainder(a, b))


def negate(a: Number) -> Number:
    """-a; minus zero for zero."""
    if isinstance(a, int):
        return -a if a else MINUS_ZERO
    return shrunk(a.copy_negate())


# ---- functions of one number ------------------------------------------------------------------------


def _whole(number: Number, rounding: str) -> Number:
    return number if isinstance(number, int) else shrunk(number.to_integral_value(rounding))


def floor(x: Number) -> Number:
    """The whole number below."""
    return _whole(x, ROUND_FLOOR)


def ceil(x: Number) -> Number:
    """The whole number above."""
    return _whole(x, ROUND_CEILING)


def truncate(x: Number) -> Number:
    """The whole number towards zero."""
    return _whole(x, ROUND_DOWN)


def round_half_away(x: Number) -> Number:
    """The nearest whole number; halves go away from zero."""
    return _whole(x, ROUND_HALF_UP)


def round_half_even(x: Number) -> Number:
    """The nearest whole number; halves go to the even one."""
    return _whole(x, ROUND_HALF_EVEN)


def magnitude(x: Number) -> Number:
    """The absolute value."""
    return x if x >= 0 else negate(x)


def square_root(x: Number) -> Number:
    """The square root; not a number below zero."""
    return shrunk(EXACT.sqrt(x))


def exponential(x: Number) -> Number:
    """e to the power x."""
    return shrunk(EXACT.exp(x))


def exponential2(x: Number) -> Number:
    """2 to the power x."""
    return power(2, x)


def exponential10(x: Number) -> Number:
    """10 to the power x."""
    return power(10, x)


def logarithm(x: Number) -> Number:
    """The natural logarithm."""
    return shrunk(EXACT.ln(x))


def logarithm2(x: Number) -> Number:
    """The logarithm to base 2."""
    return shrunk(EXACT.plus(_WIDE.divide(_WIDE.ln(x), _WIDE.ln(2))))


def logarithm10(x: Number) -> Number:
    """The logarithm to base 10."""
    return shrunk(EXACT.log10(x))


def power(x: Number, y: Number) -> Number:
    """x to the power y, with C's pow of the special cases."""
    if not y:
        return 1
    if not x and y < 0:
        return INFINITY
    return shrunk(EXACT.power(x, y))


def nearest_remainder(x: Number, y: Number) -> Number:
    """C's remainder: x minus the nearest multiple of y."""
    return shrunk(_WIDE.remainder_near(x, y))


def sine(x: Number) -> Number:
    """The sine of x radians."""
    return shrunk(EXACT.plus(_sine(_within_pi(x))))


def cosine(x: Number) -> Number:
    """The cosine of x radians."""
    return shrunk(EXACT.plus(_sine(_within_pi(_WIDE.add(Decimal(x), _PI / 2)))))


def tangent(x: Number) -> Number:
    """The tangent of x radians."""
    reduced = _within_pi(x)
    return shrunk(EXACT.plus(_WIDE.divide(_sine(reduced), _sine(_within_pi(_WIDE.add(reduced, _PI / 2))))))


def arc_tangent(x: Number) -> Number:
    """The angle whose tangent is x."""
    return shrunk(EXACT.plus(_arc_tangent(Decimal(x))))


def arc_sine(x: Number) -> Number:
    """The angle whose sine is x; not a number outside -1..1."""
    value = Decimal(x)
    if abs(value) > 1:
        return NAN
    cosine_of = _WIDE.sqrt(_WIDE.subtract(1, _WIDE.multiply(value, value)))
    return shrunk(EXACT.plus(_angle(value, cosine_of)))


def arc_cosine(x: Number) -> Number:
    """The angle whose cosine is x; not a number outside -1..1."""
    value = Decimal(x)
    if abs(value) > 1:
        return NAN
    sine_of = _WIDE.sqrt(_WIDE.subtract(1, _WIDE.multiply(value, value)))
    return shrunk(EXACT.plus(_angle(sine_of, value)))


def arc_tangent2(y: Number, x: Number) -> Number:
    """The angle of the point (x, y)."""
    return shrunk(EXACT.plus(_angle(Decimal(y), Decimal(x))))


def _within_pi(x: Number) -> Decimal:
    """x without whole turns."""
    value = Decimal(x)
    if not value.is_finite():
        return NAN
    return _WIDE.remainder_near(value, _WIDE.multiply(_PI, 2))


def _sine(x: Decimal) -> Decimal:
    if x.is_nan():
        return x
    term = total = x
    square = _WIDE.multiply(x, x)
    n = 1
    while term and term.adjusted() > -50:
        term = _WIDE.divide(_WIDE.multiply(term, -square), (n + 1) * (n + 2))
        total = _WIDE.add(total, term)
        n += 2
    return total if abs(total) > Decimal("1e-45") else Decimal(0)


def _arc_tangent(x: Decimal) -> Decimal:
    if x.is_nan():
        return x
    if x.is_infinite():
        return _WIDE.plus((_PI / 2).copy_sign(x))
    halvings = 0
    while abs(x) > Decimal("0.05"):
        x = _WIDE.divide(x, _WIDE.add(1, _WIDE.sqrt(_WIDE.add(1, _WIDE.multiply(x, x)))))
        halvings += 1
    power_of_x = total = x
    square = _WIDE.multiply(x, x)
    n = 1
    while power_of_x and power_of_x.adjusted() > -55:
        power_of_x = _WIDE.multiply(power_of_x, -square)
        n += 2
        total = _WIDE.add(total, _WIDE.divide(power_of_x, n))
    return _WIDE.multiply(total, 2**halvings)


def _angle(y: Decimal, x: Decimal) -> Decimal:
    if not x and not y:
        return _PI.copy_sign(y) if x.is_signed() else y
    if not x:
        return (_PI / 2).copy_sign(y)
    base = _arc_tangent(_WIDE.divide(y, x))
    if x > 0:
        return base
    return _WIDE.add(base, _PI.copy_sign(y))
