"""Waiting for a moment, a condition or a ring."""

from __future__ import annotations

import asyncio
import logging
import re

from offhook.calls.channel import Channel, Hangup
from offhook.calls.frames import Condition, Control
from offhook.dialplan.scope import scope_of
from offhook.log import NOTICE
from offhook.modules import Module, Syntax, split_arguments

log = logging.getLogger(__name__)
until_module = Module("app_waituntil", "Wait until specified time")
condition_module = Module("app_waitforcond", "Wait until condition is true")
ring_module = Module("app_waitforring", "Waits until first ring after time")

_POLL_S = 0.05
_LEAST_POLL_S = 0.001


@until_module.application("WaitUntil", Syntax("epoch", epoch="Seconds since 1970."), see_also=("Wait",))
async def wait_until(channel: Channel, epoch: str = "") -> None:
    """Wait until a moment.

    WAITUNTILSTATUS is OK, FAILURE (that was no number), PAST or HANGUP.
    """
    if not re.match(r"\s*-?\d+", epoch):
        log.warning("%s: WaitUntil(%s): seconds since 1970 are needed", channel.name, epoch)
        channel.set("WAITUNTILSTATUS", "FAILURE")
        return
    found = re.match(r"\s*(-?\d+(\.\d+)?)", epoch)
    assert found is not None
    span = float(found[1]) - channel.pbx.wall()
    if span < 0:
        log.log(NOTICE, "%s: WaitUntil(%s): that is past", channel.name, epoch)
        channel.set("WAITUNTILSTATUS", "PAST")
        return
    try:
        await channel.sleep(span)
    except asyncio.CancelledError:
        channel.set("WAITUNTILSTATUS", "HANGUP")
        raise
    channel.set("WAITUNTILSTATUS", "OK")


@condition_module.application(
    "WaitForCondition",
    Syntax(
        "replacementchar",
        "expression",
        "[timeout]",
        "[interval]",
        replacementchar="A character that stands for $ in the expression.",
        expression="Such as #[#{GLOBAL(done)}=1].",
        timeout="Seconds; for ever when not said.",
        interval="Seconds between looks; 0.05 when not said.",
    ),
    raw=True,
    see_also=("Wait",),
)
async def wait_for_condition(channel: Channel, data: str = "") -> None:
    """Wait until an expression becomes true.

    WAITFORCONDITIONSTATUS is TRUE, FAILURE (the arguments are wrong), TIMEOUT or HANGUP.
    """
    parts = _condition(data)
    if parts is None:
        log.error(
            "%s: WaitForCondition(%s): write it as WaitForCondition(#,#[#{A}=1],timeout,interval)", channel.name, data
        )
        channel.set("WAITFORCONDITIONSTATUS", "FAILURE")
        return
    expression, rest = parts
    timeout, interval = [*split_arguments(rest), "", ""][:2]
    try:
        seconds = float(timeout) if timeout else 0.0
        pause = float(interval) if interval else _POLL_S
    except ValueError:
        pause = seconds = 0.0
    if pause < _LEAST_POLL_S:
        log.warning("%s: WaitForCondition: timeout and interval are seconds, the interval 0.001 or more", channel.name)
        raise Hangup
    now = channel.pbx.now
    deadline = now() + seconds if seconds > 0 else None
    try:
        while True:
            value = (await scope_of(channel).expanded(expression)).strip()
            if value and value != "0":
                channel.set("WAITFORCONDITIONSTATUS", "TRUE")
                return
            if deadline is not None and now() >= deadline:
                channel.set("WAITFORCONDITIONSTATUS", "TIMEOUT")
                return
            await channel.sleep(pause)
    except asyncio.CancelledError:
        channel.set("WAITFORCONDITIONSTATUS", "HANGUP")
        raise


def _condition(data: str) -> tuple[str, str] | None:
    """The expression with its $ put back, and the arguments behind it; None when it is written wrongly."""
    if len(data) < 4 or data[0] in "$[]{}" or data[1] != "," or data[2] != data[0] or data[3] != "[":
        return None
    depth = 0
    for place in range(3, len(data)):
        depth += {"[": 1, "]": -1}.get(data[place], 0)
        if not depth:
            return data[2 : place + 1].replace(data[0], "$"), data[place + 2 :]
    return None


@ring_module.application("WaitForRing", Syntax("timeout", timeout="Rings before these seconds are over do not count."))
async def wait_for_ring(channel: Channel, timeout: str = "") -> None:
    """Wait for the first ring after some seconds."""
    try:
        seconds = float(timeout)
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        log.warning("%s: WaitForRing(%s): a number of seconds is needed", channel.name, timeout)
        return
    await channel.sleep(seconds)
    while True:
        frame = await channel.read()
        if isinstance(frame, Control) and frame.condition is Condition.RING:
            return
