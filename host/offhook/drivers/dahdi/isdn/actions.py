"""Manager actions of ISDN spans, in Asterisk's shape."""

from __future__ import annotations

from offhook.drivers.dahdi.isdn.commands import MOST_SPANS, level_of
from offhook.drivers.dahdi.module import lines_of, module
from offhook.modules import ActionError, ActionRequest, Syntax


@module.action("PRIShowSpans", (), Syntax("[Span]"))
def show_spans(request: ActionRequest) -> None:
    """Show status of PRI spans.

    Sends a PRIShowSpans event for each D channel.
    """
    wanted = request.get("Span")
    number = int(wanted) if wanted.isdigit() else 0
    request.listed("Span status will follow")
    count = 0
    for span in lines_of(request.pbx).isdn:
        if number and span.number != number:
            continue
        for channel, rank, state in span.states():
            headers = [
                ("Span", str(span.number)),
                ("DChannel", str(channel.number)),
                ("Order", rank),
                ("Active", "Yes" if state.endswith("Active") else "No"),
                ("Alarm", "Yes" if channel.alarm else "No"),
                ("Up", "Yes" if channel.up else "No"),
                *([("ActionID", request.get("ActionID"))] if request.get("ActionID") else []),
            ]
            request.event("PRIShowSpans", headers)
            count += 1
    request.complete("PRIShowSpansComplete", count, [("Items", str(count))])


@module.action("PRIDebugSet", (), Syntax("Span", "Level"))
def debug_set(request: ActionRequest) -> None:
    """Set PRI debug levels for a span.

    Level is off, on, hex, intense, or a sum of 1 (general), 2 (layer 3), 4 (layer 2) and 8 (hexadecimal).
    """
    word = request.require("Level", "'Level' was not specified")
    span = request.require("Span", "'Span' was not specified")
    level = level_of(word)
    if level is None:
        raise ActionError("Invalid value for 'Level'")
    if not span.isdigit():
        raise ActionError("Invalid value for 'Span'")
    if not 1 <= int(span) <= MOST_SPANS:
        raise ActionError(f"Invalid span '{span}' - Should be a number from 1 to {MOST_SPANS}")
    found = lines_of(request.pbx).isdn.spans.get(int(span))
    if found is None:
        raise ActionError("No PRI running on requested span")
    found.set_debug(level)
    request.ok("Debug level set for requested span")


@module.action("PRIDebugFileSet", ("system",), Syntax("File"))
async def debug_file_set(request: ActionRequest) -> None:
    """Set the file used for PRI debug message output."""
    name = request.require("File", "Action must define a 'File'")
    try:
        await request.pbx.off_loop(lines_of(request.pbx).isdn.debug_file.open, name)
    except OSError:
        raise ActionError("Unable to open requested file for writing") from None
    request.ok("PRI debug output will now be sent to requested file.")


@module.action("PRIDebugFileUnset", (), Syntax())
def debug_file_unset(request: ActionRequest) -> None:
    """Disables file output for PRI debug messages."""
    lines_of(request.pbx).isdn.debug_file.close()
    request.ok("PRI Debug output to file disabled")
