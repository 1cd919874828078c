"""The CLI commands of line care: ``line ...`` and ``lines scan``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kernel_shims.line import LineError
from kernel_shims.simulator.script import ScriptError
from kernel_shims.simulator.system import SimulatedSystem
from offhook.drivers.dahdi.care import measures, tuning
from offhook.drivers.dahdi.configuration import scanning
from offhook.drivers.dahdi.hardware import set_up_again
from offhook.drivers.dahdi.module import lines_of, module
from offhook.drivers.dahdi.showing.commands import channels_at, port_of
from offhook.media.recording import Recording
from offhook.modules import CommandError, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

_MONITOR_S = 3.0
_CONTEXT = "+context = "
RECORDING = "line_recording"


@module.command("line show [<channel>]", "Show the state of lines: levels, echo, slips", complete=channels_at(0))
def show(request: Request) -> None:
    """Show what each line does: its state, alarms, levels in dBm0, return loss (ERL) and echo taken out (ERLE)."""
    ports = [port_of(request, request.args[0])] if request.args else list(lines_of(request.pbx))
    request.print(*measures.summary(iter(ports)))


@module.command("line test <channel>", "Test an idle line", complete=channels_at(0))
async def test(request: Request) -> None:
    """Test an idle line: alarms, noise, an exchange's dial tone, with a remedy for what is wrong."""
    if len(request.args) != 1:
        raise request.usage()
    try:
        await measures.test(port_of(request, request.args[0]), request.tell)
    except LineError as error:
        raise CommandError(str(error)) from None


@module.command("line tune <channel> [<digit>]", "Tune the termination of an idle line", complete=channels_at(0))
async def tune(request: Request) -> None:
    """Find the termination of an exchange's line that lets least of what is said come back, and keep it.

    The idle line is taken for about a minute; a digit (5 unless another is named) ends dial tone meanwhile. What is
    found is in force at once, and after each start.
    """
    if not 1 <= len(request.args) <= 2 or (request.args[1:] and request.args[1] not in "0123456789*#"):
        raise request.usage()
    port = port_of(request, request.args[0])
    try:
        found = await tuning.tune(port, (request.args[1:] or ["5"])[0], request.tell)
    except LineError as error:
        raise CommandError(str(error)) from None
    gained = found.before_db - found.back_db
    request.print(
        f"channel {port.number}: {found.back_db:.1f} dB comes back with {found.setting} ({found.what})",
        f"better by {gained:.1f} dB; it is kept" if gained else "no other setting is better by 1 dB or more: it stays",
    )


def _complete_learn(pbx: Pbx, args: list[str], typed: str) -> Iterable[str]:
    return ["forget"] if len(args) == 1 else channels_at(0)(pbx, args, typed)


@module.command(
    "line learn-busy <channel> {<number>|forget}", "Learn the busy tone of a line", complete=_complete_learn
)
async def learn_busy(request: Request) -> None:
    """Call a number that is busy from an idle line and learn the rhythm of the busy tone.

    The tone ends calls on that line from then on, after each start too, as if busydetect=yes and busypattern= were
    written for it; a busypattern that is written goes before it. "forget" undoes that.
    """
    if len(request.args) != 2:
        raise request.usage()
    port = port_of(request, request.args[0])
    try:
        if request.args[1] == "forget":
            measures.forget_busy(port, request.tell)
        else:
            await measures.learn_busy(port, request.args[1], request.tell)
    except LineError as error:
        raise CommandError(str(error)) from None


@module.command("line monitor <channel> [<seconds>]", "Show the levels of a line in use", complete=channels_at(0))
async def monitor(request: Request) -> None:
    """Show the levels of a line both ways, ten times a second, for 3 seconds or as many as given."""
    if not 1 <= len(request.args) <= 2:
        raise request.usage()
    try:
        seconds = float(request.args[1]) if len(request.args) > 1 else _MONITOR_S
        await measures.monitor(port_of(request, request.args[0]), min(60.0, max(0.1, seconds)), request.tell)
    except ValueError:
        raise request.usage() from None
    except LineError as error:
        raise CommandError(str(error)) from None


def _complete_record(pbx: Pbx, args: list[str], typed: str) -> Iterable[str]:
    return ["stop"] if len(args) == 1 else channels_at(0)(pbx, args, typed)


