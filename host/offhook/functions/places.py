"""Functions that ask the dialplan: DIALPLAN_EXISTS, VALID_EXTEN, EVAL_EXTEN, EVAL_SUB, EXTENSION_STATE, EXCEPTION."""

from __future__ import annotations

from offhook.dialplan.arguments import integer, need_channel
from offhook.dialplan.context import DialplanError
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.location import caller_number, parse_location
from offhook.dialplan.scope import Scope
from offhook.dialplan.subroutine import run_gosub
from offhook.dialplan.substitution import compile_template
from offhook.modules import Module, Syntax

module = Module("func_dialplan", "Dialplan Context/Extension/Priority Checking Functions")
eval_module = Module("func_evalexten", "Extension evaluation functions")
state_module = Module("func_extstate", "Gets an extension's state in the dialplan")
core_module = Module("dialplan_exceptions", "What the dialplan tells of its own course")

_STATES = {
    0: "NOT_INUSE",
    1: "INUSE",
    2: "BUSY",
    4: "UNAVAILABLE",
    8: "RINGING",
    9: "RINGINUSE",
    16: "ONHOLD",
    17: "HOLDINUSE",
}


def _caller(scope: Scope) -> str:
    return caller_number(scope.channel) if scope.channel is not None else ""


@module.function("DIALPLAN_EXISTS", Syntax("context", "[extension]", "[priority]"), see_also=("VALID_EXTEN",))
def dialplan_exists(scope: Scope, context: str = "", exten: str = "", priority: str = "") -> str:
    """1 when a context, an extension in it, or a priority (number or label) of that exists; else 0."""
    plan = scope.pbx.dialplan
    if priority:
        number = integer(priority)
        if number is not None and number > 0:
            return str(int(plan.exists(context, exten, number, _caller(scope))))
        return str(int(plan.find_label(context, exten, priority, _caller(scope)) is not None))
    if exten:
        return str(int(plan.exists(context, exten, 1, _caller(scope))))
    if context:
        return str(int(context in plan.contexts))
    raise FunctionError("DIALPLAN_EXISTS needs a context")


@module.function("VALID_EXTEN", Syntax("[context]", "extension", "[priority]"), see_also=("DIALPLAN_EXISTS",))
def valid_exten(scope: Scope, context: str = "", exten: str = "", priority: str = "") -> str:
    """1 when an extension (and priority, 1 when not named) exists in a context, the channel's by default; else 0."""
    channel = need_channel(scope, "VALID_EXTEN")
    if not exten:
        raise FunctionError("VALID_EXTEN needs an extension: VALID_EXTEN([context],extension[,priority])")
    number = (integer(priority) or 0) if priority else 1
    return str(int(scope.pbx.dialplan.exists(context or channel.context, exten, number, caller_number(channel))))


@eval_module.function("EVAL_EXTEN", Syntax("[context]", "[extensions]", "priority"), raw=True)
async def eval_exten(scope: Scope, place: str) -> str:
    """The argument text of a priority, evaluated as if the dialplan were there.

    Extensions for certain callers are passed over. Makes one-line functions in the dialplan: with
    exten => area,1,Return(${EXTEN:0:3}), ${EVAL_EXTEN(ctx,area,1)}.
    """
    channel = need_channel(scope, "EVAL_EXTEN")
    if not place:
        raise FunctionError("EVAL_EXTEN needs an extension: EVAL_EXTEN([context,]extension,priority)")
    try:
        context, exten, number = parse_location(channel, place)
    except DialplanError as error:
        raise FunctionError(f"EVAL_EXTEN: {error}") from error
    priority = scope.pbx.dialplan.find(context, exten, number)
    if priority is None:
        raise FunctionError(f"EVAL_EXTEN: there is no {exten},{number} in [{context}]")
    saved = channel.context, channel.exten, channel.priority
    template = compile_template(priority.data)
    if template.waits(scope):
        channel.context, channel.exten, channel.priority = context, exten, number
        try:
            return await template.wait(scope)
        finally:
            channel.context, channel.exten, channel.priority = saved
    channel.context, channel.exten, channel.priority = context, exten, number
    try:
        return template.get(scope)
    finally:
        channel.context, channel.exten, channel.priority = saved


@eval_module.function(
    "EVAL_SUB", Syntax("[context]", "[extensions]", "priority"), see_also=("Gosub", "Return"), raw=True
)
async def eval_sub(scope: Scope, place: str) -> str:
    """What a subroutine returns: it is called as by Gosub, arguments and all."""
    channel = need_channel(scope, "EVAL_SUB")
    if not place:
        raise FunctionError("EVAL_SUB needs a subroutine: EVAL_SUB([context,]extension,priority[(arguments)])")
    if not await run_gosub(channel, place, ended=True):
        raise FunctionError(f"EVAL_SUB: {place} cannot be called")
    return channel.get("GOSUB_RETVAL") or ""


@state_module.function("EXTENSION_STATE", Syntax("extension[@context]"), see_also=("DEVICE_STATE", "HINT"), raw=True)
def extension_state(scope: Scope, place: str) -> str:
    """The state of the devices behind an extension's hint, combined.

    UNKNOWN, NOT_INUSE, INUSE, BUSY, UNAVAILABLE, RINGING, RINGINUSE, HOLDINUSE or ONHOLD. The context is default
    when not named.
    """
    exten, _, context = place.partition("@")
    if not exten:
        raise FunctionError("EXTENSION_STATE needs an extension")
    return _STATES.get(scope.pbx.hints.state(context or "default", exten), "UNKNOWN")


@core_module.function("EXCEPTION", Syntax("field"), see_also=("RaiseException",), raw=True)
def exception(scope: Scope, field: str) -> str:
    """Why and from where the dialplan went to extension e.

    Fields are reason (INVALID, ERROR, RESPONSETIMEOUT, ABSOLUTETIMEOUT, or what RaiseException said), context, exten
    and priority.
    """
    told: dict[str, str] | None = need_channel(scope, "EXCEPTION").data.get("exception")
    if told is None:
        return ""
    key = "EXTEN" if field.upper().startswith("EXTEN") else field.upper()
    if key not in told:
        raise FunctionError(f'EXCEPTION has no field "{field}"; write reason, context, exten or priority')
    return told[key]


@core_module.function("TESTTIME", Syntax("date", "time", "[zone]", separator=" "), raw=True, write_only=True)
def test_time(scope: Scope, value: str, unused: str) -> None:
    """Have GotoIfTime pretend another time: Set(TESTTIME()=2026/02/28 23:59:00 Europe/Berlin)."""
    from offhook.functions.strings.times import read_time

    day, _, rest = value.partition(" ")
    clock, _, zone = rest.partition(" ")
    seconds = read_time(f"{day} {clock}", zone, "%Y/%m/%d %H:%M:%S")
    if seconds is None:
        raise FunctionError(f'TESTTIME: "{value}" is no time; write 2026/02/28 23:59:00 [zone]')
    scope.set("TESTTIME", str(seconds))
