"""The CLI commands ``pri ...``, in Asterisk's shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kernel_shims.line import LineError
from offhook.drivers.dahdi.isdn.bearer import BearerPort
from offhook.drivers.dahdi.isdn.upkeep import IN_SERVICE, OUT_OF_SERVICE
from offhook.drivers.dahdi.module import lines_of, module
from offhook.drivers.dahdi.showing.commands import channels_at
from offhook.modules import CommandError, Request

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

LEVELS = {"off": 0, "on": 3, "hex": 8, "intense": 15}
"""Words for levels of debugging (PriLink.debug)."""
MOST_SPANS = 128
_STATE, _HEX = 1, 8
_NO_SERVICE = (
    "",
    "\tThis operation has not been enabled in chan_dahdi.conf, "
    "set 'service_message_support=yes' to use this operation.",
    "\tNote only 4ESS, 5ESS, and NI2 switch types are supported.",
    "",
)


def _span(pbx: Pbx, word: str) -> IsdnSpan:
    if not word.isdigit() or not 1 <= int(word) <= MOST_SPANS:
        raise CommandError(f"Invalid span '{word}'.  Should be a number from 1 to {MOST_SPANS}")
    found = lines_of(pbx).isdn.spans.get(int(word))
    if found is None:
        raise CommandError(f"No PRI running on span {word}")
    return found


def _spans_at(place: int) -> Callable[[Any, list[str], str], Iterable[str]]:
    """Completion by the numbers of spans, where so many words stand before."""

    def complete(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
        return [str(span.number) for span in lines_of(pbx).isdn] if len(args) == place else ()

    return complete


@module.command("pri show spans", "Displays PRI span information")
def show_spans(request: Request) -> None:
    """List the ISDN spans with the state of their D channels."""
    for span in lines_of(request.pbx).isdn:
        for index, (_, _, state) in enumerate(span.states()):
            request.print(f"PRI span {span.number}/{index}: {state}")


@module.command("pri show span <span>", "Displays PRI span information", complete=_spans_at(0))
def show_span(request: Request) -> None:
    """Show everything of one ISDN span, as libpri tells it."""
    if len(request.args) != 1:
        raise request.usage()
    request.print(*_span(request.pbx, request.args[0]).status_lines())


@module.command("pri show channels", "Displays PRI channel information")
def show_channels(request: Request) -> None:
    """List the B channels: whether each is idle, and whose call it has.

    Calls on hold and those that wait for a B channel have none.
    """
    request.print(_row("PRI", "", "B", "Chan", "Call", "PRI", "Channel"))
    request.print(_row("Span", "Chan", "Chan", "Idle", "Level", "Call", "Name"))
    for span in lines_of(request.pbx).isdn:
        ports = sorted(span.bearers.values(), key=lambda one: one.number)
        for port in [*ports, *(call.port for call in span.bearerless)]:
            call = next((one for one in span.calls.values() if one.port is port), None)
            level = call.level.text if call is not None and call.channel is not None else "Idle"
            channel = next(iter(port.calls), None)
            request.print(
                _row(
                    str(span.number),
                    str(port.number),
                    "Yes" if port.has_sound else "No",
                    "Yes" if port.free else "No",
                    level,
                    "Yes" if call is not None else "No",
                    channel.name if channel is not None else "",
                )
            )


def _row(span: str, channel: str, sound: str, idle: str, level: str, call: str, name: str) -> str:
    if span.isdigit():
        span = span.rjust(4)
    return f"{span:<4} {channel:>4} {sound:<4} {idle:<4} {level:<10} {call:<4} {name}"


@module.command("pri show debug", "Displays current PRI debug settings")
def show_debug(request: Request) -> None:
    """Tell which messages of each D channel are shown, and the file they are written to."""
    isdn = lines_of(request.pbx).isdn
    for span in isdn:
        state, dumps = ("Yes" if span.debug & bit else "No" for bit in (_STATE, _HEX))
        for _ in span.d_channels:
            request.print(f"Span {span.number}: Debug: {state}\tIntense: {dumps}")
    if isdn.debug_file.is_open:
        request.print(f"Logging PRI debug to file {isdn.debug_file.name}")
    if not isdn.spans:
        request.print("No PRI running")


@module.command("pri show version", "Displays libpri version")
def show_version(request: Request) -> None:
    """Show libpri's version."""
    from kernel_shims.pri.link import version

    try:
        request.print(f"libpri version: {version()}")
    except LineError as error:
        raise CommandError(str(error)) from None


