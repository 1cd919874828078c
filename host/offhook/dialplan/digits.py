"""Extensions that callers dial digit by digit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from offhook.dialplan.location import caller_number
from offhook.dialplan.outcome import Hangup
from offhook.dialplan.patterns import Match
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel

log = logging.getLogger(__name__)

RESPONSE_TIMEOUT = 10.0
"""Seconds until the first digit where the dialplan waits for an extension, unless TIMEOUT(response) says else."""
DIGIT_TIMEOUT = 5.0
"""Seconds between digits, unless TIMEOUT(digit) says else."""


async def reaches(channel: Channel, exten: str, asked: Match = Match.EXACT, context: str = "") -> bool:
    """Whether a context (the channel's when not named) has an extension, or one that the digits may become."""
    plan: Any = channel.pbx.dialplan
    where = context or channel.context
    caller = caller_number(channel)
    if plan.switched(where):
        return bool(await plan.reaches(channel, where, exten, caller, asked))
    if asked is Match.EXACT:
        return bool(plan.exists(where, exten, 1, caller))
    return bool(plan.can_match(where, exten, caller) if asked is Match.CAN else plan.matches_more(where, exten, caller))


async def collect(channel: Channel, dialled: str, first_timeout: float, digit_timeout: float) -> str:
    """Digits until no longer extension can come of them, or none comes in time (seconds)."""
    timeout = first_timeout
    while await reaches(channel, dialled, Match.MORE):
        digit = await channel.read_digit(timeout)
        if digit is None:
            break
        dialled += digit
        timeout = digit_timeout
    return dialled


async def wait_for_extension(
    channel: Channel, timeout: float | None, dialled: str = "", context: str = "", only_more: bool = False
) -> None:
    """Wait for a first digit, or take the one dialled already; the executor then waits for the others.

    A digit that is a whole extension of ``context`` and begins no longer one is gone to at once. When nothing comes
    in ``timeout`` seconds (None: the response timeout), the dialplan goes on if it can, else at t or e. Raises
    Hangup when there is none of these.
    """
    run: Any = channel.dialplan_state
    if dialled:
        where = context or channel.context
        whole = await reaches(channel, dialled, Match.CAN, where)
        if run is None or (whole and not await reaches(channel, dialled, Match.MORE, where)):
            channel.goto(where, dialled, 1)
        else:
            run.dialled = dialled
        return
    response = run.response_timeout if run is not None else RESPONSE_TIMEOUT
    digit = await channel.read_digit(response if timeout is None or timeout <= 0 else timeout)
    if digit is not None:
        if run is None:
            channel.goto(channel.context, digit, 1)
        else:
            run.dialled = digit
        return
    plan: Any = channel.pbx.dialplan
    if plan.exists(channel.context, channel.exten, channel.priority + 1, caller_number(channel)):
        verbose(3, "Timeout on %s, continuing...", channel.name)
    elif await reaches(channel, "t"):
        verbose(3, "Timeout on %s, going to 't'", channel.name)
        channel.goto(channel.context, "t", 1)
    elif await reaches(channel, "e"):
        from offhook.dialplan.executor import raise_exception

        raise_exception(channel, "RESPONSETIMEOUT")
    else:
        log.warning("%s dialled nothing in time, and [%s] has no extension t or e", channel.name, channel.context)
        raise Hangup
