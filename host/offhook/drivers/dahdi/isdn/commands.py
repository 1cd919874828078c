"""The CLI commands ``pri ...`` and manager actions of ISDN spans, in Asterisk's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.drivers.dahdi.isdn.bearer import BearerPort
from offhook.drivers.dahdi.module import lines_of, module
from offhook.modules import ActionError, ActionRequest, CommandError, Request, Syntax

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offhook.calls.pbx import Pbx
    from offhook.drivers.dahdi.isdn.span import IsdnSpan

LEVELS = {"off": 0, "on": 1, "hex": 2, "intense": 3, "0": 0, "1": 1, "2": 2, "3": 3}


def _bits(level: int) -> int:
    from kernel_shims.pri.link import DEBUG_ALL, DEBUG_HEX, DEBUG_NORMAL

    return (0, DEBUG_NORMAL, DEBUG_HEX, DEBUG_ALL)[level]


def _span(pbx: Pbx, word: str) -> IsdnSpan:
    if not word.isdigit() or not 1 <= int(word) <= 128:
        raise CommandError(f"Invalid span '{word}'.  Should be a number from 1 to 128")
    found = lines_of(pbx).isdn.spans.get(int(word))
    if found is None:
        raise CommandError(f"No PRI running on span {word}")
    return found


def _complete_spans(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    return [str(span.number) for span in lines_of(pbx).isdn] if not args else ()


@module.command("pri show spans", "Displays PRI span information")
def show_spans(request: Request) -> None:
    """List the ISDN spans with the state of their D channels."""
    for span in lines_of(request.pbx).isdn:
        state = "Up" if span.up else "Down"
        request.print(f"PRI span {span.number}/0: {state}, Active")


@module.command("pri show span <span>", "Displays PRI span information", complete=_complete_spans)
def show_span(request: Request) -> None:
    """Show everything of one ISDN span, as libpri tells it."""
    if len(request.args) != 1:
        raise request.usage()
    request.print(*_span(request.pbx, request.args[0]).status_lines(), "")


@module.command("pri show channels", "Displays PRI channel information")
def show_channels(request: Request) -> None:
    """List the B channels: whether each is idle, and whose call it has."""
    request.print("PRI          B    Chan Call  PRI        Channel", "Span    Chan Chan Idle Level Call       Name")
    for span in lines_of(request.pbx).isdn:
        for port in sorted(span.bearers.values(), key=lambda one: one.number):
            channel = next(iter(port.calls), None)
            call = span.call_on(channel) if channel is not None else None
            level = call.level.name.capitalize() if call is not None else "Idle"
            idle = "No" if channel is not None else "Yes"
            name = channel.name if channel is not None else ""
            busy = "Yes" if call else "No"
            request.print(f"{span.number:4d} {port.number:7d} Yes  {idle:<4} {level:<10} {busy:<4} {name}")


@module.command("pri show debug", "Displays current PRI debug settings")
def show_debug(request: Request) -> None:
    """Tell of which spans the messages are shown."""
    told = False
    for span in lines_of(request.pbx).isdn:
        if span.debug:
            told = True
            request.print(f"Span {span.number}: Debug: Yes\tIntense: {'Yes' if span.debug == _bits(3) else 'No'}")
    if not told:
        request.print("No debug set or no PRI running")


@module.command("pri show version", "Displays libpri version")
def show_version(request: Request) -> None:
    """Show libpri's version."""
    for span in lines_of(request.pbx).isdn:
        request.print(f"libpri version: {span.link.version()}")
        return
    raise CommandError("no ISDN span is configured: libpri is not loaded")


def _complete_debug(pbx: Pbx, args: list[str], _typed: str) -> Iterable[str]:
    match len(args):
        case 0:
            return ("on", "off", "hex", "intense")
        case 1:
            return ("span",)
        case 2:
            return (str(span.number) for span in lines_of(pbx).isdn)
    return ()


@module.command(
    "pri set debug {on|off|hex|intense|0|1|2|3} span <span>", "Enables PRI debugging", complete=_complete_debug
)
def set_debug(request: Request) -> None:
    """Show the messages of a span on the console: 0 off, 1 on, 2 hex, 3 intense (layer 2 as well)."""
    match request.args:
        case [level, "span", number] if level.lower() in LEVELS:
            span = _span(request.pbx, number)
            wanted = LEVELS[level.lower()]
            span.set_debug(_bits(wanted))
            request.print(
                f"{('Disabled', 'Enabled', 'Enabled hex', 'Enabled intense')[wanted]} debugging on span {number}"
            )
        case _:
            raise request.usage()


def _bearer(request: Request, word: str) -> BearerPort:
    port = lines_of(request.pbx).ports.get(int(word)) if word.isdigit() else None
    if not isinstance(port, BearerPort):
        raise CommandError(f"Could not find channel {word}")
    return port


def _service(request: Request, change: int) -> None:
    if len(request.args) != 1:
        raise request.usage()
    port = _bearer(request, request.args[0])
    if port.span_of.settings["switchtype"] not in ("4ess", "5ess", "national"):
        raise CommandError("service messages are for the switch types 4ess, 5ess and national")
    port.in_service = change == 0
    port.span_of.link.service(port.logical or -1, port.offset, change)
    request.print(f"{'Enabled' if change == 0 else 'Disabled'} service on channel {port.number}")


@module.command("pri service enable channel <channel>", "Return a channel to service")
def service_enable(request: Request) -> None:
    """Send a service message that puts a B channel back into service."""
    _service(request, 0)


@module.command("pri service disable channel <channel>", "Remove a channel from service")
def service_disable(request: Request) -> None:
    """Send a service message that takes a B channel out of service; calls on it go on."""
    _service(request, 2)


@module.action("PRIShowSpans", (), Syntax("[Span]"))
def show_spans_action(request: ActionRequest) -> None:
    """Show status of PRI spans.

    Sends a PRIShowSpans event for each D channel.
    """
    wanted = request.get("Span")
    number = int(wanted) if wanted.isdigit() else 0
    spans = [span for span in lines_of(request.pbx).isdn if not number or span.number == number]
    request.listed("Span information will follow")
    for span in spans:
        headers = [
            ("Span", str(span.number)),
            ("DChannel", str(span.d_channel)),
            ("Order", "Primary"),
            ("Active", "Yes" if span.up else "No"),
            ("Alarm", "No"),
            ("Up", "Yes" if span.up else "No"),
        ]
        request.event("PRIShowSpans", headers)
    request.complete("PRIShowSpansComplete", len(spans), [("Items", str(len(spans)))])


@module.action("PRIDebugSet", (), Syntax("Span", "Level"))
def debug_set(request: ActionRequest) -> None:
    """Set PRI debug levels for a span."""
    level = request.require("Level", "No Level was specified")
    span = request.require("Span", "No Span was specified")
    if level.lower() not in LEVELS:
        raise ActionError("Invalid value for Level")
    found = lines_of(request.pbx).isdn.spans.get(int(span)) if span.isdigit() else None
    if found is None:
        raise ActionError("No PRI running on requested span")
    found.set_debug(_bits(LEVELS[level.lower()]))
    request.ok("Debug level set for PRI")
