"""Running dialplan on a channel: priorities one after the other, digits, exceptions, and the end.

An application returns None to go on, or the digit with which the caller left it. It jumps with
``channel.goto``, ends the call with ``raise Hangup``, asks for more digits with ``raise Incomplete``, and
fails with ``raise ApplicationError``. When something breaks into it, its await is cancelled; the executor finds in
``channel.interruption`` why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from offhook import log as levels
from offhook.dialplan import digits
from offhook.dialplan.context import DialplanError, Extension, Priority
from offhook.dialplan.location import caller_number
from offhook.dialplan.outcome import ApplicationError, Hangup, Incomplete, Interruption, Outcome
from offhook.dialplan.patterns import Match
from offhook.dialplan.scope import Scope
from offhook.dialplan.search import SwitchMatch
from offhook.dialplan.substitution import Template, compile_template
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel
    from offhook.modules import Application

log = logging.getLogger(__name__)

TURN = 0.004
"""Seconds after which dialplan that never waits lets others run."""
_STEPS_A_LOOK = 64
FALL_THROUGH_SECONDS = "10"
ENDING = "hangup_logic"
"""Among the channel's flags from extension h or the first hangup handler on."""
_FALL_THROUGH = {"CONGESTION": "congestion", "CHANUNAVAIL": "congestion", "BUSY": "busy"}


class Run:
    """What the executor keeps on a channel while dialplan runs there (``channel.dialplan_state``)."""

    __slots__ = ("dialled", "digit_timeout", "last", "response_timeout", "scope")

    def __init__(self, channel: Channel) -> None:
        self.scope = Scope(channel.pbx, channel)
        self.digit_timeout = digits.DIGIT_TIMEOUT
        self.response_timeout = digits.RESPONSE_TIMEOUT
        self.dialled = ""
        """Digits with which the caller left an application."""
        self.last = ("", "")
        """The context before the present one, and the extension before the present one."""

    def arrive(self, context: str, exten: str, before: tuple[str, str, int]) -> None:
        """The dialplan goes on at another extension: keep what was before."""
        last = self.last
        self.last = (before[0] if before[0] != context else last[0], before[1] if before[1] != exten else last[1])


class Step:
    """A priority made ready: its application found, its text compiled, fixed arguments split."""

    __slots__ = ("arguments", "data", "entry", "generation", "name", "raw", "run", "template", "waits")

    def __init__(self, priority: Priority, scope: Scope) -> None:
        registry = scope.pbx.registry
        self.generation: int = registry.generation
        entry: Application | None = registry.applications.get(priority.application.lower())
        self.entry = entry
        self.name = entry.name if entry is not None else priority.application
        self.run: Callable[..., Any] = entry.run if entry is not None else _missing
        self.raw = entry is not None and entry.raw
        self.template: Template = compile_template(priority.data)
        self.data: str | None = priority.data if "${" not in priority.data and "$[" not in priority.data else None
        self.waits = self.template.waits(scope)
        self.arguments = self.split(self.data) if entry is not None and self.data is not None else None

    def split(self, data: str) -> list[str]:
        """The argument string split for the application. Raises DialplanError when an argument is missing."""
        return split_for(self.entry, data) if self.entry is not None else []


def _missing(channel: Channel, *data: str) -> None:
    raise DialplanError("there is no such application")


def split_for(entry: Application, data: str) -> list[str]:
    """An argument string split for an application. Raises DialplanError when an argument is missing."""
    arguments = entry.arguments(data)
    if len(arguments) < entry.arity[0]:
        raise DialplanError(f"{entry.name} needs more arguments: {entry.name}({entry.syntax})")
    return arguments


