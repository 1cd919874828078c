"""Subroutines for the dialplan: Gosub, GosubIf, Return, StackPop, LOCAL, LOCAL_PEEK, STACK_PEEK."""

from __future__ import annotations

import logging

from offhook.calls.channel import Channel
from offhook.dialplan.arguments import integer, need_channel
from offhook.dialplan.condition import holds, truth
from offhook.dialplan.context import DialplanError
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.subroutine import drop, frames, gosub, leave, set_local
from offhook.modules import Module, Syntax, split_arguments

log = logging.getLogger(__name__)
module = Module("app_stack", "Dialplan subroutines (Gosub, Return, etc)")


@module.application(
    "Gosub",
    Syntax("[context]", "[exten]", "priority[(arg1[,...][,argN])]"),
    see_also=("GosubIf", "Return", "StackPop", "LOCAL"),
    raw=True,
)
def call(channel: Channel, data: str) -> None:
    """Call a subroutine: go to a place from which Return comes back here.

    Arguments are ARG1, ARG2 and so on there, their number ARGC. They, and what LOCAL() sets, are forgotten at Return.
    """
    gosub(channel, data)


@module.application(
    "GosubIf",
    Syntax("condition?[labeliftrue][:labeliffalse]"),
    see_also=("Gosub", "Return", "GotoIf", "IF"),
    raw=True,
)
def call_if(channel: Channel, data: str) -> None:
    """Call one of two subroutines, by a condition; see Gosub. Either may be left out."""
    condition, *rest = split_arguments(data, "?", 2, raw=True) or [""]
    branches = split_arguments(rest[0], ":", 2, raw=True) if rest else []
    if not rest:
        log.warning("%s: GosubIf(%s) needs condition?label1(args):label2(args)", channel.name, data)
        return
    index = 0 if holds(condition) else 1
    if index < len(branches) and branches[index]:
        gosub(channel, branches[index])


@module.application("Return", Syntax("[value]"), see_also=("Gosub", "StackPop"), raw=True)
def return_(channel: Channel, value: str) -> None:
    """Return from a subroutine to after its Gosub. The value is in GOSUB_RETVAL there."""
    leave(channel, value)


@module.application("StackPop", see_also=("Return", "Gosub"))
def stack_pop(channel: Channel) -> None:
    """Forget the last Gosub without returning to it."""
    drop(channel)


@module.function("LOCAL", Syntax("varname"), see_also=("Gosub", "LOCAL_PEEK"), raw=True)
def local(scope: Scope, name: str) -> str:
    """A variable that belongs to the subroutine; Return forgets it and shows again what it hid."""
    channel = need_channel(scope, "LOCAL")
    stack = frames(channel)
    return (scope.get(name) or "") if stack and name in stack[-1].names else ""


@local.writer
def assign_local(scope: Scope, value: str, name: str) -> None:
    """Assign a variable of the subroutine."""
    try:
        set_local(need_channel(scope, "LOCAL"), name, value)
    except DialplanError as error:
        raise FunctionError(str(error)) from error


@module.function("LOCAL_PEEK", Syntax("n", "varname"), see_also=("LOCAL",))
def local_peek(scope: Scope, depth: str, name: str) -> str:
    """A variable that newer ones hide: 0 is the one in sight, 1 the one that it hides, and so on."""
    channel = need_channel(scope, "LOCAL_PEEK")
    values = [value for found, value in channel.variables.items() if found == name]
    index = integer(depth) or 0
    return values[index] if 0 <= index < len(values) else ""


@module.function("STACK_PEEK", Syntax("n", "which", "[suppress]"), see_also=("Gosub", "Return"))
def stack_peek(scope: Scope, depth: str, which: str, suppress: str = "") -> str:
    """The place that called a subroutine; n counts outward from 1.

    which is l for context,extension,priority, or c, e, p for one of these. suppress=true keeps the log quiet
    when there are not so many calls.
    """
    stack = frames(need_channel(scope, "STACK_PEEK"))
    index = integer(depth) or 0
    if index <= 0:
        raise FunctionError("STACK_PEEK counts from 1")
    if index > len(stack):
        if truth(suppress):
            return ""
        raise FunctionError(f"STACK_PEEK({depth}): there are only {len(stack)} calls in progress")
    frame = stack[-index]
    letter = which.strip()[:1]
    shown = {
        "l": f"{frame.context},{frame.exten},{frame.priority - 1}",
        "c": frame.context,
        "e": frame.exten,
        "p": str(frame.priority - 1),
    }
    if letter not in shown:
        raise FunctionError(f'STACK_PEEK: "{which}" is nothing to peek at; write l, c, e or p')
    return shown[letter]
