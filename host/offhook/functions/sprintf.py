"""SPRINTF: values put into a format as by C."""

from __future__ import annotations

import re

from offhook.dialplan.arguments import from_octets, integer, number
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax, split_arguments

module = Module("func_sprintf", "SPRINTF dialplan function")

_FIELD = re.compile(r"%([#0\- +']*)(\d*)((?:\.\d*)?)(?:hh|h|ll|l|L|q|j|z|t)?(.?)", re.DOTALL)


@module.function("SPRINTF", Syntax("format", "arg1", "[arg2[,...]]"), raw=True)
def sprintf(scope: Scope, data: str) -> str:
    """Values in a format of C's printf: ${SPRINTF(%03d,7)} is 007.

    Conversions are d i o u x X c for whole numbers, e E f F g G a A for others, s for texts, and %% for a percent sign.
    """
    layout, *values = split_arguments(data) or [""]
    rest = iter(values)

    def show(found: re.Match[str]) -> str:
        flags, width, precision, conversion = found.groups()
        if conversion == "%":
            return "%"
        if not conversion or conversion not in "diouxXceEfFgGaAs":
            raise FunctionError(f'SPRINTF: "{found.group()}" is no conversion')
        value = next(rest, None)
        if value is None and conversion != "s":
            raise FunctionError("SPRINTF has more conversions than values")
        return _shown(f"%{flags}{width}{precision}{conversion}", conversion, "(null)" if value is None else value)

    return _FIELD.sub(show, layout)


def _shown(layout: str, conversion: str, value: str) -> str:
    layout = layout.replace("'", "")
    if conversion == "s":
        return layout % value
    if conversion in "diouxXc":
        whole = integer(value)
        if whole is None:
            raise FunctionError(f'SPRINTF: "{value}" is no whole number for {layout}')
        if conversion == "c":
            return f"{layout[:-1]}s" % from_octets(bytes((whole & 255,)))
        if conversion in "ouxX":
            whole &= 0xFFFFFFFF
        return (layout.replace("u", "d") % whole).replace("0o", "0")
    real = number(value)
    if real is None:
        raise FunctionError(f'SPRINTF: "{value}" is no number for {layout}')
    if conversion in "aA":
        shown = real.hex()
        return f"{layout[:-1]}s" % (shown.upper() if conversion == "A" else shown)
    return layout % real
