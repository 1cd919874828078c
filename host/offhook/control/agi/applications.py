"""AGI, EAGI and DeadAGI, the commands of the CLI about them, and the manager action AGI."""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import os

from offhook.calls.channel import Channel, Hangup
from offhook.control.agi import asynchronous, links
from offhook.control.agi.commands import needs as _needs  # noqa: F401  (registers the commands)
from offhook.control.agi.media_commands import SAMPLES_A_MS as _samples  # noqa: F401  (registers the commands)
from offhook.control.agi.protocol import COMMANDS
from offhook.control.agi.session import DEBUG, Session
from offhook.control.cli.completion import channels, first
from offhook.log import verbose
from offhook.media.errors import EngineError
from offhook.modules import ActionError, ActionRequest, CommandError, Module, Request, Syntax, split_arguments

log = logging.getLogger(__name__)
module = Module("res_agi", "Asterisk Gateway Interface (AGI)")

_SYNTAX = Syntax(
    "command",
    "[arg1]",
    "[arg2[,...]]",
    command="A program below the AGI folder or by its full path, agi://host[:port][/script], hagi://domain[/script] "
    "or agi:async.",
)


@module.application("AGI", _SYNTAX, raw=True, see_also=("EAGI", "DeadAGI"))
async def agi(channel: Channel, data: str = "") -> None:
    """Let a program steer the call, by its standard input and output, or over the network.

    agi:async takes commands from the manager instead. AGISTATUS is SUCCESS, FAILURE, NOTFOUND or HANGUP. When the call
    ends the program is told by SIGHUP (HANGUP over the network) unless AGISIGHUP is no, and may go on with commands
    that need no call, unless AGIEXITONHANGUP is yes.
    """
    await _run(channel, data)


@module.application("EAGI", _SYNTAX, raw=True, see_also=("AGI",))
async def eagi(channel: Channel, data: str = "") -> None:
    """Run a program as AGI does, with the caller's sound on its file descriptor 3.

    The sound is 16-bit signed, 8000 samples a second, unless EAGI_AUDIO_FORMAT names another format.
    """
    if not channel.alive:
        log.error("%s: EAGI needs a live call; AGI does not", channel.name)
        return
    await _run(channel, data, enhanced=True)


@module.application("DeadAGI", _SYNTAX, raw=True, see_also=("AGI",))
async def dead_agi(channel: Channel, data: str = "") -> None:
    """Run a program as AGI does: an old name, from when calls that were over needed their own."""
    log.warning("%s: DeadAGI is an old name; write AGI", channel.name)
    await _run(channel, data)


async def _run(channel: Channel, data: str, *, enhanced: bool = False) -> None:
    words = split_arguments(data)
    if not words or not words[0]:
        log.warning("%s: AGI needs the name of a program", channel.name)
        raise Hangup
    status = await _served(channel, words[0], words[1:], enhanced)
    channel.set("AGISTATUS", status)
    if status == "HANGUP":
        raise Hangup


async def _served(channel: Channel, request: str, arguments: list[str], enhanced: bool) -> str:
    kind = request.lower()
    if kind.startswith("agi:async"):
        if enhanced:
            log.warning("%s: EAGI cannot be steered by the manager; write AGI", channel.name)
            return "FAILURE"
        return await asynchronous.run(channel, arguments)
    network = kind.startswith(("agi://", "hagi://"))
    if network and enhanced:
        log.warning("%s: EAGI cannot send sound over the network; write AGI", channel.name)
        return "FAILURE"
    async with contextlib.AsyncExitStack() as stack:
        try:
            if network:
                link: links.Link = await (links.connect if kind[0] == "a" else links.connect_any)(request)
            else:
                audio = _sound(channel, stack) if enhanced else -1
                link = await links.start(channel.pbx.paths, request, arguments, audio)
                verbose(3, "Launched AGI Script %s", request)
        except links.LaunchError as error:
            log.warning("%s: AGI(%s): %s", channel.name, request, error)
            return error.status
        stack.callback(link.close)
        return await _steered(Session(channel, link, request), arguments, enhanced)


async def _steered(session: Session, arguments: list[str], enhanced: bool) -> str:
    channel, link = session.channel, session.link
    session.introduce(arguments, enhanced=enhanced)
    try:
        status = await session.run()
        if status == "SUCCESS" and link.ended and await link.status():
            status = "FAILURE"
    except asyncio.CancelledError:
        if channel.interruption is None:
            raise
        status = "HANGUP"
        session.interruption = channel.interruption
    if session.interruption is not None:
        channel.interruption = session.interruption
    return status