async def run(channel: Channel) -> None:
    """Run the dialplan from the channel's position to the end, extension h and hangup handlers included.

    Returns when all of it is over; the caller hangs the channel up. A cancellation that is no interruption of
    the channel's passes through.
    """
    state = channel.dialplan_state = Run(channel)
    levels.call_id.set(channel.callid or levels.new_call_id())
    channel.callid = levels.call_id.get()
    if not channel.exten:
        verbose(
            2,
            "Starting %s at %s,%s,%d failed so falling back to exten 's'",
            channel.name,
            channel.context,
            channel.exten,
            channel.priority,
        )
        channel.exten, channel.priority = "s", 1
    try:
        await until_end(channel, state)
        channel.finish_dialplan()
        await run_h(channel)
        await run_handlers(channel)
    finally:
        channel.application = channel.application_data = ""
        channel.dialplan_state = None


async def until_end(channel: Channel, state: Run) -> None:
    """Run the dialplan from the channel's position until it ends; what follows that is the caller's business."""
    while True:
        try:
            errand = channel.data.pop("errand", None)
            if errand is not None:
                await errand(channel)
            if not await _round(channel, state):
                return
        except Hangup as ending:
            _left(channel)
            if ending.cause and not channel.hangup_cause:
                channel.hangup_cause = ending.cause
            if channel.interruption is None or not await _interrupted(channel):
                return
        except ApplicationError as error:
            _left(channel)
            log.log(levels.NOTICE, "%s: %s", channel.name, error)
            if channel.exten == "e" or not await digits.reaches(channel, "e"):
                return
            _raise(channel, "ERROR")
        except asyncio.CancelledError:
            if channel.interruption is None:
                raise
            if not await _interrupted(channel):
                return


def _left(channel: Channel) -> None:
    verbose(
        2,
        "Spawn extension (%s, %s, %d) exited non-zero on '%s'",
        channel.context,
        channel.exten,
        channel.priority,
        channel.name,
    )


async def _interrupted(channel: Channel) -> bool:
    """Something broke into the dialplan: whether it goes on (at the channel's new place)."""
    why = take_interruption(channel)
    channel.take_goto()
    if why is Interruption.GOTO:
        return not channel.hangup_requested
    if why is Interruption.TIMEOUT and not channel.hangup_requested:
        if await digits.reaches(channel, "T"):
            channel.exten, channel.priority = "T", 1
            return True
        if await digits.reaches(channel, "e"):
            _raise(channel, "ABSOLUTETIMEOUT")
            return True
    return False


def take_interruption(channel: Channel) -> Interruption | None:
    """Why the channel was interrupted; the cancellation that came with it is taken back."""
    why: Interruption | None = channel.interruption
    channel.interruption = None
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
    return why


async def _round(channel: Channel, state: Run) -> bool:
    """Priorities until they end, then what follows; whether there is more to run."""
    incomplete = invalid = False
    try:
        dialled = await steps(channel, state)
    except Incomplete:
        _left(channel)
        incomplete = True
        dialled = channel.exten
        invalid = not await digits.reaches(channel, dialled, Match.MORE)
    if invalid or (not dialled and not await digits.reaches(channel, channel.exten)):
        return await _invalid(channel, channel.exten)
    if not dialled and channel.pbx.dialplan.autofallthrough:
        await _fall_through(channel)
        return False
    first = state.digit_timeout if dialled else state.response_timeout
    before, dialled = dialled, await digits.collect(channel, dialled, first, state.digit_timeout)
    if not dialled or (incomplete and dialled == before):
        return await _timed_out(channel)
    if await digits.reaches(channel, dialled):
        channel.exten, channel.priority = dialled, 1
        return True
    return await _invalid(channel, dialled)


async def _invalid(channel: Channel, exten: str) -> bool:
    if await digits.reaches(channel, "i"):
        verbose(3, "Invalid extension '%s' in context '%s' on %s", exten, channel.context, channel.name)
        channel.set("INVALID_EXTEN", exten)
        channel.exten, channel.priority = "i", 1
        return True
    if await digits.reaches(channel, "e"):
        _raise(channel, "INVALID")
        return True
    log.warning(
        "%s: there is no extension %s (priority %d) in [%s], and neither i nor e to handle that",
        channel.name,
        exten,
        channel.priority,
        channel.context,
    )
    return False


