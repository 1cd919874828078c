"""Conditions and assignments inside an evaluation: IF, IFTIME, ISNULL, EXISTS, SET and their like."""

from __future__ import annotations

from collections.abc import Awaitable

from offhook.dialplan.arguments import find_channel, unquoted
from offhook.dialplan.condition import holds
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.timing import Timing
from offhook.modules import Module, Syntax, split_arguments

module = Module("func_logic", "Logical dialplan functions")


@module.function("ISNULL", Syntax("data"), see_also=("EXISTS",), raw=True)
def is_null(scope: Scope, data: str) -> str:
    """1 when the text is empty, else 0."""
    return "0" if data else "1"


@module.function("EXISTS", Syntax("data"), see_also=("ISNULL",), raw=True)
def exists(scope: Scope, data: str) -> str:
    """1 when the text is not empty, else 0."""
    return "1" if data else "0"


@module.function("IF", Syntax("expression?[true][:false]"), see_also=("IFTIME", "GotoIf"), raw=True)
def if_(scope: Scope, data: str) -> str:
    """One of two texts, by a condition.

    The condition is false when it is empty or a number that is zero: ${IF($[${x} > 5]?many:few)}.
    """
    parts = split_arguments(data, "?", 2)
    branches = split_arguments(parts[1], ":", 2) if len(parts) > 1 else []
    if not parts or not parts[0] or not branches:
        raise FunctionError("IF needs a condition and a text: IF(condition?text-if-true:text-if-false)")
    index = 0 if holds(parts[0].strip()) else 1
    return branches[index].strip() if index < len(branches) else ""


@module.function("IFTIME", Syntax("timespec?[true][:false]"), see_also=("IF", "GotoIfTime"), raw=True)
def if_time(scope: Scope, data: str) -> str:
    """One of two texts, by the time: ${IFTIME(9:00-17:30,mon-fri,*,*?open:closed)}."""
    condition, asked, branches = unquoted(data).partition("?")
    if not condition or not asked:
        raise FunctionError("IFTIME needs a time and a text: IFTIME(times,weekdays,mdays,months?true:false)")
    positive, _, negative = branches.partition(":")
    return unquoted(positive if Timing(condition).holds(scope.pbx.wall()) else negative)


@module.function("SET", Syntax("varname", "[value]", separator="="), see_also=("Set",), raw=True)
def set_variable(scope: Scope, data: str) -> Awaitable[str] | str:
    """Assign a variable and give its value: ${SET(x=5)}."""
    name, equals, value = data.partition("=")
    name, value = name.strip(), value.strip()
    if not name or not equals:
        raise FunctionError("SET needs an assignment: SET(varname=value)")
    done = scope.set(name, value)
    return value if done is None else _assigned(done, value)


async def _assigned(done: Awaitable[None], value: str) -> str:
    await done
    return value


@module.function("IMPORT", Syntax("channel", "variable"), see_also=("EXPORT", "SHARED"))
async def import_(scope: Scope, name: str, variable: str = "") -> str:
    """The value of a variable (or function) of another channel."""
    other = find_channel(scope, name)
    if other is None or not variable:
        return ""
    return await Scope(scope.pbx, other, restricted=scope.restricted).expanded(f"${{{variable}}}")


@module.function("DELETE", Syntax("varname"), see_also=("GLOBAL_DELETE",), raw=True, write_only=True)
def delete(scope: Scope, value: str, name: str) -> None:
    """Forget a channel variable: Set(DELETE(x)=)."""
    if scope.own is None:
        scope.pbx.globals.pop(name)
        return
    if scope.own.pop(name) and scope.channel is not None:
        scope.channel.announce_variable(name, "")


@module.function("VARIABLE_EXISTS", Syntax("varname"), see_also=("GLOBAL_EXISTS",), raw=True)
def variable_exists(scope: Scope, name: str) -> str:
    """1 when a variable is assigned, even if it is empty; else 0."""
    return "0" if scope.get(name) is None else "1"
