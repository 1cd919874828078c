"""The module res_supervisor: supervisor.conf, and the commands ``supervisor ...``."""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from offhook.config.options import Schema, flag, integer, string
from offhook.field.board import PART as BOARD
from offhook.field.supervisor import messages as m
from offhook.modules import CommandError, LoadError, Module, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.model import ConfigError
    from offhook.field.supervisor.service import Service

log = logging.getLogger(__name__)
module = Module("res_supervisor", "Line supervisor: heartbeat, supplies, lifeline", depends=("res_board",), priority=45)

PART: Final = "supervisor"
TASK: Final = "supervisor task"
FILE: Final = "supervisor.conf"
TEST_S: Final = 10
"""A relay tested from here goes back by itself after so long."""
RESET_S: Final = 0.05
NEW_FIRMWARE_S: Final = 15.0
"""A restarted supervisor answers within this time."""

SCHEMA = Schema("supervisor", FILE, "The line supervisor")
GENERAL = SCHEMA.type("general", "How the supervisor is reached")
GENERAL.option("enabled", flag(), True, "Talk to the supervisor. Without beats its lines stay on the lifeline.")
GENERAL.option("device", string(), None, "Serial port. By default the one that board.toml names.")
GENERAL.option("baud", integer(9600, 3000000), 115200, "Speed of the port.")


@module.on_load
async def load(pbx: Pbx) -> None:
    """Begin to beat, where there is a supervisor."""
    await _start(pbx)


@module.on_unload
async def unload(pbx: Pbx) -> None:
    """Beat no longer: the supervisor gives the lines to the lifeline."""
    await _stop(pbx)


@module.on_reload
async def reload(pbx: Pbx) -> None:
    """Read supervisor.conf again."""
    await _stop(pbx)
    await _start(pbx)


async def _start(pbx: Pbx) -> None:
    board = pbx.parts.get(BOARD)
    link = board.links.get("supervisor") if board is not None else None
    device, baud = (link.device, link.baud) if link is not None and link.kind == "uart" else ("", 115200)
    config = pbx.config.load(FILE, "res_supervisor")
    if config is not None and (section := config.get("general")) is not None:
        errors: list[ConfigError] = []
        values = GENERAL.apply(section, errors)
        for error in errors:
            log.error("%s", error)
        if not values["enabled"]:
            return
        if values["device"]:
            device, baud = values["device"], values["baud"]
    if not device:
        return  # no box of ours: an exchange on any computer has no supervisor
    if find_spec("serial") is None:
        raise LoadError("the supervisor is reached with pyserial, which is missing: install python3-serial")
    from offhook.field.supervisor.service import Service

    service = pbx.parts[PART] = Service(pbx, device, baud)
    pbx.parts[TASK] = pbx.spawn(service.run(), "supervisor")


async def _stop(pbx: Pbx) -> None:
    pbx.parts.pop(PART, None)
    task: asyncio.Task[None] | None = pbx.parts.pop(TASK, None)
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _service(request: Request) -> Service:
    found: Service | None = request.pbx.parts.get(PART)
    if found is None:
        raise CommandError(f"There is no supervisor: the board has none, and {FILE} names no device.")
    return found


async def _ask(request: Request, kind: int, body: bytes = b"") -> bytes:
    from offhook.field.supervisor.link import LinkError

    try:
        return await _service(request).link.ask(kind, body)
    except LinkError as error:
        raise CommandError(f"{str(error)[0].upper()}{str(error)[1:]}.") from error


# ---- looking ----------------------------------------------------------------------------------------