@module.command("line record <channel> [stop]", "Record a line in use", complete=_complete_record)
def record(request: Request) -> None:
    """Record both directions of a line in use into the monitor folder of the spool, until it is stopped or over."""
    if not 1 <= len(request.args) <= 2 or request.args[1:] not in ([], ["stop"]):
        raise request.usage()
    port = port_of(request, request.args[0])
    recordings: dict[int, Recording] = request.pbx.parts.setdefault(RECORDING, {})
    if request.args[1:] == ["stop"]:
        going = recordings.pop(port.number, None)
        if going is None:
            raise CommandError(f"channel {port.number} is not being recorded")
        going.stop()
        request.print(f"channel {port.number}: recorded {going.duration_ms / 1000:.1f} s")
        return
    if port.leg is None:
        raise CommandError(f"channel {port.number} has no sound now: nobody uses it")
    before = recordings.get(port.number)
    if before is not None and not before.done:
        raise CommandError(f"channel {port.number} is recorded already; line record {port.number} stop ends that")
    folder = Path(request.pbx.paths.spool) / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"line-{port.number}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(request.pbx.wall()))}.wav"
    recordings[port.number] = port.leg.record(name, "wav", "both")
    request.print(f"channel {port.number} is recorded to {name}")


@module.command("line timing", "Show whose clock the lines follow, slips and drift")
def timing(request: Request) -> None:
    """Show for each span whose clock it follows, and for each line in use its drift against this machine, and slips."""
    request.print(*measures.timing(lines_of(request.pbx)))


@module.command("lines scan [apply|--apply]", "Propose configuration for the hardware there is")
async def scan(request: Request) -> None:
    """Look at the hardware and show, as differences, what configuration would be for it.

    That is chan_dahdi.conf, dahdi/system.conf for channels that the driver has not set up, and
    dahdi/assigned-spans.conf, which pins the numbers of Astribanks. With "apply" they are written; the files before are
    kept as NAME.old, and "module reload chan_dahdi" takes the new one.
    """
    if request.args not in ([], ["apply"], ["--apply"]):
        raise request.usage()
    lines = lines_of(request.pbx)
    changes, told = scanning.proposals(lines)
    request.print(*told)
    if not changes and not told:
        request.print("The configuration fits the hardware.")
    differences = [line for proposal in changes for line in proposal.difference()]
    request.print(*differences)
    contexts = {line.removeprefix(_CONTEXT).strip() for line in differences if line.startswith(_CONTEXT)}
    for name in sorted(contexts - request.pbx.dialplan.contexts.keys()):
        request.print(f"extensions.conf has no [{name}] yet: calls from those channels find nothing there")
    if not changes or not request.args:
        return
    try:
        for proposal in changes:
            request.print(*await request.pbx.off_loop(proposal.write))
        every = (number for span in lines.system.spans() for number in range(span.first, span.first + span.channels))
        untouched = {number for number in every if not lines.system.channel(number).signalling}
        await set_up_again(request.pbx, lines.system, frozenset(untouched))
    except LineError as error:
        raise CommandError(str(error)) from None
    request.print('"module reload chan_dahdi" takes it')


@module.command(
    "line simulate <channel> <script>", "Have a simulated phone or line do something", complete=channels_at(0)
)
async def simulate(request: Request) -> None:
    """Carry out a script at the far end of a simulated channel (system.conf: dynamic=sim), and wait for its end.

    A phone knows off-hook, on-hook, flash, dial DIGITS, pulse DIGITS, until ringing; a line from an exchange ring
    [NUMBER [NAME]], alert NUMBER (as NTT's do), stop, answer, hang-up, reverse, drop MS, unplug, plug, until STATE;
    both say HZ SECONDS, wait SECONDS, until tone HZ [HZ], until silence. Steps are separated by ";":

        line simulate 1 off-hook; wait 1; dial 600; wait 3; on-hook
    """
    system = lines_of(request.pbx).system
    if not isinstance(system, SimulatedSystem):
        raise CommandError("the lines are real: nothing is simulated")
    if len(request.args) < 2 or not request.args[0].isdigit():
        raise request.usage()
    try:
        script = system.run(int(request.args[0]), " ".join(request.args[1:]))
    except (ScriptError, LineError) as error:
        raise CommandError(str(error)) from None
    done = asyncio.get_running_loop().create_future()
    script.on_done = partial(done.set_result, None)
    try:
        await done
    except asyncio.CancelledError:
        script.on_done = None
        script.end("given up")
        raise
    if script.error:
        raise CommandError(script.error)
    request.print("done")
