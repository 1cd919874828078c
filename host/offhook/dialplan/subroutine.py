"""Subroutines: Gosub, Return, their arguments and local variables."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offhook.dialplan.context import DialplanError
from offhook.dialplan.location import caller_number, parse_location
from offhook.dialplan.outcome import ApplicationError, Hangup, Incomplete, Interruption, Returned
from offhook.log import verbose
from offhook.modules import split_arguments

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel

log = logging.getLogger(__name__)

_KEY = "gosub"
MACRO_EXTENSION = "~~s~~"
"""Where a subroutine begins that is a macro of AEL."""
RUNNING = "subroutine"
"""Among the channel's flags while a call is in progress: records keep the place that was called from."""


class Frame:
    """A call in progress: where it returns to, and the names of its local variables."""

    __slots__ = ("arguments", "context", "exten", "names", "priority", "special")

    def __init__(self, context: str, exten: str, priority: int, arguments: int) -> None:
        self.context = context
        self.exten = exten
        self.priority = priority
        """The priority after the call."""
        self.arguments = arguments
        """How many ARGn it hides or sets."""
        self.names: list[str] = []
        self.special = False
        """Called from outside the dialplan: its return ends ``run_gosub``."""


def frames(channel: Channel) -> list[Frame]:
    """The calls in progress, the innermost last."""
    found: list[Frame] = channel.data.setdefault(_KEY, [])
    return found


def set_local(channel: Channel, name: str, value: str) -> None:
    """Assign a variable of the innermost call; Return forgets it and shows what it hid. DialplanError outside one."""
    stack = frames(channel)
    if not stack:
        raise DialplanError(f"LOCAL({name}) is assigned outside a subroutine; call it with Gosub")
    frame = stack[-1]
    if name in frame.names:
        channel.set(name, value)
    else:
        frame.names.append(name)
        channel.variables.push(name, value)
    channel.announce_variable(f"LOCAL({name})", value)


def gosub(channel: Channel, text: str) -> None:
    """Call ``[[context,]extension,]priority[(arguments)]``: the channel's place is the subroutine's afterwards.

    Raises DialplanError when there is no such place.
    """
    place, arguments = _split(text)
    context, exten, priority = parse_location(channel, place)
    plan: Any = channel.pbx.dialplan
    if not plan.exists(context, exten, priority, caller_number(channel)) and not plan.switched(context):
        raise DialplanError(
            f"Gosub from {channel.context},{channel.exten},{channel.priority} goes to {context},{exten},{priority}, "
            "which does not exist"
        )
    stack = frames(channel)
    most = max(len(arguments), stack[-1].arguments if stack else 0)
    stack.append(Frame(channel.context, channel.exten, channel.priority + 1, most))
    channel.flags.add(RUNNING)
    for index in range(most):
        set_local(channel, f"ARG{index + 1}", arguments[index] if index < len(arguments) else "")
    set_local(channel, "ARGC", str(len(arguments)))
    channel.goto(context, exten, priority)


def leave(channel: Channel, value: str = "") -> None:
    """Return from the innermost call. DialplanError outside one; Returned when the call came from outside."""
    stack = frames(channel)
    if not stack:
        raise DialplanError("Return without Gosub; nothing to return to")
    frame = stack.pop()
    if not stack:
        channel.flags.discard(RUNNING)
    channel.goto(frame.context, frame.exten, frame.priority)
    _forget(channel, frame)
    channel.set("GOSUB_RETVAL", value)
    if frame.special:
        raise Returned


def drop(channel: Channel) -> None:
    """Forget the innermost call without returning (StackPop); Hangup when it came from outside the dialplan."""
    stack = frames(channel)
    if not stack:
        log.warning("%s: StackPop outside a subroutine does nothing", channel.name)
        return
    if stack[-1].special:
        log.warning("%s: StackPop would drop the place that called the subroutine; the subroutine ends", channel.name)
        raise Hangup
    _forget(channel, stack.pop())
    if not stack:
        channel.flags.discard(RUNNING)


