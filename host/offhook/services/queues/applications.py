"""The application Queue: its arguments, and whether a caller may come in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offhook.calls.channel import Channel, Hangup
from offhook.calls.requesting import max_forwards
from offhook.dialplan.arguments import integer
from offhook.dialplan.outcome import ApplicationError
from offhook.modules import Options, Syntax
from offhook.services.queues.empty import deserted
from offhook.services.queues.inheritance import inherited
from offhook.services.queues.line import Entry
from offhook.services.queues.module import module
from offhook.services.queues.moments import Moment
from offhook.services.queues.penalties import Penalties
from offhook.services.queues.queue import Queue
from offhook.services.queues.queues import Queues, queues_of
from offhook.services.queues.realtime import fetch
from offhook.services.queues.records import NOBODY, record

if TYPE_CHECKING:
    from offhook.services.queues.visit import Visit

log = logging.getLogger(__name__)

_OPTIONS = {
    "b([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on each member's channel before it is called.",
    "B([[context^]exten^]priority[(arg1^...)])": "Run a subroutine on this channel before members are called.",
    "C": "Tell phones that the call was answered elsewhere when it is cancelled.",
    "c": "Go on in the dialplan when the member hangs up.",
    "d": "Data quality: no effect, lines need no such switch here.",
    "F([[context^]exten^]priority)": "Send the member there (or to the next priority) when the caller hangs up.",
    "h": "Let the member end the call with the disconnect code.",
    "H": "Let the caller end the call with the disconnect code, and with * while members ring.",
    "i": "Ignore forwarding requests of members.",
    "I": "Ignore connected-line and redirecting updates.",
    "k": "Let the member park the call.",
    "K": "Let the caller park the call.",
    "m(class)": "Music on hold class instead of the queue's.",
    "n": "Leave after members were called once.",
    "r": "Ringing instead of music.",
    "R": "Ringing instead of music while a member's phone rings.",
    "t": "Let the member transfer.",
    "T": "Let the caller transfer.",
    "w": "No effect: Monitor is gone; see x.",
    "W": "No effect: Monitor is gone; see X.",
    "x": "Let the member start a MixMonitor recording.",
    "X": "Let the caller start a MixMonitor recording.",
}
_TIMES = tuple(f"{name}{unit}" for name in ("ANSWEREDTIME", "DIALEDTIME", "QUEUEWAIT") for unit in ("", "_MS"))


@module.application(
    "Queue",
    Syntax(
        "queuename",
        "[options]",
        "[URL]",
        "[announceoverride]",
        "[timeout]",
        "[AGI]",
        "[gosub]",
        "[rule]",
        "[position]",
        options=_OPTIONS,
        URL="Told in queue_log; no phone here takes it.",
        announceoverride="Prompts for the member, with & between, instead of the queue's.",
        timeout="Seconds after which the caller leaves.",
        AGI="Run on this channel when a member has answered.",
        gosub="context[,arguments] run on the member's channel when it has answered.",
        rule="Rule of queuerules.conf instead of the queue's defaultrule.",
        position="Wanted position; those of higher priority stay before.",
    ),
    see_also=("QueueLog", "AddQueueMember", "RemoveQueueMember", "PauseQueueMember", "UnpauseQueueMember"),
)
async def queue_application(
    channel: Channel,
    name: str = "",
    options: str = "",
    url: str = "",
    announce: str = "",
    timeout: str = "",
    agi: str = "",
    gosub: str = "",
    rule: str = "",
    position: str = "",
) -> None:
    """Wait in a queue until one of its members takes the call.

    QUEUE_PRIO is the caller's priority (more is better), QUEUE_MAX_PENALTY, QUEUE_MIN_PENALTY and
    QUEUE_RAISE_PENALTY say which members may take the call. QUEUESTATUS tells why the dialplan goes on: TIMEOUT, FULL,
    JOINEMPTY, LEAVEEMPTY, JOINUNAVAIL, LEAVEUNAVAIL, CONTINUE, WITHDRAW or UNKNOWN (no such queue). ABANDONED is TRUE
    when nobody took the call, QUEUEPOSITION where the caller was at the end, and QUEUEWAIT, DIALEDTIME and
    ANSWEREDTIME (also with _MS) are durations.
    """
    channel.set_all(dict.fromkeys(_TIMES, ""))
    if not name:
        raise ApplicationError("Queue needs a queue: Queue(queuename[,options[,URL[,announceoverride[,timeout]]]])")
    if max_forwards(channel) <= 0:
        log.warning("%s cannot enter a queue: the call was forwarded too often (max forwards)", channel.name)
        raise Hangup
    if channel.get("ABANDONED") is not None:
        channel.variables.pop("ABANDONED")
        channel.announce_variable("ABANDONED", "")
    from offhook.services.queues.visit import Order, Visit  # what serving takes is imported with the first caller

    queues = queues_of(channel.pbx)
    queue = await fetch(queues, name)
    order = Order(Options(options), url, announce, agi, gosub, rule)
    if queue is not None and (entry := inherited(channel, queue)) is not None:
        await _visit(Visit(queues, queue, entry, order))
        return
    entry = _entry(channel, timeout)
    refused = "UNKNOWN" if queue is None else _refuses(queue, entry)
    if queue is None or refused:
        log.warning("%s cannot join queue %r (%s)", channel.name, name, refused)
        channel.set("QUEUESTATUS", refused)
        return
    entry.penalties.follow(queues.rules.get((rule or queue.settings.defaultrule).lower()))
    visit = Visit(queues, queue, entry, order)
    queue.join(entry, _position(channel, position))
    _enter(queues, queue, entry, url)
    await _visit(visit)


async def _visit(visit: Visit) -> None:
    reason = await visit.run()
    if reason:
        visit.channel.set("QUEUESTATUS", reason)


def _entry(channel: Channel, timeout: str) -> Entry:
    pbx = channel.pbx
    priority = integer(channel.get("QUEUE_PRIO") or "0")
    if priority is None:
        log.warning("%s: QUEUE_PRIO=%s is no number; 0 is taken", channel.name, channel.get("QUEUE_PRIO"))
    entry = Entry(channel, Moment.of(pbx), priority or 0, Penalties.of(channel))
    if timeout:
        seconds = integer(timeout)
        if seconds is None:
            log.warning("%s: Queue: timeout %r is no number of seconds; 0 is taken", channel.name, timeout)
        entry.expires = pbx.now() + (seconds or 0)
    return entry


def _refuses(queue: Queue, entry: Entry) -> str:
    """Why a caller may not join; "" when it may."""
    settings = queue.settings
    if settings.joinempty and deserted(queue, entry.penalties, settings.joinempty):
        return "JOINEMPTY"
    return "FULL" if settings.maxlen and len(queue.line) >= settings.maxlen else ""


def _position(channel: Channel, text: str) -> int:
    wanted = integer(text) if text else 0
    if wanted is None or wanted < 0:
        log.warning("%s: Queue: position %r is no position; the end of the line is taken", channel.name, text)
    return max(0, wanted or 0)


def _enter(queues: Queues, queue: Queue, entry: Entry, url: str) -> None:
    caller = entry.channel.caller.id
    shown = queue.settings.log_restricted_caller_id or caller.shown
    fields = [url, caller.number.text if shown and caller.number.valid else "", str(entry.first_position)]
    if queues.general.log_caller_id_name:
        fields.append(caller.name.text.replace("|", "_") if shown and caller.name.valid else "")
    record(queues.pbx, queue.name, entry.channel.uniqueid, NOBODY, "ENTERQUEUE", *fields)
