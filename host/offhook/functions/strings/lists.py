"""Functions on texts that are lists: fields with a character between them."""

from __future__ import annotations

from collections.abc import Awaitable

from offhook.dialplan.arguments import delimiter, escaped, escaped_char, variable
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.functions.strings.declaration import module
from offhook.modules import Syntax, split_arguments

_ENCODED = "The delimiter is one character; \\n, \\r, \\t, \\xHH and \\0nnn stand for those that are hard to write."


@module.function("FIELDQTY", Syntax("varname", "delim", delim=_ENCODED), see_also=("FIELDNUM", "CUT"))
def field_quantity(scope: Scope, name: str, separator: str = "") -> str:
    """How many fields the value of a variable has.

    With a-b-c in list, ${FIELDQTY(list,-)} is 3. An empty value has none.
    """
    if not separator:
        return "1"
    value = variable(scope, name)
    return str(value.count(escaped_char(separator)[0]) + 1) if value else "0"


@module.function("FIELDNUM", Syntax("varname", "delim", "value", delim=_ENCODED), see_also=("FIELDQTY", "CUT"))
def field_number(scope: Scope, name: str, separator: str, wanted: str) -> str:
    """Which field of the value of a variable a text is, counted from 1 and in any case; 0 when it is none."""
    value = variable(scope, name)
    if not value or not separator:
        return "0"
    fields = value.lower().split(escaped_char(separator)[0].lower())
    return str(fields.index(wanted.lower()) + 1 if wanted.lower() in fields else 0)


@module.function("LISTFILTER", Syntax("varname", "delim", "value"))
def list_filter(scope: Scope, name: str, separator: str, unwanted: str) -> str:
    """The value of a variable without the fields that are equal to a text.

    With a&b&c in list, ${LISTFILTER(list,&,b)} is a&c.
    """
    between = escaped(separator) or ","
    return between.join(field for field in variable(scope, name).split(between) if field != unwanted)


@module.function("SHIFT", Syntax("varname", "[delimiter]"), see_also=("POP", "PUSH", "UNSHIFT"))
def shift(scope: Scope, name: str, separator: str = "") -> str:
    """Take the first field off the value of a variable."""
    value = _list(scope, name, "SHIFT")
    if not value:
        return ""
    first, _, rest = value.partition(delimiter(separator))
    scope.set(name, rest)
    return first


@module.function("POP", Syntax("varname", "[delimiter]"), see_also=("SHIFT", "PUSH", "UNSHIFT"))
def pop(scope: Scope, name: str, separator: str = "") -> str:
    """Take the last field off the value of a variable."""
    value = _list(scope, name, "POP")
    if not value:
        return ""
    rest, _, last = value.rpartition(delimiter(separator))
    scope.set(name, rest)
    return last


def _list(scope: Scope, name: str, function: str) -> str:
    if not name:
        raise FunctionError(f"{function} needs the name of a variable")
    return variable(scope, name)


@module.function("PUSH", Syntax("varname", "[delimiter]"), see_also=("SHIFT", "POP", "UNSHIFT"), write_only=True)
def push(scope: Scope, value: str, name: str, separator: str = "") -> Awaitable[None] | None:
    """Append fields to the value of a variable: Set(PUSH(list)=d,e)."""
    before = variable(scope, _bare(name))
    return scope.set(name, f"{before}{delimiter(separator)}{value}" if before else value)


@module.function("UNSHIFT", Syntax("varname", "[delimiter]"), see_also=("SHIFT", "POP", "PUSH"), write_only=True)
def unshift(scope: Scope, value: str, name: str, separator: str = "") -> Awaitable[None] | None:
    """Put fields before the value of a variable: Set(UNSHIFT(list)=a,b)."""
    before = variable(scope, _bare(name))
    return scope.set(name, f"{value}{delimiter(separator)}{before}" if before else value)


def _bare(name: str) -> str:
    """A name without the one or two underscores that mark inheritance."""
    if not name:
        raise FunctionError("PUSH and UNSHIFT need the name of a variable")
    return name[2:] if name.startswith("__") else name.removeprefix("_")


@module.function("ARRAY", Syntax("var1", "[var2[,...]]"), raw=True, write_only=True)
async def array(scope: Scope, value: str, names: str) -> None:
    """Assign several variables at once: Set(ARRAY(a,b)=1,2).

    Variables for which there is no value become empty.
    """
    values = split_arguments(value)
    for index, name in enumerate(split_arguments(names)):
        done = scope.set(name, values[index] if index < len(values) else "")
        if done is not None:
            await done
