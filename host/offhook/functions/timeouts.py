"""TIMEOUT: how long a call may last, and how long callers may take to dial."""

from __future__ import annotations

from offhook.dialplan.arguments import need_channel, number
from offhook.dialplan.executor import Run
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.timeouts import absolute_left, set_absolute
from offhook.functions.strings.times import show_time
from offhook.log import verbose
from offhook.modules import Module, Syntax

module = Module("func_timeout", "Channel timeout dialplan functions")


@module.function("TIMEOUT", Syntax("timeouttype"), raw=True)
def timeout(scope: Scope, kind: str) -> str:
    """A timeout of the channel in seconds.

    absolute: the call's longest duration from now on; when it is over, the dialplan goes to extension T, else e, else
    the call ends. digit: between digits of an extension that is dialled. response: until its first digit. 0 takes the
    absolute timeout away.
    """
    channel = need_channel(scope, "TIMEOUT")
    run = channel.dialplan_state
    letter = kind[:1].lower()
    if letter == "a":
        left = absolute_left(channel)
        return f"{left:.3f}" if left else "0"
    if letter not in ("d", "r"):
        raise FunctionError(f'TIMEOUT: "{kind}" is no timeout; write absolute, digit or response')
    if not isinstance(run, Run):
        return ""
    return f"{run.digit_timeout if letter == 'd' else run.response_timeout:.3f}"


@timeout.writer
def set_timeout(scope: Scope, value: str, kind: str) -> None:
    """Set a timeout of the channel in seconds."""
    channel = need_channel(scope, "TIMEOUT")
    seconds = max(0.0, number(value) or 0.0)
    run = channel.dialplan_state
    letter = kind[:1].lower()
    if letter == "a":
        set_absolute(channel, seconds)
        if seconds:
            end = show_time(scope.pbx.wall() + seconds, "", "%Y-%m-%d %H:%M:%S.%3q %Z")
            verbose(3, "Channel will hangup at %s.", end)
        else:
            verbose(3, "Channel hangup cancelled.")
    elif letter == "r" and isinstance(run, Run):
        run.response_timeout = seconds
        verbose(3, "Response timeout set to %.3f", seconds)
    elif letter == "d" and isinstance(run, Run):
        run.digit_timeout = seconds
        verbose(3, "Digit timeout set to %.3f", seconds)
    elif letter not in ("r", "d"):
        raise FunctionError(f'TIMEOUT: "{kind}" is no timeout; write absolute, digit or response')
