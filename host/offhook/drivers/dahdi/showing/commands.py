"""The CLI commands ``dahdi ...``, in Asterisk's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kernel_shims.line import LineError
from offhook.drivers.dahdi.configuration.reading import read
from offhook.drivers.dahdi.module import FILE, lines_of, module, reload
from offhook.drivers.dahdi.ports.phone import PhonePort
from offhook.drivers.dahdi.showing.tables import channel_block, channel_table, status_table
from offhook.modules import CommandError, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.port import Port

Complete = Callable[[Any, list[str], str], Iterable[str]]


def channels_at(place: int) -> Complete:
    """Completion by the numbers of channels, where so many words stand before."""

    def complete(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
        return [str(port.number) for port in lines_of(pbx)] if len(args) == place else []

    return complete


def port_of(request: Request, word: str) -> Port:
    """The port of a channel's number. Raises CommandError."""
    if not word.isdigit():
        raise CommandError(f"Expected channel number, got '{word}'")
    port = lines_of(request.pbx).ports.get(int(word))
    if port is None:
        raise CommandError(f"Unable to find given channel {word}")
    return port


def _complete_filter(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    ports = list(lines_of(pbx))
    match args:
        case []:
            return ("group", "context")
        case ["group"]:
            return map(str, sorted({group for port in ports for group in port.settings["group"]}))
        case ["context"]:
            return sorted({port.settings["context"] for port in ports})
    return ()


@module.command("dahdi show channels [group|context]", "Show active DAHDI channels", complete=_complete_filter)
def show_channels(request: Request) -> None:
    """List the channels, all or those of a group or context.

    dahdi show channels [ group <group> | context <context> ]
    """
    ports = iter(lines_of(request.pbx))
    pseudo = True
    match [word.lower() for word in request.args]:
        case []:
            pass
        case ["group", group] if group.isdigit() and int(group) < 64:
            ports = (port for port in ports if int(group) in port.settings["group"])
            pseudo = False
        case ["context", context]:
            ports = (port for port in ports if port.settings["context"].lower() == context)
            pseudo = context == "default"
        case _:
            raise request.usage()
    request.print(*channel_table(ports, pseudo=pseudo))


@module.command("dahdi show channel <chan num>", "Show information on a channel", complete=channels_at(0))
def show_channel(request: Request) -> None:
    """Show everything of one channel: its settings, its calls, its levels and how its sound goes."""
    if len(request.args) != 1:
        raise request.usage()
    request.print(*channel_block(port_of(request, request.args[0])))


@module.command("dahdi show status", "Show all DAHDI cards status")
def show_status(request: Request) -> None:
    """List the spans with their alarms and error counts."""
    request.print(*status_table(lines_of(request.pbx).system.spans()))


@module.command("dahdi show version", "Show the DAHDI version in use")
def show_version(request: Request) -> None:
    """Show the driver's version and its echo canceller."""
    version, canceller = lines_of(request.pbx).system.version()
    request.print(f"DAHDI Version: {version} Echo Canceller: {canceller}")


@module.command("dahdi show cadences", "List cadences")
def show_cadences(request: Request) -> None:
    """List the ring cadences r1, r2, ... that dial strings name."""
    for number, cadence in enumerate(lines_of(request.pbx).cadences, 1):
        times = (abs(ms) if place % 2 else ms for place, ms in enumerate(cadence))
        request.print(f"r{number}: {','.join(map(str, times))}")


def _direction(request: Request) -> tuple[str, Port, float]:
    match request.args:
        case [("rx" | "tx") as direction, number, gain]:
            port = port_of(request, number)
            try:
                return direction, port, float(gain)
            except ValueError:
                raise CommandError(f"'{gain}' is no gain in dB") from None
    raise request.usage()


def _complete_gain(pbx: Pbx, args: list[str], _typed: str) -> list[str]:
    if not args:
        return ["rx", "tx"]
    return channels_at(1)(pbx, args, _typed)  # type: ignore[return-value]


@module.command("dahdi set hwgain <rx|tx> <chan#> <gain>", "Set hardware gain on a channel", complete=_complete_gain)
def set_hwgain(request: Request) -> None:
    """Set the gain in dB of a channel's own amplifier, over what the file says.

    Only analog hardware has one. It takes effect at once.
    """
    direction, port, gain = _direction(request)
    try:
        if port.line is None:
            raise LineError(f"channel {port.number} is gone")
        port.line.hardware_gain(gain, transmit=direction == "tx")
    except LineError as error:
        text = f"Unable to set the hardware gain for channel {port.number}: {error}"
        raise CommandError(text) from None
    port.settings.values["hwtxgain" if direction == "tx" else "hwrxgain"] = gain
    request.print(f"Hardware {direction} gain set to {gain:.1f} dB on channel {port.number}.")


@module.command("dahdi set swgain <rx|tx> <chan#> <gain>", "Set software gain on a channel", complete=_complete_gain)
def set_swgain(request: Request) -> None:
    """Set the gain in dB of what a channel says (rx) or is told (tx), in a call as well."""
    direction, port, gain = _direction(request)
    receive, transmit = port.gains
    port.set_gains(*((receive, gain) if direction == "tx" else (gain, transmit)))
    request.print(f"Software {direction} gain set to {gain:.2f} dB on channel {port.number}.")


def _complete_dnd(pbx: Pbx, args: list[str], typed: str) -> Iterable[str]:
    return ["on", "off"] if len(args) == 1 else channels_at(0)(pbx, args, typed)


@module.command(
    "dahdi set dnd <chan#> <on|off>", "Sets/resets DND (Do Not Disturb) mode on a channel", complete=_complete_dnd
)
def set_dnd(request: Request) -> None:
    """Have a phone or line take no calls, or take them again."""
    if len(request.args) != 2:
        raise request.usage()
    port = port_of(request, request.args[0])
    if request.args[1].lower() not in ("on", "off", "yes", "no", "true", "false", "1", "0"):
        raise CommandError(f"Expected 'on' or 'off', got '{request.args[1]}'")
    port.set_do_not_disturb(request.args[1].lower() in ("on", "yes", "true", "1"))


def phone_of(port: Port) -> PhonePort:
    """The port when it has a phone. Raises CommandError."""
    if not isinstance(port, PhonePort):
        raise CommandError(f"channel {port.number} has no phone: its signalling is {port.signalling}")
    return port


@module.command("dahdi set mwi <chan#> <on|off|reset>", "Set/reset MWI on a channel", complete=channels_at(0))
def set_mwi(request: Request) -> None:
    """Light the message lamp of a phone or put it out by hand; reset goes back to its mailbox."""
    if len(request.args) != 2:
        raise request.usage()
    port = phone_of(port_of(request, request.args[0]))
    match request.args[1].lower():
        case "on" | "off" as word:
            port.lamp.set_by_hand(word == "on")
            request.print(f"MWI '{'enable' if word == 'on' else 'disable'}' queued for channel {port.number}")
        case "reset":
            port.lamp.set_by_hand(None)
            request.print(f"MWI reset for channel {port.number}")
        case word:
            raise CommandError(f"Expected 'on' or 'off' or 'reset', got '{word}'")


@module.command("dahdi destroy channels <from_channel> [<to_channel>]", "Destroy channels", complete=channels_at(0))
def destroy_channels(request: Request) -> None:
    """Give channels back: their calls end, and they stay out until the module is loaded anew."""
    _destroy(request)


@module.command("dahdi destroy channel <chan num>", "Destroy a channel", complete=channels_at(0))
def destroy_channel(request: Request) -> None:
    """Give one channel back: its calls end, and it stays out until the module is loaded anew."""
    _destroy(request)


def _destroy(request: Request) -> None:
    if not 1 <= len(request.args) <= 2 or not all(word.isdigit() for word in request.args):
        raise request.usage()
    first, last = int(request.args[0]), int(request.args[-1])
    for number in range(first, last + 1):
        lines_of(request.pbx).destroy(number)


def _complete_create(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    lines = lines_of(pbx)
    missing = [str(number) for number in sorted(lines.reading.channels) if number > 0 and number not in lines.ports]
    return (["new", *missing], missing)[len(args)] if len(args) < 2 else ()


@module.command("dahdi create channels <from> [<to>]|new", "Create channels", complete=_complete_create)
async def create_channels(request: Request) -> None:
    """Open channels that chan_dahdi.conf names and that are not open: a range of them, or all with "new".

    Of ISDN and SS7 a range should be whole spans.
    """
    match request.args:
        case ["new"]:
            wanted = None
        case [number] if number.isdigit():
            wanted = range(int(number), int(number) + 1)
        case [number, end] if number.isdigit() and end.isdigit():
            if int(end) < int(number):
                raise CommandError(f"range end ({end}) is smaller than range start ({number})")
            wanted = range(int(number), int(end) + 1)
        case _:
            raise request.usage()
    file = await request.pbx.off_loop(request.pbx.config.load, FILE, module.name)
    if file is None:
        raise CommandError(f"there is no {FILE}")
    made = lines_of(request.pbx).create(read(file), wanted)
    if not made:
        raise CommandError("No channel was created: all that are named are there, or cannot be opened (see the log)")


@module.command("dahdi restart", "Fully restart DAHDI channels")
async def restart(request: Request) -> None:
    """End every call, close every channel, read chan_dahdi.conf again and open the channels anew."""
    request.print("Destroying channels and reloading DAHDI configuration.")
    lines = lines_of(request.pbx)
    await reload(request.pbx)  # type: ignore[misc]
    lines.restart()