@module.command("supervisor show", "Show the line supervisor")
def show(request: Request) -> None:
    """Show the state of the line supervisor: host, relays, supplies, power, firmware."""
    service = _service(request)
    link = service.link
    request.print(f"Link:          {link.problem or f'{link.device} at {link.baud} baud'}")
    heard = link.conversation
    request.print(f"               {heard.decoder.broken} broken frames, {heard.repeated} questions repeated")
    request.print(f"Beats:         {f'withheld: {service.reason}' if service.reason else 'sent, calls can be made'}")
    identity, status = service.identity, service.status
    if identity is not None:
        version = ".".join(str(part) for part in identity.version)
        place = f"slot {identity.slot}" if identity.slot else "frozen"
        request.print(f"Firmware:      {version} ({place}{', on trial' if identity.trial else ''})")
    if status is None:
        request.print("State:         not known, the supervisor has not answered")
        return
    cycled = f", power cycled {status.cycles} times" if status.cycles else ""
    request.print(f"Host:          {m.STATES[status.host]}{cycled}")
    for number in range(m.RELAYS):
        where = "with the exchange" if status.relays >> number & 1 else f"on the lifeline (FXO {number + 1})"
        request.print(f"FXS {number + 1}:         {where}")
    for index, (millivolts, milliamperes) in enumerate(
        ((status.battery_mv, status.battery_ma), (status.ringing_mv, status.ringing_ma))
    ):
        state = "tripped" if status.supplies >> (index + 4) & 1 else "on" if status.supplies >> index & 1 else "off"
        label = f"{m.SUPPLIES[index].capitalize()}:"
        request.print(f"{label:<14} {state}, {millivolts / 1000:.1f} V, {milliamperes} mA")
    failing = ", failing" if status.flags & m.FAILING else ""
    request.print(f"Input:         {status.input_mv / 1000:.1f} V{failing}, {status.temperature / 100:.0f} degrees")
    if status.flags & m.STOPPED:
        request.print('Stopped:       emergency stop; "supervisor resume" ends it')
    cards = [str(slot + 1) for slot in range(4) if status.cards >> slot & 1]
    request.print(f"Cards:         {', '.join(cards) or 'none'}")
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(status.wall_s)) if status.wall_s else "not set"
    request.print(f"Clock:         {clock}{' UTC' if status.wall_s else ''}, up {status.uptime_s} s")


@module.command("supervisor log", "Show what the supervisor noted")
async def show_log(request: Request) -> None:
    """Show the events the supervisor keeps, oldest first, with its uptime in seconds.

    They were noted whether or not the host was alive.
    """
    from offhook.field.supervisor.conversation import sentence

    number, size = 0, struct.calcsize(m.ENTRY)
    while True:
        data = await _ask(request, m.LOG, struct.pack(">H", number))
        (first,) = struct.unpack(">H", data[:2])
        entries = [data[at : at + size] for at in range(2, len(data) - size + 1, size)]
        for entry in entries:
            seconds, code, a, b = struct.unpack(m.ENTRY, entry)
            request.print(f"{seconds:>10} s  {sentence(code, a, b)}")
        if not entries:
            return
        number = first + len(entries)


# ---- switching --------------------------------------------------------------------------------------


def _relay_words(_pbx: Any, args: list[str], _typed: str) -> list[str]:
    return [str(number + 1) for number in range(m.RELAYS)] if not args else ["lifeline", "automatic"][: 2 * len(args)]


@module.command("supervisor relay <number> {lifeline|automatic}", "Test a lifeline relay", complete=_relay_words)
async def relay(request: Request) -> None:
    """Connect a line with its lifeline, or leave that to the supervisor again.

    For a test with a phone in hand. A call on the line ends.
    """
    if len(request.args) != 2 or request.args[1] not in ("lifeline", "automatic"):
        raise request.usage()
    number = int(request.args[0]) - 1 if request.args[0].isdigit() else -1
    if not 0 <= number < m.RELAYS:
        raise CommandError(f"There is no relay {request.args[0]}; they are 1 to {m.RELAYS}.")
    how = m.RELAY_LIFELINE if request.args[1] == "lifeline" else m.RELAY_AUTOMATIC
    await _ask(request, m.RELAY, bytes((number, how)))
    request.print(f"Relay {number + 1}: {request.args[1]}")


