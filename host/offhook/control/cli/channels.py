"""``core show channel(s)`` and ``channel request hangup``: the calls of the moment."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from offhook.control.cli.completion import channels, every, first, technologies
from offhook.control.cli.system import span
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

module = Module("cli_channels", "Commands about channels")

_SHORT = "{:<64.64} {:<32.32} {:<7.7} {:<30.30}"
_LONG = (
    "{:<80.80} {:<24.24} {:<24.24} {:>4} {:<7.7} {:<12.12} {:<25.25} {:<15.15} {:>8.8} {:<11.11} {:<11.11} {:<20.20}"
)


def plural(count: int, noun: str) -> str:
    """ "1 call", "2 calls"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def active_calls(pbx: Any) -> int:
    """How many channels run dialplan: what Asterisk counts as calls."""
    return sum(channel.task is not None for channel in pbx.channels)


@module.command("core show channels [concise|verbose|count]", "Display information on channels")
def show_channels(request: Request) -> None:
    """List the channels.

    "concise" is for programs, "verbose" has more and wider columns, and "count" only tells how many there are.
    """
    pbx = request.pbx
    form = request.args[0].lower() if request.args else ""
    if len(request.args) > 1 or form not in ("", "concise", "verbose", "count"):
        raise request.usage()
    every_channel = sorted(pbx.channels, key=lambda channel: channel.name)
    if form == "concise":
        request.print(*(_concise(channel) for channel in every_channel))
        return
    if form == "verbose":
        request.print(
            _LONG.format(
                *("Channel", "Context", "Extension", "Prio", "State", "Application", "Data", "CallerID", "Duration"),
                *("Accountcode", "PeerAccount", "BridgeID"),
            )
        )
        request.print(*(_verbose(channel) for channel in every_channel))
    elif not form:
        request.print(_SHORT.format("Channel", "Location", "State", "Application(Data)"))
        request.print(*(_plain(channel) for channel in every_channel))
    request.print(f"{plural(len(every_channel), 'active channel')}")
    _calls(request)


def _plain(channel: Channel) -> str:
    location = (
        f"{channel.exten}@{channel.context}:{channel.priority}" if channel.context and channel.exten else "(None)"
    )
    application = f"{channel.application}({channel.application_data})" if channel.application else "(None)"
    return _SHORT.format(channel.name, location, channel.state.text, application)


def _duration(channel: Channel) -> int:
    return int(channel.pbx.now() - channel.created_at)


def _concise(channel: Channel) -> str:
    return "!".join(
        (
            channel.name,
            channel.context,
            channel.exten,
            str(channel.priority),
            channel.state.text,
            channel.application or "(None)",
            channel.application_data,
            channel.caller.id.number.text,
            channel.accountcode,
            channel.peer_account,
            str(channel.ama_flags),
            str(_duration(channel)),
            channel.bridge.uniqueid if channel.bridge else "",
            channel.uniqueid,
        )
    )


def _verbose(channel: Channel) -> str:
    seconds = _duration(channel)
    return _LONG.format(
        channel.name,
        channel.context,
        channel.exten,
        channel.priority,
        channel.state.text,
        channel.application or "(None)",
        channel.application_data or "(Empty)",
        channel.caller.id.number.text,
        f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}",
        channel.accountcode,
        channel.peer_account,
        channel.bridge.uniqueid if channel.bridge else "",
    )


def _calls(request: Request) -> None:
    pbx = request.pbx
    calls, most = active_calls(pbx), pbx.options.max_calls
    if most:
        word = "call" if calls == 1 else "calls"
        request.print(f"{calls} of {most} max active {word} ({calls / most * 100:5.2f}% of capacity)")
    else:
        request.print(plural(calls, "active call"))
    request.print(f"{plural(pbx.channels.calls, 'call')} processed")


@module.command("core show calls [uptime] [seconds]", "Display information on calls")
def show_calls(request: Request) -> None:
    """Tell how many calls there are and how many there were; with "uptime" also since when."""
    words = [arg.lower() for arg in request.args]
    if words not in ([], ["uptime"], ["uptime", "seconds"]):
        raise request.usage()
    _calls(request)
    if words:
        for prefix, since in (("System uptime: ", request.pbx.started_at), ("Last reload: ", request.pbx.reloaded_at)):
            seconds = int(request.pbx.now() - since)
            request.print(prefix + (str(seconds) if len(words) > 1 else span(seconds)))


