"""The console shows only the calls of some groups: LOG_GROUP and ``logger filter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook import log
from offhook.config.model import TRUE_WORDS
from offhook.dialplan.arguments import need_channel
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.modules import Module, Request

if TYPE_CHECKING:
    from offhook.daemon.logger import Log

module = Module("logger_filter", "The console shows only some calls")


def _log(request: Request) -> Log:
    found: Log = request.pbx.parts["log"]
    return found


@module.function("LOG_GROUP")
def log_group(scope: Scope) -> str:
    """Put the channel into a group of calls that the console can be told to show alone.

    Write only; an empty value takes it out. "logger filter changroup" chooses groups; warnings, errors and notices are
    always shown.
    """
    raise FunctionError("LOG_GROUP can only be assigned")


@log_group.writer
def set_log_group(scope: Scope, value: str) -> None:
    """Assign the group."""
    need_channel(scope, "LOG_GROUP")
    log.call_group.set(value)


@module.command("logger filter changroup <group> {on|off}", "Filter PBX logs by channel log group")
def filter_group(request: Request) -> None:
    """Show calls of a group on consoles, or no more; while there is such a group, others are not shown.

    Log files are not concerned.
    """
    if len(request.args) != 2:
        raise request.usage()
    name, on = request.args[0], request.args[1].lower() in TRUE_WORDS
    (_log(request).groups.add if on else _log(request).groups.discard)(name)
    request.print(f"Logging of channel group '{name}' is now {'enabled' if on else 'disabled'}")


@module.command("logger filter show", "Show current PBX channel filtering")
def show_filter(request: Request) -> None:
    """List the groups of calls that consoles show."""
    if request.args:
        raise request.usage()
    groups = sorted(_log(request).groups)
    if not groups:
        request.print("No filtering currently active")
        return
    request.print(*(f"{number:3} {name:<32}" for number, name in enumerate(groups, 1)))
    request.print(f"{len(groups)} channel group{'' if len(groups) == 1 else 's'} currently enabled")


@module.command("logger filter reset", "Reset PBX channel filtering")
def reset_filter(request: Request) -> None:
    """Show all calls again."""
    if request.args:
        raise request.usage()
    groups = _log(request).groups
    count = len(groups)
    groups.clear()
    request.print(f"Log filtering has been reset ({count} filter{'' if count == 1 else 's'} removed)")
