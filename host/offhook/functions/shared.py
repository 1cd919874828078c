"""Variables of others: GLOBAL, SHARED, EXPORT."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from offhook.dialplan.arguments import find_channel, need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.dialplan.variables import Variables
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)
module = Module("func_global", "Variable dialplan functions")
export_module = Module("func_export", "Set variables on other channels")

_KEY = "shared variables"


@module.function("GLOBAL", Syntax("varname"), see_also=("GLOBAL_DELETE", "GLOBAL_EXISTS", "Set"), raw=True)
def global_(scope: Scope, name: str) -> str:
    """A global variable, even when the channel has one of that name."""
    value: str | None = scope.pbx.globals.get(name)
    return value or ""


@global_.writer
def set_global(scope: Scope, value: str, name: str) -> Awaitable[None] | None:
    """Assign a global variable."""
    return Scope(scope.pbx, restricted=scope.restricted).set(name, value)


@module.function("GLOBAL_DELETE", Syntax("varname"), see_also=("GLOBAL", "DELETE"), raw=True, write_only=True)
def global_delete(scope: Scope, value: str, name: str) -> None:
    """Forget a global variable: Set(GLOBAL_DELETE(x)=)."""
    scope.pbx.globals.pop(name)


@module.function("GLOBAL_EXISTS", Syntax("varname"), see_also=("GLOBAL", "VARIABLE_EXISTS"), raw=True)
def global_exists(scope: Scope, name: str) -> str:
    """1 when a global variable is assigned, even if it is empty; else 0."""
    return "1" if name in scope.pbx.globals else "0"


def _holder(scope: Scope, channel: str) -> Channel:
    if not channel:
        return need_channel(scope, "SHARED")
    found = scope.pbx.channels.find(channel) or scope.pbx.channels.by_prefix(channel + "-")
    if found is None:
        raise FunctionError(f'SHARED: there is no channel "{channel}"')
    holder: Channel = found
    return holder


@module.function("SHARED", Syntax("varname", "[channel]"), see_also=("GLOBAL", "IMPORT"))
def shared(scope: Scope, name: str, channel: str = "") -> str:
    """A variable in a channel's space for sharing with others.

    Another channel is named fully, or by what stands before the dash in its name.
    """
    space: Variables | None = _holder(scope, channel).data.get(_KEY)
    return (space.get(name) or "") if space is not None else ""


@shared.writer
def set_shared(scope: Scope, value: str, name: str, channel: str = "") -> None:
    """Assign a shared variable."""
    holder = _holder(scope, channel)
    holder.data.setdefault(_KEY, Variables()).set(name, value)
    holder.announce_variable(f"SHARED({name})", value)


@export_module.function("EXPORT", Syntax("channel", "var"), see_also=("IMPORT",), write_only=True)
def export(scope: Scope, value: str, channel: str, name: str) -> Awaitable[None] | None:
    """Assign a variable of another channel: Set(EXPORT(PJSIP/a-00000001,x)=5)."""
    other = find_channel(scope, channel)
    if other is None:
        raise FunctionError(f'EXPORT: there is no channel "{channel}"; {name} is not assigned')
    return Scope(scope.pbx, other, restricted=scope.restricted).set(name, value)