def _complete_debug(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    match args:
        case []:
            return (*LEVELS, *map(str, range(16)))
        case [_]:
            return ("span",)
        case [_, "span"]:
            return [str(span.number) for span in lines_of(pbx).isdn]
    return ()


def level_of(word: str) -> int | None:
    """A level of debugging by its word or number; None when it is neither."""
    return int(word) & 15 if word.isdigit() else LEVELS.get(word.lower())


@module.command("pri set debug {<level>|on|off|hex|intense} span <span>", "Enables PRI debugging on a span",
                complete=_complete_debug)  # fmt: skip
def set_debug(request: Request) -> None:
    """Show the messages of a span on the console.

    The level is a sum of 1 (general, with changes of state), 2 (messages of layer 3), 4 (of layer 2) and 8
    (hexadecimal dumps of layer 2); on is 3, hex is 8, intense is 15. off closes the file of "pri set debug file" too.
    """
    match request.args:
        case [word, "span", number] if (level := level_of(word)) is not None:
            _span(request.pbx, number).set_debug(level)
            file = lines_of(request.pbx).isdn.debug_file
            if not level and file.close():
                request.print(f"Disabled PRI debug output to file '{file.name}'")
            request.print(f"{'Enabled' if level else 'Disabled'} debugging on span {number}")
        case _:
            raise request.usage()


@module.command("pri set debug file <output-file>", "Sends PRI debug output to the specified file")
async def set_debug_file(request: Request) -> None:
    """Write the messages of every span that is debugged to a file, beside the console."""
    if len(request.args) != 1:
        raise request.usage()
    name = request.args[0]
    try:
        await request.pbx.off_loop(lines_of(request.pbx).isdn.debug_file.open, name)
    except OSError as error:
        raise CommandError(f"Unable to open '{name}' for writing: {error.strerror}") from None
    request.print(f"PRI debug output will be sent to '{name}'")


def _service(request: Request, change: int) -> None:
    if not 1 <= len(request.args) <= 2 or not all(word.isdigit() for word in request.args[1:]):
        raise request.usage()
    lines = lines_of(request.pbx)
    word = request.args[0].rpartition(":")[2]
    if not word.isdigit():
        raise request.usage()
    number = int(word)
    for span in lines.isdn:
        if any(channel.number == number for channel in span.d_channels):
            if not span.settings["service_message_support"]:
                raise CommandError("\n".join(_NO_SERVICE))
            span.upkeep.order_d_channel(int(request.args[1]) if len(request.args) == 2 else 0, change)
            return
    port = lines.ports.get(number)
    if not isinstance(port, BearerPort):
        raise CommandError(f"Unable to find given channel {number}, possibly not a PRI")
    if not port.span_of.settings["service_message_support"]:
        raise CommandError("\n".join(_NO_SERVICE))
    port.span_of.upkeep.order(port, change)


@module.command(
    "pri service enable channel <channel> [<interface id>]", "Return a channel to service", complete=channels_at(0)
)
def service_enable(request: Request) -> None:
    """Send a service message that puts a B or D channel back into service (service_message_support)."""
    _service(request, IN_SERVICE)


@module.command(
    "pri service disable channel <channel> [<interface id>]", "Remove a channel from service", complete=channels_at(0)
)
def service_disable(request: Request) -> None:
    """Send a service message that takes a B or D channel out of service; calls on it go on. It stays so when Offhook
    starts anew."""
    _service(request, OUT_OF_SERVICE)


@module.command("pri destroy span <span>", "Destroy a PRI span", complete=_spans_at(0))
def destroy_span(request: Request) -> None:
    """Give the D channel of a span back, and its B channels: calls end.

    "dahdi create channels" or "dahdi restart" open them anew.
    """
    if len(request.args) != 1:
        raise request.usage()
    span = _span(request.pbx, request.args[0])
    lines = lines_of(request.pbx)
    for port in list(span.bearers.values()):
        lines.destroy(port.number)
    lines.isdn.destroy(span.number)
