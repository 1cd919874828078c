"""Running applications from a text: Exec, TryExec, ExecIf."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from offhook.dialplan.condition import holds
from offhook.dialplan.context import DialplanError
from offhook.dialplan.executor import run_application
from offhook.dialplan.outcome import ApplicationError, Hangup, Incomplete
from offhook.dialplan.scope import scope_of
from offhook.modules import Module, Syntax, split_arguments

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)
module = Module("app_exec", "Executes dialplan applications")


def split_call(text: str) -> tuple[str, str]:
    """``Name(arguments)`` as two texts."""
    name, _, rest = text.partition("(")
    return name.strip(), rest.rpartition(")")[0] if ")" in rest else rest


@module.application("Exec", Syntax("appname(arguments)"), see_also=("TryExec", "ExecIf"), raw=True)
async def execute(channel: Channel, call: str) -> str | None:
    """Run an application whose name and arguments come from variables; the arguments are substituted once more.

    An application that there is not ends the call.
    """
    if not call:
        return None
    name, arguments = split_call(call)
    return await run_application(channel, name, await scope_of(channel).expanded(arguments))


@module.application("TryExec", Syntax("appname(arguments)"), see_also=("Exec", "ExecIf"), raw=True)
async def try_execute(channel: Channel, call: str) -> None:
    """Run an application as Exec does, and go on with the dialplan whatever it does.

    The variable TRYSTATUS tells SUCCESS, FAILED (it would have ended the call) or NOAPP (there is none).
    """
    if not call:
        return
    name, arguments = split_call(call)
    if name.lower() not in channel.pbx.registry.applications:
        log.warning('%s: TryExec: there is no application "%s"', channel.name, name)
        channel.set("TRYSTATUS", "NOAPP")
        return
    arguments = await scope_of(channel).expanded(arguments)
    try:
        failed = bool(await run_application(channel, name, arguments))
    except (Hangup, Incomplete, ApplicationError):
        failed = True
    channel.set("TRYSTATUS", "FAILED" if failed else "SUCCESS")


@module.application(
    "ExecIf",
    Syntax("expression?appiftrue[(args)][:appiffalse[(args)]]"),
    see_also=("Exec", "TryExec", "GotoIf"),
    raw=True,
)
def execute_if(channel: Channel, data: str) -> Awaitable[str | None] | None:
    """Run one of two applications, by a condition.

    The condition is false when it is empty or a number that is zero. The second application may be left out.
    """
    question, comma = data.find("?"), data.find(",")
    if question < 0 or 0 <= comma < question:
        condition, first, *rest = (*split_arguments(data, ",", 3), "", "")
        log.warning("%s: ExecIf(%s) is an old form; write ExecIf(%s?%s(...))", channel.name, data, condition, first)
        chosen = f"{first}({rest[0]})" if holds(condition) else ""
        if not chosen:
            return None
    else:
        condition, *rest = split_arguments(data, "?", 2, raw=True)
        if not rest:
            raise DialplanError(f"ExecIf({data}) has no application; write ExecIf(expression?appiftrue(args))")
        branches = split_arguments(rest[0], ":", 2, raw=True)
        index = 0 if holds(condition) else 1
        if index >= len(branches) or not branches[index].strip():
            if not index:
                raise DialplanError(f"ExecIf({data}) has no application for a condition that holds")
            return None
        chosen = branches[index]
    return run_application(channel, *split_call(chosen))