async def _timed_out(channel: Channel) -> bool:
    if await digits.reaches(channel, "t"):
        verbose(3, "Timeout on %s", channel.name)
        channel.exten, channel.priority = "t", 1
        return True
    if await digits.reaches(channel, "e"):
        _raise(channel, "RESPONSETIMEOUT")
        return True
    log.warning("%s dialled nothing in time, and [%s] has no extension t or e", channel.name, channel.context)
    return False


async def _fall_through(channel: Channel) -> None:
    """The priorities are used up: end the call as its last Dial did."""
    status = Scope(channel.pbx, channel).get("DIALSTATUS") or "UNKNOWN"
    verbose(3, "Auto fallthrough, channel '%s' status is '%s'", channel.name, status)
    entry = channel.pbx.registry.applications.get(_FALL_THROUGH.get(status.upper(), ""))
    if entry is not None:
        result = entry.run(channel, FALL_THROUGH_SECONDS)
        if result is not None and not isinstance(result, str):
            await result


# ---- exceptions -----------------------------------------------------------------------------------------


def _raise(channel: Channel, reason: str) -> None:
    channel.data["exception"] = {
        "REASON": reason,
        "CONTEXT": channel.context,
        "EXTEN": channel.exten,
        "PRIORITY": str(channel.priority),
    }
    channel.exten, channel.priority = "e", 1


def raise_exception(channel: Channel, reason: str) -> None:
    """For an application: note what EXCEPTION() tells, and continue at extension e."""
    _raise(channel, reason)
    channel.goto(channel.context, "e", 1)


# ---- priorities -------------------------------------------------------------------------------------------


async def steps(channel: Channel, state: Run, *, ended: bool = False) -> str:
    """Run priorities from the channel's position; returns when there is no next one, or with what was dialled.

    With ``ended`` the channel's hangup does not stop them. Raises what applications raise.
    """
    try:
        return await _steps(channel, state, ended)
    except Outcome:
        raise
    except Exception as error:
        _failed(channel, error)
        raise Hangup from error


async def _steps(channel: Channel, state: Run, ended: bool) -> str:
    pbx = channel.pbx
    plan = pbx.dialplan
    registry = pbx.registry
    scope = state.scope
    flags = channel.flags
    started = monotonic()
    count = 0
    known_context = known_exten = ""
    generation = -1
    extensions: tuple[Extension, ...] | None = None
    while True:
        context, exten, number = channel.context, channel.exten, channel.priority
        if context is not known_context or exten is not known_exten or plan.generation != generation:
            known_context, known_exten, generation = context, exten, plan.generation
            extensions = plan.exact(context, exten)
        priority: Priority | None = None
        if extensions is not None:
            for extension in extensions:
                priority = extension.priorities.get(number)
                if priority is not None:
                    break
            else:
                return ""
        else:
            found = await plan.locate(channel, context, exten, number, caller_number(channel))
            if found is None:
                return ""
            if not isinstance(found, SwitchMatch):
                priority = found
        result: Any
        if priority is None:
            caller = caller_number(channel)
            result = found.switch.execute(channel, found.context, exten, number, caller, found.data)
        else:
            step: Step = priority.step
            if step is None or step.generation != registry.generation:
                step = _prepared(priority, scope)
            place = channel.announced
            fresh = place[2] != number
            if place[1] != exten or place[0] != context:
                state.arrive(context, exten, place)
                fresh = True
            data = step.data
            if data is None:
                data = await step.template.wait(scope) if step.waits else step.template.get(scope)
            if levels.most_verbose >= 3:
                _show(channel, step.name, data)
            if fresh:
                channel.begin_application(step.name, data)
            else:
                channel.application = step.name
                channel.application_data = data
            if step.raw:
                result = step.run(channel, data)
            else:
                result = step.run(channel, *(step.arguments or step.split(data)))
        if result is not None and not isinstance(result, str):
            result = await result
        if channel.interruption is not None:
            if not ended:
                raise Hangup
            take_interruption(channel)
        elif channel.hangup_requested and not ended:
            raise Hangup
        if "goto" in flags:
            flags.discard("goto")
        else:
            channel.priority = number + 1
        if result or state.dialled:
            dialled: str = result or state.dialled
            state.dialled = ""
            return dialled
        count += 1
        if not count % _STEPS_A_LOOK:
            now = monotonic()
            if now - started > TURN:
                await asyncio.sleep(0)
                started = monotonic()