def _sound(channel: Channel, stack: contextlib.AsyncExitStack) -> int:
    """Have the caller's sound written to a pipe, as far as the program reads it; the descriptor to read it from."""
    if channel.media is None:
        raise links.LaunchError("the channel has no sound")
    reading, writing = os.pipe2(os.O_CLOEXEC)
    stack.callback(os.close, reading)
    engine = channel.pbx.engine
    try:
        stream = engine.stream_leg(writing, "spoken-to", channel.get("EAGI_AUDIO_FORMAT") or "slin")
    except EngineError as error:
        raise links.LaunchError(f"EAGI_AUDIO_FORMAT: {error}") from error
    finally:
        os.close(writing)
    stack.callback(stream.close)
    spy = engine.snoop(channel.media, spy="in")
    stack.callback(spy.close)
    stream.connect(spy)
    return reading


# ---- the CLI --------------------------------------------------------------------------------------------


def _titles(pbx: object, args: list[str], _typed: str) -> list[str]:
    place = len(args)
    return sorted({words[place] for words in COMMANDS if len(words) > place and list(words[:place]) == args})


@module.command("agi show commands [topic] [<command>]", "List AGI commands or specific help", complete=_titles)
def show_commands(request: Request) -> None:
    """List the commands of the gateway interface, or show the manual of one: agi show commands topic get data."""
    args = [word.lower() for word in request.args]
    if args and args[0] != "topic":
        raise request.usage()
    entries = [entry for words, entry in COMMANDS.items() if words[: len(args) - 1] == tuple(args[1:])]
    if args and not entries:
        raise CommandError(f"No such command '{' '.join(args[1:])}'.")
    if len(args) > 1 and len(entries) == 1:
        request.print(entries[0].usage, f"\tRuns dead: {'Yes' if entries[0].dead else 'No'}")
        return
    request.print(f"{'Dead':>5} {'Command':<30}   Description")
    for entry in sorted(entries, key=lambda one: one.words):
        request.print(f"{'Yes' if entry.dead else 'No':>5} {entry.name:<30}   {entry.summary}")


@module.command("agi dump html <filename>", "Dumps a list of AGI commands in HTML format")
async def dump_html(request: Request) -> None:
    """Write the manual of all AGI commands into a file, as a web page."""
    if len(request.args) != 1:
        raise request.usage()
    try:
        await request.pbx.off_loop(_write, request.args[0], _page())
    except OSError as error:
        raise CommandError(f"Could not create file '{request.args[0]}': {error.strerror}") from None
    request.print(f"AGI HTML commands dumped to: {request.args[0]}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _page() -> str:
    rows = "".join(
        f"<tr><th>{html.escape(entry.name)}</th><td>{html.escape(entry.summary)}"
        f"<pre>{html.escape(entry.usage)}</pre></td></tr>\n"
        for entry in sorted(COMMANDS.values(), key=lambda one: one.words)
    )
    title = "AGI Commands"
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>\n<table>\n{rows}</table></body></html>\n"
    )


def _on_off(pbx: object, args: list[str], _typed: str) -> list[str]:
    return [] if args else ["on", "off"]


@module.command("agi set debug [on|off]", "Enable/Disable AGI debugging", complete=_on_off)
def set_debug(request: Request) -> None:
    """Show what is said between programs and the exchange on the console."""
    if len(request.args) != 1 or request.args[0].lower() not in ("on", "off"):
        raise request.usage()
    on = request.args[0].lower() == "on"
    request.pbx.parts[DEBUG] = on
    request.print(f"AGI Debugging {'En' if on else 'Dis'}abled")


@module.command(
    "agi exec <channel> <command> [<id>]", "Add AGI command to a channel in Async AGI", complete=first(channels)
)
def exec_command(request: Request) -> None:
    """Have a channel in AsyncAGI carry out a command, which is one word: put quotes around it."""
    if not 2 <= len(request.args) <= 3:
        raise request.usage()
    name, command = request.args[:2]
    channel = request.pbx.channels.find(name)
    if channel is None:
        raise CommandError(f"Channel {name} does not exist.")
    queue = asynchronous.queue_of(channel)
    if queue is None:
        raise CommandError(f"Failed to add AGI command to queue of channel {name}")
    queue.add(command, request.args[2] if len(request.args) > 2 else "")


@module.action(
    "AGI",
    ("agi",),
    Syntax("Channel", "Command", "[CommandID]", CommandID="Given back in the event AsyncAGIExec."),
)
def agi_action(request: ActionRequest) -> None:
    """Have a channel in AsyncAGI carry out a command."""
    name, command = request.get("Channel"), request.get("Command")
    if not name or not command:
        raise ActionError("Both, Channel and Command are *required*")
    channel = request.pbx.channels.find(name)
    if channel is None:
        raise ActionError(f"Channel {name} does not exist.")
    queue = asynchronous.queue_of(channel)
    if queue is None:
        raise ActionError(f"Failed to add AGI command to channel {name} queue")
    queue.add(command, request.get("CommandID"))
    request.ok("Added AGI command to queue")
