"""Actions on the system: its settings, status, modules, log and command line."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from offhook import ASTERISK_VERSION
from offhook.control.cli.run import run_command
from offhook.control.manager import AMI_VERSION
from offhook.control.manager.module import module
from offhook.modules import ActionError, ActionRequest, Syntax
from offhook.modules.loader import Reloaded, Result

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

#: Commands that the action Command does not carry out, whatever a user may.
FORBIDDEN_COMMANDS = (("module", "load"), ("module", "unload"), ("restart", "gracefully"))


def _yes(value: object) -> str:
    return "Yes" if value else "No"


@module.action("CoreSettings", ("system", "reporting"))
def core_settings(request: ActionRequest) -> None:
    """Show the settings of the core."""
    pbx: Pbx = request.pbx
    settings = pbx.parts.get("settings")
    manager = request.session.ami.settings
    cdr = pbx.parts.get("cdr")
    headers = [
        ("AMIversion", AMI_VERSION),
        ("AsteriskVersion", ASTERISK_VERSION),
        ("SystemName", pbx.options.system_name),
        ("CoreMaxCalls", str(pbx.options.max_calls)),
        ("CoreMaxLoadAvg", f"{pbx.options.max_load:f}"),
        ("CoreRunUser", getattr(settings, "runuser", "")),
        ("CoreRunGroup", getattr(settings, "rungroup", "")),
        ("CoreMaxFilehandles", str(getattr(settings, "maxfiles", 0))),
        ("CoreRealTimeEnabled", _yes(True)),
        ("CoreCDRenabled", _yes(getattr(cdr, "enabled", False))),
        ("CoreHTTPenabled", _yes(manager.enabled and manager.web_enabled)),
        ("SoundsSearchCustomDir", _yes(getattr(settings, "sounds_search_custom_dir", False))),
    ]
    request.respond("Success", headers=headers)


@module.action("CoreStatus", ("system", "reporting"))
def core_status(request: ActionRequest) -> None:
    """Show when the core started and what it carries."""
    pbx: Pbx = request.pbx
    now, wall = pbx.now(), pbx.wall()
    started = time.localtime(wall - (now - pbx.started_at))
    reloaded = time.localtime(wall - (now - pbx.reloaded_at))
    headers = [
        ("CoreStartupDate", time.strftime("%Y-%m-%d", started)),
        ("CoreStartupTime", time.strftime("%H:%M:%S", started)),
        ("CoreReloadDate", time.strftime("%Y-%m-%d", reloaded)),
        ("CoreReloadTime", time.strftime("%H:%M:%S", reloaded)),
        ("CoreCurrentCalls", str(len(pbx.channels))),
        ("CoreProcessedCalls", str(pbx.channels.calls)),
    ]
    request.respond("Success", headers=headers)


@module.action("Command", ("command",), Syntax("Command", Command="The line as typed."))
async def command(request: ActionRequest) -> None:
    """Carry out a command of the command line."""
    line = request.require("Command", "No command provided")
    words = tuple(word.lower() for word in line.split()[:2])
    if words in FORBIDDEN_COMMANDS:
        raise ActionError("Command blacklisted")
    done, text = await run_command(request.pbx, line)
    output = [("Output", part) for part in text.removesuffix("\n").split("\n")]
    request.respond("Success" if done else "Error", "Command output follows", output)


# ---- modules ----------------------------------------------------------------------------------------

_RELOADS = {
    Reloaded.NOT_FOUND: "No such module",
    Reloaded.NOT_IMPLEMENTED: "Module does not support reload",
    Reloaded.ERROR: "An unknown error occurred",
    Reloaded.IN_PROGRESS: "A reload is in progress",
    Reloaded.UNINITIALIZED: "Module not initialized",
}


@module.action("Reload", ("system", "config"), Syntax("[Module]", Module="Everything unless written."))
async def reload(request: ActionRequest) -> None:
    """Have modules read their configuration again."""
    result = await request.pbx.loader.reload(request.get("Module"))
    if result in _RELOADS:
        raise ActionError(_RELOADS[result])
    request.ok("Module Reloaded")


@module.action("ModuleCheck", ("system",), Syntax("Module"))
def module_check(request: ActionRequest) -> None:
    """Tell whether a module is loaded."""
    if not request.pbx.loader.is_running(request.get("Module")):
        raise ActionError("Module not loaded")
    request.respond("Success", headers=[("Version", "")])


@module.action(
    "ModuleLoad",
    ("system",),
    Syntax("[Module]", "LoadType", LoadType="load, unload, refresh (both) or reload."),
)
async def module_load(request: ActionRequest) -> None:
    """Load, unload or reload a module."""
    name, kind = request.get("Module"), request.get("LoadType").lower()
    if kind not in ("load", "unload", "refresh", "reload"):
        raise ActionError("Incomplete ModuleLoad action.")
    if not name and kind != "reload":
        raise ActionError("Need module name")
    if "/" in name and not request.pbx.options.live_dangerously:
        outside = await request.pbx.off_loop(os.path.exists, os.path.join(request.pbx.paths.modules, name))
        raise ActionError("Module must be in the configured modules directory." if outside else "Module not found.")
    loader = request.pbx.loader
    if kind == "load":
        if await loader.load(name) is not Result.SUCCESS:
            raise ActionError("Could not load module.")
        request.ok("Module loaded.")
    elif kind == "unload":
        if not await loader.unload(name):
            raise ActionError("Could not unload module.")
        request.ok("Module unloaded.")
    elif kind == "refresh":
        if not await loader.unload(name) or await loader.load(name) is not Result.SUCCESS:
            raise ActionError("Could not refresh module.")
        request.ok("Module unloaded and loaded.")
    else:
        result = await loader.reload(name)
        if name and result in _RELOADS:
            sentence = _RELOADS[result]
            if result is Reloaded.NOT_FOUND:
                sentence += "."
            elif result is Reloaded.NOT_IMPLEMENTED:
                sentence += " action."
            raise ActionError(sentence)
        request.ok("Module reloaded." if name else "All modules reloaded")


@module.action("LoggerRotate", ("system", "reporting"))
async def logger_rotate(request: ActionRequest) -> None:
    """Read logger.conf again and begin new log files."""
    done, _text = await run_command(request.pbx, "logger rotate")
    if not done:
        raise ActionError("Failed to reload the logger and rotate log files")
    request.ok("Reloaded the logger and rotated log files")