@module.command("core show channel <channel>", "Display information on a specific channel", complete=first(channels))
def show_channel(request: Request) -> None:
    """Tell everything about a channel."""
    if len(request.args) != 1:
        raise request.usage()
    channel = request.pbx.channels.find(request.args[0])
    if channel is None:
        request.print(f"{request.args[0]} is not a known channel")
        return
    seconds = _duration(channel)
    caller, connected = channel.caller.id, channel.connected.id
    formats = "|".join(map(str, channel.native_formats))
    rows: list[tuple[str, object]] = [
        (" -- General --", None),
        ("Name", channel.name),
        ("Type", channel.technology),
        ("UniqueID", channel.uniqueid),
        ("LinkedID", channel.linkedid),
        *([("TenantID", channel.tenantid)] if channel.tenantid else []),
        ("Caller ID", _party(caller.number)),
        ("Caller ID Name", _party(caller.name)),
        ("Connected Line ID", _party(connected.number)),
        ("Connected Line ID Name", _party(connected.name)),
        ("Eff. Connected Line ID", _party(connected.number)),
        ("Eff. Connected Line ID Name", _party(connected.name)),
        ("DNID Digits", channel.dialed.number or "(N/A)"),
        ("Language", channel.language),
        ("State", f"{channel.state.text} ({int(channel.state)})"),
        ("NativeFormats", f"({formats})" if formats else "(nothing)"),
        ("WriteFormat", _format(channel)),
        ("ReadFormat", _format(channel)),
        ("WriteTranscode", "No "),
        ("ReadTranscode", "No "),
        ("Time to Hangup", 0),
        ("Elapsed Time", f"{seconds // 3600}h{seconds % 3600 // 60}m{seconds % 60}s"),
        ("Bridge ID", channel.bridge.uniqueid if channel.bridge else "(Not bridged)"),
        (" --   PBX   --", None),
        ("Context", channel.context),
        ("Extension", channel.exten),
        ("Priority", channel.priority),
        ("Call Group", _groups(channel.call_groups)),
        ("Pickup Group", _groups(channel.pickup_groups)),
        ("Application", channel.application or "(N/A)"),
        ("Data", channel.application_data or "(Empty)"),
        ("Call Identifier", f"[{channel.callid}]" if channel.callid else "(None)"),
    ]
    for name, value in rows:
        request.print(name if value is None else f"{name:>15}: {value}")
    request.print("      Variables:")
    request.print(*(f"{name}={value}" for name, value in channel.variables))
    cdr = channel.data.get("cdr")
    if cdr is not None and hasattr(cdr, "variables"):
        request.print("  CDR Variables:", *(f"{name}={value}" for name, value in cdr.variables()), "")
    if channel.media is not None:
        request.print(
            " -- Streams --",
            "Name: audio-0",
            "    Type: audio",
            "    State: sendrecv",
            "    Group: -1",
            f"    Formats: ({formats})",
            "    Metadata:",
        )


def _party(part: Any) -> str:
    return part.text if part.valid and part.text else "(N/A)"


def _groups(groups: frozenset[str]) -> str:
    numbers = [int(group) for group in groups if group.isdigit()]
    return str(sum(1 << number for number in numbers))


def _format(channel: Channel) -> str:
    return str(channel.native_formats[0]) if channel.native_formats else "none"


