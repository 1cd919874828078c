"""``core show version``, ``settings``, ``uptime`` and the like: the daemon and the machine."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

from offhook import ASTERISK_VERSION, __version__
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from offhook.config.paths import Paths
    from offhook.daemon.settings import Settings

module = Module("cli_system", "Commands about the daemon and the machine")

_UNITS = (("year", 31536000), ("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60))


def span(seconds: int) -> str:
    """A length of time in words: "1 hour, 5 minutes, 3 seconds"."""
    parts = []
    for name, size in _UNITS:
        if seconds > size:
            count, seconds = divmod(seconds, size)
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    if seconds or not parts:
        parts.append(f"{seconds} second{'' if seconds == 1 else 's'}")
    return ", ".join(parts)


def _none(request: Request) -> None:
    if request.args:
        raise request.usage()


@module.command("core show version", "Display version info")
def show_version(request: Request) -> None:
    """Show the version: of the Asterisk whose interfaces Offhook speaks, and Offhook's own."""
    _none(request)
    machine = os.uname()
    request.print(
        f"Asterisk {ASTERISK_VERSION} (Offhook {__version__}) on a {machine.machine} running {machine.sysname} "
        f"{machine.release} with Python {sys.version.split()[0]}"
    )


@module.command("core show uptime [seconds]", "Show uptime information")
def show_uptime(request: Request) -> None:
    """Show how long the daemon runs and when it was reloaded last; in seconds only if so asked."""
    if request.args and [arg.lower() for arg in request.args] != ["seconds"]:
        raise request.usage()
    pbx = request.pbx
    for prefix, since in (("System uptime: ", pbx.started_at), ("Last reload: ", pbx.reloaded_at)):
        seconds = int(pbx.now() - since)
        request.print(prefix + (str(seconds) if request.args else span(seconds)))


@module.command("core show settings", "Show some core settings")
def show_settings(request: Request) -> None:
    """Show options, directories and what is switched on."""
    _none(request)
    pbx = request.pbx
    settings: Settings = pbx.parts["settings"]
    log = pbx.parts["log"]
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = "Unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if settings.maxfiles and soft < settings.maxfiles:
        files = f"{soft} (is) {settings.maxfiles} (requested)"
    calls = f"{settings.maxcalls} (Current {len(pbx.channels)})" if settings.maxcalls else "Not set"
    console = getattr(request.session, "verbosity", log.root_verbosity)
    started = pbx.wall() - (pbx.now() - pbx.started_at)
    reloaded = pbx.wall() - (pbx.now() - pbx.reloaded_at)
    request.print("", "PBX Core settings", "-----------------")
    _table(
        request,
        ("Version", f"{ASTERISK_VERSION} (Offhook {__version__})"),
        ("Maximum calls", calls),
        ("Maximum open file handles", files),
        ("Root console verbosity", log.root_verbosity),
        ("Current console verbosity", console),
        ("Debug level", log.debug),
        ("Trace level", 0),
        ("Dump core on crash", _yes(settings.dumpcore)),
        ("Core dump file", _read("/proc/sys/kernel/core_pattern")),
        ("Maximum load average", f"{settings.maxload:f}"),
        ("Minimum free memory", f"{settings.minmemfree} MB"),
        ("Startup time", time.strftime("%H:%M:%S", time.localtime(started))),
        ("Last reload time", time.strftime("%H:%M:%S", time.localtime(reloaded))),
        ("System", "{0.sysname}/{0.release} on {0.machine}".format(os.uname())),
        ("System name", settings.systemname),
        ("Entity ID", settings.entityid),
        ("PBX UUID", pbx.astdb.get("pbx", "UUID") or ""),
        ("Default language", settings.defaultlanguage),
        ("Language prefix", _enabled(settings.languageprefix)),
        ("User name and group", f"{settings.runuser}/{settings.rungroup}"),
        ("Running directory", os.getcwd()),
        ("Executable includes", _enabled(settings.execincludes)),
        ("Transcode via SLIN", _enabled(settings.transcode_via_sln)),
        ("Transmit silence during rec", _enabled(settings.transmit_silence)),
        ("Hide Msg Chan AMI events", _enabled(settings.hide_messaging_ami_events)),
        ("Sounds search custom dir", _enabled(settings.sounds_search_custom_dir)),
        ("Min DTMF duration:", settings.mindtmfduration),
        ("RTP use dynamic payloads", int(settings.rtp_use_dynamic)),
        ("Shell on remote consoles", "Disabled" if settings.disable_remote_console_shell else "Enabled"),
    )
    request.print("", "* Subsystems", "  -------------")
    parts = pbx.parts
    _table(
        request,
        ("Manager (AMI)", _enabled(_is_on(parts.get("manager")))),
        ("Web Manager (AMI/HTTP)", _enabled(bool(getattr(parts.get("manager"), "web_enabled", False)))),
        ("Call data records", _enabled(_is_on(parts.get("cdr")))),
        ("Realtime Architecture (ARA)", _enabled(bool(pbx.config.mappings or parts.get("realtime")))),
    )
    paths: Paths = pbx.paths
    request.print("", "* Directories", "  -------------")
    _table(
        request,
        ("Configuration file", paths.config_file),
        ("Configuration directory", paths.etc),
        ("Module directory", paths.modules),
        ("Spool directory", paths.spool),
        ("Log directory", paths.log),
        ("Run/Sockets directory", paths.run),
        ("PID file", paths.pid_file),
        ("VarLib directory", paths.varlib),
        ("Data directory", paths.data),
        ("ASTDB", paths.astdb),
        ("IAX2 Keys directory", paths.keys),
        ("AGI Scripts directory", paths.agi),
        ("Cache directory", paths.cache),
    )
    request.print("", "")


