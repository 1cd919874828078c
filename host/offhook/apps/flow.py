"""Going elsewhere in the dialplan: Goto and its conditional forms."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook import log as levels
from offhook.dialplan.condition import holds
from offhook.dialplan.executor import run_application
from offhook.dialplan.location import parse_location
from offhook.dialplan.scope import scope_of
from offhook.dialplan.timing import Timing
from offhook.log import verbose
from offhook.modules import Module, Syntax

if TYPE_CHECKING:
    from offhook.calls.channel import Channel

log = logging.getLogger(__name__)
module = Module("dialplan_flow", "Applications that go elsewhere in the dialplan")


def go(channel: Channel, place: str) -> None:
    """Continue at ``[[context,]extension,]priority``. Raises DialplanError when a label does not exist."""
    context, exten, priority = parse_location(channel, place)
    channel.goto(context, exten, priority)
    if levels.most_verbose >= 3:
        verbose(3, "Goto (%s,%s,%d)", context, exten, priority)


@module.application(
    "Goto",
    Syntax("[context]", "[extensions]", "priority", priority="A number, a label, or +n or -n from here."),
    see_also=("GotoIf", "GotoIfTime", "Gosub"),
    raw=True,
)
def goto(channel: Channel, place: str) -> None:
    """Continue at another priority, extension or context.

    What is left out stays as it is. A place that does not exist is handled by extension i of its context.
    """
    go(channel, place)


@module.application(
    "GotoIf",
    Syntax("condition?labeliftrue:labeliffalse"),
    see_also=("Goto", "GosubIf", "GotoIfTime", "IF"),
    raw=True,
)
def goto_if(channel: Channel, data: str) -> None:
    """Continue elsewhere when a condition holds, or when it does not.

    The condition is false when it is empty or a number that is zero. Either place may be left out: the dialplan
    then goes on with the next priority.
    """
    condition, _, branches = data.partition("?")
    positive, _, negative = branches.partition(":")
    place = positive if holds(condition) else negative
    if place:
        go(channel, place)


@module.application(
    "GotoIfTime",
    Syntax("times", "weekdays", "mdays", "months", "[timezone]?[labeliftrue][:labeliffalse]"),
    see_also=("GotoIf", "IFTIME"),
    raw=True,
)
def goto_if_time(channel: Channel, data: str) -> None:
    """Continue elsewhere when the time of day, day of the week, day of the month and month fit, or when they do not.

    Each part is *, a value or a range: 9:00-17:30,mon-fri,*,*,Europe/Berlin?open:closed. The variable TESTTIME, set
    to seconds since 1970, stands in for the clock.
    """
    condition, _, branches = data.partition("?")
    positive, _, negative = branches.partition(":")
    now = channel.pbx.wall()
    pretended = scope_of(channel).get("TESTTIME")
    if pretended is not None:
        try:
            now = float(int(pretended))
        except ValueError:
            log.warning("%s: TESTTIME is %r and no number of seconds; the clock is used", channel.name, pretended)
            channel.variables.pop("TESTTIME")
    place = positive if Timing(condition).holds(now) else negative
    if place:
        go(channel, place)


@module.application(
    "ExecIfTime",
    Syntax("times", "weekdays", "mdays", "months", "[timezone]?appname[(appargs)]"),
    see_also=("Exec", "ExecIf", "GotoIfTime"),
    raw=True,
)
async def exec_if_time(channel: Channel, data: str) -> str | None:
    """Run an application when the time fits; the parts are those of GotoIfTime."""
    condition, asked, call = data.partition("?")
    if not asked:
        log.warning("%s: ExecIfTime(%s) has no application after ?", channel.name, data)
        return None
    if not Timing(condition).holds(channel.pbx.wall()):
        return None
    name, _, rest = call.partition("(")
    arguments = rest.rpartition(")")[0] if ")" in rest else rest
    return await run_application(channel, name, await scope_of(channel).expanded(arguments))
