"""HOLD_INTERCEPT: a channel's party is not put on hold; events tell of it instead."""

from __future__ import annotations

import logging
from collections.abc import Callable

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition
from offhook.calls.indicating import HOOKS
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Syntax

log = logging.getLogger(__name__)
module = Module("func_holdintercept", "Hold interception dialplan function")

_KEY = "hold intercept"
"""Key in a channel's data of its hook."""


@module.function("HOLD_INTERCEPT", Syntax("action", action='"set" or "remove".'), write_only=True)
def hold_intercept(scope: Scope, value: str, action: str) -> None:
    """Keep hold and its end from a channel's party: the events Hold and Unhold tell of them instead.

    Assign anything: Set(HOLD_INTERCEPT(set)=), Set(HOLD_INTERCEPT(remove)=).
    """
    channel = need_channel(scope, "HOLD_INTERCEPT")
    match action.strip().lower():
        case "set":
            _set(channel)
        case "remove":
            _remove(channel)
        case _:
            raise FunctionError(f"HOLD_INTERCEPT: {action.strip()!r} is no action; write set or remove")


def _set(channel: Channel) -> None:
    if _KEY in channel.data:
        log.warning("%s: HOLD_INTERCEPT is set already", channel.name)
        return

    def intercept(condition: Condition) -> bool:
        if condition is Condition.HOLD:
            channel.pbx.bus.publish(events.Hold(channel, ""))
        elif condition is Condition.UNHOLD:
            channel.pbx.bus.publish(events.Unhold(channel))
        else:
            return False
        return True

    channel.data[_KEY] = intercept
    channel.data.setdefault(HOOKS, []).append(intercept)


def _remove(channel: Channel) -> None:
    hook: Callable[[Condition], bool] | None = channel.data.pop(_KEY, None)
    if hook is None:
        raise FunctionError("HOLD_INTERCEPT(remove): it is not set on the channel")
    channel.data[HOOKS].remove(hook)