def _table(request: Request, *rows: tuple[str, object]) -> None:
    request.print(*(f"  {name + ':':<28} {value}" for name, value in rows))


def _yes(on: bool) -> str:
    return "Yes" if on else "No"


def _enabled(on: bool) -> str:
    return "Enabled" if on else "Disabled"


def _is_on(part: Any) -> bool:
    return part is not None and bool(getattr(part, "enabled", True))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as source:
            return source.read().strip()
    except OSError:
        return "unknown"


@module.command("core show sysinfo", "Show System Information")
def show_sysinfo(request: Request) -> None:
    """Show uptime, memory and processes of the machine."""
    _none(request)
    memory = {}
    for line in _read("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        memory[name] = value.split()[0] if value.split() else "0"
    uptime = float((_read("/proc/uptime").split() or ["0"])[0])
    request.print(
        "",
        "System Statistics",
        "-----------------",
        f"  System Uptime:             {int(uptime // 3600)} hours",
        f"  Total RAM:                 {memory.get('MemTotal', '0')} KiB",
        f"  Free RAM:                  {memory.get('MemFree', '0')} KiB",
        f"  Buffer RAM:                {memory.get('Buffers', '0')} KiB",
        f"  Total Swap Space:          {memory.get('SwapTotal', '0')} KiB",
        f"  Free Swap Space:           {memory.get('SwapFree', '0')} KiB",
        "",
        f"  Number of Processes:       {sum(name.isdigit() for name in os.listdir('/proc'))} ",
        "",
    )


@module.command("core show threads", "Show running threads")
def show_threads(request: Request) -> None:
    """List the threads of the daemon with their names and the kernel's numbers."""
    _none(request)
    threads = sorted(int(name) for name in os.listdir("/proc/self/task"))
    for number in threads:
        request.print(f"0x{number:x} {number} {_read(f'/proc/self/task/{number}/comm')}")
    request.print(f"{len(threads)} threads listed.")


@module.command("core show fd", "Show open file descriptors")
def show_descriptors(request: Request) -> None:
    """List the open descriptors and what they are."""
    _none(request)
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    request.print(f"Current maxfiles: {soft}")
    numbers = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    for number in numbers:
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        request.print(f"{number:5} {target}")


@module.command("core show taskprocessors [like <text>]", "List instantiated task processors and statistics")
def show_taskprocessors(request: Request) -> None:
    """List the queues of work. Offhook has one, the loop."""
    args = request.args
    if args and (len(args) != 2 or args[0].lower() != "like"):
        raise request.usage()
    row = "{:<70} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}"
    request.print(
        "",
        row.format(
            "Processor",
            "Processed",
            "In Queue",
            "Max Depth",
            "Low water",
            "High water",
            "Low time(us)",
            "High time(us)",
        ),
    )
    shown = [("loop", len(asyncio.all_tasks()))]
    shown = [one for one in shown if not args or args[1].lower() in one[0]]
    for name, depth in shown:
        request.print(row.format(name, 0, depth, 0, 0, 0, 0, 0))
    request.print("", f"{len(shown)} taskprocessors", "")


@module.command("core show license", "Show the license(s) for this copy of Asterisk")
def show_license(request: Request) -> None:
    """Show under which licence Offhook may be used and passed on."""
    _none(request)
    request.print(
        "Offhook is free software: you may pass it on and change it under the terms of the GNU General Public",
        "License as the Free Software Foundation publishes it, version 2 or, as you like, any later one.",
        "The full text came with Offhook, and is at https://www.gnu.org/licenses/.",
    )


@module.command("core show warranty", "Show the warranty (if any) for this copy of Asterisk")
def show_warranty(request: Request) -> None:
    """Show what is promised: nothing."""
    _none(request)
    request.print(
        "Offhook is given to you free of charge and as it is. As far as the law allows there is no warranty for it,",
        "neither for being fit for a purpose nor for being free of faults; see sections 11 and 12 of the GNU General",
        "Public License, version 2.",
    )


@module.command("! <command>", "Execute a shell command")
def shell(request: Request) -> None:
    """Run a command of the shell, with "!" before it; a console does that itself, as whoever sits there.

    Without a command a shell is opened.
    """
    raise CommandError("Shell commands are run by an interactive console only")


@module.command("malloc trim", "Return excess memory to the OS")
def malloc_trim(request: Request) -> None:
    """Collect what Python no longer needs and give free memory back to the machine."""
    import gc

    _none(request)
    gc.collect()
    returned = request.pbx.engine.trim()
    request.print("Returned some memory to the OS." if returned else "No memory returned to the OS.")
