"""``logger ...``, ``core set verbose`` and ``core set debug``: what is logged, where, and how much of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from offhook.control.cli.completion import running_modules
from offhook.daemon.logchannel import ChannelError
from offhook.log import verbose
from offhook.modules import CommandError, Module, Request
from offhook.modules.loader import base_name

if TYPE_CHECKING:
    from offhook.daemon.logger import Log

module = Module("logger", "Logger")
log = logging.getLogger(__name__)

_ROW = "{:<35.35} {:<8.8} {:<10.10} {:<9.9} "
_LEVELS = "DEBUG|TRACE|NOTICE|WARNING|ERROR|VERBOSE|DTMF"


def _log(request: Request) -> Log:
    found: Log = request.pbx.parts["log"]
    return found


# ---- channels ---------------------------------------------------------------------------------------


@module.command("logger show channels", "List configured log channels")
def show_channels(request: Request) -> None:
    """List the log's channels, their formats and the levels they take."""
    if request.args:
        raise request.usage()
    logger = _log(request)
    names = logger.level_names()
    request.print(f"Logger queue limit: {logger.queue_limit}", "")
    request.print(_ROW.format("Channel", "Type", "Formatter", "Status") + "Configuration")
    request.print(_ROW.format("-------", "----", "---------", "------") + "-------------")
    for channel in logger.channels:
        levels = "".join(f"{name} " for name in names if channel.everything or name in channel.levels)
        status = "Enabled" if channel.enabled else "Disabled"
        request.print(_ROW.format(channel.name, channel.kind, channel.formatter, status) + f" - {levels}")
    request.print("")


@module.command("logger show levels", "List configured log levels")
def show_levels(request: Request) -> None:
    """List the levels that messages can have."""
    if request.args:
        raise request.usage()
    request.print(f"{'Level':>5} Name", f"{'-----':>5} ----")
    request.print(*(f"{number:>5} {name}" for name, number in _log(request).level_names().items()), "")


@module.command("logger reload [<file>]", "Reopens the log files")
async def reload_logger(request: Request) -> None:
    """Read logger.conf, or another file, and open all log files anew; after logrotate or syslogd restarted."""
    if len(request.args) > 1:
        raise request.usage()
    await _reopen(request.pbx, rotate=False, file=request.args[0] if request.args else "logger.conf")


@module.command("logger rotate", "Rotates and reopens the log files")
async def rotate(request: Request) -> None:
    """Put the log files aside by logger.conf's rotatestrategy, and begin new ones."""
    if request.args:
        raise request.usage()
    await _reopen(request.pbx, rotate=True)


async def _reopen(pbx: Any, *, rotate: bool, file: str = "logger.conf") -> None:
    logger: Log = pbx.parts["log"]
    for failure in await pbx.off_loop(lambda: logger.rotate(everything=rotate, now=time.time())):
        log.error("log file not rotated: %s", failure)
    for error in logger.configure(pbx.config.load(file, "logger")):
        log.error("%s", error)
    logger.queue_log(pbx.wall(), "NONE", "NONE", "NONE", "CONFIGRELOAD", "")
    if logger.queue_log_wanted:
        logger.queue_log(time.time(), "NONE", "NONE", "NONE", "CONFIGRELOAD", "")
        verbose(1, "Asterisk Queue Logger restarted")


@module.on_reload
async def _on_reload(pbx: Any) -> None:
    await _reopen(pbx, rotate=False)


@module.command("logger add channel <name> <levels>", "Adds a new logging channel")
def add_channel(request: Request) -> None:
    """Log to one more file until it is removed or Offhook restarts.

    <levels> are separated by commas, such as verbose,warning,error; [json], [plain] or [default] may stand
    before them.
    """
    if len(request.args) != 2:
        raise request.usage()
    logger = _log(request)
    name, levels = request.args
    if logger.find(name) is not None:
        request.print(f"Logger channel '{name}' already exists")
        return
    try:
        logger.add(name, levels, dynamic=True)
    except (ChannelError, OSError) as error:
        raise CommandError(f"ERROR: Unable to create log channel '{name}': {error}") from None