@module.command(
    "channel request hangup <all>|<channel> [<channel> ...]",
    "Request a hangup on a given channel",
    complete=lambda pbx, args, typed: [*channels(pbx), *(() if args else ("all",))],
)
def request_hangup(request: Request) -> None:
    """Hang channels up: all of them, or those named.

    /a regular expression/ in slashes, or a pattern with * and ?, names several at once; neither * nor ? stands for
    the slash of a channel's name.
    """
    if not request.args:
        raise request.usage()
    pbx = request.pbx
    if request.args[0].lower() == "all":
        _hang_up(request, lambda name: True)
        return
    for arg in request.args:
        if (channel := pbx.channels.find(arg)) is not None:
            _hang_up(request, lambda name, wanted=channel.name: name == wanted)  # type: ignore[misc]
        elif len(arg) > 1 and arg[0] == arg[-1] == "/":
            try:
                expression = re.compile(arg[1:-1], re.IGNORECASE)
            except re.error as error:
                request.print(f"{arg} is not a valid POSIX Extended Regular Expression: {error}")
                continue
            if not _hang_up(request, lambda name, one=expression: bool(one.search(name))):  # type: ignore[misc]
                request.print(f"{arg} did not match a known channel")
        elif any(char in arg for char in "?*["):
            if not _hang_up(request, lambda name, pattern=arg: _glob(pattern, name)):  # type: ignore[misc]
                request.print(f"{arg} did not match a known channel")
        else:
            request.print(f"{arg} is not a known channel")


def _glob(pattern: str, name: str) -> bool:
    """Shell pattern match part by part, so that no wildcard stands for a slash; in any case."""
    patterns, parts = pattern.lower().split("/"), name.lower().split("/")
    return len(patterns) == len(parts) and all(map(fnmatch.fnmatchcase, parts, patterns))


def _hang_up(request: Request, wanted: Callable[[str], bool]) -> int:
    count = 0
    for channel in request.pbx.channels:
        if wanted(channel.name):
            request.print(f"Requested Hangup on channel '{channel.name}'")
            channel.request_hangup()
            count += 1
    return count


_TYPE = "{:<15.15}  {:<40.40} {:<13.13} {:<13.13} {:<13.13} {:<13.13}"


@module.command("core show channeltypes", "List available channel types")
def show_channel_types(request: Request) -> None:
    """List the channel technologies."""
    if request.args:
        raise request.usage()
    request.print(_TYPE.format("Type", "Description", "Devicestate", "Presencestate", "Indications", "Transfer"))
    request.print(_TYPE.format(*["-" * 13] * 6))
    drivers = sorted(request.pbx.registry.drivers.values(), key=lambda driver: driver.technology.lower())
    for driver in drivers:
        state = "yes" if driver.device_state else "no"
        request.print(_TYPE.format(driver.technology, driver.text, state, "no", "yes", "yes"))
    request.print("----------", f"{len(drivers)} channel drivers registered.")


@module.command("core show channeltype <type>", "Give more details on that channel type", complete=first(technologies))
def show_channel_type(request: Request) -> None:
    """Tell what a channel technology can do."""
    if len(request.args) != 1:
        raise request.usage()
    driver = request.pbx.registry.driver(request.args[0])
    if driver is None:
        request.print("", f"{request.args[0]} is not a registered channel driver.")
        raise CommandError(f"Command '{request.line}' failed.")
    request.print(
        f"-- Info about channel driver: {driver.technology} --",
        f"  Device State: {'yes' if driver.device_state else 'no'}",
        "Presence State: no",
        "    Indication: yes",
        "     Transfer : yes",
        "  Capabilities: (audio)",
        "   Digit Begin: yes",
        "     Digit End: yes",
        "    Send HTML : no",
        " Image Support: no",
        "  Text Support: yes",
    )


@module.command("core show hanguphandlers all", "Show hangup handlers of all channels")
def show_all_handlers(request: Request) -> None:
    """List the hangup handlers of all channels."""
    if request.args:
        raise request.usage()
    _handlers(request, list(request.pbx.channels))


@module.command(
    "core show hanguphandlers <channel>", "Show hangup handlers of a specified channel", complete=every(channels)
)
def show_handlers(request: Request) -> None:
    """List the hangup handlers of a channel."""
    if len(request.args) != 1:
        raise request.usage()
    channel = request.pbx.channels.find(request.args[0])
    if channel is None:
        raise CommandError(f"Channel does not exist: {request.args[0]}")
    _handlers(request, [channel])


def _handlers(request: Request, shown: list[Channel]) -> None:
    request.print(f"{'Channel':<30} Handler")
    for channel in shown:
        names = channel.hangup_handlers or []
        for position, handler in enumerate(reversed(names)):
            request.print(f"{channel.name if not position else '':<30} {handler}")
