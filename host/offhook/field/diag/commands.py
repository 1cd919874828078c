"""The module res_diag: the commands ``diag ...`` that the diagnostics login reaches, and the recorder behind them."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from offhook.control.cli.protocol import OUTPUT
from offhook.control.cli.run import run_command
from offhook.modules import CommandError, Module, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from offhook.calls.pbx import Pbx
    from offhook.daemon.logchannel import Message
    from offhook.field.diag.recorder import Recorder

log = logging.getLogger(__name__)
module = Module("res_diag", "Diagnostics: trace, capture, bundle, probe", priority=70)

PART: Final = "diag"
TASK: Final = "diag task"
LONGEST_S: Final = 600
PROBE_S: Final = 90.0
LAST_S: Final = 0.3
"""What still comes after the end of a call: the answers to BYE."""
CHUNK: Final = 48_000

STATUS: Final = (
    ("Exchange", "core show uptime"),
    ("Board", "board show"),
    ("Supervisor", "supervisor show"),
    ("Trunks", "trunk show"),
    ("Registrations", "pjsip show registrations"),
    ("Calls", "core show channels count"),
)
LINES: Final = (
    ("Phones and trunks", "pjsip list endpoints"),
    ("Contacts", "pjsip list contacts"),
    ("Lines", "line show"),
    ("Channels", "dahdi show channels"),
    ("Spans", "dahdi show status"),
)
BUNDLE: Final = (*STATUS, *LINES, ("Calls", "core show channels verbose"), ("Modules", "module show"))


@module.on_load
def load(pbx: Pbx) -> None:
    """Begin to record."""
    from offhook.field.diag.recorder import Recorder

    recorder = pbx.parts[PART] = Recorder(pbx)
    logger = pbx.parts.get("log")
    if logger is not None:
        logger.attach(recorder)
    pbx.parts[TASK] = pbx.spawn(recorder.run(), "diag recorder")


@module.on_unload
def unload(pbx: Pbx) -> None:
    """Record no longer."""
    recorder = pbx.parts.pop(PART)
    logger = pbx.parts.get("log")
    if logger is not None:
        logger.detach(recorder)
    pbx.parts.pop(TASK).cancel()


# ---- looking ----------------------------------------------------------------------------------------


async def _gathered(pbx: Pbx, commands: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """What commands answer; those that are not there or say nothing are left out."""
    found = {}
    for title, command in commands:
        if pbx.registry.command(command.split()) is None:
            continue
        ok, text = await run_command(pbx, command)
        if text.strip() and (ok or "There is no" not in text):
            found[f"{title} ({command})"] = text
    return found


async def _show(request: Request, commands: tuple[tuple[str, str], ...]) -> None:
    for title, text in (await _gathered(request.pbx, commands)).items():
        request.print(f"== {title}", *text.rstrip().splitlines(), "")


@module.command("diag status", "Everything at a glance")
async def status(request: Request) -> None:
    """Show the exchange, the board, the supervisor, trunks and calls at a glance."""
    await _show(request, STATUS)


@module.command("diag lines", "Phones, lines and trunks")
async def lines(request: Request) -> None:
    """List phones, lines and trunks with their states."""
    await _show(request, LINES)


@module.command("diag calls", "The calls that go on")
def calls(request: Request) -> None:
    """List the channels that go on, in the width of a terminal."""
    pbx = request.pbx
    request.print(f"{'Channel':<28} {'State':<10} {'Seconds':>7} {'From':<15} Place")
    for channel in pbx.channels:
        number = channel.caller.id.number.text
        place = f"{channel.exten}@{channel.context}:{channel.priority}"
        seconds = int(pbx.now() - channel.created_at)
        request.print(f"{channel.name:<28.28} {channel.state.text:<10} {seconds:>7} {number:<15.15} {place}"[:79])
    request.print(f"{len(pbx.channels)} channels")


# ---- what goes on -----------------------------------------------------------------------------------


def _seconds(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdigit() or not 0 < int(text) <= LONGEST_S:
        raise CommandError(f'"{text}" is no number of seconds from 1 to {LONGEST_S}.')
    return int(text)


def _writer(request: Request) -> Callable[[str], None]:
    """What shows a line at once: on the console that asked, else in the answer."""
    session = request.session
    if session is None:
        return request.print
    return lambda line: session.send(OUTPUT, line + "\n")


@module.command("diag trace [<name>] [<seconds>]", "The next call as a ladder")
async def trace(request: Request) -> None:
    """Show the signalling of the next call as it happens: SIP, hook events, Q.931, what managers ask, the dialplan.

    With a name, the next call in which that name, number or address occurs. Ends with the call, or after so many
    seconds (120).
    """
    from offhook.field.diag.trace import Trace

    if len(request.args) > 2:
        raise request.usage()
    name, seconds = (*request.args, "", "")[:2]
    limit = _seconds(seconds, 120)
    write = _writer(request)
    write(f"waiting for {f'a call with {name}' if name else 'the next call'}")
    following = Trace(request.pbx, name, write)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await following.done.wait()
        await asyncio.sleep(LAST_S)
    finally:
        following.close()


class Tail:
    """A listener of the log for a while."""

    verbosity = 3

    def __init__(self, loop: asyncio.AbstractEventLoop, write: Callable[[str], None]) -> None:
        self._loop = loop
        self._write = write

    def show(self, message: Message, date: str) -> None:
        """A line; may be called by any thread."""
        from offhook.field.diag.redact import redacted

        text = redacted(f"[{date}] {message.level}: {message.text}")
        self._loop.call_soon_threadsafe(self._write, text)


@module.command("diag tail [<seconds>]", "The log as it is written")
async def tail(request: Request) -> None:
    """Show the log as it is written, for so many seconds (60), without secrets."""
    if len(request.args) > 1:
        raise request.usage()
    seconds = _seconds((*request.args, "")[0], 60)
    logger = request.pbx.parts["log"]
    listener = Tail(request.pbx.loop, _writer(request))
    logger.attach(listener)
    try:
        await asyncio.sleep(seconds)
    finally:
        logger.detach(listener)


# ---- files ------------------------------------------------------------------------------------------


async def _deliver(request: Request, data: bytes, target: str, what: str) -> None:
    """Hand a file over: into a file of this machine, or ("-") to the diagnostics login."""
    if target != "-":
        try:
            await request.pbx.off_loop(Path(target).write_bytes, data)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        request.print(f"{target}: {what}, {len(data)} bytes")
        return
    if request.session is None:
        raise CommandError("Name a file.")
    for at in range(0, len(data), CHUNK):
        request.session.send(OUTPUT, base64.b64encode(data[at : at + CHUNK]).decode("ascii"))
    request.session.send(OUTPUT, f"diag: {what}, {len(data)} bytes\n")


@module.command("diag capture [<seconds>] <file>", "SIP, RTP headers and D channels into a file")
async def capture(request: Request) -> None:
    """Capture SIP messages (decrypted, without credentials), headers of RTP and D channels for so many seconds (30).

    The file is for Wireshark. At most 8 MB are captured. Audio is never in it.
    """
    from offhook.field.diag.capture import Capture

    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    seconds = _seconds(request.args[0] if len(request.args) == 2 else "", 30)
    engine = getattr(request.pbx, "engine", None)
    ports = (engine.settings.port_low, engine.settings.port_high) if engine is not None else (0, 0)
    running = Capture(request.pbx, ports)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await running.full.wait()
    finally:
        running.close()
    what = f"{running.messages} SIP messages, {running.packets} RTP headers, {running.frames} frames of D channels"
    if running.missed:
        what += f" ({running.missed})"
    await _deliver(request, bytes(running.data), request.args[-1], what)


@module.command("diag bundle <file>", "All that support needs, without secrets")
async def bundle(request: Request) -> None:
    """Write the support bundle (tar.gz): open its index.html.

    It has configuration without secrets, the state of everything, two minutes of figures as plots, the last events
    and logs; at most some megabytes.
    """
    from offhook.field.diag.bundle import Ingredients, make

    if len(request.args) != 1:
        raise request.usage()
    pbx = request.pbx
    recorder: Recorder = pbx.parts[PART]
    commands = await _gathered(pbx, BUNDLE)
    recorded = list(recorder.samples), list(recorder.lines)
    given = Ingredients(commands, *recorded, pbx.paths.etc, pbx.paths.log, pbx.wall())
    await _deliver(request, await pbx.off_loop(make, given), request.args[0], "support bundle")


# ---- the probe --------------------------------------------------------------------------------------


def _order(request: Request) -> dict[str, Any]:
    """Whom the probe phone is to be and to call: by diag.conf, or an account of trunk.conf."""
    number, name = (*request.args, "")[:2]
    pbx = request.pbx
    file = pbx.config.load("trunk.conf" if name else "diag.conf", "res_diag")
    section = file.get(name or "probe") if file is not None else None
    if section is None:
        where = f"trunk.conf has no [{name}]" if name else "diag.conf has no [probe] with server, username, password"
        raise CommandError(f"The probe has no account: {where}.")
    server = section.get("host" if name else "server") or ""
    transport = (section.get("transport") or ("tls" if name else "udp")).lower()
    if not server or transport not in ("udp", "tcp", "tls"):
        raise CommandError(f"The probe has no server: [{section.name}] names none, or a transport it does not have.")
    return {
        "number": number,
        "server": server,
        "transport": transport,
        "user": section.get("username") or "probe",
        "password": section.get("password") or "",
        "register": section.boolean("register", True),
        "srtp": (section.get("media_encryption") or ("sdes" if name else "no")) == "sdes",
        "seconds": 8.0,
    }


@module.command("diag probe <number> [<trunk>]", "A phone of its own calls a number")
async def probe(request: Request) -> None:
    """Let an independent phone (pjsua2, in its own process) register, call a number, play, listen, and measure.

    It registers with this exchange by the account [probe] of diag.conf, or straight with a trunk's provider by the
    trunk's own account, past the exchange.
    """
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    order = _order(request)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "offhook.field.diag.probe",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        async with asyncio.timeout(PROBE_S):
            out, errors = await process.communicate(json.dumps(order).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CommandError(f"The probe did not end within {PROBE_S:.0f} s.") from None
    try:
        # The library itself writes to standard output when it begins and ends.
        found = json.loads([line for line in out.splitlines() if line.startswith(b"{")][-1])
    except (IndexError, ValueError):
        why = errors.decode("utf-8", "replace")[-300:].strip() or f"it ended with status {process.returncode}"
        raise CommandError(f"The probe phone failed: {why}") from None
    request.print(*_findings(order, found))


def _findings(order: dict[str, Any], found: dict[str, Any]) -> list[str]:
    lines = [f"Probe:        {order['number']} by {order['server']} over {order['transport']}"]
    for key, label, unit in (
        ("registration_ms", "Registration", "ms"),
        ("ringing_ms", "Ringing", "ms after the INVITE"),
        ("answered_ms", "Answered", "ms after the INVITE"),
        ("codec", "Codec", ""),
        ("received", "Received", "packets"),
        ("loss_percent", "Loss", "%"),
        ("jitter_ms", "Jitter", "ms"),
        ("delay_ms", "Delay", "ms one way"),
        ("heard_db", "Heard", "dB of full scale"),
        ("mos", "MOS", f"(R {found.get('r', 0):.0f})"),
    ):
        if key in found:
            lines.append(f"{label + ':':<13} {found[key]} {unit}".rstrip())
    if "failed" in found:
        lines.append(f"Failed:       {found['failed']}")
    return lines