def _added(pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [] if args else [channel.name for channel in pbx.parts["log"].channels if channel.dynamic]


@module.command("logger remove channel <name>", "Removes a logging channel", complete=_added)
def remove_channel(request: Request) -> None:
    """End a log channel that was added with "logger add channel"."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    if _log(request).remove(name):
        request.print(f"Removed dynamic logger channel '{name}'")
    else:
        request.print(f"Unable to find dynamic logger channel '{name}'")


# ---- this console -----------------------------------------------------------------------------------


@module.command(
    f"logger set level {{{_LEVELS}}} {{on|off}}",
    "Enables/Disables a specific logging level for this console",
    complete=lambda pbx, args, typed: [["on", "off"], _LEVELS.split("|")][not args] if len(args) < 2 else [],
)
def set_level(request: Request) -> None:
    """Show or hide messages of a level on this console."""
    if len(request.args) != 2 or request.args[0].upper() not in _log(request).level_names():
        raise request.usage()
    level, on = request.args[0].upper(), request.args[1].lower() in ("on", "yes", "true", "1")
    hidden: set[str] | None = getattr(request.session, "levels_off", None)
    if hidden is None:
        raise CommandError("Only a console has levels of its own")
    if on:
        hidden.discard(level)
    else:
        hidden.add(level)
    request.print(f"Logger status for '{level}' has been set to '{'on' if on else 'off'}'.")


@module.command("logger mute [silent]", "Toggle logging output to a console")
def mute(request: Request) -> None:
    """Stop or start showing the log on this console; "silent" does not say which."""
    if request.args and [arg.lower() for arg in request.args] != ["silent"]:
        raise request.usage()
    if not hasattr(request.session, "muted"):
        raise CommandError("Only a console can be muted")
    request.session.muted = not request.session.muted
    if not request.args:
        request.print(f"Console is {'muted' if request.session.muted else 'not muted anymore'}.")


# ---- how much ---------------------------------------------------------------------------------------


def _level(request: Request, *, extra: int) -> tuple[int, bool, list[str]]:
    """[atleast] <level>|off and up to ``extra`` words more: (level, atleast, those words)."""
    args = list(request.args)
    if len(args) == 1 and args[0].lower() == "off":
        return 0, False, []
    atleast = bool(args) and args[0].lower() == "atleast"
    if atleast:
        del args[0]
    if not args or len(args) > 1 + extra or not args[0].lstrip("-").isdigit():
        raise request.usage()
    return max(0, int(args[0])), atleast, args[1:]


def _report(request: Request, what: str, old: int, new: int) -> None:
    before = str(old) if old else "OFF"
    if old == new:
        request.print(f"{what} is still {before}.")
    else:
        request.print(f"{what} was {before} and is now {new if new else 'OFF'}.")


@module.command(
    "core set verbose [atleast] <level> [silent]",
    "Set level of verbose chattiness",
    complete=lambda pbx, args, typed: [] if args else ["atleast", "off", *"0123456789"],
)
def set_verbose(request: Request) -> None:
    """Set how much this console tells, from 0 or "off" for nothing upwards.

    With "atleast" only if it tells less so far. Given from outside a console, the level is that of the log files
    and of the daemon's own terminal.
    """
    level, atleast, rest = _level(request, extra=1)
    if rest and rest[0].lower() != "silent":
        raise request.usage()
    logger = _log(request)
    session = request.session if getattr(request.session, "watching", False) else None
    old = session.verbosity if session is not None else logger.root_verbosity
    new = max(old, level) if atleast else level
    if session is not None:
        session.set_verbosity(new)
    else:
        logger.set_root_verbosity(new)
    if not rest:
        _report(request, "Console verbose", old, new)


@module.command(
    "core set debug [atleast] <level> [<module>]",
    "Set level of debug chattiness",
    complete=lambda pbx, args, typed: running_modules(pbx) if args and args[-1].isdigit() else ["atleast", "off"],
)
def set_debug(request: Request) -> None:
    """Set how much the developers are told, for everything or for one module; 0 or "off" for nothing."""
    level, atleast, rest = _level(request, extra=1)
    logger = _log(request)
    if not rest:
        old = logger.debug
        new = max(old, level) if atleast else level
        logger.set_debug(new)
        _report(request, "Core debug", old, new)
        return
    loaded = request.pbx.loader.find(rest[0])
    if loaded is None:
        raise CommandError(f"There is no module {rest[0]}")
    name = base_name(loaded.name)
    old = logger.debug_modules.get(name, 0)
    new = max(old, level) if atleast else level
    logger.set_debug(new, name, loaded.source)
    if old == new:
        request.print(f"Core debug is still {old} for '{name}'.")
    else:
        request.print(f"Core debug was {old} and has been set to {new} for '{name}'.")
