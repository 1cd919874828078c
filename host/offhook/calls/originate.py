"""Originating: call somebody and put what answers into the dialplan or an application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offhook.calls import causes, events
from offhook.calls.attempts import Outcome
from offhook.calls.channel import Channel, Hangup, Interruption, State
from offhook.calls.dialing import Dialing
from offhook.calls.party import Connected, Name, Number, Party
from offhook.calls.requesting import RequestError, request
from offhook.log import NOTICE

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

#: Why an originate ended, by the numbers that OriginateResponse carries (AST_CONTROL_* of the outcome).
REASON_FAILED = 0
REASON_HANGUP = 1
REASON_NO_ANSWER = 3
REASON_ANSWERED = 4
REASON_BUSY = 5
REASON_CONGESTION = 8

_REASONS = {
    "ANSWER": REASON_ANSWERED,
    "BUSY": REASON_BUSY,
    "CONGESTION": REASON_CONGESTION,
    "NOANSWER": REASON_NO_ANSWER,
    "CHANUNAVAIL": REASON_FAILED,
    "CANCEL": REASON_HANGUP,
}


@dataclass(slots=True)
class Origination:
    """What to call and what to do with it once it answers: an application, or a place in the dialplan."""

    dial_string: str
    application: str = ""
    data: str = ""
    context: str = ""
    exten: str = ""
    priority: int = 1
    label: str = ""
    timeout: float | None = 30.0
    """Seconds to wait for the answer; None: for ever."""
    caller_number: str = ""
    caller_name: str = ""
    account: str = ""
    variables: list[tuple[str, str]] = field(default_factory=list)
    formats: tuple[str, ...] = ()
    early_media: bool = False
    ids: tuple[str, str] = ("", "")
    predial: str = ""
    """A Gosub target run on the called channel before it is called."""
    on_created: Callable[[Channel], None] | None = None


@dataclass(slots=True)
class Result:
    """How an originate ended: ``reason`` as in OriginateResponse; the channel when it answered."""

    reason: int
    channel: Channel | None
    name: str = ""
    uniqueid: str = ""

    @property
    def answered(self) -> bool:
        """Whether somebody answered."""
        return self.reason == REASON_ANSWERED


async def originate(pbx: Pbx, order: Origination) -> Result:
    """Call, wait for the answer, start what was ordered on the channel, and return without waiting for its end.

    A failed call runs the extension ``failed`` of the context, when there is one, with the variable REASON.
    """
    result = await reach(pbx, order)
    if result.channel is None:
        await _failed(pbx, order, result.reason)
    else:
        begin(result.channel, order)
    return result


async def reach(pbx: Pbx, order: Origination) -> Result:
    """Call and wait for the answer; what answered does nothing yet."""
    from offhook.dialplan.subroutine import run_gosub

    try:
        channel = request(pbx, order.dial_string, formats=order.formats, ids=order.ids)
    except RequestError as error:
        log.log(NOTICE, "%s cannot be called: %s", order.dial_string, error)
        return Result(_reason_of_cause(error.cause), None)
    result = Result(REASON_FAILED, None, channel.name, channel.uniqueid)
    channel.originated = True
    channel.begin_application("AppDial2", "(Outgoing Line)")
    _identify(channel, order)
    if order.predial:
        await run_gosub(channel, order.predial)
    if order.on_created is not None:
        order.on_created(channel)
    started = asyncio.Event()
    dialing = Dialing(pbx, on_progress=lambda _: started.set() if order.early_media else None)
    dialing.add(channel, order.dial_string)
    dialing.start()
    try:
        outcome = await _wait(dialing, order, started)
    except asyncio.CancelledError:
        dialing.finish(causes.NORMAL_CLEARING)
        raise
    if outcome.channel is not None:
        pbx.bus.publish(events.DialEnd(None, outcome.channel, "ANSWER"))
    dialing.finish()
    result.reason = _REASONS.get(outcome.status, REASON_FAILED)
    if outcome.channel is not None:
        result.channel, result.name, result.uniqueid = outcome.channel, outcome.channel.name, outcome.channel.uniqueid
    return result


async def _wait(dialing: Dialing, order: Origination, started: asyncio.Event) -> Outcome:
    run = asyncio.ensure_future(dialing.run(order.timeout))
    if not order.early_media:
        return await run
    progress = asyncio.ensure_future(started.wait())
    done, _ = await asyncio.wait({run, progress}, return_when=asyncio.FIRST_COMPLETED)
    progress.cancel()
    if run in done:
        return run.result()
    run.cancel()
    channel = dialing.attempts[0].channel
    dialing.answered = channel
    return Outcome("ANSWER", channel)


def begin(channel: Channel, order: Origination) -> None:
    """Run what was ordered on an answered channel, in a task of its own."""
    channel.consumer = None
    channel.outgoing = False
    if not channel.alive:  # it answered and was gone again before anything could begin
        channel.hangup()
        return
    if order.application:
        channel.start_task(_run_application(channel, order))
        return
    channel.context = order.context or channel.context
    channel.exten = order.exten or channel.exten
    channel.priority = order.priority
    channel.start_pbx()


async def _run_application(channel: Channel, order: Origination) -> None:
    from offhook.dialplan.executor import run_application

    try:
        await run_application(channel, order.application, order.data)
        if channel.take_goto() or channel.interruption is Interruption.GOTO:
            channel.interruption = None
            await channel.pbx.execute(channel)
    except Hangup as ending:
        channel.hangup_cause = channel.hangup_cause or ending.cause
    except asyncio.CancelledError:
        if channel.interruption is Interruption.GOTO and channel.alive:
            channel.interruption = None
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            channel.take_goto()
            await channel.pbx.execute(channel)
        elif not channel.hangup_requested:
            raise
    finally:
        channel.task = None
        channel.hangup()


def _identify(channel: Channel, order: Origination) -> None:
    for name, value in order.variables:
        channel.set_by_name(name, value)
    if order.account:
        channel.set_accountcode(order.account)
        channel.peer_account = order.account
    if order.caller_number or order.caller_name:
        party = Party()
        if order.caller_number:
            party.number = Number(True, order.caller_number)
        if order.caller_name:
            party.name = Name(True, order.caller_name)
        channel.caller.id = party
        if order.caller_number:
            channel.caller.ani = Party(number=Number(True, order.caller_number))
        channel.tell_caller()
        channel.connected = Connected(id=party.copy())
        channel.tell_connected()


def _reason_of_cause(cause: int) -> int:
    if cause == causes.USER_BUSY:
        return REASON_BUSY
    if cause == causes.NORMAL_CIRCUIT_CONGESTION:
        return REASON_CONGESTION
    return REASON_FAILED


class FailedChannel(Channel):
    """The channel that runs the extension ``failed`` after an originate nobody answered."""

    technology = "OutgoingSpoolFailed"
    __slots__ = ()


async def _failed(pbx: Pbx, order: Origination, reason: int) -> None:
    if order.application or not order.context:
        return
    if not pbx.dialplan.exists(order.context, "failed", 1):
        return
    channel = FailedChannel(pbx, "OutgoingSpoolFailed", state=State.DOWN, context=order.context, exten="failed")
    for name, value in order.variables:
        channel.set_by_name(name, value)
    channel.set("REASON", str(reason))
    if order.account:
        channel.set_accountcode(order.account)
    await channel.start_pbx()