@module.command("supervisor stop", "Switch the lines' supplies off at once")
async def stop(request: Request) -> None:
    """Switch battery and ringing off and connect the lifeline, as the emergency stop does."""
    await _ask(request, m.STOP)
    request.print('Stopped. "supervisor resume" ends it.')


@module.command("supervisor resume", "End an emergency stop, forget trips")
async def resume(request: Request) -> None:
    """End an emergency stop whose button is released, and let tripped supplies be switched on again."""
    await _ask(request, m.RESUME)
    request.print("Resumed.")


@module.command("supervisor hold <seconds>", "Keep the power on while the host restarts")
async def hold(request: Request) -> None:
    """Do not cycle the host's power for some seconds, 900 at most: before a restart on purpose."""
    if len(request.args) != 1 or not request.args[0].isdigit():
        raise request.usage()
    seconds = min(900, int(request.args[0]))
    await _ask(request, m.HOLD, struct.pack(">H", seconds))
    request.print(f"The power stays on for {seconds} s whatever happens.")


def _pulse(library: str, chip: str, line: int) -> None:
    """Pull a line low for a moment. Raises LineCardError."""
    from kernel_shims.linecard.gpio import open_gpio

    gpio = open_gpio(library, chip)
    try:
        gpio.write(line, False)
        time.sleep(RESET_S)
        gpio.write(line, True)
    finally:
        gpio.close()


@module.command("supervisor reset", "Restart the supervisor by its reset line")
async def reset(request: Request) -> None:
    """Pull the supervisor's reset line low for a moment: for one that does not answer any more.

    The lines are on the lifeline for some seconds: calls on them end.
    """
    from kernel_shims.linecard.bus import LineCardError

    _service(request)
    board = request.pbx.parts.get(BOARD)
    line = board.pins.get("supervisor_reset") if board is not None else None
    if line is None:
        raise CommandError("The board has no GPIO line for that: switch the supervisor off and on.")
    try:
        await request.pbx.off_loop(_pulse, board.gpio_library, board.gpio_chip, line)
    except LineCardError as error:
        raise CommandError(f"{error}.") from error
    request.print(f"Reset, by GPIO line {line}.")


# ---- a new firmware ---------------------------------------------------------------------------------


@module.command("supervisor update <file>", "Give the supervisor a new firmware")
async def update(request: Request) -> None:
    """Send a firmware bundle to the supervisor and start it on trial.

    It becomes the one that counts once it has answered ten beats; until then a fault, a restart or three minutes
    bring the old one back. The lines are on the lifeline for some seconds: calls on them end.
    """
    from offhook.field.supervisor.link import LinkError
    from offhook.field.supervisor.update import Bundle, BundleError, send

    if len(request.args) != 1:
        raise request.usage()
    service = _service(request)
    path = Path(request.args[0])
    try:
        data = await request.pbx.off_loop(path.read_bytes)
        bundle = Bundle.decode(data)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except BundleError as error:
        raise CommandError(f"{path} is no firmware: {error}.") from error
    try:
        await send(service.link, data)
        await service.link.ask(m.UPDATE_START)
    except LinkError as error:
        raise CommandError(f"The old firmware goes on: {error}.") from error
    service.identity = None
    service.identified.clear()
    wanted = ".".join(str(part) for part in bundle.version)
    with suppress(TimeoutError):
        await asyncio.wait_for(service.identified.wait(), NEW_FIRMWARE_S)
    now = service.identity
    if now is None:
        raise CommandError(f'Firmware {wanted} was sent and does not answer yet; "supervisor show" tells more.')
    running = ".".join(str(part) for part in now.version)
    if now.version != bundle.version or not now.trial:
        raise CommandError(f"Firmware {wanted} did not start: {running} runs.")
    request.print(f"Firmware {running} runs on trial and is confirmed after ten beats.")