def complete_arguments(channel: Channel, text: str) -> str:
    """``[[context,]extension,]priority[(arguments)]`` with context and extension written out."""
    place, opened, rest = text.partition("(")
    fields = place.split(",")
    if len(fields) < 2:
        fields.insert(0, channel.exten)
    if len(fields) < 3:
        fields.insert(0, channel.context)
    fields[0] = fields[0] or channel.context
    fields[1] = fields[1] or channel.exten
    arguments = rest.rpartition(")")[0] if ")" in rest else rest
    return ",".join(fields[:3]) + (f"({arguments})" if opened and arguments else "")


def beginning(channel: Channel, text: str) -> str:
    """The place of a subroutine that is named by ``context[,arguments]``: extension s, or that of AEL's macros."""
    context, _, arguments = text.partition(",")
    plan: Any = channel.pbx.dialplan
    macro = not plan.exists(context, "s", 1) and plan.exists(context, MACRO_EXTENSION, 1)
    exten = MACRO_EXTENSION if macro else "s"
    return f"{context},{exten},1({arguments})" if arguments else f"{context},{exten},1"


async def run_gosub(channel: Channel, text: str, *, ended: bool = False) -> bool:
    """Run a subroutine from outside the dialplan, to its Return; the channel is then where it was before.

    False when there is no such place. With ``ended`` the channel's hangup does not stop it. An interruption passes.
    """
    from offhook.dialplan.executor import Run, steps

    verbose(3, "%s Internal Gosub(%s) start", channel.name, text)
    saved = channel.context, channel.exten, channel.priority
    jumped = channel.take_goto()
    try:
        gosub(channel, text)
    except DialplanError as error:
        log.error("%s: %s", channel.name, error)
        channel.context, channel.exten, channel.priority = saved
        return False
    channel.take_goto()
    frame = frames(channel)[-1]
    frame.special = True
    lent = channel.dialplan_state is None
    state = channel.dialplan_state or Run(channel)
    channel.dialplan_state = state
    announced = channel.application, channel.application_data
    returned = False
    try:
        await steps(channel, state, ended=ended)
    except Returned:
        returned = True
        verbose(
            3, "%s Internal Gosub(%s) complete GOSUB_RETVAL=%s", channel.name, text, channel.get("GOSUB_RETVAL") or ""
        )
    except (Hangup, Incomplete, ApplicationError):
        verbose(
            2,
            "Spawn extension (%s, %s, %d) exited non-zero on '%s'",
            channel.context,
            channel.exten,
            channel.priority,
            channel.name,
        )
    finally:
        if not returned:
            log.warning("%s: the subroutine %s ended without Return; its calls are forgotten", channel.name, text)
            _unwind(channel, frame)
            channel.set("GOSUB_RETVAL", "")
        channel.application, channel.application_data = announced
        if lent:
            channel.dialplan_state = None
        if channel.interruption is not Interruption.GOTO:
            channel.take_goto()
            channel.context, channel.exten, channel.priority = saved
            if jumped:
                channel.goto(*saved)
    return True


def _split(text: str) -> tuple[str, list[str]]:
    place, opened, rest = text.partition("(")
    if not opened:
        return place, []
    inside, closed, _ = rest.rpartition(")")
    if not closed:
        log.warning('Gosub(%s) has no closing ")"', text)
        inside = rest
    return place, split_arguments(inside, raw=True)


def _forget(channel: Channel, frame: Frame) -> None:
    for name in reversed(frame.names):
        if channel.variables.pop(name):
            channel.announce_variable(name, "")


def _unwind(channel: Channel, frame: Frame) -> None:
    stack = frames(channel)
    while frame in stack:
        _forget(channel, stack.pop())
    if not stack:
        channel.flags.discard(RUNNING)