def _prepared(priority: Priority, scope: Scope) -> Step:
    step = Step(priority, scope)
    if step.entry is None:
        raise DialplanError(
            f'{priority.where}: there is no application "{priority.application}"; '
            "load the module that has it, or correct the name"
        )
    priority.step = step
    return step


def _show(channel: Channel, application: str, data: str) -> None:
    verbose(
        3,
        'Executing [%s@%s:%d] %s("%s", "%s") in new stack',
        channel.exten,
        channel.context,
        channel.priority,
        application,
        channel.name,
        data,
    )


def _failed(channel: Channel, error: Exception) -> None:
    """An application failed in a way it did not foresee: the call ends, the daemon goes on."""
    if isinstance(error, DialplanError):
        log.warning("%s, %s: %s", channel.name, channel.application, error)
    else:
        log.error(
            "%s: application %s(%s) failed", channel.name, channel.application, channel.application_data, exc_info=error
        )


async def run_application(channel: Channel, name: str, data: str = "") -> str | None:
    """Run one application outside the priorities, its text taken as it is; returns the digit it was left with.

    Raises Hangup when there is no such application, and what the application raises.
    """
    entry = channel.pbx.registry.applications.get(name.lower())
    if entry is None:
        log.warning('%s: there is no application "%s"; load the module that has it', channel.name, name)
        raise Hangup
    before = channel.application, channel.application_data
    lent = channel.dialplan_state is None
    if lent:
        channel.dialplan_state = Run(channel)
    if channel.announced != (channel.context, channel.exten, channel.priority) or not before[0]:
        channel.begin_application(entry.name, data)
    else:
        channel.change_application(entry.name, data)
    try:
        result = entry.run(channel, *split_for(entry, data))
        if result is not None and not isinstance(result, str):
            result = await result
        return result if isinstance(result, str) else None
    except Outcome:
        raise
    except Exception as error:
        _failed(channel, error)
        raise Hangup from error
    finally:
        channel.application, channel.application_data = before
        if lent:
            channel.dialplan_state = None


# ---- the end ------------------------------------------------------------------------------------------------


async def run_h(channel: Channel, context: str = "") -> bool:
    """Run extension h of a context (the channel's when not named), if there is one and it did not run yet."""
    context = context or channel.context
    plan = channel.pbx.dialplan
    if "h_run" in channel.flags:
        channel.flags.discard("h_run")
        return False
    if not plan.exists(context, "h", 1, caller_number(channel)):
        return False
    channel.flags.add(ENDING)
    channel.context, channel.exten, channel.priority = context, "h", 1
    state = channel.dialplan_state or Run(channel)
    channel.dialplan_state = state
    try:
        await steps(channel, state, ended=True)
    except (Hangup, Incomplete, ApplicationError):
        _left(channel)
    except asyncio.CancelledError:
        if channel.interruption is None:
            raise
        take_interruption(channel)
    return True


async def run_handlers(channel: Channel) -> None:
    """Run the hangup handlers, the one pushed last first."""
    from offhook.dialplan.subroutine import run_gosub

    if channel.hangup_handlers:
        channel.flags.add(ENDING)
    while (handler := channel.take_hangup_handler()) is not None:
        await run_gosub(channel, handler, ended=True)
